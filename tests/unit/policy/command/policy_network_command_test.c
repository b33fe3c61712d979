/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check network`, `policy explain network`, and network rules in `policy ls`. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/policy/command/command_fixture.h"

#define POLICY                                                                                     \
    "version: 1\nnetwork:\n"                                                                       \
    "  - allow: [api.example.com, \"*.example.org\", \"git.example.com:22\"]\n"                    \
    "  - {allow: deb.example.com, methods: GET, paths: \"/debian/**\"}\n"                          \
    "  - deny: \"*.telemetry.example.org\"\n"                                                      \
    "  - {allow: in.example.com, addresses: 10.0.0.0/8, name: \"our \\e[31mintranet\"}\n"          \
    "clients:\n  ci: {mode: report, egress: \"127.0.0.1:0\", network: [{allow: 8.8.8.8}]}\n"       \
    "  open: {egress: \"127.0.0.1:1\", network: [{allow: \"*:*\"}]}\n"

Test(policy_network_command, answers_come_with_exit_code_and_sentence)
{
    static const struct command_fixture_row rows[] = {
        {"443 is understood", "check network api.example.com", 0,
         "allow: api.example.com:443 on client default by rule allow api.example.com "
         "(policy.yaml:3)"},
        {"what is not known", "check network API.example.com.", 0, "--address"},
        {"another port", "check network git.example.com", 6,
         "deny: git.example.com:443 on client default by default: rules allow this host on other "
         "ports\nto permit it, run `dockreeve policy allow network \"git.example.com:443\" "
         "--client default --config /"},
        {"its port", "check network git.example.com:22", 0, "allow: "},
        {"a deny", "check network a.telemetry.example.org", 6,
         "by rule deny *.telemetry.example.org (policy.yaml:5)\nto permit it, change or remove the "
         "deny at policy.yaml:5"},
        {"a URL that is seen", "check network http://deb.example.com/debian/x?y", 0,
         "allow: deb.example.com:80 "},
        {"another method", "check network http://deb.example.com/debian/x --method PUT", 6,
         "--method PUT --client default --config /"},
        {"a path with two readings", "check network http://deb.example.com/debian/../x", 6,
         "(malformed.path)"},
        {"a URL that is not", "check network https://deb.example.com/debian/x", 6,
         "rule allow deb.example.com (policy.yaml:4) does not admit it: its methods and paths "
         "cannot be seen in a tunnel (opaque)"},
        {"the host of a URL", "check network https://a.example.org/?x", 0, ""},
        {"its user", "check network https://u:p@a.example.org/", 6, "(malformed."},
        {"an address that a rule names", "check network in.example.com --address 10.1.1.1", 0,
         "(policy.yaml:6)"},
        {"one that none names", "check network api.example.com --address 10.1.1.1", 6,
         "(address-class.private)"},
        {"no address", "check network a.example.org --address x", 2, "`x` is no address"},
        {"two addresses", "check network 8.8.8.8 --address 8.8.4.4", 2,
         "the target is an address itself"},
        {"a server name", "check network api.example.com --sni b.example.com", 6, "(sni-mismatch)"},
        {"none", "check network api.example.com --sni -", 6, "(sni-missing)"},
        {"a bad one", "check network api.example.com --sni 'a b'", 6, "(sni-malformed)"},
        {"a server name in plain HTTP", "check network http://api.example.com --sni x", 2,
         "has no ClientHello"},
        {"a method in a tunnel", "check network api.example.com --method GET", 2,
         "in plain HTTP only"},
        {"a method that is none", "check network http://api.example.com --method get", 2,
         "`get` is no method"},
        {"no host", "check network a_b..c", 6, "(malformed.host)"},
        {"no port", "check network a.test:0", 6, "(malformed.port)"},
        {"report mode", "check network x.test --client ci", 0,
         "report mode: it would be denied otherwise"},
        {"report mode and this machine", "check network localhost:1 --client ci", 6,
         "(address-class.loopback)"},
        {"no such client", "check network x.test --client x", 2, "no client `x`"},
        {"options of docker", "check network x.test --object name=a", 2,
         "--object is for `docker`"},
        {"options of network", "check docker SystemInfo --sni a", 2, "--sni is for `network`"},
        {"another kind", "check netwrk x.test", 2, "or `network` and one"},
        {"json", "check network api.example.com --json", 0,
         "{\"decision\":\"allow\",\"client\":\"default\",\"host\":\"api.example.com\",\"port\":443,"
         "\"rule\":\"allow api.example.com\",\"source\":\"policy.yaml:3\",\"reason\":\"rule\","
         "\"would_deny\":false,\"fix\":\"to deny it"},
        {"json denied", "check network 127.0.0.1:22 --json", 6,
         "\"reason\":\"address-class.loopback\",\"why\":\""},
        {"json malformed", "check network a:b --json", 6,
         "\"reason\":\"malformed.port\",\"status\":400"},
        {"resolved: one of two may be dialled", "check network two.test --client open --resolve", 0,
         "  10.0.0.1  private  deny (address-class.private)\n"
         "  8.8.8.8  public  allow: dialled first\n"},
        {"resolved: none may",
         "check network two.test:25 --client open --address 10.0.0.1 --address 127.0.0.1", 6,
         "  127.0.0.1  loopback  deny (address-class.loopback)\n"},
        {"resolved in vain", "check network one.test --client open --resolve", 5,
         "it is allowed and cannot be reached: no such name (dns.not-found)\n"},
        {"a denied name is not resolved", "check network one.test --resolve", 6,
         "no rule allows it"},
        {"resolved, in JSON", "check network two.test --client open --resolve --json", 0,
         "\"addresses\":[{\"address\":\"10.0.0.1\",\"class\":\"private\",\"decision\":\"deny\","
         "\"reason\":\"address-class.private\",\"dialled\":false},{\"address\":\"8.8.8.8\","
         "\"class\":\"public\",\"decision\":\"allow\",\"reason\":\"rule\",\"dialled\":true}]"},
        {"in vain, in JSON", "check network one.test --client open --resolve --json", 5,
         "\"unresolved\":\"dns.not-found\""},
        {"resolved and pretended", "check network two.test --resolve --address 8.8.8.8", 2,
         "give one of them"},
        {"a server without a question", "check network two.test --resolver 127.0.0.1", 2,
         "are for --resolve"},
        {"this machine, by a rule that does not name it",
         "check network localhost:25 --client open", 6, "(address-class.loopback)"},
        {"quiet", "check network api.example.com -q", 0, "allow\n"},
        {"verbose", "check network http://deb.example.com/debian/%78?y -v", 0,
         "seen as plain HTTP: GET /debian/x\npolicy "},
        {"explain", "explain network a.telemetry.example.org", 6,
         "  *  policy.yaml:5  deny *.telemetry.example.org: it matches\n"},
        {"explain lists others", "explain network a.telemetry.example.org", 6,
         "     policy.yaml:3  allow api.example.com: it is for other hosts\n"},
        {"explain json", "explain network api.example.com --json", 0,
         "\"considered\":[{\"rule\":\"allow api.example.com\",\"source\":\"policy.yaml:3\","
         "\"decision\":\"allow\",\"matched\":true"},
        {"ls", "ls", 0, "policy.yaml:3\t*\tnetwork\tallow\t*.example.org\t80,443\t-\t-\t"},
        {"ls shows conditions", "ls", 0,
         "network\tallow\tdeb.example.com where methods=GET paths=/debian/**\t80,443\t"},
        {"ls of a deny", "ls", 0, "deny\t*.telemetry.example.org\t*\t"},
        {"ls of a client", "ls", 0, "policy.yaml:8\tci\tnetwork\tallow\t8.8.8.8\t80,443\t"},
        {"ls json", "ls --json", 0,
         "\"kind\":\"network\",\"decision\":\"allow\",\"resource\":\"git.example.com:22\",\"host\":"
         "\"git.example.com\",\"ports\":\"22\","},
        {"validate counts them", "validate", 0, "valid, 10 rules"},
    };
    command_fixture_run_all(POLICY, rows, ARRAY_LEN(rows));
}

Test(policy_network_command, explain_counts_what_is_for_other_hosts)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    buffer_append_literal(&text, "version: 1\nnetwork:\n  - allow:\n");
    for (unsigned i = 100; i > 0; i--)
        buffer_printf(&text, "    - h%u.test\n", i - 1);
    cr_assert(policy_fixture_text(&fixture, buffer_text(&text)));
    cr_expect_eq(command_fixture_run(&fixture, "explain network h0.test", &out), 0);
    cr_expect(strstr(buffer_text(&out), "  *  policy.yaml:103  allow h0.test: it matches\n"
                                        "     and 79 more that are for other hosts\n") != NULL,
              "%s", buffer_text(&out));
}
