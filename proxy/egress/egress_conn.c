/* SPDX-License-Identifier: Apache-2.0
 *
 * What the egress gate does on a client connection (proxy/exchange/http_conn.h), as a table; and how
 * one becomes a tunnel. */
#include "proxy/egress/egress_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/egress/egress_header.h"
#include "proxy/egress/egress_options.h"
#include "proxy/egress/tunnel.h"
#include "rules/reason.h"

/* ---- a request comes in ---- */

static void read_head(struct http_conn *client)
{
    if (client->state == HTTP_CONN_HELLO)
        egress_request_start_hello(egress_conn_of(client));
    else
        egress_request_start(egress_conn_of(client));
}

static void unread(struct http_conn *client)
{
    egress_request_unread(egress_conn_of(client));
}

/* Names and addresses have deadlines of their own. */
static void late(struct http_conn *client)
{
    if (client->state == HTTP_CONN_HELLO)
        http_refusal_unread(client, 408, REASON_LIMIT_HELLO_TIME,
                            "dockreeve: the ClientHello did not arrive in time");
    else
        http_refusal_send(client, 504, REASON_UPSTREAM_PROXY_TIMEOUT,
                          "dockreeve: the upstream proxy did not answer in time", NULL);
}

static void recorded(struct http_conn *client)
{
    egress_route_recorded(egress_conn_of(client));
}

static bool judge_again(struct http_conn *client)
{
    return egress_route_judge_again(egress_conn_of(client));
}

/* ---- the origin ---- */

static struct http_sender sender(const struct http_conn *client)
{
    return (struct http_sender){egress_conn_of(client)->origin.is_proxy ? "the upstream proxy"
                                                                        : "the origin",
                                client->loop->options->answer_head};
}

static void origin_read(struct http_conn *client, bool enable)
{
    egress_origin_watch(egress_conn_of(client), EV_READ, enable);
}

static void origin_write(struct http_conn *client, bool enable)
{
    egress_origin_watch(egress_conn_of(client), EV_WRITE, enable);
}

static void answered(struct http_conn *client, bool reusable)
{
    struct egress_conn *conn = egress_conn_of(client);
    if (reusable && conn->exchange.by_proxy == conn->origin.is_proxy)
        egress_origin_watch(conn, EV_READ, false);
    else
        egress_origin_close(conn);
}

static void drop_origin(struct http_conn *client)
{
    egress_origin_close(egress_conn_of(client));
}

static void count_error(struct loop *loop)
{
    metrics_totals(loop->metrics)->upstream_errors++;
}

static void closed_early(struct http_conn *client)
{
    if (egress_conn_of(client)->origin.is_proxy)
        http_refusal_upstream(client, REASON_UPSTREAM_PROXY_CLOSED,
                              "dockreeve: the upstream proxy closed the connection before it "
                              "answered");
    else
        http_refusal_upstream(client, REASON_UPSTREAM_CLOSED,
                              "dockreeve: the origin closed the connection before it answered");
}

static void retry(struct http_conn *client)
{
    egress_route_start(egress_conn_of(client));
}

static bool may_switch(const struct http_conn *client, const struct http_head *head)
{
    (void)client;
    return egress_header_asks_websocket(head);
}

/* ---- tunnels ---- */

