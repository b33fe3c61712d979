/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/explain/policy_explain.h"
#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_fixture.h"

#define V "version: 1\n"

static struct verdict ask(const struct policy_fixture *fixture, const char *client,
                          const char *request)
{
    return policy_fixture_ask(fixture, client, request, DOCKER_OBJECT_NOT_ASKED, NULL);
}

Test(policy_decide, deny_wins_whatever_the_order)
{
    static const char *const texts[] = {
        V "docker:\n  - allow: \"@all\"\n  - deny: ContainerKill\n",
        V "docker:\n  - deny: ContainerKill\n  - allow: \"@all\"\n",
        V "default: {docker: allow}\ndocker:\n  - deny: ContainerKill\n",
        V "docker:\n  - allow: \"@all\"\n  - deny: {method: POST, path: \"/containers/*/kill\"}\n",
        V "docker:\n  - allow: \"@all\"\n  - deny: {path: \"~/containers/.*/kill\"}\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        cr_assert(policy_fixture_text(&fixture, texts[i]), "%zu", i);
        cr_expect_eq(ask(&fixture, "default", "POST /containers/web/kill").result, VERDICT_DENY,
                     "%zu", i);
        cr_expect_eq(ask(&fixture, "default", "POST /containers/web/stop").result, VERDICT_ALLOW,
                     "%zu", i);
    }
}

Test(policy_decide, a_rule_ends_when_it_expires)
{
    static const struct {
        const char *name, *text;
        enum verdict_result result;
    } rows[] = {
        {"an allow before its end", V "docker:\n  - {allow: ContainerKill, expires: 2999-01-01}\n",
         VERDICT_ALLOW},
        {"an allow behind its end", V "docker:\n  - {allow: ContainerKill, expires: 2001-01-01}\n",
         VERDICT_DENY},
        {"a deny before its end",
         V "docker:\n  - allow: \"@all\"\n  - {deny: ContainerKill, expires: "
           "2999-01-01T00:00:00Z}\n",
         VERDICT_DENY},
        {"a deny behind its end",
         V "docker:\n  - allow: \"@all\"\n  - {deny: ContainerKill, expires: 2001-01-01}\n",
         VERDICT_ALLOW},
        {"an allow behind its end that asks for the object",
         V "docker:\n  - {allow: ContainerKill, where: {name: web}, expires: 2001-01-01}\n",
         VERDICT_DENY},
        {"an allow by path behind its end",
         V "docker:\n  - {allow: {path: /containers/*/kill}, expires: 2001-01-01}\n", VERDICT_DENY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        cr_assert(policy_fixture_text(&fixture, rows[i].text), "%s", rows[i].name);
        cr_expect_eq(ask(&fixture, "default", "POST /containers/web/kill").result, rows[i].result,
                     "%s", rows[i].name);
    }
}

Test(policy_decide, where_the_time_is_not_known_an_allow_has_expired_and_a_deny_has_not)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    CLEANUP(docker_request_clear) struct docker_request request = {.now_us = 1};
    struct verdict verdict;
    struct error error;
    cr_assert(policy_fixture_text(&fixture, V "docker:\n"
                                              "  - {allow: \"@lifecycle\", expires: 2999-01-01}\n"
                                              "  - allow: \"@read\"\n"
                                              "  - {deny: SystemInfo, expires: 2999-01-01}\n"));
    static const struct {
        enum http_method method;
        const char *target;
    } rows[] = {{HTTP_METHOD_POST, "/containers/web/kill"}, {HTTP_METHOD_GET, "/info"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert(docker_request_parse(&request, rows[i].method, slice_from_text(rows[i].target),
                                       false, &error));
        cr_expect_eq(request.now_us, 0, "the time of an earlier request is forgotten");
        policy_decide_docker(fixture.policy, policy_client_at(fixture.policy, 0), &request,
                             DOCKER_OBJECT_NOT_ASKED, NULL, NULL, &verdict);
        cr_expect_eq(verdict.result, VERDICT_DENY, "%s", rows[i].target);
    }
}

Test(policy_decide, the_first_rule_of_the_document_is_named)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(
        &fixture, V "docker:\n  - allow: {path: \"/containers/*/kill\"}\n  - allow: \"@all\"\n"
                    "  - {deny: {path: /info}, name: no info}\n  - deny: SystemInfo\n"));
    struct verdict verdict = ask(&fixture, "default", "POST /containers/web/kill");
    cr_expect_str_eq(verdict.source, "policy.yaml:3");
    cr_expect_str_eq(verdict.rule, "allow * /containers/*/kill");
    cr_expect_str_eq(verdict.reason, "rule");
    verdict = ask(&fixture, "default", "GET /info");
    cr_expect_str_eq(verdict.source, "policy.yaml:5");
    cr_expect_str_eq(verdict.rule, "no info");
}

