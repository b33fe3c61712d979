/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/guard/body_type.h"

#include "base/attributes.h"

/* The next letter of a key as Go's decoder compares it (encoding/json, foldName): the two letters
 * beyond ASCII whose simple case folding is an ASCII letter count as that one. -1 at the end. */
static int next_folded(struct slice *key)
{
    if (key->len == 0)
        return -1;
    size_t len = 1;
    int letter = (unsigned char)key->ptr[0];
    if (letter >= 'A' && letter <= 'Z') {
        letter += 'a' - 'A';
    } else if (slice_starts_with(*key, SLICE_LITERAL("\xc5\xbf"))) { /* U+017F */
        letter = 's';
        len = 2;
    } else if (slice_starts_with(*key, SLICE_LITERAL("\xe2\x84\xaa"))) { /* U+212A */
        letter = 'k';
        len = 3;
    }
    *key = slice_of(key->ptr + len, key->len - len);
    return letter;
}

static bool equal_folded(struct slice a, struct slice b)
{
    int letter;
    do {
        letter = next_folded(&a);
        if (letter != next_folded(&b))
            return false;
    } while (letter >= 0);
    return true;
}

bool body_type_is_judged(const struct body_type *type)
{
    bool judged = type->element != NULL && body_type_is_judged(type->element);
    for (size_t i = 0; i < type->count && !judged; i++)
        judged = type->fields[i].guard != GUARD_NONE || body_type_is_judged(type->fields[i].type);
    return judged;
}

const struct body_field *body_type_field(const struct body_type *object, struct slice key)
{
    for (size_t i = 0; i < object->count; i++) {
        if (slice_equal(object->fields[i].key, key))
            return &object->fields[i];
    }
    for (size_t i = 0; i < object->count; i++) {
        if (equal_folded(object->fields[i].key, key))
            return &object->fields[i];
    }
    return NULL;
}
