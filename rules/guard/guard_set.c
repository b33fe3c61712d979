/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/guard/guard_set.h"

#include <stdlib.h>

void guard_set_clear(struct guard_set *set)
{
    for (size_t guard = 0; guard < GUARD_COUNT; guard++) {
        struct guard_value *value = &set->values[guard];
        for (size_t i = 0; i < value->count; i++)
            pattern_clear(&value->items[i]);
        free(value->items);
    }
    *set = (struct guard_set){.report = false};
}

const char *guard_name(enum guard guard)
{
#define GUARD_TEXT(symbol, name) [GUARD_##symbol] = (name),
    static const char *const names[] = {GUARDS(GUARD_TEXT)};
#undef GUARD_TEXT
    return names[guard];
}

const char *guard_set_source(const struct guard_set *set, enum guard guard)
{
    const char *source = set->values[guard].source;
    return source == NULL ? "default guard" : source;
}

/* An expression that ran into its limit says nothing, which permits nothing. */
bool guard_set_permits(const struct guard_set *set, enum guard guard, struct slice text)
{
    const struct guard_value *value = &set->values[guard];
    bool permits = value->any;
    for (size_t i = 0; i < value->count && !permits; i++)
        permits = pattern_match(&value->items[i], text) == PATTERN_YES;
    return permits;
}
