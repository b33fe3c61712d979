/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of rules, by which the gate counts, and the documents a policy was made of. */
#include <criterion/criterion.h>

#include <string.h>
#include <sys/stat.h>

#include "policy/snapshot/policy_list.h"
#include "policy/document/rule_hits.h"
#include "tests/unit/policy/policy_fixture.h"
#include "tests/unit/policy/policy_network_fixture.h"

static const char sample[] = "version: 1\n"
                             "use: [preset/npm]\n"
                             "docker:\n"
                             "  - allow: ContainerList\n"
                             "  - deny: ContainerInspect\n"
                             "network:\n"
                             "  - allow: [a.example, b.example]\n"
                             "  - deny: c.example\n"
                             "clients:\n"
                             "  empty: {listen: unix:/run/a/x.sock}\n"
                             "  alone:\n"
                             "    listen: unix:/run/b/x.sock\n"
                             "    inherit: false\n"
                             "    docker: [{allow: ContainerList}]\n"
                             "    network: [{allow: [d.example, 10.0.0.0/8]}]\n"
                             "  more:\n"
                             "    listen: unix:/run/c/x.sock\n"
                             "    network: [{deny: e.example}]\n";

Test(policy_number, every_listed_rule_has_the_next_number_and_its_own_key)
{
    static const struct {
        const char *scope, *text;
    } rows[] = {
        {"*", "allow *.npmjs.org:443"}, {"*", "allow *.yarnpkg.com:443"},
        {"*", "allow a.example"},       {"*", "allow b.example"},
        {"*", "deny c.example"},        {"alone", "allow d.example"},
        {"alone", "allow 10.0.0.0/8"},  {"more", "deny e.example"},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, sample));
    size_t network = 0;
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(fixture.policy);
         number++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        struct policy_listed_rule rule;
        policy_rule_at(fixture.policy, number, &rule);
        policy_listed_write_text(&rule, &text);
        cr_expect_eq(rule.number, number);
        cr_expect_eq(policy_number_key(fixture.policy, number), rule.key, "%s", buffer_text(&text));
        cr_expect_neq(rule.docker == NULL, rule.network == NULL, "%s", buffer_text(&text));
        if (rule.network != NULL) {
            cr_assert_lt(network, ARRAY_LEN(rows));
            cr_expect_str_eq(rule.scope, rows[network].scope);
            cr_expect_str_eq(buffer_text(&text), rows[network].text);
            network++;
        } else {
            cr_expect_eq(network, 0u, "Docker rules stand first");
        }
    }
    cr_expect_eq(network, ARRAY_LEN(rows));
    cr_expect_eq(policy_network_rule_count(fixture.policy), ARRAY_LEN(rows));
    cr_expect_eq(policy_rule_count(fixture.policy) + ARRAY_LEN(rows) + POLICY_NUMBER_RULES,
                 policy_number_end(fixture.policy));
    cr_expect_eq(policy_number_key(fixture.policy, POLICY_NUMBER_DEFAULT_DOCKER),
                 RULE_HITS_DEFAULT_DOCKER);
    cr_expect_eq(policy_number_key(fixture.policy, POLICY_NUMBER_DEFAULT_NETWORK),
                 RULE_HITS_DEFAULT_NETWORK);
}

/* The key of the rule with this source or pattern. */
static uint64_t key_of(const struct policy *policy, const char *word)
{
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(policy); number++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        if (strcmp(rule.label, word) == 0 || slice_equal_text(rule.written, word))
            return rule.key;
    }
    cr_assert_fail("%s", word);
    return 0;
}

Test(policy_number, a_docker_verdict_names_what_decided)
{
    static const struct {
        const char *name, *client, *request, *source;
    } rows[] = {
        {"rule", "default", "GET /containers/json", "policy.yaml:4"},
        {"deny", "empty", "GET /containers/x/json", "policy.yaml:5"},
        {"a client's own", "alone", "GET /containers/json", "policy.yaml:14"},
        {"always", "alone", "GET /_ping", "preset/negotiate:5"},
        {"default", "default", "POST /containers/create", NULL},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, sample));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct verdict verdict = policy_fixture_ask(&fixture, rows[i].client, rows[i].request,
                                                    DOCKER_OBJECT_UNKNOWN, NULL);
        if (rows[i].source == NULL)
            cr_expect_eq(verdict.number, POLICY_NUMBER_DEFAULT_DOCKER, "%s", rows[i].name);
        else
            cr_expect_eq(policy_number_key(fixture.policy, verdict.number),
                         key_of(fixture.policy, rows[i].source), "%s: %s", rows[i].name,
                         verdict.source);
    }
}

Test(policy_number, a_network_verdict_names_what_decided)
{
    static const struct {
        const char *name, *client, *question, *pattern;
    } rows[] = {
        {"second host of a rule", "default", "tunnel b.example:443", "b.example"},
        {"deny", "more", "tunnel c.example:443", "c.example"},
        {"inherited", "more", "tunnel a.example:443", "a.example"},
        {"own of the last client", "more", "tunnel e.example:443", "e.example"},
        {"own without inherited ones", "alone", "tunnel d.example:443", "d.example"},
        {"range", "alone", "tunnel 10.1.2.3:443", "10.0.0.0/8"},
        {"default", "alone", "tunnel a.example:443", NULL},
        {"special address", "default", "tunnel 127.0.0.1:443", NULL},
        {"server name by default", "alone", "tunnel 10.1.2.3:443 sni=x.example", NULL},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, sample));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network_verdict verdict =
            network_question_ask(fixture.policy, rows[i].client, rows[i].question, NULL);
        if (rows[i].pattern == NULL)
            cr_expect_eq(verdict.number, POLICY_NUMBER_DEFAULT_NETWORK, "%s", rows[i].name);
        else
            cr_expect_eq(policy_number_key(fixture.policy, verdict.number),
                         key_of(fixture.policy, rows[i].pattern), "%s", rows[i].name);
    }
}

Test(policy_number, a_policy_knows_the_documents_it_was_made_of)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    struct stat status;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "policy.yaml",
                         "version: 1\nuse: [preset/npm, ./more.yaml]\n"
                         "clients: {a: {listen: unix:/run/a/x.sock, use: [preset/npm]}}\n");
    policy_fixture_write(&fixture, "more.yaml", "version: 1\ndocker: [{allow: SystemInfo}]\n");
    policy_fixture_write(&fixture, "policy.d/10-a.yaml", "version: 1\n");
    cr_assert(policy_fixture_load(&fixture));
    static const char *const names[] = {"/policy.yaml", "preset/npm", "/more.yaml",
                                        "/policy.d/10-a.yaml", "preset/negotiate"};
    cr_assert_eq(policy_source_count(fixture.policy), ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct policy_source *source = policy_source_at(fixture.policy, i);
        cr_expect(strstr(source->path, names[i]) != NULL, "%s", source->path);
        cr_expect_gt(source->bytes, 0u);
        cr_expect_eq(source->modified_us != 0, names[i][0] == '/', "%s", source->path);
    }
    cr_assert_eq(stat(fixture.config, &status), 0);
    cr_expect_eq(policy_source_at(fixture.policy, 0)->bytes, (uint64_t)status.st_size);
    cr_expect_eq(policy_source_at(fixture.policy, 0)->modified_us / 1000000,
                 (int64_t)status.st_mtim.tv_sec);
}
