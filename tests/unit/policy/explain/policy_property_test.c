/* SPDX-License-Identifier: Apache-2.0
 *
 * The index and the visit of every rule come to one verdict, for random policies, requests and
 * objects. With an observer policy_decide_docker() visits every rule; without one it asks the
 * index. */
#include <criterion/criterion.h>

#include "policy/explain/command_request.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_fixture.h"

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static const char *pick(uint64_t *state, const char *const *from, size_t count)
{
    return from[draw(state, (uint32_t)count)];
}

#define PICK(state, array) pick((state), (array), ARRAY_LEN(array))

static void write_rule(uint64_t *state, struct buffer *out)
{
    static const char *const plain[] = {"ContainerStop",  "\"@lifecycle\"",
                                        "\"Container*\"", "\"@read\"",
                                        "ImageDelete",    "[ContainerStop, ContainerCreate]",
                                        "ExecStart",      "NetworkConnect"};
    static const char *const paths[] = {"/containers/web/stop",
                                        "/containers/*/stop",
                                        "/containers/web-*/stop",
                                        "/containers/**",
                                        "\"~/containers/w.*\"",
                                        "\"~/containers/(web|db)/.*\"",
                                        "/images/*",
                                        "/images/nginx",
                                        "/images/acme/*",
                                        "/**/stop",
                                        "/containers/*eb/stop",
                                        "/containers/json",
                                        "/exec/*/start",
                                        "/containers/create"};
    static const char *const named[] = {"ContainerStop",
                                        "\"@lifecycle\"",
                                        "ContainerKill",
                                        "ExecStart",
                                        "ImageDelete",
                                        "{path: /containers/*/stop}",
                                        "{path: \"/containers/**\"}",
                                        "NetworkConnect"};
    static const char *const values[] = {
        "web",          "\"web-*\"",   "\"*eb\"", "\"~w.*\"",    "\"**\"",
        "[web, db]",    "[\"w*\", x]", "nginx",   "\"nginx:*\"", "\"~(a|aa)+b\"",
        "\"sha256:*\"", "\"owner=*\"", "owner"};
    static const char *const keys[] = {"name", "id", "label"};
    static const char *const effects[] = {"allow", "deny"};
    const char *effect = PICK(state, effects);
    switch (draw(state, 6)) {
    case 5:
        buffer_printf(out, "  - %s: %s\n    expires: %s\n", effect, PICK(state, plain),
                      draw(state, 2) ? "2001-01-01" : "2999-01-01");
        return;
    case 0:
        buffer_printf(out, "  - %s: %s\n", effect, PICK(state, plain));
        return;
    case 1:
        buffer_printf(out, "  - %s: {path: %s}\n", effect, PICK(state, paths));
        return;
    case 2:
        buffer_printf(out, "  - %s: {method: [POST, DELETE], path: /containers/w*/stop}\n", effect);
        return;
    case 3:
        buffer_printf(out,
                      "  - %s: [ContainerStop, {path: /containers/*/kill}]\n    where: {%s: %s, "
                      "query.%s: %s}\n",
                      effect, PICK(state, keys), PICK(state, values),
                      draw(state, 2) ? "t" : "signal", PICK(state, values));
        return;
    default:
        buffer_printf(out, "  - %s: %s\n    where: {%s: %s}\n", effect, PICK(state, named),
                      PICK(state, keys), PICK(state, values));
        return;
    }
}

static void consider_nothing(void *context, const struct policy_considered *)
{
    ++*(unsigned *)context;
}

static void add_facts(uint64_t *state, struct docker_object *object)
{
    static const char *const facts[] = {"name=web",
                                        "name=web-1",
                                        "name=db",
                                        "name=nginx:1",
                                        "name=docker.io/library/nginx",
                                        "id=web",
                                        "id=sha256:ab",
                                        "label=owner=me",
                                        "label=a=b",
                                        "name=x",
                                        "name=aaaaaaaab"};
    struct error error;
    for (uint32_t left = draw(state, 4); left > 0; left--)
        cr_assert(command_object_add(object, PICK(state, facts), &error));
}

