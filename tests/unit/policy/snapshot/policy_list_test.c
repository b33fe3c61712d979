/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_fixture.h"

Test(policy_list, the_place_of_what_is_used_is_the_outermost_one)
{
    static const struct {
        const char *name, *scope, *label, *what, *place;
        unsigned line;
    } rows[] = {
        {"a preset", "*", "preset/npm", "preset/npm", "policy.yaml", 2},
        {"a preset of a preset", "*", "preset/ai-anthropic", "preset/balanced", "policy.yaml", 3},
        {"a preset of a file", "*", "preset/traefik", "more.yaml", "policy.yaml", 4},
        {"a file", "*", "more.yaml", "more.yaml", "policy.yaml", 4},
        {"of a client", "ci", "preset/npm", "preset/npm", "policy.d/10-ci.yaml", 4},
        {"of another client", "default", "preset/npm", NULL, NULL, 0},
        {"what is read by itself", "*", "policy.yaml", NULL, NULL, 0},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "policy.yaml",
                         "version: 1\nuse: [preset/npm,\n  preset/balanced,\n  ./more.yaml]\n");
    policy_fixture_write(&fixture, "more.yaml", "version: 1\nuse: preset/traefik\n");
    policy_fixture_write(&fixture, "policy.d/10-ci.yaml",
                         "version: 1\nclients:\n  ci:\n    use: preset/npm\n");
    cr_assert(policy_fixture_load(&fixture));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy_place place;
        bool found = policy_use_place(fixture.policy, rows[i].scope, rows[i].label, &place);
        cr_expect_eq(found, rows[i].what != NULL, "%s", rows[i].name);
        if (!found || rows[i].what == NULL)
            continue;
        cr_expect_str_eq(place.what, rows[i].what, "%s", rows[i].name);
        cr_expect_str_eq(place.label, rows[i].place, "%s", rows[i].name);
        cr_expect_eq(place.line, rows[i].line, "%s", rows[i].name);
    }
}
