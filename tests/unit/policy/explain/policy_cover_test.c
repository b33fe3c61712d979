/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/timestamp.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_fixture.h"

#define D "version: 1\ndocker:\n"
#define N "version: 1\nnetwork:\n"

struct row {
    const char *name, *policy;
    const char *asked;  /* source of the rule */
    const char *blamed; /* what is to blame; NULL = nothing, "expired" = time */
    enum policy_cover_kind kind;
};

static void check(const struct row *row, const struct policy_cover *cover)
{
    AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
    cr_expect_eq(cover->kind, row->kind, "%s: %d", row->name, cover->kind);
    if (cover->kind != POLICY_COVER_DENIED && cover->kind != POLICY_COVER_EARLIER)
        return;
    policy_cover_write_source(cover, &source);
    cr_expect_str_eq(buffer_text(&source), row->blamed, "%s", row->name);
    cr_expect_eq(strlen(cover->by.id), 8, "%s", row->name);
}

static void check_row(const struct row *row)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    bool found = false;
    cr_assert(policy_fixture_text(&fixture, row->policy), "%s: %s", row->name,
              policy_fixture_show(&fixture, &fixture.errors, &shown));
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(fixture.policy);
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(fixture.policy);
         number++) {
        struct policy_listed_rule rule;
        struct policy_cover cover;
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        policy_rule_at(fixture.policy, number, &rule);
        policy_listed_write_source(&rule, &source);
        policy_cover(&scope, number, timestamp_now_us(), &cover);
        if (strcmp(buffer_text(&source), row->asked) != 0)
            continue;
        check(row, &cover);
        found = true;
    }
    cr_expect(found, "%s", row->name);
}

