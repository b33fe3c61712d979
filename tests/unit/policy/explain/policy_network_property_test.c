/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated policies and questions: what the index finds is what a walk over every rule finds, for
 * every fact that can be known or not. The words are few, so that rules meet often. */
#include "tests/unit/policy/policy_network_fixture.h"

#include <criterion/criterion.h>

#include "policy/explain/network_inquiry.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_list.h"

enum { POLICIES = 2500, QUESTIONS = 40 };

static uint32_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

#define PICK(state, array) ((array)[next(state) % ARRAY_LEN(array)])

static const char *const hosts[] = {
    "a.test",       "b.a.test",  "c.b.a.test",     "x.test",
    "test.example", "localhost", "y.localhost",    "93.184.216.34",
    "0.0.0.0",      "[::1]",     "z.localhost",    "[64:ff9b::127.0.0.1]",
    "93.184.217.1", "10.0.0.1",  "[2606:4700::1]", "127.0.0.1"};

static void write_pattern(uint64_t *state, bool allows, struct buffer *out)
{
    static const char *const patterns[] = {"a.test",
                                           "*.a.test",
                                           "**.b.a.test",
                                           "*",
                                           "~[a-c]\\\\..*test",
                                           "~.*x.*",
                                           "x.test",
                                           "*.test",
                                           "93.184.216.34",
                                           "93.184.216.0/22",
                                           "10.0.0.0/8",
                                           "0.0.0.0/0",
                                           "2606:4700::/32",
                                           "localhost",
                                           "~local.*",
                                           "ip6-localhost",
                                           "127.0.0.1",
                                           "[2606:4700::1]",
                                           "c.b.a.test",
                                           "test.example"};
    static const char *const ports[] = {"", "", "", ":443,8080", ":22", ":80,443", ":*", ":1-1024"};
    const char *pattern = PICK(state, patterns);
    const char *port = PICK(state, ports);
    if (port[0] != '\0' && strchr(pattern, ':') != NULL && pattern[0] != '[')
        port = "";
    (void)allows;
    buffer_printf(out, "\"%s%s\"", pattern, port);
}

/* Denies of names below it are refused in an allow. */
static void write_below_localhost(uint64_t *state, struct buffer *out)
{
    static const char *const patterns[] = {"*.localhost", "y.localhost", "y.localhost:22"};
    buffer_printf(out, "  - {deny: \"%s\"}\n", PICK(state, patterns));
}

static void write_conditions(uint64_t *state, bool allows, struct buffer *out)
{
    static const char *const of_allow[] = {", require_sni: false", ", require_sni: true",
                                           ", ech: deny",          ", protocols: [tls, http]",
                                           ", protocols: any",     ", expires: 2100-01-01"};
    static const char *const of_both[] = {", methods: [GET, HEAD]", ", paths: [/a, \"/b/**\"]",
                                          ", methods: POST, paths: \"~/[ab].*\"",
                                          ", expires: 2100-01-01"};
    if (next(state) % 3 == 0)
        buffer_append_text(out, PICK(state, of_both));
    else if (allows && next(state) % 2 == 0)
        buffer_append_text(out, PICK(state, of_allow));
}

/* Half of the names resolve into ranges that only `addresses` opens. */
static void write_rule(uint64_t *state, struct buffer *out)
{
    bool allows = next(state) % 3 != 0;
    if (allows && next(state) % 6 == 0) {
        buffer_append_literal(out,
                              "  - {allow: [\"*.a.test\", a.test], addresses: [10.0.0.0/8]}\n");
        return;
    }
    if (!allows && next(state) % 8 == 0) {
        write_below_localhost(state, out);
        return;
    }
    buffer_append_text(out, allows ? "  - {allow: [" : "  - {deny: [");
    for (unsigned left = 1 + next(state) % 3; left > 0; left--) {
        write_pattern(state, allows, out);
        buffer_append_text(out, left > 1 ? ", " : "]");
    }
    write_conditions(state, allows, out);
    buffer_append_literal(out, "}\n");
}

static void write_policy(uint64_t *state, struct buffer *out)
{
    static const char *const defaults[] = {"allow", "deny", "deny"};
    static const char *const modes[] = {"enforce", "report"};
    buffer_printf(out, "version: 1\ndefault: {network: %s}\nnetwork:\n", PICK(state, defaults));
    for (unsigned left = 1 + next(state) % 6; left > 0; left--)
        write_rule(state, out);
    buffer_printf(out, "clients:\n c:\n  mode: %s\n  inherit: %s\n  network:\n", PICK(state, modes),
                  next(state) % 3 == 0 ? "false" : "true");
    for (unsigned left = 1 + next(state) % 4; left > 0; left--)
        write_rule(state, out);
}

