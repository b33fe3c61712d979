/* SPDX-License-Identifier: Apache-2.0
 *
 * The evidence held against the policy in force, by the gate's own decision: what it permits
 * already, by which rules, and what a rule of it denies. The log has no queries and no facts of
 * objects; where those decide, the log's own word counts, if the rule that it names is still there. */
#include <string.h>

#include "base/percent_code.h"
#include "base/timestamp.h"
#include "policy/explain/command_request.h"
#include "policy/explain/policy_explain.h"
#include "policy/snapshot/policy_network.h"
#include "policy/suggest/suggest.h"
#include "rules/docker/docker_request.h"
#include "rules/reason.h"

enum { PORT_TLS = 443 };

enum answer { ANSWER_PERMITTED, ANSWER_DENIED, ANSWER_OTHER };

static const char why_denied[] = "a rule denies it";

/* ---- rules ---- */

void suggest_write_rule_key(const struct policy_listed_rule *rule, struct buffer *out)
{
    policy_listed_write_source(rule, out);
    buffer_append_byte(out, ' ');
    policy_listed_write_rule(rule, out);
}

void suggest_know_policy(struct suggest_evidence *evidence, const struct policy *policy)
{
    const uint32_t end = policy_number_end(policy);
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    for (uint32_t number = POLICY_NUMBER_RULES; number < end; number++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        buffer_clear(&key);
        suggest_write_rule_key(&rule, &key);
        if (rule.allows)
            *text_map_at(&evidence->allows, buffer_slice(&key)) = evidence;
    }
}

/* ---- operations ---- */

static enum answer note_permitted(struct suggest_evidence *evidence, const struct verdict *verdict)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    buffer_printf(&key, "%s %s", verdict->source, verdict->rule);
    *text_map_at(&evidence->used, buffer_slice(&key)) = evidence;
    return ANSWER_PERMITTED;
}

/* Of an object the log knows the name or the project, which is what a learned rule goes by. */
static enum answer ask_with_names(struct suggest_evidence *evidence, const struct policy *policy,
                                  const struct policy_client *client,
                                  const struct suggest_operation *operation,
                                  const struct docker_request *request)
{
    enum answer answer = ANSWER_OTHER;
    const unsigned count = operation->nameable          ? operation->object_count
                           : operation->project != NULL ? 1
                                                        : 0;
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(docker_object_clear)
        struct docker_object object = {.kind = docker_operation_info(operation->operation)->object};
        AUTO_BUFFER struct buffer fact = BUFFER_EMPTY;
        struct verdict verdict;
        struct error ignored;
        buffer_printf(&fact, "%s=%s", operation->nameable ? "name" : "label",
                      operation->nameable ? operation->objects[i] : operation->project);
        if (!command_object_add(&object, buffer_text(&fact), &ignored))
            return ANSWER_OTHER;
        policy_decide_docker(policy, client, request, DOCKER_OBJECT_KNOWN, &object, NULL, &verdict);
        if (verdict.result != VERDICT_ALLOW || verdict.would_deny)
            return ANSWER_OTHER;
        answer = note_permitted(evidence, &verdict);
    }
    return answer;
}

static enum answer ask_docker(struct suggest_evidence *evidence, const struct policy *policy,
                              const struct policy_client *client,
                              const struct suggest_operation *operation)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.method = HTTP_METHOD_UNKNOWN};
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    struct verdict verdict;
    struct error ignored;
    percent_encode(&target, slice_from_text(operation->path), "/");
    if (target.len == 0 ||
        !docker_request_parse(&request, docker_operation_info(operation->operation)->method,
                              buffer_slice(&target), false, &ignored))
        return ANSWER_OTHER;
    request.now_us = timestamp_now_us();
    policy_decide_docker(policy, client, &request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL, &verdict);
    if (verdict.result == VERDICT_NEEDS_OBJECT)
        return ask_with_names(evidence, policy, client, operation, &request);
    if (verdict.result == VERDICT_ALLOW && !verdict.would_deny)
        return note_permitted(evidence, &verdict);
    return strcmp(verdict.reason, REASON_RULE) == 0 ? ANSWER_DENIED : ANSWER_OTHER;
}

/* ---- destinations ---- */

