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
#include "proxy/loop/unlogged.h"
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
    egress_refusal_send(conn, 403, REASON_LISTENER_CLOSED,
                        "dockreeve: this listener is no longer part of the policy", NULL);
}

static void refuse_without_memory(struct egress_conn *conn)
{
    egress_refusal_send(conn, 503, REASON_LIMIT_MEMORY,
                        "dockreeve: no memory is left for this request; try again later", NULL);
}

/* Asked again with the address that was dialled, so that the record names the rule that admits it.
 * Dialling takes a while, too, in which the policy may have become another one, and what that
 * forbids would begin behind its back. False when it refused. */
static bool is_still_allowed(struct egress_conn *conn)
{
    struct network_inquiry inquiry;
    if (egress_conn_client(conn) == NULL) {
        refuse_closed(conn);
        return false;
    }
    bool allowed = egress_request_ask(conn, &inquiry);
    if (!allowed)
        egress_refusal_denied(conn, &inquiry.request);
    return allowed;
}

/* Whatever waited is judged by the policy of the moment at which it goes on: it may be another one
 * by then, or a rule may have expired. False when it refused. */
static bool verdict_holds(struct egress_conn *conn)
{
    bool same = conn->exchange.policy == conn->loop->policy &&
                (conn->expires_us == INT64_MAX || timestamp_now_us() < conn->expires_us);
    return same || is_still_allowed(conn);
}

static void start_tunnel(struct egress_conn *conn)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct loop *loop = conn->loop;
    bool announced = conn->aim == EGRESS_AIM_CONNECT;
    struct egress *egress = conn->egress;
    struct tunnel_plan plan = {
        .egress = egress,
        .listener = conn->listener,
        .streams[TUNNEL_ORIGIN] = steal_stream(&conn->origin.stream),
        .to_client = conn->out,
        .to_origin = conn->in,
        .peek = conn->step == NETWORK_STEP_FIRST_BYTES,
        .hello_len = announced || io_buffer_len(&conn->origin.in) > 0 ? 0 : conn->hello_len,
    };
    fd_watch_set(&conn->origin.watch, 0);
    conn->out = conn->in = (struct io_buffer){0};
    /* Behind an upstream proxy the origin may have said something already. */
    struct io_buffer *said = &conn->origin.in;
    bool kept =
        (!announced ||
         io_buffer_append(loop->blocks, &plan.to_client, established, sizeof(established) - 1)) &&
        (io_buffer_len(said) == 0 || io_buffer_append(loop->blocks, &plan.to_client,
                                                      io_buffer_bytes(said), io_buffer_len(said)));
    if (!kept) {
        conn->out = plan.to_client;
        conn->in = plan.to_origin;
        stream_close(&plan.streams[TUNNEL_ORIGIN]);
        egress_conn_close(conn, REASON_LIMIT_MEMORY);
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

static void on_open_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct egress_conn *conn = egress_conn_of_waiter(waiter);
    if (state != LOG_WRITE_DONE) {
        if (state == LOG_WRITE_LOST)
            conn->exchange.opened = false; /* the record is in no log */
        egress_refusal_unlogged(conn);
    } else if (!verdict_holds(conn)) {
        return;
    } else if (conn->aim == EGRESS_AIM_FORWARD) {
        egress_conn_set_state(conn, EGRESS_CONN_FORWARD);
        egress_forward_send(conn);
    } else {
        start_tunnel(conn);
    }
}

/* False when it refused, because nobody could read of what would follow. */
static bool can_be_logged(struct egress_conn *conn)
{
    const struct loop *loop = conn->loop;
    if (!loop->options->log_required)
        return true;
    if (loop->log_failing) {
        egress_refusal_unlogged(conn); /* its own record tries the log again */
        return false;
    }
    if (loop_log_has_room(loop, conn->peer_share))
        return true;
    egress_refusal_send(conn, unlogged_full.status, unlogged_full.reason, unlogged_full.message,
                        NULL);
    return false;
}

/* The way is open. What may change something, and every tunnel, goes to the log first. */
static void admit(struct egress_conn *conn)
{
    struct loop *loop = conn->loop;
    bool looks_only = conn->aim == EGRESS_AIM_FORWARD && !conn->http.wants_upgrade &&
                      http_method_is_read((enum http_method)conn->exchange.method);
    if (!is_still_allowed(conn) || !can_be_logged(conn))
        return;
    conn->exchange.status = conn->aim == EGRESS_AIM_CONNECT ? 200 : 0;
    if (looks_only || conn->exchange.opened) { /* or asked again: its record is there */
        egress_conn_set_state(conn, EGRESS_CONN_FORWARD);
        egress_forward_send(conn);
    } else {
        egress_conn_set_state(conn, EGRESS_CONN_LOG_OPEN);
        uint64_t seq = egress_log_open(&conn->exchange, loop, conn->listener);
        conn->waiter.written = on_open_written;
        loop_wait_for_log(loop, &conn->waiter, seq);
    }
}

/* ---- the upstream proxy ---- */

/* Whether the target goes by the upstream proxy in a request of its own (RFC 9112 section 3.2.2) and
 * needs no tunnel: many proxies have none to port 80. */
static bool asks_whole_url(const struct egress_conn *conn)
{
    return conn->takes_proxy && conn->aim == EGRESS_AIM_FORWARD && !conn->http.wants_upgrade;
}