static void write_question(uint64_t *state, struct buffer *out)
{
    static const char *const paths[] = {"/", "/a", "/b/c", "/x", "/a?!"};
    static const char *const methods[] = {"GET", "POST"};
    static const char *const upgrades[] = {" speaks=other", "", ""};
    static const char *const ports[] = {"80", "443", "22", "8080"};
    static const char *const facts[] = {
        " sni=a.test",  " sni=x.test", " sni=-", " sni=!", " speaks=ssh",
        " speaks=http", " ech=yes",    "",       ""};
    static const char *const addresses[] = {" at=93.184.216.34",
                                            " at=10.0.0.1",
                                            " at=127.0.0.1",
                                            " at=2606:4700::1",
                                            " at=::",
                                            " at=64:ff9b:1::10.0.0.1",
                                            "",
                                            ""};
    static const char *const own[] = {" own=93.184.216.34", " own=10.0.0.1", ""};
    static const char *const aliases[] = {" cname=x.test",
                                          " cname=other.example cname=b.a.test",
                                          " cname=a.test cname=x.test",
                                          "",
                                          "",
                                          ""};
    unsigned kind = next(state) % 4;
    const char *host = PICK(state, hosts);
    if (kind == 0)
        buffer_printf(out, "dns %s", host);
    else if (kind == 1)
        buffer_printf(out, "%s %s:%s%s%s", PICK(state, methods), host, PICK(state, ports),
                      PICK(state, paths), PICK(state, upgrades));
    else
        buffer_printf(out, "tunnel %s:%s%s", host, PICK(state, ports), PICK(state, facts));
    buffer_append_text(out, PICK(state, addresses));
    buffer_append_text(out, PICK(state, own));
    if (strchr("0123456789[", host[0]) == NULL)
        buffer_append_text(out, PICK(state, aliases));
    buffer_append_text(out, next(state) % 4 == 0 ? " now=4102444800" : " now=1800000000");
}

struct walk {
    size_t seen, matched;
};

