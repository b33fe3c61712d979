/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check network`, `policy explain network`, and network rules in `policy ls`. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/command/commands.h"
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
    static const struct {
        const char *name;
        policy_fixture_command *command;
        const char *words[10];
        int code;
        const char *says;
    } rows[] = {
        {"443 is understood",
         command_fixture_check,
         {"network", "api.example.com"},
         0,
         "allow: api.example.com:443 on client default by rule allow api.example.com "
         "(policy.yaml:3)"},
        {"what is not known",
         command_fixture_check,
         {"network", "API.example.com."},
         0,
         "--address"},
        {"another port",
         command_fixture_check,
         {"network", "git.example.com"},
         6,
         "deny: git.example.com:443 on client default by default: rules allow this host on other "
         "ports\nto permit it, run `dockreeve policy allow network \"git.example.com:443\" "
         "--client default --config /"},
        {"its port", command_fixture_check, {"network", "git.example.com:22"}, 0, "allow: "},
        {"a deny",
         command_fixture_check,
         {"network", "a.telemetry.example.org"},
         6,
         "by rule deny *.telemetry.example.org (policy.yaml:5)\nto permit it, change or remove the "
         "deny at policy.yaml:5"},
        {"a URL that is seen",
         command_fixture_check,
         {"network", "http://deb.example.com/debian/x?y"},
         0,
         "allow: deb.example.com:80 "},
        {"another method",
         command_fixture_check,
         {"network", "http://deb.example.com/debian/x", "--method", "PUT"},
         6,
         "--method PUT --client default --config /"},
        {"a path with two readings",
         command_fixture_check,
         {"network", "http://deb.example.com/debian/../x"},
         6,
         "(malformed.path)"},
        {"a URL that is not",
         command_fixture_check,
         {"network", "https://deb.example.com/debian/x"},
         6,
         "rule allow deb.example.com (policy.yaml:4) does not admit it: its methods and paths "
         "cannot be seen in a tunnel (opaque)"},
        {"the host of a URL", command_fixture_check, {"network", "https://a.example.org/?x"}, 0, ""},
        {"its user",
         command_fixture_check,
         {"network", "https://u:p@a.example.org/"},
         6,
         "(malformed."},
        {"an address that a rule names",
         command_fixture_check,
         {"network", "in.example.com", "--address", "10.1.1.1"},
         0,
         "(policy.yaml:6)"},
        {"one that none names",
         command_fixture_check,
         {"network", "api.example.com", "--address", "10.1.1.1"},
         6,
         "(address-class.private)"},
        {"no address",
         command_fixture_check,
         {"network", "a.example.org", "--address", "x"},
         2,
         "`x` is no address"},
        {"two addresses",
         command_fixture_check,
         {"network", "8.8.8.8", "--address", "8.8.4.4"},
         2,
         "the target is an address itself"},
        {"a server name",
         command_fixture_check,
         {"network", "api.example.com", "--sni", "b.example.com"},
         6,
         "(sni-mismatch)"},
        {"none",
         command_fixture_check,
         {"network", "api.example.com", "--sni", "-"},
         6,
         "(sni-missing)"},
        {"a bad one",
         command_fixture_check,
         {"network", "api.example.com", "--sni", "a b"},
         6,
         "(sni-malformed)"},
        {"a server name in plain HTTP",
         command_fixture_check,
         {"network", "http://api.example.com", "--sni", "x"},
         2,
         "has no ClientHello"},
        {"a method in a tunnel",
         command_fixture_check,
         {"network", "api.example.com", "--method", "GET"},
         2,
         "in plain HTTP only"},
        {"a method that is none",
         command_fixture_check,
         {"network", "http://api.example.com", "--method", "get"},
         2,
         "`get` is no method"},
        {"no host", command_fixture_check, {"network", "a_b..c"}, 6, "(malformed.host)"},
        {"no port", command_fixture_check, {"network", "a.test:0"}, 6, "(malformed.port)"},
        {"report mode",
         command_fixture_check,
         {"network", "x.test", "--client", "ci"},
         0,
         "report mode: it would be denied otherwise"},
        {"report mode and this machine",
         command_fixture_check,
         {"network", "localhost:1", "--client", "ci"},
         6,
         "(address-class.loopback)"},
        {"no such client",
         command_fixture_check,
         {"network", "x.test", "--client", "x"},
         2,
         "no client `x`"},
        {"options of docker",
         command_fixture_check,
         {"network", "x.test", "--object", "name=a"},
         2,
         "--object is for `docker`"},
        {"options of network",
         command_fixture_check,
         {"docker", "SystemInfo", "--sni", "a"},
         2,
         "--sni is for `network`"},
        {"another kind", command_fixture_check, {"netwrk", "x.test"}, 2, "or `network` and one"},
        {"json",
         command_fixture_check,
         {"network", "api.example.com", "--json"},
         0,
         "{\"decision\":\"allow\",\"client\":\"default\",\"host\":\"api.example.com\",\"port\":443,"
         "\"rule\":\"allow api.example.com\",\"source\":\"policy.yaml:3\",\"reason\":\"rule\","
         "\"would_deny\":false,\"fix\":\"to deny it"},
        {"json denied",
         command_fixture_check,
         {"network", "127.0.0.1:22", "--json"},
         6,
         "\"reason\":\"address-class.loopback\",\"why\":\""},
        {"json malformed",
         command_fixture_check,
         {"network", "a:b", "--json"},
         6,
         "\"reason\":\"malformed.port\",\"status\":400"},
        {"resolved: one of two may be dialled",
         command_fixture_check,
         {"network", "two.test", "--client", "open", "--resolve"},
         0,
         "  10.0.0.1  private  deny (address-class.private)\n"
         "  8.8.8.8  public  allow: dialled first\n"},
        {"resolved: none may",
         command_fixture_check,
         {"network", "two.test:25", "--client", "open", "--address", "10.0.0.1", "--address",
          "127.0.0.1"},
         6,
         "  127.0.0.1  loopback  deny (address-class.loopback)\n"},
        {"resolved in vain",
         command_fixture_check,
         {"network", "one.test", "--client", "open", "--resolve"},
         5,
         "it is allowed and cannot be reached: no such name (dns.not-found)\n"},
        {"a denied name is not resolved",
         command_fixture_check,
         {"network", "one.test", "--resolve"},
         6,
         "no rule allows it"},
        {"resolved, in JSON",
         command_fixture_check,
         {"network", "two.test", "--client", "open", "--resolve", "--json"},
         0,
         "\"addresses\":[{\"address\":\"10.0.0.1\",\"class\":\"private\",\"decision\":\"deny\","
         "\"reason\":\"address-class.private\",\"dialled\":false},{\"address\":\"8.8.8.8\","
         "\"class\":\"public\",\"decision\":\"allow\",\"reason\":\"rule\",\"dialled\":true}]"},
        {"in vain, in JSON",
         command_fixture_check,
         {"network", "one.test", "--client", "open", "--resolve", "--json"},
         5,
         "\"unresolved\":\"dns.not-found\""},
        {"resolved and pretended",
         command_fixture_check,
         {"network", "two.test", "--resolve", "--address", "8.8.8.8"},
         2,
         "give one of them"},
        {"a server without a question",
         command_fixture_check,
         {"network", "two.test", "--resolver", "127.0.0.1"},
         2,
         "are for --resolve"},
        {"this machine, by a rule that does not name it",
         command_fixture_check,
         {"network", "localhost:25", "--client", "open"},
         6,
         "(address-class.loopback)"},
        {"quiet", command_fixture_check, {"network", "api.example.com", "-q"}, 0, "allow\n"},
        {"verbose",
         command_fixture_check,
         {"network", "http://deb.example.com/debian/%78?y", "-v"},
         0,
         "seen as plain HTTP: GET /debian/x\npolicy "},
        {"explain",
         command_fixture_explain,
         {"network", "a.telemetry.example.org"},
         6,
         "  *  policy.yaml:5  deny *.telemetry.example.org: it matches\n"},
        {"explain lists others",
         command_fixture_explain,
         {"network", "a.telemetry.example.org"},
         6,
         "     policy.yaml:3  allow api.example.com: it is for other hosts\n"},
        {"explain json",
         command_fixture_explain,
         {"network", "api.example.com", "--json"},
         0,
         "\"considered\":[{\"rule\":\"allow api.example.com\",\"source\":\"policy.yaml:3\","
         "\"decision\":\"allow\",\"matched\":true"},
        {"ls",
         command_policy_ls,
         {NULL},
         0,
         "policy.yaml:3\t*\tnetwork\tallow\t*.example.org\t80,443\t-\t-\t"},
        {"ls shows conditions",
         command_policy_ls,
         {NULL},
         0,
         "network\tallow\tdeb.example.com where methods=GET paths=/debian/**\t80,443\t"},
        {"ls of a deny", command_policy_ls, {NULL}, 0, "deny\t*.telemetry.example.org\t*\t"},
        {"ls of a client",
         command_policy_ls,
         {NULL},
         0,
         "policy.yaml:8\tci\tnetwork\tallow\t8.8.8.8\t80,443\t"},
        {"ls json",
         command_policy_ls,
         {"--json"},
         0,
         "\"kind\":\"network\",\"decision\":\"allow\",\"resource\":\"git.example.com:22\",\"host\":"
         "\"git.example.com\",\"ports\":\"22\","},
        {"validate counts them", command_policy_validate, {NULL}, 0, "valid, 10 rules"},
    };
    struct policy_fixture fixture;
    struct buffer out = BUFFER_EMPTY;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int code = policy_fixture_run(&fixture, rows[i].command, rows[i].words, &out);
        cr_expect_eq(code, rows[i].code, "%s: %d\n%s", rows[i].name, code, buffer_text(&out));
        cr_expect(strstr(buffer_text(&out), rows[i].says) != NULL, "%s: %s", rows[i].name,
                  buffer_text(&out));
        cr_expect(strchr(buffer_text(&out), '\x1b') == NULL, "%s: %s", rows[i].name,
                  buffer_text(&out));
    }
    buffer_free(&out);
    policy_fixture_clear(&fixture);
}

Test(policy_network_command, explain_counts_what_is_for_other_hosts)
{
    static const char *const words[] = {"network", "h0.test", NULL};
    struct policy_fixture fixture;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    buffer_append_literal(&text, "version: 1\nnetwork:\n  - allow:\n");
    for (unsigned i = 100; i > 0; i--)
        buffer_printf(&text, "    - h%u.test\n", i - 1);
    cr_assert(policy_fixture_text(&fixture, buffer_text(&text)));
    cr_expect_eq(policy_fixture_run(&fixture, command_fixture_explain, words, &out), 0);
    cr_expect(strstr(buffer_text(&out), "  *  policy.yaml:103  allow h0.test: it matches\n"
                                        "     and 79 more that are for other hosts\n") != NULL,
              "%s", buffer_text(&out));
    policy_fixture_clear(&fixture);
}
