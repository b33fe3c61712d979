/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The decision function is asked once more, with an observer that notes what stands
 * in the way; each step is worded by policy_advice.c. */
#include "policy/explain/policy_obstacles.h"

#include <string.h>

#include "policy/explain/policy_advice.h"
#include "policy/explain/policy_explain.h"
#include "policy/snapshot/policy_data.h"
#include "rules/reason.h"

/* The rules that match, as an observer sees them. */
struct obstacles {
    const struct policy *policy;
    bool network;
    bool allowed;    /* some allow matches */
    bool maybe_deny; /* some deny depends on the object, which was not asked for */
    unsigned denies;
    struct buffer advice; /* owned: what takes the denies away */
    struct buffer seen;   /* owned: its steps, NUL behind each */
};

static void obstacles_clear(struct obstacles *obstacles)
{
    buffer_free(&obstacles->advice);
    buffer_free(&obstacles->seen);
}

static bool named_already(const struct obstacles *obstacles, const char *step)
{
    struct slice rest = buffer_slice(&obstacles->seen);
    while (rest.len > 0) {
        if (slice_equal_text(slice_cut(&rest, '\0'), step))
            return true;
    }
    return false;
}

static void join(struct buffer *out)
{
    buffer_append_text(out, out->len > 0 ? ", and " : "");
}

static void note(void *context, const struct policy_considered *rule)
{
    struct obstacles *obstacles = context;
    if (!rule->matched) {
        obstacles->maybe_deny |= !rule->allows && strcmp(rule->why, policy_depends_on_object) == 0;
        return;
    }
    if (rule->allows) {
        obstacles->allowed = true;
        return;
    }
    AUTO_BUFFER struct buffer step = BUFFER_EMPTY;
    if (!policy_advice_remove(obstacles->policy, rule->source, rule->number, &step))
        buffer_printf(&step, "change or remove the %s at %s", obstacles->network ? "deny" : "rule",
                      rule->source);
    obstacles->denies++;
    if (named_already(obstacles, buffer_text(&step))) /* two rules on one line, or twice the same */
        return;
    join(&obstacles->advice);
    buffer_append_slice(&obstacles->advice, buffer_slice(&step));
    buffer_append_slice(&obstacles->seen, buffer_slice(&step));
    buffer_append_byte(&obstacles->seen, '\0');
}

/* A rule that names everything that needs a permission of its own. */
static void advise_reach(const struct policy *policy, const struct policy_client *client,
                         const struct docker_request *request, struct buffer *out)
{
    const char *separator = "";
    struct docker_reach_place place;
    AUTO_BUFFER struct buffer where = BUFFER_EMPTY;
    for (unsigned next = 0; docker_reach_next(request, &next, &place);) {
        buffer_append_text(&where, separator);
        if (docker_reach_condition(&place, &where))
            buffer_append_literal(&where, ": \"**\"");
        separator = ", ";
    }
    buffer_append_literal(out, "add `");
    if (where.len > 0)
        buffer_printf(out, "- {allow: %s, where: {%s}}",
                      docker_operation_info(request->operation)->name, buffer_text(&where));
    else
        policy_advice_reach_path(&place, out);
    buffer_append_byte(out, '`');
    policy_advice_place(policy, client, "docker", out);
}

void policy_obstacles_docker(const struct policy *policy, const struct policy_client *client,
                             const struct docker_request *request, enum docker_object_state state,
                             const struct docker_object *object, const struct verdict *verdict,
                             struct buffer *out)
{
    CLEANUP(obstacles_clear) struct obstacles obstacles = {.policy = policy};
    const struct policy_observer observer = {note, &obstacles};
    struct verdict again;
    if (verdict->result == VERDICT_ALLOW && !verdict->would_deny) {
        buffer_append_literal(out, "to deny it, ");
        policy_advice_docker(policy, client, request->operation, false, out);
        return;
    }
    policy_decide_docker(policy, client, request, state, object, &observer, &again);
    const char *variable = policy->operation_advice[request->operation];
    struct buffer *advice = &obstacles.advice;
    struct docker_reach_place place;
    bool unnamed =
        policy_judge_reach(policy, client, request, state, object, &place) == POLICY_REACH_UNNAMED;
    if (variable != NULL && !unnamed) {
        buffer_clear(advice);
        buffer_append_text(advice, variable);
    } else if (unnamed) {
        join(advice);
        advise_reach(policy, client, request, advice);
    } else if (!obstacles.allowed && (obstacles.denies == 0 || !policy->default_allow)) {
        join(advice);
        policy_advice_docker(policy, client, request->operation, true, advice);
    }
    buffer_append_literal(out, "to permit it, ");
    buffer_append_slice(out, buffer_slice(advice));
    if (obstacles.maybe_deny)
        buffer_append_literal(out, "; whether a deny then matches depends on the object");
}

void policy_obstacles_network(const struct policy *policy, const struct policy_client *client,
                              const struct network_request *request,
                              const struct network_verdict *verdict, struct buffer *out)
{
    CLEANUP(obstacles_clear) struct obstacles obstacles = {.policy = policy, .network = true};
    const struct policy_observer observer = {note, &obstacles};
    struct network_verdict again;
    struct buffer *advice = &obstacles.advice;
    if (verdict->result == VERDICT_ALLOW && !verdict->would_deny) {
        AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
        host_name_write(&request->host, &target);
        buffer_printf(&target, ":%u", request->port);
        buffer_append_literal(out, "to deny it, ");
        policy_advice_network(policy, client, buffer_slice(&target), false,
                              &(struct policy_advice_conditions){.address = NULL}, out);
        return;
    }
    bool of_server_name = strcmp(verdict->reason, REASON_SNI_DENIED) == 0;
    if (!of_server_name)
        policy_decide_network(policy, client, request, &observer, &again);
    struct network_verdict bare = *verdict; /* as if the denies were gone */
    if (obstacles.denies > 0) {
        bare.label = NULL;
        bare.reason = REASON_DEFAULT;
        bare.why = NULL;
    }
    const char *why, *reason;
    bool by_default = obstacles.denies > 0 && policy->default_network_allow &&
                      network_default_match(request, &why, &reason) == NETWORK_MATCH_YES;
    if (obstacles.denies == 0 || (!obstacles.allowed && !by_default)) {
        join(advice);
        size_t before = advice->len;
        policy_explain_network_fix(policy, client, request, &bare, advice);
        if (advice->len == before) /* no rule could */
            return;
    }
    if (advice->len > 0)
        buffer_append_literal(out, "to permit it, ");
    buffer_append_slice(out, buffer_slice(advice));
}
