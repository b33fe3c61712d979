/* SPDX-License-Identifier: Apache-2.0
 *
 * `cut_on_revoke`: after a reload each open stream is asked for once more, as it was asked for when
 * it opened. Who may not open it any more loses it. */
#include "proxy/docker_conn.h"
#include "proxy/listener.h"

static bool is_stream(const struct docker_conn *conn)
{
    return conn->exchange.stream &&
           (conn->state == DOCKER_CONN_RELAY || conn->state == DOCKER_CONN_TUNNEL);
}

static bool still_allowed(const struct docker_conn *conn)
{
    struct gate *gate = conn->gate;
    const struct docker_exchange *exchange = &conn->exchange;
    const struct policy_client *client = listener_policy_client(conn->listener);
    struct docker_request *request = &gate->scratch->request;
    struct slice target = slice_of(
        exchange->facts.data + exchange->facts.len - exchange->target_len, exchange->target_len);
    struct verdict verdict;
    struct error error;
    if (client == NULL ||
        !docker_request_parse(request, exchange->method, target, client->strict, &error))
        return false;
    request->now_us = timestamp_now_us();
    policy_decide_docker(gate->policy, client, request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                         &verdict);
    if (verdict.result == VERDICT_NEEDS_OBJECT)
        policy_decide_docker_named(
            gate->policy, client, request,
            conn->judged == NULL ? NULL : docker_lookup_naming(conn->judged), &verdict);
    return verdict.result == VERDICT_ALLOW;
}

void docker_revoke_streams(struct gate *gate)
{
    struct docker_conn *conn, *next;
    if (!policy_cuts_on_revoke(gate->policy))
        return;
    for (conn = TAILQ_FIRST(&gate->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (is_stream(conn) && !still_allowed(conn))
            docker_conn_close(conn, "revoked");
    }
}
