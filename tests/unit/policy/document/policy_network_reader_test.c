/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of network rules and of clients' network keys when they are read. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/explain/policy_explain.h"
#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_network_fixture.h"

#define V "version: 1\nnetwork:\n"
#define C "version: 1\nclients:\n  a:\n    "

struct text_row {
    const char *name, *text, *says;
};

Test(policy_network_reader, every_error_has_its_place_and_its_mend)
{
    static const struct text_row rows[] = {
        {"not a list", "version: 1\nnetwork: {allow: a.test}\n",
         "policy.yaml:2:10: `network` takes a list"},
        {"not a map", V "  - a.test\n", "policy.yaml:3:5: a rule is a map"},
        {"neither", V "  - {name: x}\n", "either `allow` or `deny`"},
        {"both", V "  - {allow: a.test, deny: b.test}\n", "not both"},
        {"near key", V "  - {allow: a.test, method: GET}\n",
         "policy.yaml:3:21: `method` is no key of a network rule; did you mean `methods`?"},
        {"empty list", V "  - allow: []\n", "`allow` is an empty list"},
        {"a host that is none", V "  - allow: [a.test, \"exa mple.test\"]\n", "policy.yaml:3:21: "},
        {"a URL", V "  - allow: https://a.test/x\n", "policy.yaml:3:12: `https://a.test/x`: "},
        {"an expression", V "  - allow: \"~a(\"\n", "policy.yaml:3:12: `~a(`: "},
        {"a method", V "  - {allow: a.test, methods: get}\n", "policy.yaml:3:30: `get` is no"},
        {"CONNECT", V "  - {allow: a.test, methods: CONNECT}\n", "CONNECT asks for a tunnel"},
        {"TRACE", V "  - {allow: a.test, methods: [GET, TRACE]}\n", "TRACE is never forwarded"},
        {"methods where only TLS is", V "  - {allow: \"a.test:443\", methods: GET}\n",
         "policy.yaml:3:13: `a.test:443`: `methods` and `paths` are seen in plain HTTP only"},
        {"methods without http", V "  - {allow: a.test, methods: GET, protocols: tls}\n",
         "this rule can never match"},
        {"a relative path", V "  - {allow: a.test, paths: debian}\n", "a path begins with `/`"},
        {"a dot segment", V "  - {allow: a.test, paths: /a/../b}\n", "a path begins with `/`"},
        {"a query", V "  - {allow: a.test, paths: \"/a?b\"}\n", "no query"},
        {"a needless escape", V "  - {allow: a.test, paths: /%61}\n", "escapes in capitals"},
        {"half an escape", V "  - {allow: a.test, paths: /%6}\n", "escapes in capitals"},
        {"a space", V "  - {allow: a.test, paths: \"/a b\"}\n", "no bytes that a URL escapes"},
        {"addresses", V "  - {allow: a.test, addresses: 10.0.0.1/8}\n",
         "policy.yaml:3:32: `10.0.0.1/8` is no address or range"},
        {"addresses of a range", V "  - {allow: 10.0.0.0/8, addresses: 10.0.0.1}\n",
         "`addresses` is for names"},
        {"addresses of this machine", V "  - {allow: \"localhost:1\", addresses: 10.0.0.1}\n",
         "it stands for 127.0.0.1 and ::1"},
        {"names below localhost", V "  - allow: \"*.localhost\"\n", "one by one and exactly"},
        {"protocols", V "  - {allow: a.test, protocols: [tls, htpp]}\n",
         "`htpp` is no key of `protocols` (tls, http, ssh, any); did you mean `http`?"},
        {"require_sni", V "  - {allow: a.test, require_sni: yes}\n", "takes true or false"},
        {"SNI without TLS", V "  - {allow: a.test, require_sni: true, protocols: ssh}\n",
         "speak of TLS"},
        {"ech", V "  - {allow: a.test, ech: no}\n", "`ech` is allow or deny"},
        {"expires", V "  - {allow: a.test, expires: tomorrow}\n", "takes a date or a time in UTC"},
        {"no such day", V "  - {allow: a.test, expires: 2027-02-30}\n", "takes a date"},
        {"addresses of a deny", V "  - {deny: a.test, addresses: 10.0.0.1}\n",
         "policy.yaml:3:20: `addresses` is for an allow"},
        {"ech of a deny", V "  - {deny: a.test, ech: deny}\n", "`ech` is for an allow"},
        {"egress by a socket name", C "egress: a:1\n", "policy.yaml:4:13: a listener is ADDRESS"},
        {"transparent by unix", C "transparent: {tls: unix:/run/a/s}\n", "only Docker and egress"},
        {"transparent key", C "transparent: {https: 127.0.0.1:1}\n", "did you mean `http`?"},
        {"transparent list", C "transparent: []\n", "`transparent` takes a map"},
        {"dns without listen", C "dns: {answer: gate}\n", "`dns` has no `listen`"},
        {"dns answer", C "dns: {listen: 127.0.0.1:53, answer: both}\n",
         "policy.yaml:4:41: `both` is no address"},
        {"too many answers",
         C "dns: {listen: 127.0.0.1:53, answer: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, "
           "10.0.0.5]}\n",
         "at most 4"},
        {"the same port twice", C "{egress: 127.0.0.1:9, dns: {listen: \"udp:127.0.0.1:9\"}}\n",
         "listens on udp:127.0.0.1:9, and so does `a`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        cr_expect_not(policy_fixture_text(&fixture, rows[i].text), "%s was accepted", rows[i].name);
        const char *errors = policy_fixture_show(&fixture, &fixture.errors, &shown);
        cr_expect(strstr(errors, rows[i].says) != NULL, "%s: %s", rows[i].name, errors);
        cr_expect_eq(fixture.errors.count, 1, "%s: %s", rows[i].name, errors);
    }
}

Test(policy_network_reader, notices_tell_of_rules_that_never_decide)
{
    static const struct text_row rows[] = {
        {"expired", V "  - {allow: a.test, expires: 2020-01-01}\n",
         "policy.yaml:3:30: this rule has expired"},
        {"shadowed", V "  - allow: a.test\n  - deny: \"*.test\"\n",
         "policy.yaml:3: `a.test` can never decide: `*.test` denies it (policy.yaml:4)"},
        {"shadowed for a client",
         V "  - deny: a.test\nclients: {c: {network: [{allow: a.test}]}}\n",
         "policy.yaml:4: `a.test` can never decide: `a.test` denies it (policy.yaml:3)"},
        {"covered", V "  - allow: \"*.b.test\"\n  - allow: a.b.test\n",
         "policy.yaml:4: `a.b.test` adds nothing: `*.b.test` allows it already (policy.yaml:3)"},
        {"covered subdomains", V "  - allow: \"*.b.test\"\n  - allow: \"*.a.b.test\"\n",
         "policy.yaml:4: `*.a.b.test` adds nothing"},
        {"covered range", V "  - allow: 8.8.0.0/16\n  - allow: 8.8.8.0/24\n",
         "policy.yaml:4: `8.8.8.0/24` adds nothing"},
        {"twice", V "  - allow: [a.test, a.test]\n", "`a.test` adds nothing"},
        {"a range that opens more", V "  - allow: 0.0.0.0/0\n",
         "also opens special-purpose addresses"},
        {"answers that open more", V "  - {allow: a.test, addresses: 0.0.0.0/0}\n",
         "policy.yaml:3:32: `0.0.0.0/0`: this range also opens special-purpose addresses"},
        {"capitals", V "  - allow: \"~Api\\\\.test\"\n", "this expression has capital letters"},
        {"the default", "version: 1\ndefault: {network: allow}\n", "allows every public host"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        cr_assert(policy_fixture_text(&fixture, rows[i].text), "%s: %s", rows[i].name,
                  policy_fixture_show(&fixture, &fixture.errors, &shown));
        const char *notices = policy_fixture_show(&fixture, &fixture.notices, &shown);
        cr_expect(strstr(notices, rows[i].says) != NULL, "%s: %s", rows[i].name, notices);
    }
}

Test(policy_network_reader, rules_that_can_decide_are_not_spoken_of)
{
    static const struct text_row rows[] = {
        {"other ports", V "  - allow: a.test\n  - allow: \"a.test:22\"\n", ""},
        {"an allow before a narrower deny", V "  - allow: \"*.test\"\n  - deny: a.test\n", ""},
        {"a condition on the wider",
         V "  - {allow: \"*.b.test\", methods: GET}\n"
           "  - allow: a.b.test\n",
         ""},
        {"addresses on the narrower",
         V "  - allow: \"*.b.test\"\n"
           "  - {allow: a.b.test, addresses: 10.0.0.0/8}\n",
         ""},
        {"no server name on the narrower",
         V "  - allow: \"*.b.test\"\n  - {allow: a.b.test, require_sni: false}\n", ""},
        {"SSH on the narrower",
         V "  - allow: \"*.b.test\"\n  - {allow: a.b.test, protocols: any}\n", ""},
        {"a deny of one port", V "  - allow: a.test\n  - deny: \"a.test:80\"\n", ""},
        {"denies that others hold", V "  - deny: \"*.test\"\n  - deny: [a.test, a.test]\n", ""},
        {"an exact host below", V "  - allow: x.b.test\n  - allow: \"*.b.test\"\n", ""},
        {"a private range", V "  - allow: 10.0.0.0/8\n", ""},
        {"this machine under a star", V "  - allow: \"*:*\"\n  - allow: \"localhost:80\"\n", ""},
        {"a class in an expression", V "  - allow: \"~\\\\Sx\\\\.test\"\n", ""},
        {"without inheritance",
         V "  - deny: a.test\nclients: {c: {inherit: false, egress: \"127.0.0.1:0\", network: "
           "[{allow: a.test}]}}\n",
         ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        cr_assert(policy_fixture_text(&fixture, rows[i].text), "%s", rows[i].name);
        cr_expect_str_eq(policy_fixture_show(&fixture, &fixture.notices, &shown), rows[i].says,
                         "%s: %s", rows[i].name, buffer_text(&shown));
    }
}

Test(policy_network_reader, a_client_has_listeners_by_role)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(
        &fixture, C "egress: [127.0.0.1:3128, \"tcp:[::1]:3128\", unix:/run/a/egress.sock]\n"
                    "    transparent: {tls: 127.0.0.1:8443, http: 127.0.0.1:8080}\n"
                    "    dns: {listen: \"udp:127.0.0.1:53\", answer: [10.0.0.2, \"fd00::2\"]}\n"
                    "  b: {dns: {listen: 127.0.0.2:53, answer: real}}\n"));
    const struct policy_client *a = policy_client_find(fixture.policy, SLICE_LITERAL("a"));
    static const enum policy_role roles[] = {POLICY_ROLE_EGRESS, POLICY_ROLE_EGRESS,
                                             POLICY_ROLE_EGRESS, POLICY_ROLE_TLS,
                                             POLICY_ROLE_HTTP,   POLICY_ROLE_DNS};
    static const unsigned ports[] = {3128, 3128, 0, 8443, 8080, 53};
    cr_assert_eq(a->listen_count, ARRAY_LEN(roles));
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        cr_expect_eq(a->listens[i].role, roles[i], "%zu", i);
        cr_expect_eq(a->listens[i].port, ports[i], "%zu", i);
    }
    cr_expect_eq(a->listens[2].kind, POLICY_LISTEN_UNIX);
    cr_expect_eq(a->dns_answer, POLICY_DNS_LISTED);
    cr_expect_eq(a->dns_address_count, 2);
    const struct policy_client *b = policy_client_find(fixture.policy, SLICE_LITERAL("b"));
    cr_expect_eq(b->dns_answer, POLICY_DNS_REAL);
    const struct policy_client *other =
        policy_client_find(fixture.policy, SLICE_LITERAL("default"));
    cr_expect_eq(other->dns_answer, POLICY_DNS_GATE);
}

