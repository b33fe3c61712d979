/* SPDX-License-Identifier: Apache-2.0
 *
 * The guards before a request that rules permit: its body, in the form that the engine is sent, is held
 * against the policy in force; once, and once more when that has become another one. */
#include "proxy/docker/docker_conn.h"

#include <stdlib.h>

#include "base/path_beneath.h"
#include "policy/explain/policy_advice.h"
#include "rules/guard/body.h"
#include "rules/reason.h"

void docker_guard_judge(struct docker_conn *conn, const struct body *body)
{
    struct loop *loop = conn->client.loop;
    const struct policy_client *client = http_conn_client(&conn->client);
    struct guard_finding finding;
    struct guard_case c = {.body = body, .host_path = path_beneath, .finding = &finding};
    struct verdict verdict = {.result = VERDICT_ALLOW};
    docker_guard_forget(conn);
    conn->guarded_by = loop->policy;
    if (client == NULL)
        return;
    policy_decide_guard(loop->policy, client, &c, &verdict);
    if (finding.count == 0)
        return;
    conn->finding = malloc(sizeof(*conn->finding));
    if (conn->finding == NULL)
        conn->guarded_by = NULL; /* asked again, and refused if there is still no memory */
    else
        *conn->finding = (struct docker_finding){finding, verdict};
}

void docker_guard_forget(struct docker_conn *conn)
{
    free(conn->finding);
    conn->finding = NULL;
    conn->guarded_by = NULL;
}

/* False with `error` when the body cannot be read any more. */
static bool judge_again(struct docker_conn *conn, struct error *error)
{
    struct slice text = held_body_rest(&conn->client.held);
    AUTO_BODY struct body body;
    if (!body_read(&body, conn->exchange.operation, 0, text, error))
        return false;
    docker_guard_judge(conn, &body);
    return conn->guarded_by != NULL;
}

void docker_guard_apply(struct docker_conn *conn)
{
    struct docker_exchange *exchange = &conn->exchange;
    struct verdict *verdict = &exchange->verdict;
    struct error ignored;
    if (conn->guarded_by != conn->client.loop->policy)
        docker_guard_forget(conn);
    if (verdict->result != VERDICT_ALLOW || held_body_rest(&conn->client.held).len == 0)
        return;
    if (conn->guarded_by == NULL && !judge_again(conn, &ignored)) {
        verdict->result = VERDICT_DENY;
        verdict->rule = verdict->source = "built-in";
        verdict->reason = exchange->common.reason = REASON_GATE_MEMORY;
        verdict->number = POLICY_NUMBER_NONE;
        return;
    }
    if (conn->finding == NULL)
        return;
    const struct verdict *found = &conn->finding->verdict;
    verdict->reason = exchange->common.reason = found->reason;
    verdict->would_deny = found->would_deny;
    exchange->common.would_deny = found->would_deny ? found->reason : NULL;
    if (found->result == VERDICT_DENY)
        *verdict = *found;
}

bool docker_guard_write_denial(const struct docker_conn *conn, struct buffer *out)
{
    const struct docker_finding *finding = conn->finding;
    if (finding == NULL || conn->exchange.verdict.reason != finding->verdict.reason)
        return false;
    buffer_printf(out, "dockreeve: %s on client ",
                  docker_operation_info(conn->exchange.operation)->name);
    policy_advice_write_name(slice_from_text(http_conn_client(&conn->client)->name), out);
    buffer_printf(out, " is denied by %s (%s): ", finding->verdict.rule, finding->verdict.source);
    guard_finding_write(&finding->finding, out);
    return true;
}
