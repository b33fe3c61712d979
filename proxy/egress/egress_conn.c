/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a client connection of the egress gate: accepted, read, answered again and again,
 * closed, or turned into a tunnel. No callback frees its own connection: closing queues it for the
 * end of the turn. */
#include "proxy/egress/egress_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/loop/listener.h"
#include "proxy/egress/tunnel.h"
#include "rules/reason.h"

enum { LINGER_MS = 2000 };

static void on_readable(struct egress_conn *conn);
static void on_event(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);
static const struct client_conn_kind kind;

void egress_conn_set_state(struct egress_conn *conn, enum egress_conn_state state)
{
    if (conn->state == state)
        return;
    share_seat_leave(&conn->seat);
    share_keep_nothing(conn->peer_share, &conn->kept_bytes);
    if (state == EGRESS_CONN_IDLE || state == EGRESS_CONN_LINGER)
        share_seat_wait(&conn->seat, conn->peer_share);
    conn->state = state;
    event_timer_stop(&conn->timer);
}

static void set_interest(struct egress_conn *conn, short what, bool enable)
{
    if (conn->state == EGRESS_CONN_CLOSED)
        return;
    short now = fd_watch_interest(&conn->watch);
    fd_watch_set(&conn->watch, (short)(enable ? now | what : now & ~what));
}

void egress_conn_read_enable(struct egress_conn *conn, bool enable)
{
    set_interest(conn, EV_READ, enable && !conn->input_ended);
}

void egress_conn_want_write(struct egress_conn *conn)
{
    set_interest(conn, EV_WRITE, true);
}

const struct policy_client *egress_conn_client(const struct egress_conn *conn)
{
    return listener_policy_client(conn->listener);
}

/* Nothing but the client's next bytes can end these states. */
static bool reads_heads(const struct egress_conn *conn)
{
    return conn->state == EGRESS_CONN_IDLE || conn->state == EGRESS_CONN_HEAD ||
           conn->state == EGRESS_CONN_HELLO;
}

static struct egress_conn *conn_of_seat(struct share_seat *seat)
{
    return container_of(seat, struct egress_conn, seat);
}

/* Whoever had not asked for anything yet was turned away. */
static void evict(struct share_seat *seat)
{
    struct egress_conn *conn = conn_of_seat(seat);
    if (conn->state == EGRESS_CONN_HEAD || !conn->has_asked)
        share_count_refused(conn->peer_share, SHARE_REFUSED_CONNECTIONS, SHARE_NETWORK);
    egress_conn_close(conn, ENDING_EVICTED);
}

static struct egress_conn *make(struct egress *egress, struct listener *listener,
                                struct arrival *arrival)
{
    struct egress_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return NULL;
    conn->egress = egress;
    conn->loop = egress->loop;
    conn->listener = listener_use(listener);
    conn->stream = stream_of_socket(steal_fd(&arrival->fd));
    conn->peer = arrival->endpoint;
    conn->uid = arrival->credentials.uid;
    conn->pid = arrival->credentials.pid;
    conn->peer_share = steal_pointer(&arrival->peer);
    conn->waiter.peer = conn->peer_share;
    conn->seat.evict = evict;
    conn->origin.stream = STREAM_NONE;
    fd_watch_init(&conn->watch, conn->loop->base, conn->stream.fd, on_event, conn);
    evtimer_assign(&conn->timer, conn->loop->base, on_timer, conn);
    http_exchange_forget(&conn->http, conn->loop->pipes);
    return conn;
}

void egress_conn_accept(struct listener *listener, struct arrival *arrival)
{
    struct egress *egress = listener_gate(listener)->egress;
    struct egress_conn *conn = make(egress, listener, arrival);
    if (conn == NULL) {
        share_give_back(arrival->peer, SHARE_CONNECTIONS, 1);
        admission_drop(arrival);
        return;
    }
    client_conn_opened(conn->loop, &conn->client, &kind);
    metrics_connection_opened(listener_client(listener)->metrics);
    share_seat_wait(&conn->seat, conn->peer_share);
    conn->state = EGRESS_CONN_IDLE;
    if (listener_role(listener) == POLICY_ROLE_TLS) {
        conn->aim = EGRESS_AIM_TLS;
        conn->state = EGRESS_CONN_HELLO;
        event_timer_start(&conn->timer, egress->options->hello_timeout_ms);
    }
    /* A client sends at once, so most likely its request is here already: whoever is refused or
     * becomes a tunnel need never be watched as a connection. */
    on_readable(conn);
    if (reads_heads(conn))
        egress_conn_read_enable(conn, true);
}

