/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "rules/docker/docker_rule.h"

static void add_pattern(struct docker_rule *rule, unsigned key, const char *parameter,
                        const char *value)
{
    rule->conditions =
        realloc(rule->conditions, (rule->condition_count + 1) * sizeof(*rule->conditions));
    struct docker_condition *condition = &rule->conditions[rule->condition_count++];
    memset(condition, 0, sizeof(*condition));
    condition->key = key;
    if (parameter != NULL)
        condition->parameter =
            slice_of(slice_to_text(slice_from_text(parameter)), strlen(parameter));
    if (value == NULL)
        return;
    struct error error;
    condition->values = calloc(1, sizeof(struct pattern));
    condition->value_count = 1;
    cr_assert(pattern_compile(condition->values, PATTERN_VALUE, slice_from_text(value), &error));
}

static struct docker_condition *last(struct docker_rule *rule)
{
    return &rule->conditions[rule->condition_count - 1];
}

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

Test(docker_condition, facts_are_judged_apart_for_allow_and_deny)
{
    static const struct {
        const char *name;
        enum docker_fact fact;
        const char *pattern;
        const char *items[4];
        bool allow, deny;
    } rows[] = {
        {"one name", DOCKER_FACT_NAME, "web-*", {"web-1"}, true, true},
        {"other name", DOCKER_FACT_NAME, "web-*", {"db"}, false, false},
        {"no item", DOCKER_FACT_NETWORK, "**", {NULL}, false, false},
        {"every network for an allow",
         DOCKER_FACT_NETWORK,
         "app-*",
         {"app-1", "host"},
         false,
         true},
        {"all networks", DOCKER_FACT_NETWORK, "app-*", {"app-1", "app-2"}, true, true},
        {"label key", DOCKER_FACT_LABEL, "owner", {"a=b", "owner=me"}, true, true},
        {"label value", DOCKER_FACT_LABEL, "owner=m*", {"a=b", "owner=me"}, true, true},
        {"label other value", DOCKER_FACT_LABEL, "owner=m*", {"owner=you"}, false, false},
        {"label key is not a prefix", DOCKER_FACT_LABEL, "own", {"owner=me"}, false, false},
        {"label expression", DOCKER_FACT_LABEL, "~owner=.*", {"owner=me"}, true, true},
        {"familiar image",
         DOCKER_FACT_IMAGE,
         "nginx",
         {"docker.io/library/nginx:latest", "sha256:ab"},
         true,
         true},
        {"canonical image",
         DOCKER_FACT_IMAGE,
         "docker.io/library/nginx:latest",
         {"nginx"},
         true,
         true},
        {"other tag", DOCKER_FACT_IMAGE, "nginx", {"nginx:1"}, false, false},
        {"id alone is no name", DOCKER_FACT_IMAGE, "**", {"sha256:ab"}, false, true},
        {"id spelled out", DOCKER_FACT_IMAGE, "sha256:ab", {"nginx:1", "sha256:ab"}, true, true},
        {"every tag for an allow", DOCKER_FACT_IMAGE, "mine:*", {"mine:1", "prod:1"}, false, true},
        {"digest beside tag does not hinder",
         DOCKER_FACT_IMAGE,
         "nginx:1",
         {"nginx:1", "nginx@sha256:ab"},
         true,
         true},
        {"digest without tag", DOCKER_FACT_IMAGE, "nginx@*", {"nginx@sha256:ab"}, true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_rule_clear) struct docker_rule rule = {0};
        docker_operation_set_add(&rule.operations, DOCKER_CONTAINER_START);
        add_pattern(&rule, rows[i].fact, NULL, rows[i].pattern);
        docker_rule_narrow(&rule);
        struct slice items[4];
        struct docker_object object = {.kind = DOCKER_OBJECT_CONTAINER};
        struct docker_fact_list *list = &object.facts[rows[i].fact];
        list->items = items;
        for (; list->count < 4 && rows[i].items[list->count] != NULL; list->count++)
            items[list->count] = slice_from_text(rows[i].items[list->count]);
        const char *target = "/containers/x/start";
        for (int allows = 0; allows < 2; allows++) {
            bool expected = allows ? rows[i].allow : rows[i].deny;
            cr_expect_eq(ask(&rule, allows, HTTP_METHOD_POST, target, DOCKER_OBJECT_KNOWN, &object),
                         expected ? DOCKER_MATCH_YES : DOCKER_MATCH_NO, "%s, %s", rows[i].name,
                         allows ? "allow" : "deny");
            cr_expect_eq(ask(&rule, allows, HTTP_METHOD_POST, target, DOCKER_OBJECT_UNKNOWN, NULL),
                         allows ? DOCKER_MATCH_NO : DOCKER_MATCH_YES, "%s, unknown", rows[i].name);
            cr_expect_eq(
                ask(&rule, allows, HTTP_METHOD_POST, target, DOCKER_OBJECT_NOT_ASKED, NULL),
                DOCKER_MATCH_MAYBE, "%s, not asked", rows[i].name);
        }
    }
}

