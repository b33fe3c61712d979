/* SPDX-License-Identifier: Apache-2.0
 *
 * The egress gate's lists and clocks. */
#include "proxy/egress/egress.h"

#include <stdlib.h>

#include "proxy/egress/egress_conn.h"
#include "proxy/egress/egress_options.h"
#include "proxy/loop/gate_limits.h"
#include "proxy/resolve/own_host.h"
#include "proxy/loop/revocation.h"
#include "proxy/egress/tunnel.h"
#include "proxy/egress/upstream_proxy.h"

enum { THROTTLE_MS = 50 };

static void on_throttle(evutil_socket_t fd, short what, void *context);

struct egress *egress_new(struct gate *gate)
{
    struct egress *egress = calloc(1, sizeof(*egress));
    if (egress == NULL)
        abort();
    egress->gate = gate;
    egress->options = &gate->options->egress;
    egress->descriptor_limit = gate_limits_descriptors();
    TAILQ_INIT(&egress->conns);
    TAILQ_INIT(&egress->dead);
    TAILQ_INIT(&egress->tunnels);
    TAILQ_INIT(&egress->throttled);
    TAILQ_INIT(&egress->dead_tunnels);
    evtimer_assign(&egress->throttle, gate->base, on_throttle, egress);
    return egress;
}

void egress_free(struct egress **egress)
{
    struct egress *freed = steal_pointer(egress);
    if (freed == NULL)
        return;
    egress_close_all(freed, "shutdown");
    egress_free_dead(freed);
    event_del(&freed->throttle);
    resolver_free(&freed->resolver);
    upstream_proxy_free(&freed->proxy);
    free(freed);
}

bool egress_has_listeners(const struct policy *policy)
{
    for (size_t i = 0; i < policy_client_count(policy); i++) {
        const struct policy_client *client = policy_client_at(policy, i);
        for (size_t j = 0; j < client->listen_count; j++) {
            if (client->listens[j].role != POLICY_ROLE_DOCKER)
                return true;
        }
    }
    return false;
}

bool egress_prepare(struct egress *egress, const struct policy *policy, struct error *error)
{
    if (egress->resolver != NULL || !egress_has_listeners(policy))
        return true;
    const struct upstream_proxy_options *proxy = &egress->options->upstream_proxy;
    if (proxy->url != NULL && egress->proxy == NULL &&
        (egress->proxy = upstream_proxy_new(proxy, error)) == NULL)
        return false;
    egress->resolver = resolver_new(egress->gate->base, &egress->options->resolver, error);
    return egress->resolver != NULL;
}

const char *egress_upstream_proxy_name(const struct egress *egress)
{
    return egress->proxy == NULL ? NULL : upstream_proxy_name(egress->proxy);
}

bool egress_is_busy(const struct egress *egress)
{
    return !TAILQ_EMPTY(&egress->conns) || !TAILQ_EMPTY(&egress->tunnels);
}

void egress_close_idle(struct egress *egress)
{
    struct egress_conn *conn, *next;
    for (conn = TAILQ_FIRST(&egress->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->state == EGRESS_CONN_IDLE)
            egress_conn_close(conn, "shutdown");
    }
}

void egress_close_all(struct egress *egress, const char *reason)
{
    while (!TAILQ_EMPTY(&egress->conns))
        egress_conn_close(TAILQ_FIRST(&egress->conns), reason);
    while (!TAILQ_EMPTY(&egress->tunnels))
        tunnel_close(TAILQ_FIRST(&egress->tunnels), reason, false);
}

static void on_throttle(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct egress *egress = context;
    /* Those that are held up again stand behind `last`, and wait for the next time. */
    struct tunnel *last = TAILQ_LAST(&egress->throttled, tunnel_list);
    bool at_last = last == NULL;
    while (!at_last) {
        struct tunnel *tunnel = TAILQ_FIRST(&egress->throttled);
        at_last = tunnel == last;
        tunnel_resume(tunnel);
    }
}

void egress_start_throttle(struct egress *egress)
{
    static const struct timeval wait = {0, THROTTLE_MS * 1000};
    if (!event_pending(&egress->throttle, EV_TIMEOUT, NULL))
        event_add(&egress->throttle, &wait);
}

