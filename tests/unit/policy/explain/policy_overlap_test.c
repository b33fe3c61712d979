/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a rule beside others. The rule asked about is the last one of its kind. */
#include <criterion/criterion.h>

#include "policy/explain/policy_overlap.h"
#include "tests/unit/policy/policy_fixture.h"

struct overlap_row {
    const char *name, *text, *says; /* says: NULL = nothing */
};

/* The last rule of each policy. */
static void check(const struct overlap_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        CLEANUP(policy_messages_free) struct policy_messages messages = {NULL, 0, 0};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(policy_fixture_text(&fixture, rows[i].text), "%s", rows[i].name);
        policy_overlap(fixture.policy, policy_number_end(fixture.policy) - 1, 1, &messages);
        const char *said = policy_fixture_show(&fixture, &messages, &out);
        cr_expect(rows[i].says == NULL ? said[0] == '\0' : strstr(said, rows[i].says) != NULL,
                  "%s: %s", rows[i].name, said);
    }
}

#define D "version: 1\ndocker:\n"

Test(policy_overlap, docker_rules_that_take_from_a_rule_or_hold_it)
{
    static const struct overlap_row rows[] = {
        {"nothing", D "  - deny: ContainerKill\n  - allow: ContainerStop\n", NULL},
        {"a deny", D "  - deny: ContainerKill\n  - allow: ContainerKill\n",
         "policy.yaml:4:5: this rule can never decide: all it allows is denied by rules without a "
         "condition (policy.yaml:3)\n"},
        {"a deny of a part", D "  - deny: \"@exec\"\n  - allow: [ContainerExec, ContainerStop]\n",
         "deny @exec (policy.yaml:3) denies ContainerExec all the same\n"},
        {"a deny on condition",
         D "  - {deny: ContainerStop, where: {name: a}}\n  - allow: ContainerStop\n",
         "denies ContainerStop all the same where it matches\n"},
        {"a deny by path", D "  - deny: {path: /containers/*/stop}\n  - allow: ContainerStop\n",
         "denies ContainerStop all the same where it matches\n"},
        {"an allow", D "  - allow: \"@all\"\n  - allow: ContainerStop\n",
         "policy.yaml:4:5: this rule adds nothing: all it allows is decided by rules without a "
         "condition (policy.yaml:3)\n"},
        {"an allow on condition",
         D "  - {allow: ContainerStop, where: {name: a}}\n  - allow: ContainerStop\n", NULL},
        {"an allow of a part", D "  - allow: ContainerStop\n  - allow: \"@lifecycle\"\n", NULL},
        {"a path that an operation holds",
         D "  - allow: ContainerStop\n  - allow: {method: POST, path: /containers/*/stop}\n",
         "all it allows is decided"},
        {"a deny beside a deny", D "  - deny: \"@exec\"\n  - deny: ContainerExec\n",
         "this rule adds nothing: all it denies is decided by"},
        {"a deny beside an allow", D "  - allow: \"@exec\"\n  - deny: ContainerExec\n", NULL},
        {"a client's, and a deny for all",
         D "  - deny: ContainerStop\nclients: {a: {docker: [{allow: ContainerStop}]}}\n",
         "this rule can never decide"},
        {"the default", D "  - allow: ContainerStop\ndefault: {docker: allow}\n",
         "`default: {docker: allow}` allows it already\n"},
        {"a deny and the default", D "  - deny: ContainerStop\ndefault: {docker: allow}\n", NULL},
        {"a client's that does not inherit it",
         D "  - deny: ContainerStop\nclients: {a: {inherit: false, docker: [{allow: "
           "ContainerStop}]}}\n",
         NULL},
        {"of two clients",
         "version: 1\nclients: {a: {docker: [{deny: ContainerStop}]}, b: {docker: [{allow: "
         "ContainerStop}]}}\n",
         NULL},
    };
    check(rows, ARRAY_LEN(rows));
}

#define N "version: 1\nnetwork:\n"

Test(policy_overlap, destinations_that_stay_denied)
{
    static const struct overlap_row rows[] = {
        {"nothing", N "  - deny: b.test\n  - allow: a.test\n", NULL},
        {"a deny", N "  - deny: \"*.test\"\n  - allow: a.test\n",
         "policy.yaml:4: `a.test` can never decide: `*.test` denies it (policy.yaml:3)\n"},
        {"a deny of one port", N "  - deny: \"a.test:443\"\n  - allow: a.test\n",
         "port 443 is denied all the same"},
        {"a deny that another holds", N "  - deny: \"*.test\"\n  - deny: \"a.test:22\"\n",
         "policy.yaml:4: `a.test:22` adds nothing: `*.test` denies it already (policy.yaml:3)\n"},
        {"a deny of another port", N "  - deny: \"a.test:22\"\n  - allow: a.test\n", NULL},
        {"a deny that looks inside", N "  - {deny: a.test, methods: POST}\n  - allow: a.test\n",
         "deny a.test (policy.yaml:3)"},
        {"an address", N "  - deny: 192.0.2.0/24\n  - allow: 192.0.2.1\n",
         "`192.0.2.0/24` denies it"},
        {"a name, for every client",
         N "  - {deny: a.test, name: no tests}\nclients: {x: {network: [{allow: a.test}]}}\n",
         "`a.test` denies it (policy.yaml:3)"},
        {"a client that does not inherit",
         N "  - deny: a.test\nclients: {x: {inherit: false, network: [{allow: a.test}]}}\n", NULL},
        {"the default", N "  - allow: a.test\ndefault: {network: allow}\n",
         "policy.yaml:3: `default: {network: allow}` allows it already\n"},
        {"an address and the default", N "  - allow: 10.0.0.1\ndefault: {network: allow}\n", NULL},
        {"a deny and the default", N "  - deny: a.test\ndefault: {network: allow}\n", NULL},
    };
    check(rows, ARRAY_LEN(rows));
}
