/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets of Docker rules, and what becomes of a request that one of them fits. */
#include "rules/docker/docker_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/percent_code.h"

void docker_rule_clear(struct docker_rule *rule)
{
    for (size_t i = 0; i < rule->path_count; i++)
        pattern_clear(&rule->paths[i].pattern);
    for (size_t i = 0; i < rule->condition_count; i++)
        docker_condition_clear(&rule->conditions[i]);
    free(rule->paths);
    free(rule->conditions);
    memset(rule, 0, sizeof(*rule));
}

/* ---- targets ---- */

/* Requests are judged in one spelling only, so a pattern in another could never match: better to
 * say so than to be silent. */
static bool check_canonical(struct slice text, struct error *error)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return error_set(error, 2,
                         "a path pattern begins with `/` (or with `~` for an expression)");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < 0x20 || byte == 0x7f || byte == '\\' || byte == '?' || byte == '#')
            return error_set(error, 2,
                             "a path pattern cannot hold a query, a fragment, a backslash or a "
                             "control character: it can never match");
        if (byte == '%' && percent_decode_at(text, i) >= 0)
            return error_set(error, 2,
                             "paths are compared decoded: write the character itself, not %.3s",
                             text.ptr + i);
    }
    struct slice rest = slice_of(text.ptr + 1, text.len - 1);
    for (bool first = true; rest.ptr != NULL; first = false) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0)
            return error_set(error, 2,
                             "a path pattern has no empty segment and no `/` at its end: it can "
                             "never match");
        if (slice_equal_text(segment, ".") || slice_equal_text(segment, ".."))
            return error_set(error, 2,
                             "a path pattern has no `.` and `..` segments: it can never match");
        if (first && docker_request_is_version(segment))
            return error_set(error, 2,
                             "leave the version out of a path pattern: it matches every version "
                             "(`%.80s`)",
                             rest.ptr == NULL ? "/" : rest.ptr - 1);
    }
    return true;
}

static bool methods_fit(uint32_t methods, enum docker_operation operation)
{
    if (methods == 0 || operation == DOCKER_LIBPOD)
        return true;
    enum http_method own = docker_operation_info(operation)->method;
    uint32_t wanted = UINT32_C(1) << own;
    if (own == HTTP_METHOD_GET)
        wanted |= UINT32_C(1) << HTTP_METHOD_HEAD;
    return (methods & wanted) != 0;
}

/* The method of an operation that the pattern fits, for a message; NULL when no operation has such
 * a path. */
static const char *method_of_path(const struct pattern *pattern)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        if (pattern_may_match_template(pattern, info->path))
            return http_method_name(info->method);
    }
    return NULL;
}

bool docker_rule_add_path(struct docker_rule *rule, uint32_t methods, struct slice text,
                          struct error *error)
{
    struct docker_path_target target = {.methods = methods};
    if ((text.len == 0 || text.ptr[0] != '~') && !check_canonical(text, error))
        return false;
    if (!pattern_compile(&target.pattern, PATTERN_PATH, text, error))
        return false;
    bool any = false;
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        enum docker_operation operation = (enum docker_operation)i;
        if (methods_fit(methods, operation) &&
            pattern_may_match_template(&target.pattern, docker_operation_info(operation)->path)) {
            docker_operation_set_add(&target.operations, operation);
            any = true;
        }
    }
    if (!any) {
        const char *other = method_of_path(&target.pattern);
        pattern_clear(&target.pattern);
        const struct quoted quoted = quote(text);
        if (other != NULL)
            return error_set(error, 2,
                             "%s can never match: the operations with such a path have "
                             "another method (%s)",
                             quoted.text, other);
        return error_set(error, 2, "%s can never match: no operation of the engine has such a path",
                         quoted.text);
    }
    struct docker_path_target *grown =
        realloc(rule->paths, (rule->path_count + 1) * sizeof(rule->paths[0]));
    if (grown == NULL)
        abort();
    rule->paths = grown;
    rule->paths[rule->path_count++] = target;
    return true;
}