static void count_considered(void *context, const struct policy_considered *rule)
{
    struct walk *walk = context;
    cr_assert(rule->rule[0] != '\0' && rule->source[0] != '\0' && rule->why[0] != '\0');
    walk->seen++;
    walk->matched += rule->matched;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What policy_cover.h says of the host that decided: that it can. A question of DNS is about all
 * ports at once, so that a deny of the very ports of an allow does not answer it: those are left
 * out. */
static void check_cover(const struct policy *policy, const struct network_verdict *verdict,
                        const char *question, const char *document)
{
    const int64_t now_us = INT64_C(1800000000) * 1000000;
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(policy);
    struct policy_listed_rule rule;
    struct policy_cover cover;
    if (verdict->label == NULL || verdict->malformed || strncmp(question, "dns ", 4) == 0)
        return;
    policy_rule_at(policy, verdict->number, &rule);
    cr_assert_eq(rule.written.ptr, verdict->pattern.ptr, "another rule has the number");
    policy_cover(&scope, verdict->number, now_us, &cover);
    cr_assert(cover.kind == POLICY_COVER_NONE, "%s: line %u decides, and not for %s:%u\n%s",
              question, rule.line, cover.by.label, cover.by.line, document);
}

static void compare(const struct policy *policy, const char *client, const char *question,
                    const char *document, unsigned *allowed)
{
    struct walk walk = {0, 0};
    const struct policy_observer observer = {count_considered, &walk};
    struct network_verdict found = network_question_ask(policy, client, question, NULL);
    struct network_verdict walked = network_question_ask(policy, client, question, &observer);
    cr_assert(found.result == walked.result && found.would_deny == walked.would_deny &&
                  found.malformed == walked.malformed && found.line == walked.line &&
                  found.cname == walked.cname && found.rule_allows == walked.rule_allows &&
                  found.pattern.ptr == walked.pattern.ptr &&
                  same_text(found.reason, walked.reason) && same_text(found.why, walked.why) &&
                  same_text(found.label, walked.label),
              "%s of %s: %d %s line %u, and %d %s line %u\n%s", question, client, found.result,
              found.reason, found.line, walked.result, walked.reason, walked.line, document);
    cr_assert(walked.label == NULL || walk.seen > 0);
    check_cover(policy, &found, question, document);
    *allowed += found.result == VERDICT_ALLOW;
}

/* The facts of `request` that the bits name; the others are not known. */
enum { FACT_ADDRESS = 1, FACT_ALIASES = 2, FACT_FIRST_BYTES = 4, FACTS_ALL = 7 };
static struct network_inquiry know(const struct policy *policy, const struct policy_client *client,
                                   const struct network_request *request, unsigned facts)
{
    struct network_inquiry inquiry = {.policy = policy, .client = client, .request = *request};
    if ((facts & FACT_ADDRESS) == 0)
        inquiry.request.address = NULL;
    if ((facts & FACT_ALIASES) == 0)
        inquiry.request.cnames.len = 0;
    if ((facts & FACT_FIRST_BYTES) == 0)
        inquiry.request.tunnel = NULL;
    return inquiry;
}

/* Tells the facts one by one as they are wanted, until none is. */
static bool passes_step_by_step(const struct policy *policy, const struct policy_client *client,
                                const struct network_request *request)
{
    struct network_inquiry inquiry = know(policy, client, request, 0);
    for (unsigned steps = 0; steps < 4; steps++) {
        switch (network_inquiry_ask(&inquiry)) {
        case NETWORK_STEP_DENIED:
            return false;
        case NETWORK_STEP_ADDRESSES:
            inquiry.request.address = request->address;
            inquiry.request.cnames = request->cnames;
            inquiry.way = NETWORK_WAY_NOWHERE;
            break;
        case NETWORK_STEP_FIRST_BYTES:
            if (request->tunnel == NULL)
                return true;
            inquiry.request.tunnel = request->tunnel;
            break;
        case NETWORK_STEP_NOWHERE:
        case NETWORK_STEP_OPEN:
            return true;
        }
    }
    cr_assert_fail("a fact that was told is wanted again");
    return false;
}

/* So the order in which facts come says when a denial is known, and never whether. */
static void check_order(const struct policy *policy, const char *client, const char *text,
                        const char *document, unsigned *allowed)
{
    const struct policy_client *who = policy_client_find(policy, slice_from_text(client));
    struct network_question question;
    bool passes[FACTS_ALL + 1];
    network_question_parse(&question, text);
    struct network_request *request = &question.request;
    if (request->host.is_address && request->address != NULL)
        request->address = &request->host.address; /* nothing else is dialled */
    if (who->mode == POLICY_REPORT && request->path_ambiguous)
        return; /* the one exception: see network_inquiry.h */
    for (unsigned facts = 0; facts <= FACTS_ALL; facts++) {
        struct network_inquiry inquiry = know(policy, who, request, facts);
        passes[facts] = network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
    }
    for (unsigned facts = 0; facts <= FACTS_ALL; facts++) {
        for (unsigned fewer = 0; fewer < facts; fewer++)
            cr_assert((facts & fewer) != fewer || !passes[facts] || passes[fewer],
                      "%s of %s: denied with %u, and permitted with %u\n%s", text, client, fewer,
                      facts, document);
    }
    bool tunnel = request->address != NULL && request->sight == NETWORK_OPAQUE;
    unsigned told = FACT_ADDRESS | FACT_ALIASES | (tunnel ? FACT_FIRST_BYTES : 0);
    cr_assert_eq(passes_step_by_step(policy, who, request), passes[told], "%s of %s\n%s", text,
                 client, document);
    *allowed += passes[FACTS_ALL];
}

/* Holds a property against questions to generated policies, of which some pass and some do not. */
static void for_all(uint64_t state,
                    void (*check)(const struct policy *policy, const char *client,
                                  const char *question, const char *document, unsigned *allowed))
{
    unsigned allowed = 0;
    AUTO_BUFFER struct buffer document = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer question = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    for (unsigned n = 0; n < POLICIES; n++) {
        buffer_clear(&document);
        write_policy(&state, &document);
        policy_fixture_write(&fixture, "policy.yaml", buffer_text(&document));
        bool loaded = policy_fixture_load(&fixture);
        cr_assert(loaded, "%s%s", policy_fixture_show(&fixture, &fixture.errors, &shown),
                  buffer_text(&document));
        for (unsigned q = 0; q < QUESTIONS; q++) {
            buffer_clear(&question);
            write_question(&state, &question);
            check(fixture.policy, q % 2 == 0 ? "default" : "c", buffer_text(&question),
                  buffer_text(&document), &allowed);
        }
    }
    policy_fixture_clear(&fixture);
    cr_assert(allowed > POLICIES && allowed < POLICIES * (QUESTIONS - 1), "%u", allowed);
}

Test(policy_network_property, the_index_decides_what_a_walk_over_every_rule_decides)
{
    for_all(20261121, compare);
}

Test(policy_network_property, a_fact_more_never_permits_what_was_denied)
{
    for_all(20261201, check_order);
}