static void on_proxy_answer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct egress_conn *conn = context;
    struct loop *loop = conn->loop;
    struct error error;
    size_t consumed;
    ssize_t got = stream_fill(&conn->origin.stream, loop->blocks, &conn->origin.in, IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        egress_refusal_send(conn, 502, REASON_UPSTREAM_PROXY_CLOSED,
                            "dockreeve: the upstream proxy closed the connection", NULL);
        return;
    }
    switch (upstream_proxy_read(io_buffer_bytes(&conn->origin.in), io_buffer_len(&conn->origin.in),
                                &consumed, &error)) {
    case UPSTREAM_PROXY_MORE:
        return;
    case UPSTREAM_PROXY_REFUSED:
        egress_refusal_error(conn, &error);
        return;
    case UPSTREAM_PROXY_OPEN:
        break;
    }
    io_buffer_consume(loop->blocks, &conn->origin.in, consumed);
    int socket = steal_stream(&conn->origin.stream).fd;
    fd_watch_set(&conn->origin.watch, 0);
    if (conn->aim != EGRESS_AIM_FORWARD) {
        conn->origin.stream = stream_of_socket(socket);
        admit(conn);
    } else if (io_buffer_len(&conn->origin.in) > 0) {
        close(socket);
        egress_refusal_send(conn, 502, REASON_UPSTREAM_UNASKED,
                            "dockreeve: the origin answered before it was asked", NULL);
    } else {
        egress_forward_start(conn, socket, NULL);
        admit(conn);
    }
}

static void ask_proxy(struct egress_conn *conn, int fd)
{
    struct loop *loop = conn->loop;
    struct buffer *text = &loop->scratch->text;
    if (!verdict_holds(conn)) {
        close(fd);
        return;
    }
    buffer_clear(text);
    upstream_proxy_write_connect(conn->egress->proxy, &conn->target, text);
    conn->origin.stream = stream_of_socket(fd);
    egress_conn_set_state(conn, EGRESS_CONN_HANDSHAKE);
    event_timer_start(&conn->timer, conn->egress->options->dial_timeout_ms);
    fd_watch_init(&conn->origin.watch, loop->base, fd, on_proxy_answer, conn);
    fd_watch_set(&conn->origin.watch, EV_READ);
    /* A fresh connection takes a few hundred bytes at once. */
    if (text->failed ||
        stream_write(&conn->origin.stream, text->data, text->len) != (ssize_t)text->len)
        egress_refusal_send(conn, 502, REASON_UPSTREAM_PROXY_CLOSED,
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
        if (is_still_allowed(conn)) /* and by which rule, the address that the record names */
            egress_refusal_error(conn, &result->error);
    } else if (conn->exchange.by_proxy && !asks_whole_url(conn)) {
        ask_proxy(conn, result->fd);
    } else if (conn->aim == EGRESS_AIM_FORWARD) {
        egress_forward_start(conn, result->fd, &result->address);
        conn->origin.is_proxy = conn->exchange.by_proxy;
        admit(conn);
    } else {
        conn->origin.stream = stream_of_socket(result->fd);
        fd_watch_init(&conn->origin.watch, conn->loop->base, result->fd, on_proxy_answer, conn);
        admit(conn);
    }
}

static void dial(struct egress_conn *conn, uint16_t port)
{
    struct error error;
    egress_conn_set_state(conn, EGRESS_CONN_DIAL);
    conn->dial = dial_start(conn->loop->base, conn->addresses, conn->address_count, port,
                            conn->egress->descriptor_limit, conn->egress->options->dial_timeout_ms,
                            on_connected, conn, &error);
    if (conn->dial == NULL)
        egress_refusal_error(conn, &error);
}

/* ---- checking ---- */

static void refuse_own(struct egress_conn *conn)
{
    egress_refusal_send(conn, 403, REASON_OWN_ADDRESS,
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
        is = own_address_same_machine(conn->loop, address, &known[i]);
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
                                  !own_host_holds(conn->loop->own_host, &host->address)
                            : !host_name_is_local(host);
}

/* Holds every address against the policy, and keeps those that may be dialled. When none may, the
 * verdict on the first is the answer. */
static void check_addresses(struct egress_conn *conn, const struct ip_address *addresses,
                            unsigned count)
{
    struct loop *loop = conn->loop;
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
        egress_refusal_denied(conn, &inquiry.request);
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
    else if (egress_conn_client(conn) == NULL)
        refuse_closed(conn);
    else if (is_alias_of_proxy(conn, &answer->chain))
        refuse_own(conn);
    else if (answer->count > 0)
        check_addresses(conn, answer->addresses, answer->count);
    else if (is_still_allowed(conn)) /* an alias may be denied */
        egress_refusal_error(conn, &answer->error);
}

/* The proxy is the operator's: its own addresses are not judged. */
static void on_proxy_resolved(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct egress_conn *conn = query->context;
    if (answer->count == 0) {
        egress_refusal_error(conn, &answer->error);
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
    conn->query.peer = conn->peer_share;
    egress_conn_set_state(conn, EGRESS_CONN_RESOLVE);
    if (resolver_ask(conn->egress->resolver, &conn->query, host, &answer))
        answered(&conn->query, &answer);
}

/* Whether the connection of the exchange before is there, and nobody has touched it. */
static bool is_kept(struct egress_conn *conn)
{
    struct egress_origin *origin = &conn->origin;
    return conn->aim == EGRESS_AIM_FORWARD && stream_is_open(&origin->stream) &&
           io_buffer_len(&origin->in) == 0 && stream_look(&origin->stream) == STREAM_SILENT;
}

static void go_by_proxy(struct egress_conn *conn)
{
    struct upstream_proxy *proxy = conn->egress->proxy;
    const struct authority *authority = upstream_proxy_authority(proxy);
    conn->exchange.by_proxy = true;
    if (is_kept(conn)) {
        conn->origin.reused = true;
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
    if (!verdict_holds(conn) || !can_be_logged(conn))
        return;
    if (may_reuse(conn) &&
        egress_exchange_set_cnames(&conn->exchange, buffer_slice(&conn->origin.cnames))) {
        conn->origin.reused = true;
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
