/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and tunnels of the egress gate, held against the policy in force: would what is under way
 * be let open? */
#include "proxy/egress/egress_conn.h"
#include "proxy/egress/tunnel.h"
#include "proxy/io/own_host.h"
#include "proxy/loop/listener.h"
#include "rules/reason.h"

/* A WebSocket was admitted as the plain request that it began as, and is asked for as that again.
 */
static void describe_websocket(const struct egress_exchange *exchange, struct buffer *canonical,
                               struct network_request *request)
{
    static const struct tunnel_facts facts = {.protocol = NETWORK_PROTOCOL_OTHER};
    egress_exchange_describe(exchange, canonical, request);
    request->tunnel = &facts;
}

/* Asked for once more, with what is known of it: name, address, and what its first bytes said. */
static bool tunnel_still_allowed(const struct tunnel *tunnel)
{
    struct gate *gate = tunnel->egress->gate;
    const struct egress_exchange *exchange = &tunnel->exchange;
    const struct policy_client *client = listener_policy_client(tunnel->listener);
    struct network_verdict verdict;
    struct tunnel_facts hello;
    struct network_request request = {
        .port = exchange->port,
        .sight = NETWORK_OPAQUE,
        .now_us = timestamp_now_us(),
        .address = exchange->has_address ? &exchange->address : NULL,
        .cnames = egress_exchange_cnames(exchange),
        .own_host = own_host_asked(gate->own_host),
    };
    if (egress_exchange_hello(exchange, &hello))
        request.tunnel = &hello;
    if (exchange->path_len > 0)
        describe_websocket(exchange, &gate->scratch->path, &request);
    if (client == NULL || !egress_exchange_target(exchange, &request.host))
        return false;
    policy_decide_network(gate->policy, client, &request, NULL, &verdict);
    return verdict.result == VERDICT_ALLOW;
}

static bool stream_still_allowed(const struct egress_conn *conn, struct network_verdict *verdict)
{
    struct network_request request;
    const struct policy_client *client = egress_conn_client(conn);
    *verdict = conn->exchange.verdict;
    if (client == NULL)
        return false;
    egress_request_describe(conn, &request);
    request.address = conn->exchange.has_address ? &conn->exchange.address : NULL;
    policy_decide_network(conn->gate->policy, client, &request, NULL, verdict);
    return verdict->result == VERDICT_ALLOW;
}

/* Whether a request is with its origin and not over. What waits to be sent is judged when it is. */
static bool is_under_way(const struct egress_conn *conn)
{
    return conn->http.forwarded && !conn->exchange.logged &&
           (conn->state == EGRESS_CONN_FORWARD || conn->state == EGRESS_CONN_LOG_RESPONSE ||
            conn->state == EGRESS_CONN_RELAY);
}

/* A client that has no answer yet gets one. */
static void cut_stream(struct egress_conn *conn, const struct network_verdict *verdict)
{
    if (conn->state != EGRESS_CONN_FORWARD) {
        egress_conn_close(conn, REASON_REVOKED);
        return;
    }
    egress_exchange_judge(&conn->exchange, conn->gate->policy, verdict);
    egress_refusal_send(conn, 403, REASON_REVOKED,
                        "dockreeve: while this request was under way, the policy changed or a rule "
                        "expired, and it is not allowed any more",
                        NULL);
}

bool egress_revoke_stream(struct client_conn *client, bool cuts)
{
    struct egress_conn *conn = container_of(client, struct egress_conn, client);
    struct network_verdict verdict;
    if (!is_under_way(conn) || stream_still_allowed(conn, &verdict))
        return false;
    if (cuts)
        cut_stream(conn, &verdict);
    return true;
}

bool egress_revoke_tunnel(struct client_conn *client, bool cuts)
{
    struct tunnel *tunnel = container_of(client, struct tunnel, client);
    if (tunnel->state == TUNNEL_ENDING || tunnel_still_allowed(tunnel))
        return false;
    if (cuts)
        tunnel_close(tunnel, REASON_REVOKED, false);
    return true;
}