Test(policy_network_reader, options_are_listeners_and_answers_of_the_default_client)
{
    static const struct policy_input_listen listens[] = {
        {POLICY_ROLE_EGRESS, "127.0.0.1:3128", "--egress"},
        {POLICY_ROLE_DNS, "127.0.0.1:5353", "--dns"},
    };
    struct policy_inputs inputs = {.network = listens, .network_count = ARRAY_LEN(listens)};
    static const struct {
        const char *text;
        enum policy_dns_answer answer;
        size_t count;
        const char *error;
    } rows[] = {
        {"gate", POLICY_DNS_GATE, 0, NULL},
        {"real", POLICY_DNS_REAL, 0, NULL},
        {"10.0.0.1,::1", POLICY_DNS_LISTED, 2, NULL},
        {"reel", POLICY_DNS_GATE, 0, "--dns-answer: `reel` is no address"},
        {"", POLICY_DNS_GATE, 0, "--dns-answer: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_messages_free)
        struct policy_messages errors = {NULL, 0, 0},
                               notices = {NULL, 0, 0};
        inputs.dns_answer = rows[i].text;
        CLEANUP(policy_unref) struct policy *policy = policy_load(&inputs, &errors, &notices);
        cr_expect_eq(policy == NULL, rows[i].error != NULL, "%s", rows[i].text);
        if (policy != NULL) {
            const struct policy_client *client = policy_client_at(policy, 0);
            cr_expect_eq(client->dns_answer, rows[i].answer, "%s", rows[i].text);
            cr_expect_eq(client->dns_address_count, rows[i].count, "%s", rows[i].text);
            cr_expect_eq(client->listen_count, 2);
        } else {
            cr_expect(strstr(errors.items[0].error.text, rows[i].error) != NULL, "%s",
                      errors.items[0].error.text);
        }
        policy_messages_free(&notices);
    }
}

/* The hash of a policy with this rule. */
static void hash_of(const char *rule, char hash[13])
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    char text[512];
    snprintf(text, sizeof(text), V "  - %s\n", rule);
    cr_assert(policy_fixture_text(&fixture, text), "%s", rule);
    snprintf(hash, 13, "%s", policy_hash(fixture.policy));
}

