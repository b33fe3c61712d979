/* SPDX-License-Identifier: Apache-2.0
 *
 * From an allowed name to a connected socket: resolve, judge every answer, dial just those that may
 * be dialled. Then the record, then the tunnel or the request. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/egress/egress_conn.h"
#include "proxy/egress/egress_options.h"
#include "proxy/loop/own_address.h"
#include "proxy/io/own_host.h"
#include "proxy/egress/tunnel.h"
#include "proxy/egress/upstream_proxy.h"
#include "rules/network/address_class.h"
#include "rules/reason.h"

static void on_connected(void *context, const struct dial_result *result);

void egress_route_cancel(struct egress_conn *conn)
{
    resolver_cancel(&conn->query);
    dial_cancel(&conn->dial);
}

static void refuse_closed(struct egress_conn *conn)
{
    http_refusal_send(&conn->client, 403, REASON_LISTENER_CLOSED,
                      "dockreeve: this listener is no longer part of the policy", NULL);
}

static void refuse_without_memory(struct egress_conn *conn)
{
    http_refusal_send(&conn->client, 503, REASON_LIMIT_MEMORY,
                      "dockreeve: no memory is left for this request; try again later", NULL);
}

/* Asked again with the address that was dialled, so that the record names the rule that admits it.
 * Dialling takes a while, too, in which the policy may have become another one, and what that
 * forbids would begin behind its back. False when it refused. */
bool egress_route_judge_again(struct egress_conn *conn)
{
    struct network_inquiry inquiry;
    if (http_conn_client(&conn->client) == NULL) {
        refuse_closed(conn);
        return false;
    }
    bool allowed = egress_request_ask(conn, &inquiry);
    if (!allowed)
        egress_answer_denied(conn, &inquiry.request);
    return allowed;
}

/* Whatever waited is judged by the policy of the moment at which it goes on: it may be another one
 * by then, or a rule may have expired. False when it refused. */
static bool verdict_holds(struct egress_conn *conn)
{
    return http_conn_verdict_holds(&conn->client) || egress_route_judge_again(conn);
}

static void start_tunnel(struct egress_conn *conn)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct loop *loop = conn->client.loop;
    bool announced = conn->aim == EGRESS_AIM_CONNECT;
    struct egress *egress = conn->egress;
    struct tunnel_plan plan = {
        .egress = egress,
        .listener = conn->client.listener,
        .streams[TUNNEL_ORIGIN] = steal_stream(&conn->origin.upstream.stream),
        .to_client = conn->client.out,
        .to_origin = conn->client.in,
        .peek = conn->step == NETWORK_STEP_FIRST_BYTES,
        .hello_len =
            announced || io_buffer_len(&conn->origin.upstream.in) > 0 ? 0 : conn->hello_len,
    };
    fd_watch_set(&conn->origin.watch, 0);
    conn->client.out = conn->client.in = (struct io_buffer){0};
    /* Behind an upstream proxy the origin may have said something already. */
    struct io_buffer *said = &conn->origin.upstream.in;
    bool kept =
        (!announced ||
         io_buffer_append(loop->blocks, &plan.to_client, established, sizeof(established) - 1)) &&
        (io_buffer_len(said) == 0 || io_buffer_append(loop->blocks, &plan.to_client,
                                                      io_buffer_bytes(said), io_buffer_len(said)));
    if (!kept) {
        conn->client.out = plan.to_client;
        conn->client.in = plan.to_origin;
        stream_close(&plan.streams[TUNNEL_ORIGIN]);
        http_conn_close(&conn->client, REASON_LIMIT_MEMORY);
        return;
    }
    struct egress_exchange exchange = conn->exchange;
    exchange.bytes_out = io_buffer_len(said);
    io_buffer_reset(loop->blocks, said);
    conn->exchange = (struct egress_exchange){0};
    plan.exchange = &exchange;
    egress_conn_detach(conn, &plan);
    (void)tunnel_start(&plan);
}

