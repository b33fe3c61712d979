/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions about destinations: one policy a table, one row a question. */
#include "policy_network_fixture.h"

#include <criterion/criterion.h>

struct row {
    const char *name, *client, *question;
    const char *verdict; /* "allow"; "deny REASON"; "report REASON" = allowed in report mode only */
    const char *source;  /* of the deciding rule */
};

static void show_verdict(const struct network_verdict *verdict, struct buffer *out)
{
    if (verdict->result == VERDICT_ALLOW && !verdict->would_deny)
        buffer_append_literal(out, "allow");
    else
        buffer_printf(out, "%s %s", verdict->would_deny ? "report" : "deny", verdict->reason);
}

static void check_rows(const char *text, const struct row *rows, size_t count)
{
    struct policy_fixture fixture;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    bool loaded = policy_fixture_text(&fixture, text);
    cr_assert(loaded, "%s", policy_fixture_show(&fixture, &fixture.errors, &shown));
    for (size_t i = 0; i < count; i++) {
        AUTO_BUFFER struct buffer got = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        struct network_verdict verdict = network_question_ask(
            fixture.policy, rows[i].client == NULL ? "default" : rows[i].client, rows[i].question,
            NULL);
        show_verdict(&verdict, &got);
        network_verdict_write_source(&verdict, &source);
        cr_expect_str_eq(buffer_text(&got), rows[i].verdict, "%s: %s is %s", rows[i].name,
                         rows[i].question, buffer_text(&got));
        if (rows[i].source != NULL)
            cr_expect_str_eq(buffer_text(&source), rows[i].source, "%s: by %s", rows[i].name,
                             buffer_text(&source));
        cr_expect_eq(verdict.malformed, strcmp(verdict.reason, "malformed.path") == 0, "%s",
                     rows[i].name);
    }
    policy_fixture_clear(&fixture);
}

Test(policy_network, deny_wins_and_the_first_of_equals_decides)
{
    static const struct row rows[] = {
        {"an exact host", NULL, "tunnel api.example.com:443", "allow", "policy.yaml:3"},
        {"a port it is not for", NULL, "tunnel api.example.com:22", "deny default", "default"},
        {"no rule at all", NULL, "tunnel other.test:443", "deny default", "default"},
        {"a subdomain", NULL, "tunnel a.b.example.org:443", "allow", "policy.yaml:4"},
        {"never the apex", NULL, "tunnel example.org:443", "deny default", NULL},
        {"a deny inside a wider allow", NULL, "tunnel bad.example.org:443", "deny rule",
         "policy.yaml:5"},
        {"a deny is for every port", NULL, "tunnel bad.example.org:8443", "deny rule", NULL},
        {"the line is the pattern's own", NULL, "tunnel github.com:22", "allow", "policy.yaml:8"},
        {"the first of two allows", NULL, "tunnel x.example.org:443", "allow", "policy.yaml:4"},
        {"a client adds its own", "a", "tunnel only-a.test:443", "allow", "policy.yaml:13"},
        {"which others do not get", NULL, "tunnel only-a.test:443", "deny default", NULL},
        {"top level comes first", "a", "tunnel api.example.com:443", "allow", "policy.yaml:3"},
        {"a client's deny beats the top level", "a", "tunnel x.example.org:443", "deny rule",
         "policy.yaml:14"},
        {"without inheritance", "b", "tunnel api.example.com:443", "deny default", NULL},
        {"nor its denies", "b", "tunnel bad.example.org:443", "allow", "policy.yaml:18"},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: api.example.com\n"
               "  - allow: \"*.example.org\"\n"
               "  - deny: bad.example.org\n"
               "  - allow:\n"
               "      - gitlab.test\n"
               "      - github.com:22\n"
               "  - allow: x.example.org\n"
               "clients:\n"
               "  a:\n"
               "    network:\n"
               "      - allow: [only-a.test, api.example.com]\n"
               "      - deny: x.example.org\n"
               "  b:\n"
               "    inherit: false\n"
               "    network:\n"
               "      - allow: \"*.example.org\"\n",
               rows, ARRAY_LEN(rows));
}
