/* SPDX-License-Identifier: Apache-2.0
 *
 * What a denied client is told. */
#include <criterion/criterion.h>

#include "tests/unit/policy/policy_network_fixture.h"
#include "policy/explain/policy_explain.h"

static void ask(const struct policy_fixture *fixture, const char *text, struct buffer *denial,
                struct buffer *fix)
{
    struct network_question question;
    struct network_verdict verdict;
    const struct policy_client *client = policy_client_at(fixture->policy, 0);
    network_question_parse(&question, text);
    policy_decide_network(fixture->policy, client, &question.request, NULL, &verdict);
    policy_explain_network_denial(client, &question.request, &verdict, denial);
    policy_explain_network_fix(fixture->policy, client, &question.request, &verdict, fix);
}

Test(policy_explain, a_denial_says_what_by_which_rule_and_what_would_permit_it)
{
    static const struct {
        const char *name, *question, *says, *fix; /* fix "" = none */
    } rows[] = {
        {"no rule", "tunnel a.test:8443",
         "a.test:8443 on client `default` is denied by default: no",
         "run `dockreeve policy allow network \"a.test:8443\" --config "},
        {"another port", "tunnel x.test:22", "rules allow this host on other ports",
         "run `dockreeve policy allow network \"x.test:22\" --config "},
        {"a deny", "tunnel no.test:443", "is denied by rule `deny no.test` (policy.yaml:4)",
         "change or remove the deny at "
         "policy.yaml:4"},
        {"a named deny", "tunnel named.test:443", "is denied by rule `spies` (policy.yaml:5)",
         "policy.yaml:5"},
        {"an address class", "tunnel x.test:443 at=10.0.0.1",
         "x.test:443 at 10.0.0.1 on client `default` is denied: rule `allow x.test` "
         "(policy.yaml:3) is for this host",
         "run `dockreeve policy allow network \"x.test:443\" --address 10.0.0.1 --config "},
        {"an IPv6 one", "tunnel x.test:443 at=fd00::1", "at fd00::1",
         " --address fd00::1 --config "},
        {"a literal", "tunnel [fd00::1]:22", "[fd00::1]:22 on client",
         "run `dockreeve policy allow network \"[fd00::1]:22\" --config "},
        {"this machine", "tunnel localhost:5432", "only through a rule that names it",
         "run `dockreeve policy allow network \"localhost:5432\" --config "},
        {"another server name", "tunnel x.test:443 sni=b.test", "names another host", ""},
        {"no server name", "tunnel x.test:443 sni=-", "carries no server name",
         "add `- {allow: \"x.test:443\", require_sni: false}`"},
        {"SSH on 443", "tunnel x.test:443 speaks=ssh", "admits TLS only", "protocols: [ssh]"},
        {"ECH", "tunnel ech.test:443 sni=ech.test ech=yes", "carries an encrypted one",
         "take `ech: deny` out of the rule at policy.yaml:7"},
        {"a literal's server name", "tunnel 8.8.8.8:443 sni=b.test", "not allowed itself",
         "run `dockreeve policy allow network \"b.test:443\" --config "},
        {"a tunnel that cannot be seen", "tunnel seen.test:80", "cannot be seen in a tunnel",
         "run `dockreeve policy allow network \"seen.test:80\" --config "},
        {"another method", "POST seen.test:80/a", "rules allow other methods of this host",
         "\"seen.test:80\" --method POST --config "},
        {"another path", "GET seen.test:80/secret", "rules allow other paths of this host",
         "--method GET --config "},
        {"a path with two readings", "GET seen.test:80/a?!", "more than one way", ""},
        {"plain HTTP to a host of no rule", "GET a.test:80/x", "denied by default",
         "run `dockreeve policy allow network \"a.test:80\" --config "},
        {"plain HTTP to a private address", "GET x.test:80/x at=10.0.0.1", "does not admit this",
         "run `dockreeve policy allow network \"x.test:80\" --address 10.0.0.1 --config "},
        {"a question", "dns a.test", "dockreeve: a.test on client",
         "run `dockreeve policy allow network \"a.test\" --config "},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, "version: 1\n"
                                            "network:\n"
                                            "  - allow: x.test\n"
                                            "  - deny: no.test\n"
                                            "  - {deny: named.test, name: spies}\n"
                                            "  - allow: 8.8.8.8\n"
                                            "  - {allow: ech.test, ech: deny}\n"
                                            "  - {allow: seen.test, methods: GET, paths: /a}\n"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer denial = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer fix = BUFFER_EMPTY;
        ask(&fixture, rows[i].question, &denial, &fix);
        cr_expect(strstr(buffer_text(&denial), rows[i].says) != NULL, "%s: %s", rows[i].name,
                  buffer_text(&denial));
        cr_expect(strstr(buffer_text(&fix), rows[i].fix) != NULL, "%s: %s", rows[i].name,
                  buffer_text(&fix));
        cr_expect_eq(fix.len == 0, rows[i].fix[0] == '\0', "%s: %s", rows[i].name,
                     buffer_text(&fix));
        cr_expect(strstr(buffer_text(&denial), "secret") == NULL, "%s", rows[i].name);
    }
}