/* What an upstream sends is read from the moment on at which it is asked. */
static void send_request(struct egress_conn *conn)
{
    http_conn_set_state(&conn->client, HTTP_CONN_FORWARD);
    egress_origin_watch(conn, EV_READ, true);
    http_forward_send(&conn->client);
}

void egress_route_recorded(struct egress_conn *conn)
{
    if (!verdict_holds(conn))
        return;
    if (conn->aim == EGRESS_AIM_FORWARD)
        send_request(conn);
    else
        start_tunnel(conn);
}

/* The way is open. What may change something, and every tunnel, goes to the log first. */
static void admit(struct egress_conn *conn)
{
    bool looks_only = conn->aim == EGRESS_AIM_FORWARD && !conn->client.http.wants_upgrade &&
                      conn->client.http.is_read;
    if (!egress_route_judge_again(conn) || !http_forward_can_be_logged(&conn->client))
        return;
    conn->exchange.common.status = conn->aim == EGRESS_AIM_CONNECT ? 200 : 0;
    if (looks_only || conn->exchange.common.opened) /* or asked again: its record is there */
        send_request(conn);
    else
        http_forward_log_open(&conn->client);
}

/* ---- the upstream proxy ---- */

/* Whether the target goes by the upstream proxy in a request of its own (RFC 9112 section 3.2.2) and
 * needs no tunnel: many proxies have none to port 80. */
static bool asks_whole_url(const struct egress_conn *conn)
{
    return conn->takes_proxy && conn->aim == EGRESS_AIM_FORWARD && !conn->client.http.wants_upgrade;
}

static void on_proxy_answer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct egress_conn *conn = context;
    struct loop *loop = conn->client.loop;
    struct error error;
    size_t consumed;
    ssize_t got = stream_fill(&conn->origin.upstream.stream, loop->blocks,
                              &conn->origin.upstream.in, IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        http_refusal_send(&conn->client, 502, REASON_UPSTREAM_PROXY_CLOSED,
                          "dockreeve: the upstream proxy closed the connection", NULL);
        return;
    }
    switch (upstream_proxy_read(io_buffer_bytes(&conn->origin.upstream.in),
                                io_buffer_len(&conn->origin.upstream.in), &consumed, &error)) {
    case UPSTREAM_PROXY_MORE:
        return;
    case UPSTREAM_PROXY_REFUSED:
        http_refusal_error(&conn->client, &error);
        return;
    case UPSTREAM_PROXY_OPEN:
        break;
    }
    io_buffer_consume(loop->blocks, &conn->origin.upstream.in, consumed);
    int socket = steal_stream(&conn->origin.upstream.stream).fd;
    fd_watch_set(&conn->origin.watch, 0);
    if (conn->aim != EGRESS_AIM_FORWARD) {
        conn->origin.upstream.stream = stream_of_socket(socket);
        admit(conn);
    } else if (io_buffer_len(&conn->origin.upstream.in) > 0) {
        close(socket);
        http_refusal_send(&conn->client, 502, REASON_UPSTREAM_UNASKED,
                          "dockreeve: the origin answered before it was asked", NULL);
    } else {
        egress_origin_open(conn, socket, NULL);
        admit(conn);
    }
}

static void ask_proxy(struct egress_conn *conn, int fd)
{
    struct loop *loop = conn->client.loop;
    struct buffer *text = &loop->scratch->text;
    if (!verdict_holds(conn)) {
        close(fd);
        return;
    }
    buffer_clear(text);
    upstream_proxy_write_connect(conn->egress->proxy, &conn->target, text);
    conn->origin.upstream.stream = stream_of_socket(fd);
    http_conn_set_state(&conn->client, HTTP_CONN_FIND);
    event_timer_start(&conn->client.timer, conn->egress->options->dial_timeout_ms);
    fd_watch_init(&conn->origin.watch, loop->base, fd, on_proxy_answer, conn);
    fd_watch_set(&conn->origin.watch, EV_READ);
    /* A fresh connection takes a few hundred bytes at once. */
    if (text->failed ||
        stream_write(&conn->origin.upstream.stream, text->data, text->len) != (ssize_t)text->len)
        http_refusal_send(&conn->client, 502, REASON_UPSTREAM_PROXY_CLOSED,
                          "dockreeve: the upstream proxy does not take the request", NULL);
}