static bool same(const struct verdict *a, const struct verdict *b)
{
    return a->result == b->result && a->would_deny == b->would_deny &&
           (a->result == VERDICT_NEEDS_OBJECT ||
            (strcmp(a->rule, b->rule) == 0 && strcmp(a->source, b->source) == 0));
}

/* What policy_cover.h says of the rule that decided: that it can. */
static void check_cover(const struct policy *policy, const struct verdict *verdict, int64_t now_us,
                        const char *policy_text)
{
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(policy);
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(policy); number++) {
        struct policy_listed_rule rule;
        struct policy_cover cover;
        policy_rule_at(policy, number, &rule);
        policy_cover(&scope, number, now_us, &cover);
        cr_assert(verdict->result == VERDICT_NEEDS_OBJECT ||
                      strcmp(rule.label, verdict->source) != 0 || cover.kind == POLICY_COVER_NONE,
                  "%s decides, and is said not to because of %s\n%s", rule.label, cover.by.label,
                  policy_text);
    }
}

static void compare(uint64_t *state, const struct policy_fixture *fixture, const char *policy_text)
{
    static const char *const requests[] = {
        "POST /containers/web/stop",
        "POST /containers/web-1/stop?t=web",
        "POST /containers/db/stop?signal=web",
        "POST /containers/a/b/kill?signal=x",
        "POST /containers/web/kill?signal=owner",
        "GET /containers/json",
        "DELETE /images/nginx",
        "DELETE /images/acme/app",
        "POST /exec/web/start",
        "POST /containers/create?name=web",
        "POST /networks/web/connect",
        "POST /containers/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/stop"};
    CLEANUP(docker_request_clear) struct docker_request request = {0};
    CLEANUP(docker_object_clear) struct docker_object object = {0};
    struct error error;
    unsigned visited = 0;
    const struct policy_observer observer = {consider_nothing, &visited};
    const char *text = PICK(state, requests);
    cr_assert(command_request_parse(text, false, &request, &error), "%s", error.text);
    object.kind = docker_operation_info(request.operation)->object;
    add_facts(state, &object);
    const struct policy_client *client = policy_client_at(fixture->policy, 0);
    for (int asked = DOCKER_OBJECT_NOT_ASKED; asked <= DOCKER_OBJECT_UNKNOWN; asked++) {
        struct verdict fast, slow;
        policy_decide_docker(fixture->policy, client, &request, (enum docker_object_state)asked,
                             &object, NULL, &fast);
        policy_decide_docker(fixture->policy, client, &request, (enum docker_object_state)asked,
                             &object, &observer, &slow);
        cr_assert(same(&fast, &slow), "%s, state %d: index %d by %s, all rules %d by %s\n%s", text,
                  asked, fast.result, fast.source, slow.result, slow.source, policy_text);
        check_cover(fixture->policy, &fast, request.now_us, policy_text);
    }
    cr_assert_gt(visited, 0);
}

Test(policy_property, the_index_finds_what_a_visit_of_every_rule_finds)
{
    uint64_t state = 42;
    unsigned policies = 0;
    for (unsigned round = 0; round < 600; round++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "version: 1\ndefault: {docker: %s}\ndocker:\n",
                      draw(&state, 2) ? "allow" : "deny");
        for (uint32_t rules = 1 + draw(&state, 12); rules > 0; rules--)
            write_rule(&state, &text);
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        bool loaded = policy_fixture_text(&fixture, buffer_text(&text));
        for (unsigned i = 0; loaded && i < 20; i++)
            compare(&state, &fixture, buffer_text(&text));
        policies += loaded;
        /* Some rules can never match and are refused: that is not what this test is about. */
        cr_assert(loaded || strstr(policy_fixture_show(&fixture, &fixture.errors, &shown),
                                   "never") != NULL,
                  "%s%s", buffer_text(&text), buffer_text(&shown));
    }
    cr_assert_gt(policies, 100, "%u", policies);
}