Test(policy_cover, a_docker_rule_never_decides_when_each_of_its_operations_is_decided_before)
{
    static const struct row rows[] = {
        {"denied", D "  - allow: ContainerStop\n  - deny: \"@lifecycle\"\n", "policy.yaml:3",
         "policy.yaml:4", POLICY_COVER_DENIED},
        {"denied in part", D "  - allow: [ContainerStop, ContainerList]\n  - deny: ContainerStop\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"denied by two",
         D "  - allow: [ContainerStop, ContainerList]\n  - deny: ContainerStop\n  - deny: "
           "ContainerList\n",
         "policy.yaml:3", "policy.yaml:5 and others", POLICY_COVER_DENIED},
        {"denied on conditions",
         D "  - allow: ContainerStop\n  - deny: ContainerStop\n    where: {name: x}\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"denied by path", D "  - allow: ContainerStop\n  - deny: {path: \"/containers/*/stop\"}\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"denied for a time",
         D "  - allow: ContainerStop\n  - deny: ContainerStop\n    expires: "
           "2999-01-01\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"a path rule is denied",
         D "  - allow: {method: POST, path: \"/containers/*/stop\"}\n  - deny: ContainerStop\n",
         "policy.yaml:3", "policy.yaml:4", POLICY_COVER_DENIED},
        {"allowed before", D "  - allow: \"@read\"\n  - allow: ContainerList\n", "policy.yaml:4",
         "policy.yaml:3", POLICY_COVER_EARLIER},
        {"allowed behind", D "  - allow: ContainerList\n  - allow: \"@read\"\n", "policy.yaml:3",
         NULL, POLICY_COVER_NONE},
        {"conditions add nothing to an allow without",
         D "  - allow: \"@read\"\n  - allow: ContainerInspect\n    where: {name: x}\n",
         "policy.yaml:4", "policy.yaml:3", POLICY_COVER_EARLIER},
        {"conditions before an allow without",
         D "  - allow: ContainerInspect\n    where: {name: x}\n  - allow: \"@read\"\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"naming a parameter adds something",
         D "  - allow: ImageBuild\n  - allow: ImageBuild\n    where: {query.remote: x}\n",
         "policy.yaml:4", NULL, POLICY_COVER_NONE},
        {"naming a parameter does not help against a deny",
         D "  - allow: ImageBuild\n    where: {query.remote: x}\n  - deny: ImageBuild\n",
         "policy.yaml:3", "policy.yaml:5", POLICY_COVER_DENIED},
        {"one half denied, one allowed",
         D "  - deny: ContainerStop\n  - allow: ContainerList\n  - allow: [ContainerStop, "
           "ContainerList]\n",
         "policy.yaml:5", "policy.yaml:4 and others", POLICY_COVER_EARLIER},
        {"a deny behind a deny", D "  - deny: \"@exec\"\n  - deny: ExecStart\n", "policy.yaml:4",
         "policy.yaml:3", POLICY_COVER_EARLIER},
        {"a deny behind an allow", D "  - allow: \"@exec\"\n  - deny: ExecStart\n", "policy.yaml:4",
         NULL, POLICY_COVER_NONE},
        {"expired", D "  - allow: ContainerList\n    expires: 2001-01-01\n", "policy.yaml:3", NULL,
         POLICY_COVER_EXPIRED},
        {"of a client, denied above",
         D "  - deny: ContainerStop\nclients:\n  a:\n    docker:\n      - allow: ContainerStop\n",
         "policy.yaml:7", "policy.yaml:3", POLICY_COVER_DENIED},
        {"of a client that does not inherit",
         D "  - deny: ContainerStop\nclients:\n  a:\n    inherit: false\n    docker:\n      - "
           "allow: ContainerStop\n",
         "policy.yaml:8", NULL, POLICY_COVER_NONE},
        {"above, denied to one client",
         D "  - allow: ContainerStop\nclients:\n  a:\n    docker:\n      - deny: ContainerStop\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"of another client",
         "version: 1\nclients:\n  a:\n    docker:\n      - allow: ContainerStop\n  b:\n    "
         "docker:\n      - deny: ContainerStop\n",
         "policy.yaml:5", NULL, POLICY_COVER_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}

Test(policy_cover, a_host_never_decides_behind_a_wider_one)
{
    static const struct row rows[] = {
        {"denied", N "  - allow: a.test\n  - deny: \"*.test\"\n", "policy.yaml:3", "policy.yaml:4",
         POLICY_COVER_DENIED},
        {"denied on another port", N "  - allow: a.test\n  - deny: \"*.test:22\"\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"denied on one of two ports", N "  - allow: a.test\n  - deny: \"*.test:80\"\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"denied for some methods", N "  - allow: a.test\n  - deny: a.test\n    methods: POST\n",
         "policy.yaml:3", NULL, POLICY_COVER_NONE},
        {"the apex is not below", N "  - allow: a.test\n  - deny: \"*.a.test\"\n", "policy.yaml:3",
         NULL, POLICY_COVER_NONE},
        {"allowed before", N "  - allow: \"*.test\"\n  - allow: a.test:443\n", "policy.yaml:4",
         "policy.yaml:3", POLICY_COVER_EARLIER},
        {"allowed behind", N "  - allow: a.test:443\n  - allow: \"*.test\"\n", "policy.yaml:3",
         NULL, POLICY_COVER_NONE},
        {"allowed before and denied behind",
         N "  - allow: \"*.test\"\n  - allow: a.test\n  - deny: a.test\n", "policy.yaml:4",
         "policy.yaml:5", POLICY_COVER_DENIED},
        {"allowed above, denied by the client",
         N "  - allow: \"*.test\"\nclients:\n  c:\n    network:\n      - allow: a.test\n      - "
           "deny: a.test\n",
         "policy.yaml:7", "policy.yaml:8", POLICY_COVER_DENIED},
        {"addresses add something",
         N "  - allow: \"*.test\"\n  - allow: a.test\n    addresses: 10.0.0.0/8\n", "policy.yaml:4",
         NULL, POLICY_COVER_NONE},
        {"paths add something: those with two readings are refused",
         N "  - allow: \"*.test\"\n  - allow: a.test:80\n    paths: /a\n", "policy.yaml:4", NULL,
         POLICY_COVER_NONE},
        {"a range in a range", N "  - allow: 8.0.0.0/8\n  - allow: 8.8.0.0/16\n", "policy.yaml:4",
         "policy.yaml:3", POLICY_COVER_EARLIER},
        {"every host does not name private addresses",
         N "  - allow: \"*\"\n  - allow: 10.0.0.0/8\n", "policy.yaml:4", NULL, POLICY_COVER_NONE},
        {"a deny behind a deny", N "  - deny: \"*.test\"\n  - deny: a.test\n", "policy.yaml:4",
         "policy.yaml:3", POLICY_COVER_EARLIER},
        {"a deny before a deny", N "  - deny: a.test\n  - deny: \"*.test\"\n", "policy.yaml:3",
         NULL, POLICY_COVER_NONE},
        {"a deny behind an allow", N "  - allow: \"*.test\"\n  - deny: a.test\n", "policy.yaml:4",
         NULL, POLICY_COVER_NONE},
        {"expired", N "  - allow: a.test\n    expires: 2001-01-01\n", "policy.yaml:3", NULL,
         POLICY_COVER_EXPIRED},
        {"a client inherits the deny",
         N "  - deny: a.test\nclients:\n  c:\n    network:\n      - allow: a.test\n",
         "policy.yaml:7", "policy.yaml:3", POLICY_COVER_DENIED},
        {"a client does not",
         N "  - deny: a.test\nclients:\n  c:\n    inherit: false\n    network:\n      - allow: "
           "a.test\n",
         "policy.yaml:8", NULL, POLICY_COVER_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}
