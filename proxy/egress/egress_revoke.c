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

bool egress_revoke_is_allowed(struct egress_conn *conn, bool note)
{
    struct network_inquiry inquiry = {.verdict = conn->exchange.verdict};
    bool allowed = false;
    if (http_conn_client(&conn->client) != NULL) {
        egress_request_inquire(conn, &inquiry);
        allowed = network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
    }
    if (!allowed && note)
        egress_exchange_judge(&conn->exchange, conn->client.loop->policy, &inquiry.verdict);
    return allowed;
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
