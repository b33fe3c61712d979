/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/docker_rule.h"

static enum docker_match ask(struct docker_rule *rule, bool allows, enum http_method method,
                             const char *target, enum docker_object_state state,
                             const struct docker_object *object)
{
    struct docker_request request = {0};
    struct error error;
    rule->allows = allows;
    cr_assert(docker_request_parse(&request, method, slice_from_text(target), false, &error),
              "%s: %s", target, error.text);
    enum docker_match match = docker_rule_match(rule, &request, state, object, NULL);
    docker_request_clear(&request);
    return match;
}

Test(docker_rule, paths_that_can_never_match_are_refused_with_a_reason)
{
    static const struct {
        const char *path, *reason;
        uint32_t methods;
    } rows[] = {
        {"/v1.41/containers/json", "leave the version out", 0},
        {"containers/json", "begins with", 0},
        {"/containers/../images", "`..`", 0},
        {"/containers//json", "empty segment", 0},
        {"/containers/json/", "empty segment", 0},
        {"/containers/json?all=1", "query", 0},
        {"/containers/a%2Fb/json", "decoded", 0},
        {"/kontainers/json", "no operation", 0},
        {"/containers/*/exec", "another method", UINT32_C(1) << HTTP_METHOD_GET},
        {"~/containers/(", "not a regular expression", 0},
        {"~/kontainers/.*", "no operation", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_rule_clear) struct docker_rule rule = {0};
        struct error error;
        cr_assert_not(
            docker_rule_add_path(&rule, rows[i].methods, slice_from_text(rows[i].path), &error),
            "%s", rows[i].path);
        cr_expect(strstr(error.text, rows[i].reason) != NULL, "%s: %s", rows[i].path, error.text);
    }
}

Test(docker_rule, methods_and_libpod_paths)
{
    CLEANUP(docker_rule_clear) struct docker_rule rule = {0};
    struct error error;
    cr_assert(docker_rule_add_path(&rule, UINT32_C(1) << HTTP_METHOD_GET,
                                   SLICE_LITERAL("/libpod/**"), &error),
              "%s", error.text);
    cr_assert(docker_rule_add_path(&rule, UINT32_C(1) << HTTP_METHOD_POST,
                                   SLICE_LITERAL("/containers/*/exec"), &error));
    cr_assert_eq(ask(&rule, true, HTTP_METHOD_GET, "/v5.0.0/libpod/containers/json",
                     DOCKER_OBJECT_NOT_ASKED, NULL),
                 DOCKER_MATCH_YES);
    cr_assert_eq(ask(&rule, true, HTTP_METHOD_POST, "/v5.0.0/libpod/containers/create",
                     DOCKER_OBJECT_NOT_ASKED, NULL),
                 DOCKER_MATCH_NO);
    cr_assert_eq(ask(&rule, true, HTTP_METHOD_POST, "/v1.41/containers/a/b/exec",
                     DOCKER_OBJECT_NOT_ASKED, NULL),
                 DOCKER_MATCH_YES);
}
