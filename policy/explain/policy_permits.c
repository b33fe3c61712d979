/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule is tried with what it names: a path as it is written, with something in the place of stars;
 * operations and expressions with objects of a few common names. */
#include "policy/explain/policy_permits.h"

#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_list.h"
#include "rules/reason.h"

enum answer { NOT_ASKED, DENIED, OPEN };

/* One request, with what was answered to each client. */
struct trial {
    const struct policy *policy;
    struct policy_permits *permits;
    struct docker_request *request;
    enum answer *answers;
};

void policy_permits_init(struct policy_permits *permits, const struct policy *policy)
{
    *permits =
        (struct policy_permits){calloc_or_abort(policy->rule_count + 1, sizeof(bool)), false};
}

void policy_permits_free(struct policy_permits *permits)
{
    free(permits->rules);
    permits->rules = NULL;
}

/* Whether no rule denies it. */
static bool is_open(struct trial *trial, size_t client)
{
    struct verdict verdict;
    if (trial->answers[client] != NOT_ASKED)
        return trial->answers[client] == OPEN;
    policy_decide_docker(trial->policy, &trial->policy->clients[client].shown, trial->request,
                         DOCKER_OBJECT_NOT_ASKED, NULL, NULL, &verdict);
    bool denied = (verdict.result == VERDICT_DENY || verdict.would_deny) &&
                  strcmp(verdict.reason, REASON_RULE) == 0;
    trial->answers[client] = denied ? DENIED : OPEN;
    trial->permits->by_default |= verdict.result == VERDICT_ALLOW && !verdict.would_deny &&
                                  verdict.number == POLICY_NUMBER_DEFAULT_DOCKER;
    return !denied;
}

static bool permits_somebody(struct trial *trial, const struct policy_rule *rule)
{
    struct docker_rule bare = rule->match; /* borrowed: nothing of it is freed here */
    bare.condition_count = 0;
    if (!bare.allows || docker_rule_match(&bare, trial->request, DOCKER_OBJECT_NOT_ASKED, NULL,
                                          NULL) != DOCKER_MATCH_YES)
        return false;
    for (size_t client = 0; client < trial->policy->client_count; client++) {
        if (policy_rule_concerns(trial->policy, rule, client) && is_open(trial, client))
            return true;
    }
    return false;
}

static bool begin(struct trial *trial, enum http_method method, const struct buffer *target,
                  int64_t now_us)
{
    struct error ignored;
    memset(trial->answers, 0, trial->policy->client_count * sizeof(trial->answers[0]));
    if (!docker_request_parse(trial->request, method, buffer_slice(target), false, &ignored))
        return false;
    trial->request->now_us = now_us;
    return true;
}

/* All rules at once, and the default. */
static void try_name(struct trial *trial, enum docker_operation operation, const char *name,
                     int64_t now_us)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    bool libpod = operation == DOCKER_LIBPOD;
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    if (libpod)
        buffer_printf(&target, "/libpod/containers/%s/start", name);
    else
        docker_operation_write_path(info, name, &target);
    if (!begin(trial, libpod ? HTTP_METHOD_POST : info->method, &target, now_us))
        return;
    for (size_t i = 0; i < trial->policy->rule_count; i++) {
        bool *permits = &trial->permits->rules[i];
        *permits = *permits || permits_somebody(trial, &trial->policy->rules[i]);
    }
    for (size_t client = 0; client < trial->policy->client_count; client++)
        (void)is_open(trial, client);
}

/* A rule's own path, where it is one for the operation. */
static void try_path(struct trial *trial, size_t index, const struct docker_path_target *path,
                     enum docker_operation operation, int64_t now_us)
{
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    if (path->pattern.kind == PATTERN_REGEX ||
        !docker_operation_set_has(&path->operations, operation))
        return;
    for (size_t i = 0; i < path->pattern.text.len; i++) {
        bool again = i > 0 && path->pattern.text.ptr[i - 1] == '*';
        bool star = path->pattern.text.ptr[i] == '*';
        if (!star || !again)
            buffer_append_byte(&target, star ? 'x' : path->pattern.text.ptr[i]);
    }
    if (begin(trial, docker_operation_info(operation)->method, &target, now_us))
        trial->permits->rules[index] = permits_somebody(trial, &trial->policy->rules[index]);
}

void policy_permits_add(struct policy_permits *permits, const struct policy *policy,
                        enum docker_operation operation, int64_t now_us)
{
    static const char *const names[] = {
        "x", "0123456789ab", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    struct trial trial = {policy, permits, calloc_or_abort(1, sizeof(*trial.request)),
                          calloc_or_abort(policy->client_count + 1, sizeof(trial.answers[0]))};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        try_name(&trial, operation, names[i], now_us);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct docker_rule *rule = &policy->rules[i].match;
        for (size_t n = 0; n < rule->path_count && rule->allows && !permits->rules[i]; n++)
            try_path(&trial, i, &rule->paths[n], operation, now_us);
    }
    docker_request_clear(trial.request);
    free(trial.request);
    free(trial.answers);
}