void egress_tick(struct egress *egress)
{
    int64_t now_us = timestamp_monotonic_us();
    struct tunnel *tunnel, *next;
    for (tunnel = TAILQ_FIRST(&egress->tunnels); tunnel != NULL; tunnel = next) {
        next = TAILQ_NEXT(tunnel, link);
        tunnel_check_limits(tunnel, now_us);
    }
    struct egress_conn *conn, *next_conn;
    for (conn = TAILQ_FIRST(&egress->conns); conn != NULL; conn = next_conn) {
        next_conn = TAILQ_NEXT(conn, link);
        bool unwatched = fd_watch_wish(&conn->watch) == 0;
        if (conn->state == EGRESS_CONN_IDLE)
            egress_origin_sweep(conn);
        if (unwatched && conn->request_body.finished && egress_conn_peer_is_gone(conn))
            egress_conn_close(conn, "client-gone");
    }
}

void egress_free_dead(struct egress *egress)
{
    struct egress_conn *conn;
    while ((conn = TAILQ_FIRST(&egress->dead)) != NULL) {
        TAILQ_REMOVE(&egress->dead, conn, link);
        listener_unuse(&conn->listener);
        egress_exchange_free(&conn->exchange, egress->gate);
        free(conn);
    }
    struct tunnel *tunnel;
    while ((tunnel = TAILQ_FIRST(&egress->dead_tunnels)) != NULL) {
        TAILQ_REMOVE(&egress->dead_tunnels, tunnel, link);
        listener_unuse(&tunnel->listener);
        free(tunnel);
    }
}

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
static bool tunnel_still_allowed(const struct egress *egress, const struct tunnel *tunnel)
{
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
        .own_host = own_host_asked(egress->gate->own_host),
    };
    if (egress_exchange_hello(exchange, &hello))
        request.tunnel = &hello;
    if (exchange->path_len > 0)
        describe_websocket(exchange, &egress->gate->scratch->path, &request);
    if (client == NULL || !egress_exchange_target(exchange, &request.host))
        return false;
    policy_decide_network(egress->gate->policy, client, &request, NULL, &verdict);
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
    return conn->forwarded && !conn->exchange.logged &&
           (conn->state == EGRESS_CONN_FORWARD || conn->state == EGRESS_CONN_LOG_RESPONSE ||
            conn->state == EGRESS_CONN_RELAY);
}

/* A client that has no answer yet gets one. */
static void cut_stream(struct egress_conn *conn, const struct network_verdict *verdict)
{
    if (conn->state != EGRESS_CONN_FORWARD) {
        egress_conn_close(conn, "revoked");
        return;
    }
    egress_exchange_judge(&conn->exchange, conn->gate->policy, verdict);
    egress_refusal_send(conn, 403, "revoked",
                        "dockreeve: while this request was under way, the policy changed or a rule "
                        "expired, and it is not allowed any more",
                        NULL);
}

static void revoke_streams(struct egress *egress, bool cuts, struct revocation *revocation)
{
    struct egress_conn *conn, *next;
    struct network_verdict verdict;
    for (conn = TAILQ_FIRST(&egress->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (!is_under_way(conn) || stream_still_allowed(conn, &verdict))
            continue;
        revocation->streams++;
        if (cuts)
            cut_stream(conn, &verdict);
    }
}

void egress_revoke(struct egress *egress, bool cuts, struct revocation *revocation)
{
    struct tunnel *tunnel, *next;
    revoke_streams(egress, cuts, revocation);
    for (tunnel = TAILQ_FIRST(&egress->tunnels); tunnel != NULL; tunnel = next) {
        next = TAILQ_NEXT(tunnel, link);
        if (tunnel->state == TUNNEL_ENDING || tunnel_still_allowed(egress, tunnel))
            continue;
        revocation->tunnels++;
        if (cuts)
            tunnel_close(tunnel, "revoked", false);
    }
}

void egress_end_unadmitted(struct egress *egress)
{
    struct egress_conn *conn, *next;
    for (conn = TAILQ_FIRST(&egress->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (listener_admits(conn->listener, &conn->peer))
            continue;
        if (!conn->forwarded) { /* and never will be */
            conn->exchange.refused = true;
            conn->exchange.reason = "not-admitted";
        }
        egress_conn_close(conn, "not-admitted");
    }
    struct tunnel *tunnel, *next_tunnel;
    for (tunnel = TAILQ_FIRST(&egress->tunnels); tunnel != NULL; tunnel = next_tunnel) {
        next_tunnel = TAILQ_NEXT(tunnel, link);
        if (!listener_admits_socket(tunnel->listener, tunnel->ends[TUNNEL_CLIENT].fd))
            tunnel_close(tunnel, "not-admitted", false);
    }
}
