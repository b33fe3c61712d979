/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of the Docker gate, held against the policy in force: would what is under way be let
 * open? */
#include "proxy/docker/docker_conn.h"
#include "proxy/loop/listener.h"
#include "rules/reason.h"

/* Whether a request is with the engine and not over. What waits to be sent is judged when it is. */
static bool is_under_way(const struct docker_conn *conn)
{
    bool answered = conn->exchange.logged;
    return conn->http.forwarded && !answered &&
           (conn->state == DOCKER_CONN_FORWARD || conn->state == DOCKER_CONN_LOG_RESPONSE ||
            conn->state == DOCKER_CONN_RELAY || conn->state == DOCKER_CONN_TUNNEL);
}

/* Asks for it once more, as it was asked for, by what was known of its object then. */
static bool still_allowed(const struct docker_conn *conn, struct verdict *verdict)
{
    struct loop *loop = conn->loop;
    const struct docker_exchange *exchange = &conn->exchange;
    const struct policy_client *client = listener_policy_client(conn->listener);
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

/* A client that has no answer yet gets one. */
static void cut(struct docker_conn *conn, const struct verdict *verdict)
{
    struct docker_exchange *exchange = &conn->exchange;
    if (conn->state != DOCKER_CONN_FORWARD) {
        docker_conn_close(conn, REASON_REVOKED);
        return;
    }
    policy_unref(&exchange->policy);
    exchange->policy = policy_ref(conn->loop->policy);
    exchange->verdict = *verdict;
    exchange->would_deny = NULL;
    docker_refusal_send(conn, 403, REASON_REVOKED,
                        "dockreeve: while the engine was at work on this request, the policy "
                        "changed or a rule expired, and it is not allowed any more; whether it was "
                        "carried out is not known");
}

bool docker_revoke(struct client_conn *client, bool cuts)
{
    struct docker_conn *conn = container_of(client, struct docker_conn, client);
    struct verdict verdict;
    if (!is_under_way(conn) || still_allowed(conn, &verdict))
        return false;
    if (cuts)
        cut(conn, &verdict);
    return true;
}