bool egress_conn_take_tunnel(struct egress_conn *conn)
{
    if (conn->has_tunnel_place)
        return true;
    enum share_level level = share_take(conn->client.peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = level == SHARE_GRANTED;
    if (conn->has_tunnel_place)
        return true;
    char message[96];
    snprintf(message, sizeof(message),
             "dockreeve: %s has as many tunnels open as it may; try again later",
             share_level_name(level));
    http_refusal_send(&conn->client, 503, share_reason(SHARE_TUNNELS), message, NULL);
    return false;
}

static void give_tunnel_back(struct egress_conn *conn)
{
    if (conn->has_tunnel_place)
        share_give_back(conn->client.peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = false;
}

void egress_conn_detach(struct egress_conn *conn, struct tunnel_plan *plan)
{
    if (!conn->has_tunnel_place) /* was asked for where it could still be refused */
        share_overdraw(conn->client.peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = false;
    http_conn_leave(&conn->client);
    plan->peer = steal_pointer(&conn->client.peer_share);
    plan->streams[TUNNEL_CLIENT] = steal_stream(&conn->client.stream);
}

static void switched(struct http_conn *client)
{
    egress_answer_start_tunnel(egress_conn_of(client));
}

/* ---- records and policy ---- */

static uint64_t log_open(struct http_conn *client)
{
    return egress_log_open(&egress_conn_of(client)->exchange, client->loop, client->listener);
}

static uint64_t log_last(struct http_conn *client, const char *reason)
{
    struct egress_exchange *exchange = &egress_conn_of(client)->exchange;
    if (client->http.forwarded && !client->http.own_response) {
        exchange->bytes_in = client->http.request_body.payload;
        exchange->bytes_out = client->http.response_body.payload;
    }
    return egress_log_close(exchange, client->loop, client->listener, reason);
}

static void count_rule(struct http_conn *client)
{
    egress_log_count_rule(&egress_conn_of(client)->exchange, client->loop);
}

static bool is_allowed(struct http_conn *client, bool note)
{
    return egress_revoke_is_allowed(egress_conn_of(client), note);
}

/* ---- ends ---- */

static void stop_finding(struct http_conn *client)
{
    egress_route_cancel(egress_conn_of(client));
}

static void forget(struct http_conn *client)
{
    struct egress_conn *conn = egress_conn_of(client);
    give_tunnel_back(conn);
    egress_exchange_clear(&conn->exchange, client->loop);
}

static void idle(struct http_conn *client)
{
    egress_origin_sweep(egress_conn_of(client));
}

static void free_conn(struct http_conn *client)
{
    struct egress_conn *conn = egress_conn_of(client);
    egress_exchange_free(&conn->exchange, client->loop);
    free(conn);
}

static const struct http_conn_ops ops = {
    .gate = SHARE_NETWORK,
    .revoked_text = "dockreeve: while this request was under way, the policy changed or a rule "
                    "expired, and it is not allowed any more",
    .read_head = read_head,
    .unread = unread,
    .late = late,
    .recorded = recorded,
    .judge_again = judge_again,
    .sender = sender,
    .upstream_read = origin_read,
    .upstream_write = origin_write,
    .upstream_done = answered,
    .upstream_drop = drop_origin,
    .count_error = count_error,
    .closed_early = closed_early,
    .retry = retry,
    .may_switch = may_switch,
    .answer = egress_answer_begin,
    .tunnel_start = switched,
    .write_refusal = egress_answer_write_refusal,
    .log_open = log_open,
    .log_last = log_last,
    .count_rule = count_rule,
    .is_allowed = is_allowed,
    .stop_finding = stop_finding,
    .forget = forget,
    .idle = idle,
    .free = free_conn,
};

/* Nothing but the client's next bytes can end these states. */
static bool reads_heads(const struct http_conn *client)
{
    return client->state == HTTP_CONN_IDLE || client->state == HTTP_CONN_HEAD ||
           client->state == HTTP_CONN_HELLO;
}

void egress_conn_accept(struct listener *listener, struct arrival *arrival)
{
    struct egress *egress = listener_gate(listener)->egress;
    struct egress_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        http_conn_turn_away(arrival);
        return;
    }
    struct http_conn *client = &conn->client;
    conn->egress = egress;
    conn->origin.upstream.stream = STREAM_NONE;
    http_conn_open(client, &ops, &conn->exchange.common, egress->loop, listener, arrival);
    client->upstream = &conn->origin.upstream;
    if (listener_role(listener) == POLICY_ROLE_TLS) {
        conn->aim = EGRESS_AIM_TLS;
        http_conn_set_state(client, HTTP_CONN_HELLO);
        share_seat_wait(&client->seat, client->peer_share);
        event_timer_start(&client->timer, egress->options->hello_timeout_ms);
    }
    /* A client sends at once, so most likely its request is here already: whoever is refused or
     * becomes a tunnel need never be watched as a connection. */
    http_conn_readable(client);
    if (reads_heads(client))
        http_conn_read_enable(client, true);
}
