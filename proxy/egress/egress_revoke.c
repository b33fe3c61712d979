/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and tunnels of the egress gate, held against the policy in force: would what is under way
 * be let open? */
#include "proxy/egress/egress_conn.h"
#include "proxy/egress/tunnel.h"
#include "proxy/loop/listener.h"
#include "rules/reason.h"

/* Asked for once more, with what is known of it: name, address, and what its first bytes said. */
static bool tunnel_still_allowed(const struct tunnel *tunnel)
{
    static const struct tunnel_facts websocket = {.protocol = NETWORK_PROTOCOL_OTHER};
    const struct egress_exchange *exchange = &tunnel->exchange;
    struct network_inquiry inquiry;
    struct tunnel_facts hello;
    if (!tunnel_inquire(tunnel, &inquiry))
        return false;
    if (egress_exchange_hello(exchange, &hello))
        inquiry.request.tunnel = &hello;
    if (exchange->path_len > 0) { /* a WebSocket: admitted as the plain request that it began as */
        egress_exchange_describe(exchange, &tunnel->egress->loop->scratch->path, &inquiry.request);
        inquiry.request.tunnel = &websocket;
    }
    return network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
}

static bool stream_still_allowed(const struct egress_conn *conn, struct network_verdict *verdict)
{
    struct network_inquiry inquiry;
    *verdict = conn->exchange.verdict;
    if (egress_conn_client(conn) == NULL)
        return false;
    egress_request_inquire(conn, &inquiry);
    bool allowed = network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
    *verdict = inquiry.verdict;
    return allowed;
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
    egress_exchange_judge(&conn->exchange, conn->loop->policy, verdict);
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