/* ---- dialling ---- */

static void on_connected(void *context, const struct dial_result *result)
{
    struct egress_conn *conn = context;
    conn->dial = NULL;
    if (!conn->exchange.by_proxy) {
        conn->exchange.address = result->address;
        conn->exchange.has_address = true;
    }
    if (result->fd < 0) {
        if (egress_route_judge_again(
                conn)) /* and by which rule, the address that the record names */
            http_refusal_error(&conn->client, &result->error);
    } else if (conn->exchange.by_proxy && !asks_whole_url(conn)) {
        ask_proxy(conn, result->fd);
    } else if (conn->aim == EGRESS_AIM_FORWARD) {
        egress_origin_open(conn, result->fd, &result->address);
        conn->origin.is_proxy = conn->exchange.by_proxy;
        admit(conn);
    } else {
        conn->origin.upstream.stream = stream_of_socket(result->fd);
        fd_watch_init(&conn->origin.watch, conn->client.loop->base, result->fd, on_proxy_answer,
                      conn);
        admit(conn);
    }
}

static void dial(struct egress_conn *conn, uint16_t port)
{
    struct error error;
    http_conn_set_state(&conn->client, HTTP_CONN_FIND);
    conn->dial = dial_start(conn->client.loop->base, conn->addresses, conn->address_count, port,
                            conn->egress->descriptor_limit, conn->egress->options->dial_timeout_ms,
                            on_connected, conn, &error);
    if (conn->dial == NULL)
        http_refusal_error(&conn->client, &error);
}

/* ---- checking ---- */

static void refuse_own(struct egress_conn *conn)
{
    http_refusal_send(&conn->client, 403, REASON_OWN_ADDRESS,
                      "dockreeve: this is an address of the gate itself or of its upstream "
                      "proxy, which is never a destination",
                      NULL);
}

/* Whoever reaches the upstream proxy asks it for what the policy never sees. Other ports of its
 * machine are other services, for rules to judge. */
static bool is_upstream_proxy(const struct egress_conn *conn, const struct ip_address *address)
{
    const struct upstream_proxy *proxy = conn->egress->proxy;
    if (proxy == NULL || upstream_proxy_authority(proxy)->port != conn->target.port)
        return false;
    unsigned count;
    const struct ip_address *known = upstream_proxy_addresses(proxy, &count);
    bool is = upstream_proxy_is_at(proxy, address, conn->target.port);
    for (unsigned i = 0; i < count && !is; i++)
        is = own_address_same_machine(conn->client.loop, address, &known[i]);
    return is;
}

/* A name server that names another address of the proxy each time names it all the same. */
static bool is_alias_of_proxy(const struct egress_conn *conn, const struct name_chain *chain)
{
    const struct upstream_proxy *proxy = conn->egress->proxy;
    const struct authority *own = proxy == NULL ? NULL : upstream_proxy_authority(proxy);
    return own != NULL && own->port == conn->target.port && name_chain_has(chain, &own->host);
}

static void go_by_proxy(struct egress_conn *conn);

/* Whether whoever dials the address meets itself. */
static bool is_relative(const struct ip_address *address)
{
    enum address_class class = address_class_of(address);
    return class == ADDRESS_LOOPBACK || class == ADDRESS_THIS_NETWORK;
}

/* An address that was asked for goes by the upstream proxy like a name; not one of this host, which
 * there would mean another. */
bool egress_route_takes_proxy(const struct egress_conn *conn)
{
    const struct upstream_proxy *proxy = conn->egress->proxy;
    const struct host_name *host = &conn->target.host;
    if (proxy == NULL || !upstream_proxy_takes(proxy, &conn->target))
        return false;
    return host->is_address ? !is_relative(&host->address) &&
                                  !own_host_holds(conn->client.loop->own_host, &host->address)
                            : !host_name_is_local(host);
}