Test(policy_network_reader, whatever_decides_changes_the_hash)
{
    static const char *const rules[] = {
        "{allow: a.test}",
        "{deny: a.test}",
        "{allow: b.test}",
        "{allow: \"a.test:80\"}",
        "{allow: [a.test, b.test]}",
        "{allow: a.test, methods: GET}",
        "{allow: a.test, methods: HEAD}",
        "{allow: a.test, paths: /a}",
        "{allow: a.test, addresses: 10.0.0.0/8}",
        "{allow: a.test, addresses: 10.0.0.0/9}",
        "{allow: a.test, require_sni: false}",
        "{allow: a.test, ech: deny}",
        "{allow: a.test, protocols: any}",
        "{allow: a.test, expires: 2100-01-01}",
    };
    char hashes[ARRAY_LEN(rules)][13];
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        hash_of(rules[i], hashes[i]);
        for (size_t before = 0; before < i; before++)
            cr_expect_str_neq(hashes[i], hashes[before], "%s and %s", rules[i], rules[before]);
    }
}

Test(policy_network_reader, a_list_that_is_wrong_in_every_line_is_cut_short)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    buffer_append_literal(&text, V "  - allow:\n");
    for (unsigned i = 0; i < 500; i++)
        buffer_printf(&text, "      - \"bad host %u\"\n", i);
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert_not(policy_fixture_text(&fixture, buffer_text(&text)));
    cr_expect(strstr(policy_fixture_show(&fixture, &fixture.errors, &shown),
                     "450 more hosts of these rules are wrong") != NULL);
    cr_expect_eq(fixture.errors.count, 51);
}

