/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions about destinations: one policy a table, one row a question. */
#include "tests/unit/policy/policy_network_fixture.h"
#include "policy/explain/policy_explain.h"

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
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
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

Test(policy_network, special_purpose_addresses_need_a_rule_that_names_them)
{
    static const struct row rows[] = {
        {"a public answer", NULL, "tunnel a.test:443 at=93.184.216.34", "allow", NULL},
        {"a private answer", NULL, "tunnel a.test:443 at=10.0.0.1", "deny address-class.private",
         "policy.yaml:3"},
        {"loopback inside IPv6", NULL, "tunnel a.test:443 at=::ffff:127.0.0.2",
         "deny address-class.loopback", NULL},
        {"metadata", NULL, "tunnel a.test:80 at=169.254.169.254", "deny address-class.metadata",
         NULL},
        {"`addresses` permits", NULL, "tunnel in.test:443 at=10.1.2.3", "allow", NULL},
        {"and narrows", NULL, "tunnel in.test:443 at=93.184.216.34", "deny default", "default"},
        {"another special address", NULL, "tunnel in.test:443 at=127.0.0.1",
         "deny address-class.loopback", NULL},
        {"a literal by a range", NULL, "tunnel 10.9.0.7:22", "allow", "policy.yaml:6"},
        {"a literal's other port", NULL, "tunnel 10.9.0.7:23", "deny address-class.private", NULL},
        {"a name at a range that is allowed", NULL, "tunnel b.test:22 at=10.9.0.7",
         "deny address-class.private", NULL},
        {"a literal that nothing names", NULL, "tunnel 127.0.0.1:22", "deny address-class.loopback",
         "default"},
        {"a denied range, by name", NULL, "tunnel a.test:443 at=198.41.0.4", "deny rule",
         "policy.yaml:7"},
        {"a denied range, as a literal", "any", "tunnel 198.41.0.4:443", "deny rule",
         "policy.yaml:7"},
        {"a denied port of a range", "any", "tunnel a.test:25 at=93.184.216.1", "deny rule",
         "policy.yaml:8"},
        {"another port of it", "any", "tunnel a.test:80 at=93.184.216.1", "allow", NULL},
        {"localhost by its name", NULL, "tunnel localhost:5432 at=127.0.0.1", "allow", NULL},
        {"only that port", NULL, "tunnel localhost:5433", "deny address-class.loopback", NULL},
        {"localhost and a star", "any", "tunnel localhost:80", "deny address-class.loopback", NULL},
        {"a name below localhost", "any", "tunnel a.localhost:80", "deny address-class.loopback",
         NULL},
        {"localhost that leads elsewhere", NULL, "tunnel localhost:5432 at=10.0.0.1",
         "deny address-class.private", NULL},
        {"a star and a literal", "any", "tunnel 192.168.1.1:80", "deny address-class.private",
         NULL},
        {"a star and a public literal", "any", "tunnel 93.184.216.34:80", "allow", NULL},
        {"NAT64 of a private address", "any", "tunnel [64:ff9b::a00:1]:80",
         "deny address-class.private", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: a.test\n"
               "  - allow: in.test\n"
               "    addresses: [10.0.0.0/8]\n"
               "  - allow: 10.9.0.0/16:22\n"
               "  - deny: 198.41.0.0/24\n"
               "  - deny: \"93.184.216.0/24:25\"\n"
               "  - allow: \"localhost:5432\"\n"
               "clients:\n"
               "  any:\n"
               "    network: [{allow: \"*:*\"}]\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_deny_on_an_address_holds_for_the_ways_to_it)
{
    static const struct row rows[] = {
        {"itself", NULL, "tunnel 8.8.8.8:443", "deny rule", "policy.yaml:5"},
        {"NAT64, as target", NULL, "tunnel [64:ff9b::808:808]:443", "deny rule", "policy.yaml:5"},
        {"NAT64, as answer", NULL, "tunnel a.test:443 at=64:ff9b::808:808", "deny rule",
         "policy.yaml:5"},
        {"its neighbour", NULL, "tunnel [64:ff9b::808:809]:443", "allow", NULL},
        {"6to4 that a rule admits", NULL, "tunnel b.test:443 at=2002:808:808::1", "deny rule",
         "policy.yaml:5"},
        {"6to4 to elsewhere", NULL, "tunnel b.test:443 at=2002:808:809::1", "allow", NULL},
        {"another port", NULL, "tunnel [64:ff9b::101:101]:80", "allow", NULL},
        {"the port that is denied", NULL, "tunnel [64:ff9b::101:101]:443", "deny rule",
         "policy.yaml:6"},
    };
    check_rows("version: 1\n"
               "default: {network: allow}\n"
               "network:\n"
               "  - {allow: b.test, addresses: [\"2002::/16\"]}\n"
               "  - deny: 8.8.8.8\n"
               "  - deny: \"1.1.1.0/24:443\"\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_deny_holds_for_every_name_of_a_chain_and_an_allow_for_none)
{
    static const struct row rows[] = {
        {"an alias of a denied name", NULL, "tunnel a.test:443 cname=bad.example",
         "deny cname-denied", "policy.yaml:4"},
        {"the second", NULL, "tunnel a.test:443 cname=good.example cname=bad.example at=8.8.8.8",
         "deny cname-denied", "policy.yaml:4"},
        {"by a star", NULL, "tunnel a.test:443 cname=x.y.evil.example cname=good.example",
         "deny cname-denied", "policy.yaml:5"},
        {"by an expression", NULL, "tunnel a.test:443 cname=b7.example", "deny cname-denied",
         "policy.yaml:6"},
        {"the apex is not below itself", NULL, "tunnel a.test:443 cname=evil.example", "allow",
         "policy.yaml:3"},
        {"others", NULL, "tunnel a.test:443 cname=good.example at=8.8.8.8", "allow",
         "policy.yaml:3"},
        {"another port", NULL, "tunnel a.test:443 cname=port.example", "allow", NULL},
        {"the port that is denied", NULL, "tunnel a.test:8443 cname=port.example",
         "deny cname-denied", "policy.yaml:7"},
        {"a path of it", NULL, "GET a.test:80/private/x cname=path.example", "deny cname-denied",
         "policy.yaml:8"},
        {"another path", NULL, "GET a.test:80/x cname=path.example", "allow", NULL},
        {"what could be that path", NULL, "tunnel a.test:443 cname=path.example",
         "deny cname-denied", "policy.yaml:8"},
        {"a question of DNS", NULL, "dns a.test cname=bad.example", "deny cname-denied",
         "policy.yaml:4"},
        {"a question about every port", NULL, "dns a.test cname=port.example", "allow", NULL},
        {"the name itself comes first", NULL, "tunnel bad.example:443 cname=bad.example",
         "deny rule", "policy.yaml:4"},
        {"an alias of an allowed name", NULL, "tunnel other.example:443 cname=a.test",
         "deny default", "default"},
        {"a client's own deny", "c", "tunnel a.test:443 cname=good.example", "deny cname-denied",
         "policy.yaml:13"},
        {"after its time", NULL, "tunnel a.test:443 cname=late.example now=4102444800", "allow",
         NULL},
        {"before it", NULL, "tunnel a.test:443 cname=late.example now=1800000000",
         "deny cname-denied", "policy.yaml:9"},
        {"in report mode", "r", "tunnel a.test:443 cname=bad.example", "report cname-denied", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: [\"*.test:*\", port.example, path.example]\n"
               "  - deny: bad.example\n"
               "  - deny: \"*.evil.example\"\n"
               "  - deny: \"~b[0-9]\\\\.example\"\n"
               "  - deny: \"port.example:8443\"\n"
               "  - {deny: path.example, paths: [\"/private/**\"]}\n"
               "  - {deny: late.example, expires: 2090-01-01}\n"
               "clients:\n"
               "  c:\n"
               "    network:\n"
               "      - deny: good.example\n"
               "  r: {mode: report}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_deny_of_a_range_holds_for_wherever_an_address_leads)
{
    static const struct row rows[] = {
        {"the range", NULL, "tunnel 127.0.0.1:80", "deny rule", "policy.yaml:4"},
        {"mapped", NULL, "tunnel [::ffff:127.9.9.9]:80", "deny rule", "policy.yaml:4"},
        {"zeros", NULL, "tunnel 0.0.0.0:80", "deny rule", "policy.yaml:4"},
        {"unspecified", NULL, "tunnel [::]:80", "deny rule", "policy.yaml:4"},
        {"an answer of zeros", NULL, "tunnel a.test:80 at=0.0.0.0", "deny rule", "policy.yaml:4"},
        {"an answer of ::", NULL, "tunnel a.test:80 at=::", "deny rule", "policy.yaml:4"},
        {"compatible", NULL, "tunnel [::127.0.0.1]:80", "deny rule", "policy.yaml:4"},
        {"translated", NULL, "tunnel [::ffff:0:10.0.0.1]:80", "deny rule", "policy.yaml:5"},
        {"NAT64", NULL, "tunnel [64:ff9b::10.0.0.1]:80", "deny rule", "policy.yaml:5"},
        {"local NAT64", NULL, "tunnel [64:ff9b:1::10.0.0.1]:80", "deny rule", "policy.yaml:5"},
        {"local NAT64, /48", NULL, "tunnel [64:ff9b:1:a00:0:100::]:80", "deny rule", NULL},
        {"local NAT64, /56", NULL, "tunnel [64:ff9b:1:20a::1:0:0]:80", "deny rule", NULL},
        {"local NAT64, /64", NULL, "tunnel [64:ff9b:1:2:a:0:100:0]:80", "deny rule", NULL},
        {"an answer of that kind", NULL, "tunnel a.test:80 at=64:ff9b:1::10.0.0.1", "deny rule",
         NULL},
        {"6to4", NULL, "tunnel [2002:a00:1::1]:80", "deny rule", "policy.yaml:5"},
        {"Teredo", NULL, "tunnel [2001:0:808:808:8000:ffff:f5ff:fffe]:80", "deny rule", NULL},
        {"ISATAP", NULL, "tunnel [2606:4700::5efe:a00:1]:80", "deny rule", "policy.yaml:5"},
        {"a DNS answer", NULL, "dns a.test at=0.0.0.0", "deny rule", NULL},
        {"elsewhere by the same ways", NULL, "tunnel [64:ff9b:1::11.0.0.1]:80", "allow", NULL},
        {"IPv6 loopback, which was not denied", NULL, "tunnel [::1]:80", "allow", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: [\"0.0.0.0/0:*\", \"[::]/0:*\"]\n"
               "  - deny: 127.0.0.0/8\n"
               "  - deny: 10.0.0.0/8\n"
               "  - {allow: \"a.test:*\", addresses: [0.0.0.0/0, \"::/0\"]}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_deny_of_localhost_holds_for_the_addresses_that_it_stands_for)
{
    static const struct row rows[] = {
        {"the name", NULL, "tunnel localhost:18095", "deny rule", "policy.yaml:5"},
        {"its address", NULL, "tunnel 127.0.0.1:18095", "deny rule", "policy.yaml:5"},
        {"another loopback address", NULL, "tunnel 127.4.5.6:18095", "deny rule", NULL},
        {"IPv6", NULL, "tunnel [::1]:18095", "deny rule", NULL},
        {"mapped", NULL, "tunnel [::ffff:127.0.0.1]:18095", "deny rule", NULL},
        {"zeros", NULL, "tunnel 0.0.0.0:18095", "deny rule", NULL},
        {"NAT64", NULL, "tunnel [64:ff9b::127.0.0.1]:18095", "deny rule", NULL},
        {"a name that leads there", NULL, "tunnel a.test:18095 at=127.0.0.1", "deny rule", NULL},
        {"an alias", NULL, "tunnel ip6-localhost:18095 at=::1", "deny rule", NULL},
        {"a name below it", NULL, "tunnel x.localhost:18095 at=127.0.0.1", "deny rule", NULL},
        {"another port", NULL, "tunnel 127.0.0.1:18096", "allow", NULL},
        {"another port by name", NULL, "tunnel a.test:18096 at=127.0.0.1", "allow", NULL},
        {"elsewhere", NULL, "tunnel 128.0.0.1:18095", "allow", NULL},
        {"an alias in the rule", NULL, "tunnel 127.0.0.1:1", "deny rule", "policy.yaml:6"},
        {"an expression that means it", NULL, "tunnel 127.0.0.1:2", "deny rule", "policy.yaml:7"},
        {"one that does not", NULL, "tunnel 127.0.0.1:3", "allow", NULL},
        {"one that matches another of its names", NULL, "tunnel 127.0.0.1:5", "deny rule", NULL},
        {"its methods", NULL, "GET 127.0.0.1:4/", "allow", NULL},
        {"its methods, too", NULL, "DELETE 127.0.0.1:4/", "deny rule", "policy.yaml:9"},
        {"and a tunnel that hides them", NULL, "tunnel 127.0.0.1:4", "deny opaque", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: [\"127.0.0.0/8:*\", \"localhost:*\", \"[::]/0:*\", \"0.0.0.0/0:*\"]\n"
               "  - {allow: [\"a.test:*\", \"x.localhost:*\", \"ip6-localhost:*\"], addresses: "
               "[127.0.0.0/8, \"::1\"]}\n"
               "  - deny: \"localhost:18095\"\n"
               "  - deny: \"ip6-loopback:1\"\n"
               "  - deny: \"~(local|other)host:2\"\n"
               "  - deny: \"~other.*:3\"\n"
               "  - {deny: \"localhost:4\", methods: DELETE}\n"
               "  - deny: \"~ip6-local.*:5\"\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_deny_below_localhost_spares_its_other_names)
{
    static const struct row rows[] = {
        {"the name", NULL, "tunnel a.localhost:80", "deny rule", "policy.yaml:4"},
        {"the address", NULL, "tunnel 127.0.0.1:80", "deny rule", "policy.yaml:4"},
        {"a name that leads there", NULL, "tunnel x.test:80 at=127.0.0.1", "deny rule", NULL},
        {"localhost", NULL, "tunnel localhost:80 at=127.0.0.1", "allow", NULL},
        {"another name", NULL, "tunnel b.localhost:80 at=127.0.0.1", "allow", NULL},
        {"all of them", NULL, "tunnel b.localhost:81 at=127.0.0.1", "deny rule", "policy.yaml:5"},
        {"never the apex", NULL, "tunnel localhost:81 at=127.0.0.1", "allow", NULL},
        {"but its address", NULL, "tunnel [::1]:81", "deny rule", "policy.yaml:5"},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - {allow: [\"x.test:*\", \"localhost:*\", \"b.localhost:*\"], addresses: "
               "[127.0.0.0/8]}\n"
               "  - deny: \"a.localhost:80\"\n"
               "  - deny: \"*.localhost:81\"\n"
               "  - allow: [\"127.0.0.0/8:*\", \"[::1]:*\"]\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, addresses_of_the_own_machine_need_a_rule_that_names_them)
{
    static const struct row rows[] = {
        {"a public one", NULL, "tunnel 198.20.0.7:80 own=198.20.0.7", "deny address-class.own-host",
         NULL},
        {"the same of another machine", NULL, "tunnel 198.20.0.7:80", "allow", NULL},
        {"by a name", NULL, "tunnel a.test:80 at=198.20.0.7 own=198.20.0.7",
         "deny address-class.own-host", NULL},
        {"by what carries it", NULL, "tunnel [64:ff9b::198.20.0.7]:80 own=198.20.0.7",
         "deny address-class.own-host", NULL},
        {"in a DNS answer", NULL, "dns a.test at=198.20.0.7 own=198.20.0.7",
         "deny address-class.own-host", NULL},
        {"a private one", NULL, "tunnel 10.0.0.1:80 own=10.0.0.1", "deny address-class.own-host",
         NULL},
        {"loopback stays loopback", NULL, "tunnel 127.0.0.1:80 own=127.0.0.1",
         "deny address-class.loopback", NULL},
        {"zeros stay zeros", NULL, "tunnel 0.0.0.0:80 own=127.0.0.1",
         "deny address-class.this-network", NULL},
        {"listed", NULL, "tunnel 198.30.1.1:80", "deny address-class.own-host", NULL},
        {"listed, by a name", NULL, "tunnel a.test:80 at=198.30.1.1", "deny address-class.own-host",
         NULL},
        {"listed, carried", NULL, "tunnel [2002:c61e:101::1]:80", "deny address-class.own-host",
         NULL},
        {"listed as one", NULL, "tunnel [2606:4700::7]:80", "deny address-class.own-host", NULL},
        {"beside it", NULL, "tunnel [2606:4700::8]:80", "allow", NULL},
        {"named", NULL, "tunnel 198.40.0.1:80 own=198.40.0.1", "allow", "policy.yaml:6"},
        {"named by a range", NULL, "tunnel 198.50.0.1:80 own=198.50.0.1", "allow", "policy.yaml:6"},
        {"named by `addresses`", NULL, "tunnel b.test:80 at=198.40.0.1 own=198.40.0.1", "allow",
         "policy.yaml:7"},
        {"an allow of the address is not for names", NULL,
         "tunnel a.test:80 at=198.40.0.1 own=198.40.0.1", "deny address-class.own-host", NULL},
        {"localhost names loopback alone", NULL, "tunnel localhost:80 at=198.40.0.1 own=198.40.0.1",
         "deny address-class.own-host", NULL},
        {"report mode", "loose", "tunnel 198.20.0.7:80 own=198.20.0.7",
         "deny address-class.own-host", NULL},
        {"the default", "bare", "tunnel 198.20.0.7:80 own=198.20.0.7",
         "deny address-class.own-host", "default"},
        {"the default, others", "bare", "tunnel 198.20.0.7:80", "allow", "default"},
    };
    check_rows("version: 1\n"
               "own_addresses: [198.30.0.0/16, \"2606:4700::7\"]\n"
               "default: {network: allow}\n"
               "network:\n"
               "  - allow: \"*:*\"\n"
               "  - allow: [\"198.40.0.1:*\", \"198.50.0.0/16:*\"]\n"
               "  - {allow: \"b.test:*\", addresses: [198.40.0.0/16]}\n"
               "  - allow: \"localhost:*\"\n"
               "clients:\n"
               "  loose: {mode: report}\n"
               "  bare: {inherit: false}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, the_first_bytes_of_a_tunnel_are_judged)
{
    static const struct row rows[] = {
        {"the name that was asked for", NULL, "tunnel a.test:443 sni=a.test", "allow", NULL},
        {"another one", NULL, "tunnel a.test:443 sni=b.test", "deny sni-mismatch", "policy.yaml:3"},
        {"another one on another port", NULL, "tunnel a.test:8443 sni=b.test", "deny sni-mismatch",
         NULL},
        {"none on 443", NULL, "tunnel a.test:443 sni=-", "deny sni-missing", NULL},
        {"none on another port", NULL, "tunnel a.test:8443 sni=-", "allow", NULL},
        {"one that is no name", NULL, "tunnel a.test:443 sni=!", "deny sni-malformed", NULL},
        {"SSH on 443", NULL, "tunnel a.test:443 speaks=ssh", "deny protocol", NULL},
        {"SSH on another port", NULL, "tunnel a.test:8443 speaks=ssh", "allow", NULL},
        {"plain HTTP asked of 443", NULL, "GET a.test:443/", "deny protocol", NULL},
        {"ECH", NULL, "tunnel a.test:443 sni=a.test ech=yes", "allow", NULL},
        {"ECH denied", NULL, "tunnel ech.test:443 sni=ech.test ech=yes", "deny ech", NULL},
        {"without ECH", NULL, "tunnel ech.test:443 sni=ech.test", "allow", NULL},
        {"no SNI needed", NULL, "tunnel nosni.test:443 sni=-", "allow", NULL},
        {"but a right one if any", NULL, "tunnel nosni.test:443 sni=a.test", "deny sni-mismatch",
         NULL},
        {"SSH only", NULL, "tunnel ssh.test:22 speaks=ssh", "allow", NULL},
        {"SSH only, and TLS", NULL, "tunnel ssh.test:22 sni=ssh.test", "deny protocol", NULL},
        {"a server name required", NULL, "tunnel strict.test:8443 sni=-", "deny sni-missing", NULL},
        {"and no TLS at all", NULL, "tunnel strict.test:8443 speaks=other", "deny sni-missing",
         NULL},
        {"a literal with a name that is allowed", NULL, "tunnel 93.184.216.34:443 sni=a.test",
         "allow", "policy.yaml:12"},
        {"with a name that is not", NULL, "tunnel 93.184.216.34:443 sni=c.test", "deny sni-denied",
         NULL},
        {"with a name denied by a rule", NULL, "tunnel 93.184.216.34:443 sni=no.test",
         "deny sni-denied", "policy.yaml:13"},
        {"with a name allowed on another port", NULL, "tunnel 93.184.216.34:8080 sni=a.test",
         "deny sni-denied", NULL},
        {"with no name where none is needed", NULL, "tunnel 93.184.216.34:8080 speaks=other",
         "allow", NULL},
        {"another rule admits what the first does not", NULL, "tunnel two.test:443 speaks=ssh",
         "allow", "policy.yaml:15"},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: \"a.test:443,8443\"\n"
               "  - allow: ech.test\n"
               "    ech: deny\n"
               "  - allow: nosni.test\n"
               "    require_sni: false\n"
               "  - allow: \"ssh.test:22\"\n"
               "    protocols: [ssh]\n"
               "  - allow: \"strict.test:*\"\n"
               "    require_sni: true\n"
               "  - allow: \"93.184.216.34:443,8080\"\n"
               "  - deny: no.test\n"
               "  - allow: two.test\n"
               "  - allow: two.test\n"
               "    protocols: any\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, methods_and_paths_need_the_request_to_be_seen)
{
    static const struct row rows[] = {
        {"method and path", NULL, "GET deb.test:80/debian/x/y", "allow", NULL},
        {"another method", NULL, "POST deb.test:80/debian/x", "deny default", NULL},
        {"another path", NULL, "GET deb.test:80/other", "deny default", NULL},
        {"a path with two readings", NULL, "GET deb.test:80/debian/x?!", "deny malformed.path",
         "policy.yaml:3"},
        {"where no rule goes by paths it is fine", NULL, "GET part.test:80/x?!", "allow", NULL},
        {"an opaque tunnel", NULL, "tunnel deb.test:80", "deny opaque", "policy.yaml:3"},
        {"a denied path", NULL, "GET free.test:80/secret/a", "deny rule", "policy.yaml:7"},
        {"another one", NULL, "GET free.test:80/open", "allow", NULL},
        {"its tunnel as a whole", NULL, "tunnel part.test:443", "deny opaque", "policy.yaml:10"},
        {"its plain requests", NULL, "GET part.test:80/a", "allow", NULL},
        {"its denied method", NULL, "DELETE part.test:80/a", "deny rule", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: deb.test\n"
               "    methods: [GET, HEAD]\n"
               "    paths: [\"/debian/**\"]\n"
               "  - allow: free.test\n"
               "  - deny: \"free.test:80\"\n"
               "    paths: \"/secret/**\"\n"
               "  - allow: part.test\n"
               "  - deny: part.test\n"
               "    methods: DELETE\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_dns_question_asks_whether_any_rule_could_admit_the_name)
{
    static const struct row rows[] = {
        {"any port", NULL, "dns ssh.test", "allow", NULL},
        {"methods are not asked", NULL, "dns deb.test", "allow", NULL},
        {"unknown", NULL, "dns other.test", "deny default", NULL},
        {"a deny of one port", NULL, "dns some.test", "allow", NULL},
        {"a deny of every port", NULL, "dns none.test", "deny rule", NULL},
        {"a deny of one path", NULL, "dns path.test", "allow", NULL},
        {"a denied address", NULL, "dns some.test at=198.41.0.4", "deny rule", NULL},
        {"a special one", NULL, "dns some.test at=10.0.0.1", "deny address-class.private", NULL},
        {"this machine", NULL, "dns localhost", "deny address-class.loopback", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: \"ssh.test:22\"\n"
               "    protocols: ssh\n"
               "  - {allow: deb.test, methods: GET}\n"
               "  - allow: [some.test, none.test, path.test]\n"
               "  - deny: [\"some.test:443\", none.test, 198.41.0.0/24]\n"
               "  - {deny: path.test, paths: /x}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, the_default_may_allow_public_hosts_only)
{
    static const struct row rows[] = {
        {"any host", NULL, "tunnel a.test:443 at=93.184.216.34 sni=a.test", "allow", "default"},
        {"any port", NULL, "tunnel a.test:22 speaks=ssh", "allow", NULL},
        {"a deny", NULL, "tunnel no.test:443", "deny rule", NULL},
        {"a special address", NULL, "tunnel a.test:443 at=10.0.0.1", "deny address-class.private",
         "default"},
        {"unless a rule names it", NULL, "tunnel in.test:443 at=10.0.0.1", "allow",
         "policy.yaml:5"},
        {"this machine", NULL, "tunnel localhost:80", "deny address-class.loopback", NULL},
        {"another server name", NULL, "tunnel a.test:443 sni=b.test", "deny sni-mismatch", NULL},
        {"no TLS on 443", NULL, "tunnel a.test:443 speaks=ssh", "deny protocol", NULL},
        {"a literal with a denied name", NULL, "tunnel 93.184.216.34:443 sni=no.test",
         "deny sni-denied", NULL},
        {"a literal with any other", NULL, "tunnel 93.184.216.34:443 sni=a.test", "allow", NULL},
    };
    check_rows("version: 1\n"
               "default: {network: allow}\n"
               "network:\n"
               "  - deny: no.test\n"
               "  - {allow: in.test, addresses: 10.0.0.0/8}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, report_mode_lifts_rules_and_never_address_classes)
{
    static const struct row rows[] = {
        {"allowed", "r", "tunnel a.test:443", "allow", NULL},
        {"the default", "r", "tunnel b.test:443", "report default", NULL},
        {"the default, and TLS that a rule would admit", "r", "tunnel b.test:443 sni=b.test",
         "report default", NULL},
        {"what no plain rule would admit is named first", "r", "tunnel b.test:443 sni=c.test",
         "report sni-mismatch", NULL},
        {"also no server name", "r", "tunnel b.test:443 sni=-", "report sni-missing", NULL},
        {"also something else than TLS", "r", "tunnel b.test:443 speaks=ssh", "report protocol",
         NULL},
        {"which is no matter on another port", "r", "tunnel b.test:22 speaks=ssh", "report default",
         NULL},
        {"a deny", "r", "tunnel no.test:443", "report rule", NULL},
        {"a deny of what is not TLS", "r", "tunnel no.test:443 speaks=ssh", "report rule", NULL},
        {"a server name", "r", "tunnel a.test:443 sni=b.test", "report sni-mismatch", NULL},
        {"a literal's server name", "r", "tunnel 93.184.216.34:443 sni=b.test", "report sni-denied",
         NULL},
        {"a special address", "r", "tunnel a.test:443 at=10.0.0.1", "deny address-class.private",
         NULL},
        {"also of a host that no rule allows", "r", "tunnel b.test:443 at=10.0.0.1",
         "deny address-class.private", NULL},
        {"also of a host that is denied", "r", "tunnel no.test:443 at=127.0.0.1",
         "deny address-class.loopback", NULL},
        {"one that a rule names, with a wrong server name", "r",
         "tunnel in.test:443 at=10.0.0.1 sni=b.test", "report sni-mismatch", NULL},
        {"this machine", "r", "tunnel localhost:1", "deny address-class.loopback", NULL},
        {"a path with two readings", "r", "GET p.test:80/a?!", "deny malformed.path", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - allow: [a.test, 93.184.216.34]\n"
               "  - deny: no.test\n"
               "  - {allow: in.test, addresses: 10.0.0.0/8}\n"
               "  - {allow: p.test, paths: /a}\n"
               "clients:\n"
               "  r: {mode: report}\n",
               rows, ARRAY_LEN(rows));
}

Test(policy_network, a_rule_that_has_expired_is_ignored)
{
    static const struct row rows[] = {
        {"before", NULL, "tunnel a.test:443 now=4102444799", "allow", NULL},
        {"at that moment", NULL, "tunnel a.test:443 now=4102444800", "deny default", NULL},
        {"a deny before", NULL, "tunnel b.test:443 now=4102448399", "deny rule", NULL},
        {"a deny after", NULL, "tunnel b.test:443 now=4102448400", "allow", NULL},
    };
    check_rows("version: 1\n"
               "network:\n"
               "  - {allow: a.test, expires: 2100-01-01}\n"
               "  - {deny: b.test, expires: 2100-01-01T01:00:00Z}\n"
               "  - {allow: b.test}\n",
               rows, ARRAY_LEN(rows));
}
