/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/policy/command/command_fixture.h"

#define POLICY                                                                                     \
    "version: 1\ndocker:\n  - allow: \"@read\"\n  - {allow: ContainerStop, where: {name: "         \
    "\"web-*\"}}\n"                                                                                \
    "  - {deny: ContainerKill, name: no kills}\n"                                                  \
    "clients:\n  ci: {listen: tcp:127.0.0.1:0, docker: [{allow: ContainerCreate}]}\n"              \
    "  deny: {listen: tcp:127.0.0.1:1, docker: [{deny: \"*Rename\", where: {name: x}}]}\n"

Test(policy_command, check_and_explain_answer_with_exit_code_and_sentence)
{
    static const struct command_fixture_row rows[] = {
        {"allowed", "check docker 'GET /v1.41/containers/json?all=1'", 0,
         "allow: ContainerList on client default by rule allow @read (policy.yaml:3)"},
        {"denied", "check docker 'POST /containers/create'", 6,
         "to permit it, run `dockreeve policy allow docker ContainerCreate --client default "
         "--config /"},
        {"by name", "check docker ContainerCreate", 6, "deny: ContainerCreate"},
        {"client", "check docker ContainerCreate --client ci", 0, "policy.yaml:7"},
        {"no such client", "check docker ContainerCreate --client x", 2, "no client `x`"},
        {"rule", "check docker ContainerKill", 6, "by rule no kills (policy.yaml:5)"},
        {"unknown object", "check docker ContainerStop", 6, "it depends on the object"},
        {"object", "check docker ContainerStop --object name=web-1", 0, "policy.yaml:4"},
        {"other object", "check docker ContainerStop --object name=db", 6, "by default"},
        {"bad fact", "check docker ContainerStop --object nam=db", 2, "is no fact"},
        {"malformed", "check docker 'GET /containers/%zz/json'", 6, "malformed"},
        {"version", "check docker 'GET /v1.4x/info'", 6, "deny:"},
        {"unknown path", "check docker 'GET /nothing'", 6, "unknown.operation"},
        {"no operation", "check docker ContainerCraete", 2, "did you mean `ContainerCreate`?"},
        {"no request", "check docker", 2, "one request"},
        {"json", "check docker SystemInfo --json", 0, "\"decision\":\"allow\""},
        {"json denied", "check docker ContainerStop --json", 6, "\"depends_on_object\":true"},
        {"explain", "explain docker ContainerStop --object name=db", 6,
         "policy.yaml:4  allow ContainerStop where name=web-*: where name: the object is not what "
         "the rule asks for"},
        {"explain lists others", "explain docker ContainerStop", 6,
         "policy.yaml:5  no kills: it is for other operations or paths"},
        {"explain json", "explain docker SystemInfo --json", 0, "\"considered\":[{\"rule\":"},
        {"sandbox", "check docker ContainerCreate --sandbox ci", 0, ""},
        {"sandbox and client", "check docker ContainerCreate --sandbox ci --client ci", 0,
         "on client ci"},
        {"two of them", "check docker ContainerCreate --sandbox ci --client default", 2,
         "mean the same"},
        {"a near client", "check docker ContainerCreate --client defualt", 2,
         "did you mean `default`?"},
        {"the command for a client", "check docker ImageDelete --client ci", 6,
         "policy allow docker ImageDelete --client ci --config /"},
        {"a denying rule of a file", "check docker ContainerKill", 6,
         "to permit it, change or remove the rule at policy.yaml:5, and run `dockreeve policy "
         "allow "
         "docker ContainerKill"},
        {"a deny that the object may escape", "check docker ContainerRename --client deny", 6,
         "to permit it, run `dockreeve policy allow docker ContainerRename --client deny --config"},
        {"and what then", "check docker ContainerRename --client deny", 6,
         "; whether a deny then matches depends on the object\n"},
        {"what denies it", "check docker SystemInfo", 0,
         "to deny it, run `dockreeve policy deny docker SystemInfo --client default --config /"},
        {"a parameter that must be named",
         "check docker 'POST /images/create?fromSrc=http://a.test/' --client ci", 6,
         "add `- {allow: ImageCreate, where: {query.fromSrc: \"**\"}}`"},
        {"quiet", "check docker SystemInfo -q", 0, "allow\n"},
        {"quiet and denied", "check docker ContainerKill -q", 6, "deny\n"},
        {"verbose", "check docker 'GET /v1.41/containers/we%62/json?x=1' -v", 0,
         "read as GET /containers/web/json, object web; not sent on: x\nbody: none\npolicy "},
        {"no body of that name", "check docker ContainerCreate --body /nonexistent/x", 2,
         "the body: /nonexistent/x cannot be read"},
        {"a type without a body", "check docker ContainerCreate --content-type text/plain", 2,
         "is of a --body"},
        {"validate", "validate", 0, "valid, 7 rules"},
        {"validate json", "validate --json", 0, "\"valid\":true"},
        {"ls", "ls", 0,
         "policy.yaml:4\t*\tdocker\tallow\tContainerStop where name=web-*\t-\t-\t-\t"},
        {"ls shows what always holds", "ls", 0, "preset/negotiate:"},
        {"ls json", "ls --json", 0, "\"scope\":\"ci\""},
    };
    command_fixture_run_all(POLICY, rows, ARRAY_LEN(rows));
}

Test(policy_command, an_invalid_policy_is_exit_code_2_with_every_place)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert_not(policy_fixture_text(&fixture, "version: 1\nscope: {}\nmode: x\n"));
    cr_expect_eq(command_fixture_run(&fixture, "validate", &out), 2, "%s", buffer_text(&out));
    cr_expect(strstr(buffer_text(&out), "policy.yaml:2:1: ") &&
                  strstr(buffer_text(&out), "policy.yaml:3:7: "),
              "%s", buffer_text(&out));
    cr_expect_eq(command_fixture_run(&fixture, "validate --json", &out), 2);
    cr_expect(strstr(buffer_text(&out), "\"line\":3,\"column\":7"), "%s", buffer_text(&out));
    cr_expect_eq(command_fixture_run(&fixture, "check docker SystemInfo", &out), 2);
    cr_expect_eq(command_fixture_run(&fixture, "ls", &out), 2);
}
