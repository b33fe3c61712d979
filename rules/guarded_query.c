/* SPDX-License-Identifier: Apache-2.0
 *
 * The closed table of parameters that need a permission of their own. */
#include "rules/guarded_query.h"

static const struct guarded_query_row guarded[] = {
    {DOCKER_CONTAINER_START, {"checkpoint", 10}, {"", 0}, "restores a process image"},
    {DOCKER_CONTAINER_START, {"checkpoint-dir", 14}, {"", 0}, "names a folder on the host"},
    {DOCKER_IMAGE_CREATE, {"fromSrc", 7}, {"-", 1}, "makes the engine fetch an address"},
    {DOCKER_IMAGE_BUILD,
     {"remote", 6},
     {"client-session", 14},
     "makes the engine fetch an address"},
};

const struct guarded_query_row *guarded_query_rows(size_t *count_out)
{
    *count_out = ARRAY_LEN(guarded);
    return guarded;
}

struct slice guarded_query_next(const struct docker_request *request, size_t *position,
                                const char **why_out)
{
    while (*position < ARRAY_LEN(guarded)) {
        size_t row = (*position)++;
        if (guarded[row].operation != request->operation)
            continue;
        struct slice value = docker_request_parameter(request, guarded[row].parameter);
        if (value.len > 0 && !slice_equal(value, guarded[row].harmless)) {
            *why_out = guarded[row].why;
            return guarded[row].parameter;
        }
    }
    return (struct slice){NULL, 0};
}

bool guarded_query_is_named(const struct docker_rule *rule, struct slice parameter)
{
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct docker_condition *condition = &rule->conditions[i];
        if (condition->key == DOCKER_CONDITION_QUERY &&
            slice_equal(condition->parameter, parameter))
            return true;
    }
    return false;
}