Test(policy_decide, read_is_what_the_design_says)
{
    static const char *const out[] = {
        "ContainerLogs",
        "ServiceLogs",
        "TaskLogs",
        "ContainerArchive",
        "ContainerArchiveInfo",
        "ContainerExport",
        "ContainerAttachWebsocket",
        "ContainerTop",
        "ImageGet",
        "ImageGetAll",
        "ImageSearch",
        "SwarmInspect",
        "SwarmUnlockkey",
        "ConfigList",
        "ConfigInspect",
        "GetPluginPrivileges",
        "DistributionInspect",
        "Debug",
        "ContainerAttach",
        "ContainerCreate",
        "ContainerStart",
        "VolumeCreate",
    };
    static const char *const in[] = {
        "ContainerList",  "ContainerInspect", "ImageList",       "ImageInspect", "NetworkList",
        "NetworkInspect", "VolumeList",       "VolumeInspect",   "SystemPing",   "SystemVersion",
        "SystemInfo",     "SystemEvents",     "SystemDataUsage", "ServiceList",  "TaskList",
        "NodeList",       "ExecInspect",      "PluginList",
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, V "docker:\n  - allow: \"@read\"\n"));
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        cr_expect_eq(ask(&fixture, "default", out[i]).result, VERDICT_DENY, "%s", out[i]);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        cr_expect_eq(ask(&fixture, "default", in[i]).result, VERDICT_ALLOW, "%s", in[i]);
}

Test(policy_decide, libpod_opens_by_path_only)
{
    static const char request[] = "GET /v5.0.0/libpod/containers/json";
    struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture,
                                  V "default: {docker: allow}\ndocker:\n  - allow: \"@all\"\n"));
    cr_expect_eq(ask(&fixture, "default", request).result, VERDICT_DENY);
    policy_fixture_clear(&fixture);
    cr_assert(policy_fixture_text(&fixture,
                                  V "docker:\n  - allow: {method: GET, path: \"/libpod/**\"}\n"));
    cr_expect_eq(ask(&fixture, "default", request).result, VERDICT_ALLOW);
    policy_fixture_clear(&fixture);
}

Test(policy_decide, clients_inherit_unless_they_say_otherwise_and_ping_stays)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(
        &fixture, V "docker:\n  - allow: SystemInfo\nclients:\n"
                    "  with: {listen: tcp:127.0.0.1:0, docker: [{allow: ImageList}]}\n"
                    "  without: {listen: tcp:127.0.0.1:0, inherit: false, use: preset/traefik}\n"
                    "  mute: {listen: tcp:127.0.0.1:0, docker: [{deny: SystemPing}]}\n"));
    static const struct {
        const char *client, *request;
        enum verdict_result result;
    } rows[] = {
        {"with", "SystemInfo", VERDICT_ALLOW},        {"with", "ImageList", VERDICT_ALLOW},
        {"without", "SystemInfo", VERDICT_DENY},      {"without", "ImageList", VERDICT_DENY},
        {"without", "ContainerList", VERDICT_ALLOW},  {"without", "SystemPing", VERDICT_ALLOW},
        {"without", "SystemPingHead", VERDICT_ALLOW}, {"without", "SystemVersion", VERDICT_ALLOW},
        {"mute", "SystemPing", VERDICT_DENY},         {"default", "ImageList", VERDICT_DENY},
        {"default", "SystemPing", VERDICT_ALLOW},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(ask(&fixture, rows[i].client, rows[i].request).result, rows[i].result, "%s %s",
                     rows[i].client, rows[i].request);
    cr_expect_str_eq(ask(&fixture, "without", "ContainerList").source, "preset/traefik:5");
    struct policy_listed_rule rule;
    policy_rule_at(fixture.policy, POLICY_NUMBER_RULES, &rule);
    cr_expect_str_eq(rule.scope, "*");
    cr_expect(strncmp(rule.label, "preset/negotiate:", 17) == 0, "%s", rule.label);
}

Test(policy_decide, report_mode_lets_pass_and_says_what_would_have_denied)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture,
                                  V "mode: report\ndocker:\n  - deny: ContainerKill\nclients:\n"
                                    "  strict: {listen: tcp:127.0.0.1:0, mode: enforce}\n"));
    struct verdict verdict = ask(&fixture, "default", "ContainerKill");
    cr_expect_eq(verdict.result, VERDICT_ALLOW);
    cr_expect(verdict.would_deny);
    cr_expect_str_eq(verdict.source, "policy.yaml:4");
    verdict = ask(&fixture, "default", "ContainerStop");
    cr_expect(verdict.result == VERDICT_ALLOW && verdict.would_deny);
    cr_expect_str_eq(verdict.reason, "default");
    verdict = ask(&fixture, "default", "POST /images/create?fromSrc=http://192.0.2.1/x");
    cr_expect(verdict.result == VERDICT_ALLOW && verdict.would_deny);
    cr_expect_str_eq(verdict.reason, "guard.query"); /* a rule for ImageCreate would not lift it */
    verdict = ask(&fixture, "default", "SystemPing");
    cr_expect(verdict.result == VERDICT_ALLOW && !verdict.would_deny);
    cr_expect_eq(ask(&fixture, "strict", "ContainerKill").result, VERDICT_DENY);
}

