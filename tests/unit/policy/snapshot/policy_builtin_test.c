/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/snapshot/policy_builtin.h"
#include "rules/docker/docker_reach.h"

Test(policy_builtin, every_row_is_whole_and_has_a_key_of_its_own)
{
    for (size_t i = 0; i < policy_builtin_count(); i++) {
        struct policy_builtin row, other;
        policy_builtin_at(i, &row);
        cr_expect(row.name != NULL && row.ports != NULL && row.resource[0] != '\0', "%zu", i);
        cr_expect(strcmp(row.kind, "docker") == 0 || strcmp(row.kind, "network") == 0, "%s",
                  row.name);
        cr_expect_lt(strlen(row.resource), sizeof(row.resource) - 1, "%s is cut", row.resource);
        cr_expect_lt(strlen(row.unless), sizeof(row.unless) - 1, "%s is cut", row.unless);
        for (size_t j = 0; j < i; j++) {
            policy_builtin_at(j, &other);
            cr_expect_neq(row.key, other.key, "%s and %s", row.resource, other.resource);
        }
    }
}

Test(policy_builtin, every_address_class_and_every_guarded_parameter_is_in_it)
{
    unsigned classes = 0, guards = 0;
    struct docker_reach_place place;
    unsigned places = 0;
    for (; docker_reach_place_at(places, &place); places++) {
        bool found = place.parameter.ptr == NULL;
        for (size_t i = 0; !found && i < policy_builtin_count(); i++) {
            AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
            struct policy_builtin row;
            policy_builtin_at(i, &row);
            buffer_append_literal(&key, "query.");
            buffer_append_slice(&key, place.parameter);
            found = row.is_guard && strstr(row.unless, buffer_text(&key)) != NULL;
        }
        cr_expect(found, "%.*s", (int)place.parameter.len, place.parameter.ptr);
    }
    for (size_t i = 0; i < policy_builtin_count(); i++) {
        struct policy_builtin row;
        AUTO_BUFFER struct buffer ranges = BUFFER_EMPTY;
        policy_builtin_at(i, &row);
        policy_builtin_write_ranges(row.class, &ranges);
        bool listed = row.class != ADDRESS_PUBLIC && row.class != ADDRESS_OWN_HOST;
        cr_expect_eq(ranges.len > 0, listed, "%s", row.name);
        if (row.class != ADDRESS_PUBLIC)
            cr_expect_str_eq(row.name, address_class_reason(row.class));
        classes += row.class != ADDRESS_PUBLIC;
        guards += row.is_guard;
    }
    cr_expect_eq(classes, ADDRESS_CLASS_COUNT - 1);
    cr_expect_eq(guards, places);
}