Test(policy_network_reader, files_of_rules_have_network_rules_too)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "more.yaml", V "  - allow: more.test\n");
    policy_fixture_write(&fixture, "policy.d/10-x.yaml", V "  - allow: drop.test\n");
    policy_fixture_write(&fixture, "policy.yaml",
                         "version: 1\nuse: ./more.yaml\n"
                         "clients: {a: {use: ./more.yaml, inherit: false}}\n");
    cr_assert(policy_fixture_load(&fixture));
    static const struct {
        const char *client, *question, *source;
    } rows[] = {
        {"default", "tunnel more.test:443", "more.yaml:3"},
        {"default", "tunnel drop.test:443", "policy.d/10-x.yaml:3"},
        {"a", "tunnel more.test:443", "more.yaml:3"},
        {"a", "tunnel drop.test:443", "default"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        struct network_verdict verdict =
            network_question_ask(fixture.policy, rows[i].client, rows[i].question, NULL);
        network_verdict_write_source(&verdict, &source);
        cr_expect_str_eq(buffer_text(&source), rows[i].source, "%s", rows[i].question);
    }
}

Test(policy_network_reader, rules_are_listed_with_their_ports)
{
    static const char *const shown[] = {
        "* allow A.Test => a.test:80,443",   "* allow *.b.test:22 => *.b.test:22",
        "* deny 10.0.0.0/8 => 10.0.0.0/8:*", "* deny 2001:db8::/32 => [2001:db8::]/32:*",
        "a allow ~x.* => ~x.*:80,443",
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture,
                                  V "  - {allow: [A.Test, \"*.b.test:22\"], methods: GET}\n"
                                    "  - deny: [10.0.0.0/8, \"2001:db8::/32\"]\n"
                                    "clients: {a: {network: [{allow: \"~x.*\", name: n}]}}\n"));
    const size_t docker = POLICY_NUMBER_RULES + policy_rule_count(fixture.policy);
    size_t count = 0;
    for (; docker + count < policy_number_end(fixture.policy); count++) {
        struct policy_listed_rule rule;
        policy_rule_at(fixture.policy, (uint32_t)(docker + count), &rule);
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "%s %s %.*s => ", rule.scope, rule.allows ? "allow" : "deny",
                      (int)rule.written.len, rule.written.ptr);
        policy_listed_write_resource(&rule, &text);
        cr_assert_lt(count, ARRAY_LEN(shown));
        cr_expect_str_eq(buffer_text(&text), shown[count]);
        cr_expect_str_eq(rule.where, count < 2 ? "methods=GET" : "");
        cr_expect_eq(strlen(rule.id), 8);
    }
    cr_expect_eq(count, policy_network_rule_count(fixture.policy));
}