Test(policy_decide, the_object_is_asked_for_only_while_it_can_turn_the_verdict)
{
    static const struct {
        const char *name, *rules;
        enum verdict_result not_asked, unknown, web;
    } rows[] = {
        {"allow by name", "  - {allow: ContainerStop, where: {name: web}}\n", VERDICT_NEEDS_OBJECT,
         VERDICT_DENY, VERDICT_ALLOW},
        {"deny by name alone", "  - {deny: ContainerStop, where: {name: web}}\n", VERDICT_DENY,
         VERDICT_DENY, VERDICT_DENY},
        {"allow and deny by name",
         "  - allow: ContainerStop\n  - {deny: ContainerStop, where: {name: web}}\n",
         VERDICT_NEEDS_OBJECT, VERDICT_DENY, VERDICT_DENY},
        {"deny of another",
         "  - allow: ContainerStop\n  - {deny: ContainerStop, where: {name: db}}\n",
         VERDICT_NEEDS_OBJECT, VERDICT_DENY, VERDICT_ALLOW},
        {"denied anyway",
         "  - deny: ContainerStop\n  - {allow: ContainerStop, where: {name: web}}\n", VERDICT_DENY,
         VERDICT_DENY, VERDICT_DENY},
        {"allowed anyway",
         "  - allow: ContainerStop\n  - {allow: ContainerStop, where: {name: web}}\n",
         VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW},
        {"the request does not fit",
         "  - {allow: ContainerStop, where: {name: web, query.t: \"5\"}}\n", VERDICT_DENY,
         VERDICT_DENY, VERDICT_DENY},
        {"by path and name", "  - {allow: {path: \"/containers/*/stop\"}, where: {name: web}}\n",
         VERDICT_NEEDS_OBJECT, VERDICT_DENY, VERDICT_ALLOW},
    };
    struct slice web = SLICE_LITERAL("web");
    struct docker_object object = {.kind = DOCKER_OBJECT_CONTAINER};
    object.facts[DOCKER_FACT_NAME] = (struct docker_fact_list){&web, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, V "docker:\n%s", rows[i].rules);
        cr_assert(policy_fixture_text(&fixture, buffer_text(&text)), "%s", rows[i].name);
        const char *request = "POST /containers/web/stop?t=3";
        cr_expect_eq(ask(&fixture, "default", request).result, rows[i].not_asked, "%s, not asked",
                     rows[i].name);
        cr_expect_eq(
            policy_fixture_ask(&fixture, "default", request, DOCKER_OBJECT_UNKNOWN, NULL).result,
            rows[i].unknown, "%s, unknown", rows[i].name);
        cr_expect_eq(
            policy_fixture_ask(&fixture, "default", request, DOCKER_OBJECT_KNOWN, &object).result,
            rows[i].web, "%s, web", rows[i].name);
    }
}

Test(policy_decide, a_denial_teaches)
{
    static const struct {
        const char *client, *request, *text;
    } rows[] = {
        {"default", "POST /containers/create?name=secret",
         "dockreeve: ContainerCreate on client `default` is denied by default: no rule allows it. "
         "To permit it, run `dockreeve policy allow docker ContainerCreate --client default "
         "--config "},
        {"alone", "GET /info", "policy allow docker SystemInfo --client alone --config "},
        {"default", "POST /containers/x/kill", "is denied by rule `no kills` (policy.yaml:3)"},
        {"default", "POST /containers/x/stop?t=99",
         "the rules that allow it are for other objects or paths"},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, V
                                  "docker:\n  - {deny: ContainerKill, name: no kills}\n"
                                  "  - {allow: ContainerStop, where: {query.t: {max: 10}}}\n"
                                  "clients: {alone: {listen: tcp:127.0.0.1:0, inherit: false}}\n"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_request_clear) struct docker_request request = {0};
        struct error error;
        struct verdict verdict;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        const struct policy_client *client =
            policy_client_find(fixture.policy, slice_from_text(rows[i].client));
        struct slice target = slice_from_text(rows[i].request);
        enum http_method method = http_method_from_name(slice_cut(&target, ' '));
        cr_assert(docker_request_parse(&request, method, target, false, &error));
        policy_decide_docker(fixture.policy, client, &request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                             &verdict);
        policy_explain_denial(fixture.policy, client, &request, &verdict, &out);
        cr_expect(strstr(buffer_text(&out), rows[i].text) != NULL, "%s", buffer_text(&out));
        cr_expect(strstr(buffer_text(&out), "secret") == NULL);
    }
}