/* Holds every address against the policy, and keeps those that may be dialled. When none may, the
 * verdict on the first is the answer. */
static void check_addresses(struct egress_conn *conn, const struct ip_address *addresses,
                            unsigned count)
{
    struct loop *loop = conn->client.loop;
    struct network_inquiry inquiry;
    struct network_verdict verdicts[RESOLVER_ADDRESSES_MAX];
    uint32_t own = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_own = own_address_is(loop, &addresses[i], conn->target.port) ||
                      is_upstream_proxy(conn, &addresses[i]);
        own |= (uint32_t)is_own << i;
    }
    egress_request_inquire(conn, &inquiry);
    bool denied =
        network_inquiry_lead(&inquiry, addresses, count, own, verdicts) == NETWORK_STEP_DENIED;
    conn->address_count = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_own = (own >> i & 1) != 0;
        if (verdicts[i].result == VERDICT_ALLOW && !is_own)
            conn->addresses[conn->address_count++] = addresses[i];
        else
            egress_exchange_add_refused(&conn->exchange, &addresses[i],
                                        is_own ? REASON_OWN_ADDRESS : verdicts[i].reason);
    }
    if (denied && own != 0) {
        refuse_own(conn);
        return;
    }
    egress_exchange_judge(&conn->exchange, loop->policy, &inquiry.verdict);
    if (denied) {
        /* what was noted may have moved them */
        inquiry.request.cnames = egress_exchange_cnames(&conn->exchange);
        egress_answer_denied(conn, &inquiry.request);
    } else if (conn->takes_proxy) {
        go_by_proxy(conn);
    } else {
        dial(conn, conn->target.port);
    }
}

static void on_answer(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct egress_conn *conn = query->context;
    if (!egress_exchange_set_cnames(&conn->exchange, name_chain_slice(&answer->chain)))
        refuse_without_memory(conn);
    else if (http_conn_client(&conn->client) == NULL)
        refuse_closed(conn);
    else if (is_alias_of_proxy(conn, &answer->chain))
        refuse_own(conn);
    else if (answer->count > 0)
        check_addresses(conn, answer->addresses, answer->count);
    else if (egress_route_judge_again(conn)) /* an alias may be denied */
        http_refusal_error(&conn->client, &answer->error);
}

/* The proxy is the operator's: its own addresses are not judged. */
static void on_proxy_resolved(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct egress_conn *conn = query->context;
    if (answer->count == 0) {
        http_refusal_error(&conn->client, &answer->error);
        return;
    }
    upstream_proxy_learn(conn->egress->proxy, answer->addresses, answer->count);
    memcpy(conn->addresses, answer->addresses, sizeof(conn->addresses));
    conn->address_count = answer->count;
    dial(conn, upstream_proxy_authority(conn->egress->proxy)->port);
}

static void resolve(struct egress_conn *conn, const struct host_name *host,
                    void (*answered)(struct resolver_query *query,
                                     const struct resolver_answer *answer))
{
    struct resolver_answer answer;
    conn->query.answered = answered;
    conn->query.context = conn;
    conn->query.peer = conn->client.peer_share;
    http_conn_set_state(&conn->client, HTTP_CONN_FIND);
    if (resolver_ask(conn->egress->resolver, &conn->query, host, &answer))
        answered(&conn->query, &answer);
}

/* Whether the connection of the exchange before is there, and nobody has touched it. */
static bool is_kept(struct egress_conn *conn)
{
    struct egress_origin *origin = &conn->origin;
    return conn->aim == EGRESS_AIM_FORWARD && stream_is_open(&origin->upstream.stream) &&
           io_buffer_len(&origin->upstream.in) == 0 &&
           stream_look(&origin->upstream.stream) == STREAM_SILENT;
}

