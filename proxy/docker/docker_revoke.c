/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of the Docker gate, held against the policy in force: would what is under way be let
 * open? */
#include "proxy/docker/docker_conn.h"
#include "proxy/loop/listener.h"
#include "rules/reason.h"

/* Asks for it once more, as it was asked for, by what was known of its object then. */
static bool still_allowed(const struct docker_conn *conn, struct verdict *verdict)
{
    struct loop *loop = conn->client.loop;
    const struct docker_exchange *exchange = &conn->exchange;
    const struct policy_client *client = listener_policy_client(conn->client.listener);
    struct docker_request *request = &loop->scratch->request;
    struct slice target = docker_exchange_target(exchange);
    struct error error;
    *verdict = (struct verdict){.result = VERDICT_DENY,
                                .rule = "built-in",
                                .source = "built-in",
                                .reason = REASON_REVOKED,
                                .number = POLICY_NUMBER_NONE};
    if (client == NULL ||
        !docker_request_parse(request, exchange->method, target, client->strict, &error))
        return false;
    request->now_us = timestamp_now_us();
    policy_decide_docker(loop->policy, client, request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                         verdict);
    if (verdict->result == VERDICT_NEEDS_OBJECT)
        policy_decide_docker_named(loop->policy, client, request, conn->judged, verdict);
    return verdict->result == VERDICT_ALLOW;
}

bool docker_revoke_is_allowed(struct docker_conn *conn, bool note)
{
    struct verdict verdict;
    bool allowed = still_allowed(conn, &verdict);
    if (!allowed && note) {
        exchange_judged_by(&conn->exchange.common, conn->client.loop->policy);
        conn->exchange.verdict = verdict;
        conn->exchange.common.would_deny = NULL;
    }
    return allowed;
}
