/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence for a denied client (docs/design.md 1.6): what, by which rule, and what would
 * permit it.
 * Names of operations and rules only: neither the query nor the object's name is repeated, so
 * nothing secret can get into it. */
#include <string.h>

#include "policy/explain/policy_advice.h"
#include "policy/snapshot/policy_internal.h"
#include "rules/reason.h"

static void write_what(const struct docker_request *request, struct buffer *out)
{
    if (request->operation == DOCKER_OPERATION_NONE) {
        buffer_append_literal(out, "a request that is no known operation");
        return;
    }
    buffer_append_text(out, docker_operation_info(request->operation)->name);
}

/* Why no rule allows it: some would if only their path or `where` fitted, or their time was not
 * over. */
static const char *missing_allow(const struct policy *policy,
                                 const struct policy_client_entry *entry,
                                 const struct docker_request *request)
{
    const char *why = "no rule allows it";
    for (size_t i = 0; i < entry->rule_count; i++) {
        const struct docker_rule *rule = &policy->rules[entry->rules[i]].match;
        struct docker_operation_set selected;
        docker_rule_selected(rule, &selected);
        if (!rule->allows || !docker_operation_set_has(&selected, request->operation))
            continue;
        if (rule->expires_us == 0 || request->now_us < rule->expires_us)
            return "the rules that allow it are for other objects or paths";
        why = "the rule that allowed it has expired";
    }
    return why;
}

static void write_advice(const struct policy *policy, const struct policy_client_entry *entry,
                         const struct docker_request *request, struct buffer *out)
{
    const char *advice = policy->operation_advice[request->operation];
    if (advice != NULL) {
        buffer_append_literal(out, ". To permit it, ");
        buffer_append_text(out, advice);
        return;
    }
    if (request->operation == DOCKER_OPERATION_NONE)
        return;
    buffer_append_literal(out, ". To permit it, ");
    policy_advice_docker(policy, &entry->shown, request->operation, true, out);
}

static void explain_reach(const struct policy *policy, const struct policy_client *client,
                          const struct docker_request *request, struct buffer *out)
{
    struct docker_reach_place place;
    if (policy_judge_reach(policy, client, request, DOCKER_OBJECT_UNKNOWN, NULL, &place) ==
        POLICY_REACH_PERMITTED)
        return;
    buffer_append_literal(out, " is denied: the ");
    buffer_append_text(out, place.parameter.ptr == NULL ? "name in the path" : "parameter ");
    buffer_append_slice(out, place.parameter);
    buffer_append_byte(out, ' ');
    buffer_append_text(out, place.why);
    buffer_append_literal(out, ", so a rule must name it. To permit it, add `");
    if (place.parameter.ptr == NULL && !docker_reach_condition(&place, NULL)) {
        policy_advice_reach_path(&place, out);
        buffer_append_byte(out, '`');
        return;
    }
    buffer_append_literal(out, "where: {");
    (void)docker_reach_condition(&place, out);
    buffer_append_literal(out, ": …}` to a rule that allows ");
    buffer_append_text(out, docker_operation_info(request->operation)->name);
}

void policy_explain_denial(const struct policy *policy, const struct policy_client *client,
                           const struct docker_request *request, const struct verdict *verdict,
                           struct buffer *out)
{
    const struct policy_client_entry *entry = &policy->clients[client->index];
    buffer_append_literal(out, "dockreeve: ");
    write_what(request, out);
    buffer_append_literal(out, " on client ");
    policy_advice_write_name(slice_from_text(client->name), out);
    if (strncmp(verdict->reason, "guard.", strlen("guard.")) == 0) {
        explain_reach(policy, client, request, out);
        return;
    }
    buffer_append_literal(out, " is denied by ");
    if (strcmp(verdict->reason, REASON_DEFAULT) != 0) {
        buffer_append_literal(out, "rule ");
        policy_advice_write_name(slice_from_text(verdict->rule), out);
        buffer_append_literal(out, " (");
        buffer_append_text(out, verdict->source);
        buffer_append_literal(out, ")");
        /* A rule of a file is its writer's own; a variable's name does not say what would undo it. */
        if (strncmp(verdict->source, "env ", 4) == 0 &&
            policy->operation_advice[request->operation] != NULL)
            write_advice(policy, entry, request, out);
        AUTO_BUFFER struct buffer remove = BUFFER_EMPTY;
        if (policy_advice_remove(policy, verdict->source, verdict->number, &remove)) {
            buffer_append_literal(out, ". To permit it, ");
            buffer_append_slice(out, buffer_slice(&remove));
        }
        return;
    }
    buffer_append_literal(out, "default: ");
    buffer_append_text(out, missing_allow(policy, entry, request));
    write_advice(policy, entry, request, out);
}