static void go_by_proxy(struct egress_conn *conn)
{
    struct upstream_proxy *proxy = conn->egress->proxy;
    const struct authority *authority = upstream_proxy_authority(proxy);
    conn->exchange.by_proxy = true;
    if (is_kept(conn)) {
        conn->origin.upstream.reused = true;
        admit(conn);
        return;
    }
    egress_origin_close(conn);
    if (!authority->host.is_address && !host_name_is_local(&authority->host)) {
        resolve(conn, &authority->host, on_proxy_resolved);
        return;
    }
    const struct ip_address *known = upstream_proxy_addresses(proxy, &conn->address_count);
    memcpy(conn->addresses, known, conn->address_count * sizeof(known[0]));
    dial(conn, authority->port);
}

/* The proxy resolves the name, and what it finds is not known here; but a name that leads to the
 * proxy's own port can be one of the proxy. Loopback is the proxy's own there. */
static void on_name_by_proxy(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct egress_conn *conn = query->context;
    bool leads_there = is_alias_of_proxy(conn, &answer->chain);
    for (unsigned i = 0; i < answer->count; i++) {
        const struct ip_address *address = &answer->addresses[i];
        bool is_proxy = is_upstream_proxy(conn, address) || is_relative(address);
        if (is_proxy)
            egress_exchange_add_refused(&conn->exchange, address, REASON_OWN_ADDRESS);
        leads_there |= is_proxy;
    }
    if (leads_there)
        refuse_own(conn);
    else if (verdict_holds(conn))
        go_by_proxy(conn);
}

/* Called when the addresses of the upstream proxy are known as far as they matter for the target. */
static void find_way(struct egress_conn *conn)
{
    const struct host_name *host = &conn->target.host;
    unsigned count;
    const struct ip_address *meant = network_inquiry_stands_for(host, &count);
    if (meant != NULL)
        check_addresses(conn, meant, count);
    else if (!conn->takes_proxy)
        resolve(conn, host, on_answer);
    else if (conn->target.port == upstream_proxy_authority(conn->egress->proxy)->port)
        resolve(conn, host, on_name_by_proxy);
    else
        go_by_proxy(conn);
}

/* Where no resolver answers, what was learnt before is all that is known. */
static void on_proxy_found(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct egress_conn *conn = query->context;
    upstream_proxy_learn(conn->egress->proxy, answer->addresses, answer->count);
    if (verdict_holds(conn)) /* a name that is denied by now is not asked for */
        find_way(conn);
}

/* Whether the kept connection leads to the target. It leads to an address that was judged under a
 * policy that may have changed. */
static bool may_reuse(struct egress_conn *conn)
{
    const struct egress_origin *origin = &conn->origin;
    struct network_inquiry inquiry;
    if (!is_kept(conn) || origin->is_proxy || origin->cnames.failed ||
        !authority_equal(&origin->authority, &conn->target))
        return false;
    egress_request_inquire(conn, &inquiry);
    inquiry.request.address = &origin->address;
    inquiry.request.cnames = buffer_slice(&origin->cnames);
    return network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
}

void egress_route_start(struct egress_conn *conn)
{
    /* The second try of a request waited for the first. And name servers hear nothing of what
     * cannot be logged. */
    if (!verdict_holds(conn) || !http_forward_can_be_logged(&conn->client))
        return;
    if (may_reuse(conn) &&
        egress_exchange_set_cnames(&conn->exchange, buffer_slice(&conn->origin.cnames))) {
        conn->origin.upstream.reused = true;
        conn->exchange.address = conn->origin.address;
        conn->exchange.has_address = true;
        admit(conn);
        return;
    }
    if (!conn->origin.is_proxy || !asks_whole_url(conn))
        egress_origin_close(conn);
    const struct upstream_proxy *proxy = conn->egress->proxy;
    const struct authority *own = proxy == NULL ? NULL : upstream_proxy_authority(proxy);
    if (own == NULL || own->port != conn->target.port)
        find_way(conn);
    else if (authority_equal(own, &conn->target))
        refuse_own(conn);
    else if (own->host.is_address || host_name_is_local(&own->host))
        find_way(conn);
    else
        resolve(conn, &own->host, on_proxy_found);
}