static enum answer ask_network(struct suggest_evidence *evidence, const struct policy *policy,
                               const struct policy_client *client,
                               const struct network_request *request)
{
    struct network_verdict verdict;
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    policy_decide_network(policy, client, request, NULL, &verdict);
    if (verdict.result == VERDICT_ALLOW && !verdict.would_deny) {
        network_verdict_write_source(&verdict, &key);
        buffer_append_byte(&key, ' ');
        network_verdict_write_rule(&verdict, &key);
        *text_map_at(&evidence->used, buffer_slice(&key)) = evidence;
        return ANSWER_PERMITTED;
    }
    return verdict.label != NULL && !verdict.rule_allows ? ANSWER_DENIED : ANSWER_OTHER;
}

/* What went through the tunnel, as far as it decides. */
static struct tunnel_facts facts_of(const struct suggest_target *target)
{
    struct tunnel_facts facts = {.protocol = NETWORK_PROTOCOL_OTHER};
    if (target->port != PORT_TLS || target->way == SUGGEST_TUNNEL_ANY ||
        target->way == SUGGEST_TUNNEL_UNKNOWN || target->way == SUGGEST_UPGRADED)
        return facts;
    facts.protocol = NETWORK_PROTOCOL_TLS;
    facts.has_sni = target->way == SUGGEST_TUNNEL && !target->host.is_address;
    facts.sni = target->host;
    return facts;
}

static enum answer ask_target(struct suggest_evidence *evidence, const struct policy *policy,
                              const struct policy_client *client,
                              const struct suggest_target *target)
{
    struct tunnel_facts facts = facts_of(target);
    struct network_request request = {.host = target->host,
                                      .port = target->port,
                                      .sight = NETWORK_OPAQUE,
                                      .now_us = timestamp_now_us(),
                                      .address = target->special ? &target->address : NULL};
    if (target->way != SUGGEST_PLAIN)
        request.tunnel = &facts;
    if (target->way != SUGGEST_PLAIN && target->way != SUGGEST_UPGRADED)
        return ask_network(evidence, policy, client, &request);
    enum answer answer = target->any_path ? ANSWER_OTHER : ANSWER_PERMITTED;
    request.sight = NETWORK_SEEN;
    for (size_t i = 0; i < target->request_count; i++) {
        request.method = target->requests[i].method;
        request.path = slice_from_text(target->requests[i].path);
        enum answer one = ask_network(evidence, policy, client, &request);
        if (one != ANSWER_PERMITTED && answer != ANSWER_DENIED)
            answer = one;
    }
    return answer;
}

/* ---- all of it ---- */

static void mark_operations(struct suggest_evidence *evidence, const struct policy *policy)
{
    size_t kept = 0;
    for (size_t i = 0; i < evidence->operation_count; i++) {
        struct suggest_operation *operation = evidence->operations[i];
        const struct policy_client *client =
            policy_client_find(policy, slice_from_text(operation->client));
        enum answer answer =
            client == NULL ? ANSWER_OTHER : ask_docker(evidence, policy, client, operation);
        if (answer == ANSWER_DENIED && !operation->permitted) {
            suggest_evidence_leave_out(evidence, operation->client,
                                       docker_operation_info(operation->operation)->name,
                                       why_denied, &operation->span);
            continue;
        }
        operation->permitted = operation->permitted || answer == ANSWER_PERMITTED;
        evidence->operations[kept++] = operation;
    }
    evidence->operation_count = kept;
}

static void mark_targets(struct suggest_evidence *evidence, const struct policy *policy)
{
    size_t kept = 0;
    for (size_t i = 0; i < evidence->target_count; i++) {
        struct suggest_target *target = evidence->targets[i];
        const struct policy_client *client =
            policy_client_find(policy, slice_from_text(target->client));
        enum answer answer =
            client == NULL ? ANSWER_OTHER : ask_target(evidence, policy, client, target);
        if (answer == ANSWER_DENIED && !target->permitted) {
            AUTO_BUFFER struct buffer what = BUFFER_EMPTY;
            suggest_target_write(target, &what);
            suggest_evidence_leave_out(evidence, target->client, buffer_text(&what), why_denied,
                                       &target->span);
            free(target->requests);
            continue;
        }
        target->permitted = target->permitted || answer == ANSWER_PERMITTED;
        evidence->targets[kept++] = target;
    }
    evidence->target_count = kept;
}

void suggest_mark_permitted(struct suggest_evidence *evidence, const struct policy *policy)
{
    mark_operations(evidence, policy);
    mark_targets(evidence, policy);
}
