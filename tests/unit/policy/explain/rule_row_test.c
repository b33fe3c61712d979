/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/explain/rule_row.h"
#include "tests/unit/policy/policy_fixture.h"

static const char policy_text[] = "version: 1\n"
                                  "default: {network: allow}\n"
                                  "docker:\n"
                                  "  - {allow: ContainerList, name: x, comment: why}\n"
                                  "network:\n"
                                  "  - {allow: [a.test, \"[2001:db8::1]:22\"], comment: why}\n"
                                  "clients:\n"
                                  "  c:\n"
                                  "    inherit: false\n"
                                  "    mode: report\n"
                                  "    network: [{deny: \"*.b.test\"}]\n";

Test(rule_row, a_walk_visits_rules_then_defaults_then_what_is_built_in)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    CLEANUP(rule_row_clear) struct rule_row row = {0};
    size_t counts[RULE_ORIGIN_BUILTIN + 1] = {0};
    cr_assert(policy_fixture_text(&fixture, policy_text));
    struct rule_walk walk = {.policy = fixture.policy};
    enum rule_origin last = RULE_ORIGIN_DOCKER;
    while (rule_walk_next(&walk, &row)) {
        cr_expect_geq(row.origin, last);
        last = row.origin;
        counts[row.origin]++;
        cr_expect_eq(strlen(row.rule.id), 8);
        cr_expect_gt(row.resource.len, 0);
    }
    cr_expect_eq(counts[RULE_ORIGIN_DOCKER], policy_rule_count(fixture.policy));
    cr_expect_eq(counts[RULE_ORIGIN_NETWORK], 3);
    cr_expect_eq(counts[RULE_ORIGIN_DEFAULT_DOCKER], 1);
    cr_expect_eq(counts[RULE_ORIGIN_DEFAULT_NETWORK], 1);
    cr_expect_eq(counts[RULE_ORIGIN_CLIENT], 2);
    cr_expect_eq(counts[RULE_ORIGIN_BUILTIN], policy_builtin_count());
    cr_expect_not(rule_walk_next(&walk, &row), "the end stays the end");
}

Test(rule_row, hosts_stand_without_ports_and_ports_beside_them)
{
    static const struct {
        const char *source, *resource, *ports;
    } rows[] = {
        {"policy.yaml:4", "ContainerList", ""}, {"policy.yaml:6", "a.test", "80,443"},
        {"policy.yaml:6", "2001:db8::1", "22"}, {"policy.yaml:11", "*.b.test", "*"},
        {"default", "every other host", "*"},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    CLEANUP(rule_row_clear) struct rule_row row = {0};
    size_t found = 0;
    cr_assert(policy_fixture_text(&fixture, policy_text));
    struct rule_walk walk = {.policy = fixture.policy};
    while (rule_walk_next(&walk, &row)) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            found += slice_equal_text(row.source, rows[i].source) &&
                     slice_equal_text(row.resource, rows[i].resource) &&
                     slice_equal_text(row.ports, rows[i].ports);
        if (slice_equal_text(row.resource, "ContainerList") ||
            slice_equal_text(row.resource, "a.test"))
            cr_expect_str_eq(row.rule.comment, "why");
    }
    cr_expect_eq(found, ARRAY_LEN(rows));
}

Test(rule_row, a_client_is_concerned_by_its_own_rows_and_those_of_everybody)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    CLEANUP(rule_row_clear) struct rule_row row = {0};
    cr_assert(policy_fixture_text(&fixture, policy_text));
    const struct policy_client *lonely = policy_client_find(fixture.policy, SLICE_LITERAL("c"));
    const struct policy_client *other =
        policy_client_find(fixture.policy, SLICE_LITERAL("default"));
    struct rule_walk walk = {.policy = fixture.policy};
    while (rule_walk_next(&walk, &row)) {
        bool own = strcmp(row.rule.scope, "c") == 0;
        bool shared = row.origin <= RULE_ORIGIN_NETWORK && !own && row.rule.file != NULL &&
                      strncmp(row.rule.file, "preset/", 7) != 0;
        cr_expect_eq(rule_row_concerns(&row, fixture.policy, lonely), !shared, "%.*s",
                     (int)row.resource.len, row.resource.ptr);
        cr_expect_eq(rule_row_concerns(&row, fixture.policy, other), !own, "%.*s",
                     (int)row.resource.len, row.resource.ptr);
    }
}