Test(docker_condition, parameters_are_compared_as_text_number_or_folder)
{
    enum kind { PATTERN, MAX10, MIN10, UNDER_SRV, ABSENT, MAX10_OR_ABSENT };
    static const struct {
        const char *name;
        enum kind kind;
        const char *target;
        bool allow, deny;
    } rows[] = {
        {"pattern", PATTERN, "/containers/x/stop?t=10", true, true},
        {"pattern other", PATTERN, "/containers/x/stop?t=11", false, false},
        {"absent matches no pattern", PATTERN, "/containers/x/stop", false, false},
        {"max holds", MAX10, "/containers/x/stop?t=10", true, true},
        {"max broken", MAX10, "/containers/x/stop?t=11", false, false},
        {"negative below max", MAX10, "/containers/x/stop?t=-1", true, true},
        {"no number", MAX10, "/containers/x/stop?t=ten", false, true},
        {"empty is no number", MAX10, "/containers/x/stop?t=", false, true},
        {"too long a number", MAX10, "/containers/x/stop?t=99999999999999999999", false, true},
        {"min holds", MIN10, "/containers/x/stop?t=10", true, true},
        {"min broken", MIN10, "/containers/x/stop?t=9", false, false},
        {"under", UNDER_SRV, "/containers/x/stop?t=%2Fsrv%2Fdata", true, true},
        {"under itself", UNDER_SRV, "/containers/x/stop?t=%2Fsrv%2F", true, true},
        {"under doubled slashes", UNDER_SRV, "/containers/x/stop?t=%2F%2Fsrv%2F%2Fa", true, true},
        {"under by segments", UNDER_SRV, "/containers/x/stop?t=%2Fsrvx", false, false},
        {"under with dots", UNDER_SRV, "/containers/x/stop?t=%2Fsrv%2F..%2Fetc", false, true},
        {"relative is read from the root", UNDER_SRV, "/containers/x/stop?t=srv%2Fa", true, true},
        {"absent", ABSENT, "/containers/x/stop", true, true},
        {"present", ABSENT, "/containers/x/stop?t=1", false, false},
        {"or absent", MAX10_OR_ABSENT, "/containers/x/stop", true, true},
        {"or below", MAX10_OR_ABSENT, "/containers/x/stop?t=3", true, true},
        {"neither", MAX10_OR_ABSENT, "/containers/x/stop?t=30", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_rule_clear) struct docker_rule rule = {0};
        docker_operation_set_add(&rule.operations, DOCKER_CONTAINER_STOP);
        add_pattern(&rule, DOCKER_CONDITION_QUERY, "t", rows[i].kind == PATTERN ? "10" : NULL);
        struct docker_condition *condition = last(&rule);
        condition->has_max = rows[i].kind == MAX10 || rows[i].kind == MAX10_OR_ABSENT;
        condition->has_min = rows[i].kind == MIN10;
        condition->max = condition->min = 10;
        condition->absent = rows[i].kind == ABSENT || rows[i].kind == MAX10_OR_ABSENT;
        if (rows[i].kind == UNDER_SRV) {
            condition->under = calloc(1, sizeof(struct slice));
            condition->under_count = 1;
            condition->under[0] = slice_of(slice_to_text(SLICE_LITERAL("/srv")), 4);
        }
        docker_rule_narrow(&rule);
        for (int allows = 0; allows < 2; allows++)
            cr_expect_eq(
                ask(&rule, allows, HTTP_METHOD_POST, rows[i].target, DOCKER_OBJECT_NOT_ASKED, NULL),
                (allows ? rows[i].allow : rows[i].deny) ? DOCKER_MATCH_YES : DOCKER_MATCH_NO,
                "%s, %s", rows[i].name, allows ? "allow" : "deny");
    }
}

Test(docker_condition, name_on_create_is_the_parameter)
{
    CLEANUP(docker_rule_clear) struct docker_rule rule = {0};
    docker_operation_set_add(&rule.operations, DOCKER_CONTAINER_CREATE);
    docker_operation_set_add(&rule.operations, DOCKER_CONTAINER_LIST);
    add_pattern(&rule, DOCKER_FACT_NAME, NULL, "web-*");
    docker_rule_narrow(&rule);
    cr_assert_not(docker_operation_set_has(&rule.operations, DOCKER_CONTAINER_LIST));
    cr_assert_eq(ask(&rule, true, HTTP_METHOD_POST, "/containers/create?name=web-1",
                     DOCKER_OBJECT_NOT_ASKED, NULL),
                 DOCKER_MATCH_YES);
    cr_assert_eq(ask(&rule, true, HTTP_METHOD_POST, "/containers/create?name=db",
                     DOCKER_OBJECT_NOT_ASKED, NULL),
                 DOCKER_MATCH_NO);
    cr_assert_eq(
        ask(&rule, true, HTTP_METHOD_POST, "/containers/create", DOCKER_OBJECT_NOT_ASKED, NULL),
        DOCKER_MATCH_NO);
}