bool egress_conn_take_tunnel(struct egress_conn *conn)
{
    if (conn->has_tunnel_place)
        return true;
    enum share_level level = share_take(conn->peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = level == SHARE_GRANTED;
    if (conn->has_tunnel_place)
        return true;
    char message[96];
    snprintf(message, sizeof(message),
             "dockreeve: %s has as many tunnels open as it may; try again later",
             share_level_name(level));
    egress_refusal_send(conn, 503, share_reason(SHARE_TUNNELS), message, NULL);
    return false;
}

static void give_tunnel_back(struct egress_conn *conn)
{
    if (conn->has_tunnel_place)
        share_give_back(conn->peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = false;
}

/* Whatever the exchange holds is let go; the connection to the origin stays. */
static void forget_exchange(struct egress_conn *conn)
{
    struct loop *loop = conn->loop;
    loop_forget_waiter(loop, &conn->waiter);
    egress_route_cancel(conn);
    give_tunnel_back(conn);
    io_buffer_reset(loop->blocks, &conn->forward);
    egress_exchange_clear(&conn->exchange, loop);
    http_exchange_forget(&conn->http, loop->pipes);
    conn->origin_full = false;
}

/* Everything but the client's socket. */
static void leave(struct egress_conn *conn)
{
    struct loop *loop = conn->loop;
    forget_exchange(conn);
    egress_origin_close(conn);
    fd_watch_set(&conn->watch, 0);
    egress_conn_set_state(conn, EGRESS_CONN_CLOSED);
    io_buffer_reset(loop->blocks, &conn->in);
    io_buffer_reset(loop->blocks, &conn->out);
    client_conn_closed(loop, &conn->client);
    metrics_connection_closed(listener_client(conn->listener)->metrics);
}

void egress_conn_close(struct egress_conn *conn, const char *reason)
{
    if (conn->state == EGRESS_CONN_CLOSED)
        return;
    egress_log_close(&conn->exchange, conn->loop, conn->listener, reason);
    leave(conn);
    admission_leave(&conn->peer_share);
    stream_close(&conn->stream);
}

void egress_conn_detach(struct egress_conn *conn, struct tunnel_plan *plan)
{
    if (!conn->has_tunnel_place) /* was asked for where it could still be refused */
        share_overdraw(conn->peer_share, SHARE_TUNNELS, 1);
    conn->has_tunnel_place = false;
    leave(conn);
    plan->peer = steal_pointer(&conn->peer_share);
    plan->streams[TUNNEL_CLIENT] = steal_stream(&conn->stream);
}

bool egress_conn_send(struct egress_conn *conn, bool more)
{
    if (conn->http.hold) {
        set_interest(conn, EV_WRITE, false);
        return true;
    }
    if (!stream_drain(&conn->stream, conn->loop->blocks, &conn->out, more)) {
        egress_conn_close(conn, ENDING_CLIENT_GONE);
        return false;
    }
    set_interest(conn, EV_WRITE, io_buffer_len(&conn->out) > 0);
    return true;
}

bool egress_conn_send_continue(struct egress_conn *conn)
{
    if (!conn->http.expects_continue)
        return true;
    conn->http.expects_continue = false;
    if (io_buffer_len(&conn->in) > 0 || conn->state != EGRESS_CONN_FORWARD)
        return true;
    return io_buffer_append(conn->loop->blocks, &conn->out, "HTTP/1.1 100 Continue\r\n\r\n", 25) &&
           egress_conn_send(conn, false);
}

/* What has come is kept until the rest is there. False when it was refused, having no room. */
static bool keep(struct egress_conn *conn)
{
    enum share_level level =
        share_keep(conn->peer_share, &conn->kept_bytes, io_buffer_len(&conn->in));
    if (level == SHARE_GRANTED)
        return true;
    egress_request_no_room(conn, level);
    return false;
}

/* A head, or the beginning of one, may be in `in`. */
static void read_head(struct egress_conn *conn)
{
    if (io_buffer_len(&conn->in) == 0) {
        egress_conn_set_state(conn, EGRESS_CONN_IDLE);
        return;
    }
    bool waiting = conn->state == EGRESS_CONN_HEAD;
    egress_conn_set_state(conn, EGRESS_CONN_HEAD);
    egress_request_start(conn);
    if (conn->state == EGRESS_CONN_HEAD && conn->input_ended) {
        egress_conn_close(conn, ENDING_CLIENT_GONE);
    } else if (conn->state == EGRESS_CONN_HEAD && keep(conn) && !waiting) {
        share_seat_wait(&conn->seat, conn->peer_share);
        event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
    }
}

/* The client sent its FIN. While answers are due it may have closed only its half, so they still go
 * out; a CONNECT goes on with one direction ended. A body that is cut short is found out when it is
 * sent on. */
static void input_ended(struct egress_conn *conn)
{
    conn->input_ended = true;
    egress_conn_read_enable(conn, false);
    switch (conn->state) {
    case EGRESS_CONN_IDLE:
    case EGRESS_CONN_HEAD:
    case EGRESS_CONN_HELLO:
    case EGRESS_CONN_LINGER:
        egress_conn_close(conn, ENDING_CLIENT_GONE);
        return;
    case EGRESS_CONN_RESOLVE:
    case EGRESS_CONN_DIAL:
    case EGRESS_CONN_HANDSHAKE:
    case EGRESS_CONN_LOG_OPEN:
    case EGRESS_CONN_FORWARD:
    case EGRESS_CONN_LOG_RESPONSE:
    case EGRESS_CONN_RELAY:
    case EGRESS_CONN_LOG_REFUSAL:
    case EGRESS_CONN_FLUSH:
        if (stream_is_hung_up(&conn->stream))
            egress_conn_close(conn, ENDING_CLIENT_GONE);
        return;
    case EGRESS_CONN_CLOSED:
        return;
    }
}

/* Bytes behind the request that is being answered are kept, as far as the buffer goes: they are
 * judged when their turn comes, or belong to the tunnel. */
static void handle_input(struct egress_conn *conn)
{
    switch (conn->state) {
    case EGRESS_CONN_IDLE:
    case EGRESS_CONN_HEAD:
        read_head(conn);
        return;
    case EGRESS_CONN_HELLO:
        egress_request_start_hello(conn);
        if (conn->state == EGRESS_CONN_HELLO)
            (void)keep(conn);
        return;
    case EGRESS_CONN_LINGER:
        io_buffer_reset(conn->loop->blocks, &conn->in);
        return;
    case EGRESS_CONN_RESOLVE:
    case EGRESS_CONN_DIAL:
    case EGRESS_CONN_HANDSHAKE:
    case EGRESS_CONN_LOG_OPEN:
    case EGRESS_CONN_FORWARD:
    case EGRESS_CONN_LOG_RESPONSE:
    case EGRESS_CONN_RELAY:
    case EGRESS_CONN_LOG_REFUSAL:
    case EGRESS_CONN_FLUSH:
    case EGRESS_CONN_CLOSED:
        return;
    }
}

static void on_readable(struct egress_conn *conn)
{
    bool uploading = !conn->http.request_body.finished &&
                     (conn->state == EGRESS_CONN_FORWARD || conn->state == EGRESS_CONN_RELAY);
    if (conn->state == EGRESS_CONN_LINGER)
        io_buffer_reset(conn->loop->blocks, &conn->in);
    if (uploading) {
        egress_forward_send(conn); /* reads for itself: it may splice */
        return;
    }
    size_t limit = conn->state == EGRESS_CONN_LINGER ? IO_READ_BULK : IO_READ_HEAD;
    ssize_t got = conn->state == EGRESS_CONN_HEAD
                      ? stream_fill_head(&conn->stream, conn->loop->blocks, &conn->in)
                      : stream_fill(&conn->stream, conn->loop->blocks, &conn->in, limit);
    if (got > 0)
        handle_input(conn);
    else if (got == 0)
        input_ended(conn);
    else if (errno == ENOBUFS)
        egress_conn_read_enable(conn, false);
    else if (errno != EAGAIN)
        egress_conn_close(conn, ENDING_CLIENT_GONE);
}

static void on_writable(struct egress_conn *conn)
{
    if (!egress_conn_send(conn, false) || io_buffer_len(&conn->out) > 0)
        return;
    if (conn->state == EGRESS_CONN_RELAY)
        egress_response_read(conn);
    else if (conn->state == EGRESS_CONN_FLUSH)
        egress_conn_exchange_done(conn);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct egress_conn *conn = context;
    if (what & EV_READ)
        on_readable(conn);
    if ((what & EV_WRITE) && conn->state != EGRESS_CONN_CLOSED)
        on_writable(conn);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct egress_conn *conn = context;
    switch (conn->state) {
    case EGRESS_CONN_HEAD:
    case EGRESS_CONN_HELLO:
        egress_request_late(conn);
        return;
    case EGRESS_CONN_HANDSHAKE:
        egress_refusal_send(conn, 504, REASON_UPSTREAM_PROXY_TIMEOUT,
                            "dockreeve: the upstream proxy did not answer in time", NULL);
        return;
    case EGRESS_CONN_FORWARD:
        egress_refusal_send(conn, 408, REASON_LIMIT_BODY_TIME,
                            "dockreeve: the request body stopped arriving", NULL);
        return;
    case EGRESS_CONN_LOG_RESPONSE:
    case EGRESS_CONN_RELAY:
        egress_conn_close(conn, REASON_LIMIT_BODY_TIME);
        return;
    case EGRESS_CONN_LINGER:
        egress_conn_close(conn, ENDING_DONE);
        return;
    case EGRESS_CONN_FLUSH:
        egress_conn_close(conn, REASON_LIMIT_ANSWER_TIME);
        return;
    case EGRESS_CONN_IDLE:
    case EGRESS_CONN_RESOLVE:
    case EGRESS_CONN_DIAL:
    case EGRESS_CONN_LOG_OPEN:
    case EGRESS_CONN_LOG_REFUSAL:
    case EGRESS_CONN_CLOSED:
        return;
    }
}

/* A close(2) with unread bytes resets the connection and can take the answer with it, so what still
 * comes is read and dropped for a moment (RFC 9112 section 9.6). */
static void linger(struct egress_conn *conn, const char *reason)
{
    egress_log_close(&conn->exchange, conn->loop, conn->listener, reason);
    forget_exchange(conn);
    egress_origin_close(conn);
    egress_conn_set_state(conn, EGRESS_CONN_LINGER);
    io_buffer_reset(conn->loop->blocks, &conn->in);
    stream_end(&conn->stream);
    egress_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, LINGER_MS);
}

void egress_conn_exchange_done(struct egress_conn *conn)
{
    if (io_buffer_len(&conn->out) > 0) {
        egress_conn_set_state(conn, EGRESS_CONN_FLUSH);
        egress_conn_want_write(conn);
        if (conn->http.own_response)
            event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
        return;
    }
    bool unread = !conn->http.request_body.finished || io_buffer_len(&conn->in) > 0;
    forget_exchange(conn);
    if (conn->close_after || conn->loop->draining ||
        (conn->input_ended && io_buffer_len(&conn->in) == 0)) {
        if (unread && !conn->input_ended)
            linger(conn, ENDING_DONE);
        else
            egress_conn_close(conn, ENDING_DONE);
        return;
    }
    egress_conn_read_enable(conn, true);
    read_head(conn);
}

/* ---- as the loop knows it ---- */

static bool is_idle(const struct client_conn *client)
{
    return container_of(client, struct egress_conn, client)->state == EGRESS_CONN_IDLE;
}

static void tick(struct client_conn *client, int64_t now_us)
{
    (void)now_us;
    struct egress_conn *conn = container_of(client, struct egress_conn, client);
    bool unwatched = fd_watch_interest(&conn->watch) == 0;
    if (conn->state == EGRESS_CONN_IDLE)
        egress_origin_sweep(conn);
    if (unwatched && conn->http.request_body.finished && stream_is_hung_up(&conn->stream))
        egress_conn_close(conn, ENDING_CLIENT_GONE);
}

static void end_unadmitted(struct client_conn *client)
{
    struct egress_conn *conn = container_of(client, struct egress_conn, client);
    if (listener_admits(conn->listener, &conn->peer))
        return;
    if (!conn->http.forwarded) { /* and never will be */
        conn->exchange.refused = true;
        conn->exchange.reason = REASON_NOT_ADMITTED;
    }
    egress_conn_close(conn, REASON_NOT_ADMITTED);
}

static void close_client(struct client_conn *client, const char *reason)
{
    egress_conn_close(container_of(client, struct egress_conn, client), reason);
}

static void free_client(struct client_conn *client)
{
    struct egress_conn *conn = container_of(client, struct egress_conn, client);
    listener_unuse(&conn->listener);
    egress_exchange_free(&conn->exchange, conn->loop);
    free(conn);
}

static const struct client_conn_kind kind = {.is_idle = is_idle,
                                             .tick = tick,
                                             .end_unadmitted = end_unadmitted,
                                             .is_revoked = egress_revoke_stream,
                                             .close = close_client,
                                             .free = free_client};