void docker_rule_selected(const struct docker_rule *rule, struct docker_operation_set *set)
{
    *set = rule->operations;
    for (size_t i = 0; i < rule->path_count; i++) {
        for (size_t word = 0; word < ARRAY_LEN(set->bits); word++)
            set->bits[word] |= rule->paths[i].operations.bits[word];
    }
}

/* In doubt an allow does not fit, and a deny does. */
static bool fits_target(const struct docker_rule *rule, const struct docker_request *request)
{
    uint32_t method = UINT32_C(1) << request->method;
    if (docker_operation_set_has(&rule->operations, request->operation) &&
        (rule->methods == 0 || (rule->methods & method) != 0))
        return true;
    const char *path_template = docker_operation_info(request->operation)->path;
    const char *brace = strchr(path_template, '{');
    size_t name_at = brace == NULL ? 0 : (size_t)(brace - path_template);
    size_t name_len = brace == NULL ? 0 : request->object_name.len;
    bool doubt = false;
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct docker_path_target *target = &rule->paths[i];
        if (!docker_operation_set_has(&target->operations, request->operation) ||
            (target->methods != 0 && (target->methods & method) == 0))
            continue;
        switch (pattern_match_path(&target->pattern, request->path, name_at, name_len)) {
        case PATTERN_YES:
            return true;
        case PATTERN_LIMIT:
            doubt = true;
            break;
        case PATTERN_NO:
            break;
        }
    }
    return doubt && !rule->allows;
}

void docker_rule_narrow(struct docker_rule *rule)
{
    struct docker_operation_set possible = {{0}};
    if (rule->condition_count == 0)
        return;
    struct docker_operation_set selected;
    docker_rule_selected(rule, &selected);
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        bool can = docker_operation_set_has(&selected, (enum docker_operation)i);
        for (size_t c = 0; c < rule->condition_count && can; c++)
            can = docker_condition_can_hold(&rule->conditions[c], (enum docker_operation)i);
        if (can)
            docker_operation_set_add(&possible, (enum docker_operation)i);
    }
    for (size_t word = 0; word < ARRAY_LEN(possible.bits); word++) {
        rule->operations.bits[word] &= possible.bits[word];
        for (size_t i = 0; i < rule->path_count; i++)
            rule->paths[i].operations.bits[word] &= possible.bits[word];
    }
}

static bool has_expired(const struct docker_rule *rule, const struct docker_request *request)
{
    if (rule->expires_us == 0)
        return false;
    return request->now_us == 0 ? rule->allows : request->now_us >= rule->expires_us;
}

enum docker_match docker_rule_match(const struct docker_rule *rule,
                                    const struct docker_request *request,
                                    enum docker_object_state state,
                                    const struct docker_object *object,
                                    struct docker_mismatch *mismatch)
{
    struct docker_mismatch unused;
    struct docker_mismatch *why = mismatch == NULL ? &unused : mismatch;
    *why = (struct docker_mismatch){"it is for other operations or paths", NULL};
    if (request->operation == DOCKER_OPERATION_NONE || !fits_target(rule, request))
        return DOCKER_MATCH_NO;
    if (has_expired(rule, request)) {
        *why = (struct docker_mismatch){"it has expired", NULL};
        return DOCKER_MATCH_NO;
    }
    enum docker_match match = DOCKER_MATCH_YES;
    for (size_t i = 0; i < rule->condition_count; i++) {
        why->condition = &rule->conditions[i];
        enum docker_match one = docker_condition_match(why->condition, rule->allows, request, state,
                                                       object, &why->text);
        if (one == DOCKER_MATCH_NO)
            return DOCKER_MATCH_NO;
        if (one == DOCKER_MATCH_MAYBE)
            match = DOCKER_MATCH_MAYBE;
    }
    *why = (struct docker_mismatch){"", NULL};
    return match;
}
