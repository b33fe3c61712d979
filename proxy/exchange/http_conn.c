/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a client connection: accepted, read, answered again and again, closed. No callback
 * frees its own connection: closing queues it for the end of the turn. */
#include "proxy/exchange/http_conn.h"

#include <errno.h>
#include <stdio.h>

#include "rules/reason.h"

enum { LINGER_MS = 2000 };

static void on_event(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);
static void evict(struct share_seat *seat);
static const struct client_conn_kind kind;

void http_conn_set_state(struct http_conn *conn, enum http_conn_state state)
{
    if (conn->state == state)
        return;
    share_seat_leave(&conn->seat);
    if (conn->state == HTTP_CONN_HEAD || conn->state == HTTP_CONN_HELLO)
        share_keep_nothing(conn->peer_share, &conn->kept_bytes);
    if (state == HTTP_CONN_IDLE || state == HTTP_CONN_LINGER)
        share_seat_wait(&conn->seat, conn->peer_share);
    conn->state = state;
    event_timer_stop(&conn->timer);
}

/* ---- beginning and end ---- */

void http_conn_open(struct http_conn *conn, const struct http_conn_ops *ops,
                    struct exchange *exchange, struct loop *loop, struct listener *listener,
                    struct arrival *arrival)
{
    conn->ops = ops;
    conn->exchange = exchange;
    conn->loop = loop;
    conn->listener = listener_use(listener);
    conn->stream = stream_of_socket(steal_fd(&arrival->fd));
    conn->peer = arrival->endpoint;
    conn->uid = arrival->credentials.uid;
    conn->pid = arrival->credentials.pid;
    conn->peer_share = steal_pointer(&arrival->peer);
    conn->waiter.peer = conn->peer_share;
    conn->seat.evict = evict;
    conn->state = HTTP_CONN_IDLE;
    fd_watch_init(&conn->watch, loop->base, conn->stream.fd, on_event, conn);
    evtimer_assign(&conn->timer, loop->base, on_timer, conn);
    http_exchange_forget(&conn->http, loop->pipes);
    client_conn_opened(loop, &conn->entry, &kind);
    metrics_connection_opened(listener_client(listener)->metrics);
    share_seat_wait(&conn->seat, conn->peer_share);
}

void http_conn_turn_away(struct arrival *arrival)
{
    share_give_back(arrival->peer, SHARE_CONNECTIONS, 1);
    admission_drop(arrival);
}

void http_conn_drop_request(struct http_conn *conn)
{
    http_forward_drop_head(conn);
    held_body_release(&conn->held, conn->loop->blocks);
    share_keep_nothing(conn->peer_share, &conn->kept_bytes);
}

static void forget_exchange(struct http_conn *conn)
{
    loop_forget_waiter(conn->loop, &conn->waiter);
    conn->ops->stop_finding(conn);
    http_conn_drop_request(conn);
    conn->ops->forget(conn);
    http_exchange_forget(&conn->http, conn->loop->pipes);
}

void http_conn_leave(struct http_conn *conn)
{
    struct loop *loop = conn->loop;
    forget_exchange(conn);
    conn->ops->upstream_drop(conn);
    fd_watch_set(&conn->watch, 0);
    http_conn_set_state(conn, HTTP_CONN_CLOSED);
    io_buffer_reset(loop->blocks, &conn->in);
    io_buffer_reset(loop->blocks, &conn->out);
    client_conn_closed(loop, &conn->entry);
    metrics_connection_closed(listener_client(conn->listener)->metrics);
}

void http_conn_close(struct http_conn *conn, const char *reason)
{
    if (conn->state == HTTP_CONN_CLOSED)
        return;
    conn->ops->log_last(conn, reason);
    http_conn_leave(conn);
    admission_leave(&conn->peer_share);
    stream_close(&conn->stream);
}

/* A close(2) with unread bytes resets the connection and can take the answer with it, so what still
 * comes is read and dropped for a moment (RFC 9112 section 9.6). */
void http_conn_linger(struct http_conn *conn, const char *reason)
{
    conn->ops->log_last(conn, reason);
    forget_exchange(conn);
    conn->ops->upstream_drop(conn);
    http_conn_set_state(conn, HTTP_CONN_LINGER);
    io_buffer_reset(conn->loop->blocks, &conn->in);
    stream_end(&conn->stream);
    http_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, LINGER_MS);
}

/* Whoever had not asked for anything yet was turned away. */
static void evict(struct share_seat *seat)
{
    struct http_conn *conn = container_of(seat, struct http_conn, seat);
    if (conn->state == HTTP_CONN_HEAD || !conn->has_asked)
        share_count_refused(conn->peer_share, SHARE_REFUSED_CONNECTIONS, conn->ops->gate);
    http_conn_close(conn, ENDING_EVICTED);
}

/* ---- exchanges ---- */

void http_conn_number(struct http_conn *conn)
{
    conn->has_asked = true;
    exchange_number(conn->exchange, conn->loop);
}

bool http_conn_keep(struct http_conn *conn, size_t len)
{
    enum share_level level = share_keep(conn->peer_share, &conn->kept_bytes, len);
    if (level == SHARE_GRANTED)
        return true;
    char message[128];
    snprintf(message, sizeof(message),
             "dockreeve: %s has as many bytes of unfinished requests here as it may; try again "
             "later",
             share_level_name(level));
    http_refusal_unread(conn, 503, share_reason(SHARE_BYTES), message);
    return false;
}

/* A head, or the beginning of one, may be in `in`. */
static void read_head(struct http_conn *conn)
{
    if (io_buffer_len(&conn->in) == 0) {
        http_conn_set_state(conn, HTTP_CONN_IDLE);
        return;
    }
    bool waiting = conn->state == HTTP_CONN_HEAD;
    http_conn_set_state(conn, HTTP_CONN_HEAD);
    conn->ops->read_head(conn);
    if (conn->state == HTTP_CONN_HEAD && conn->input_ended) {
        http_conn_close(conn, ENDING_CLIENT_GONE);
    } else if (conn->state == HTTP_CONN_HEAD && http_conn_keep(conn, io_buffer_len(&conn->in)) &&
               !waiting) {
        share_seat_wait(&conn->seat, conn->peer_share);
        event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
    }
}

void http_conn_exchange_done(struct http_conn *conn)
{
    if (io_buffer_len(&conn->out) > 0) {
        http_conn_set_state(conn, HTTP_CONN_FLUSH);
        http_conn_want_write(conn);
        if (conn->http.own_response)
            event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
        return;
    }
    bool unread =
        !conn->http.request_body.finished || conn->http.may_stream || io_buffer_len(&conn->in) > 0;
    forget_exchange(conn);
    if (conn->close_after || conn->loop->draining ||
        (conn->input_ended && io_buffer_len(&conn->in) == 0)) {
        if (unread && !conn->input_ended)
            http_conn_linger(conn, ENDING_DONE);
        else
            http_conn_close(conn, ENDING_DONE);
        return;
    }
    http_conn_read_enable(conn, true);
    read_head(conn);
}

bool http_conn_request_has_ended(const struct http_conn *conn)
{
    return conn->http.request_body.finished && held_body_rest(&conn->held).len == 0;
}

bool http_conn_verdict_holds(const struct http_conn *conn)
{
    return conn->exchange->policy == conn->loop->policy &&
           (conn->expires_us == INT64_MAX || timestamp_now_us() < conn->expires_us);
}

/* ---- writing ---- */

static void set_interest(struct http_conn *conn, short what, bool enable)
{
    if (conn->state == HTTP_CONN_CLOSED)
        return;
    short now = fd_watch_interest(&conn->watch);
    fd_watch_set(&conn->watch, (short)(enable ? now | what : now & ~what));
}

void http_conn_read_enable(struct http_conn *conn, bool enable)
{
    set_interest(conn, EV_READ, enable && (!conn->input_ended || conn->state == HTTP_CONN_TUNNEL));
}

void http_conn_want_write(struct http_conn *conn)
{
    set_interest(conn, EV_WRITE, true);
}

bool http_conn_send(struct http_conn *conn, bool more)
{
    if (conn->http.hold) {
        set_interest(conn, EV_WRITE, false);
        return true;
    }
    if (!stream_drain(&conn->stream, conn->loop->blocks, &conn->out, more)) {
        http_conn_close(conn, ENDING_CLIENT_GONE);
        return false;
    }
    set_interest(conn, EV_WRITE, io_buffer_len(&conn->out) > 0);
    return true;
}

bool http_conn_send_continue(struct http_conn *conn)
{
    if (!conn->http.expects_continue)
        return true;
    conn->http.expects_continue = false;
    bool answering = conn->state != HTTP_CONN_FORWARD && conn->state != HTTP_CONN_COLLECT &&
                     conn->state != HTTP_CONN_DROP_BODY;
    if (io_buffer_len(&conn->in) > 0 || answering)
        return true;
    return io_buffer_append(conn->loop->blocks, &conn->out, "HTTP/1.1 100 Continue\r\n\r\n", 25) &&
           http_conn_send(conn, false);
}

/* ---- reading ---- */

bool http_conn_has_early_input(struct http_conn *conn)
{
    return conn->http.may_stream && conn->http.request_body.finished &&
           (io_buffer_len(&conn->in) > 0 || stream_look(&conn->stream) == STREAM_HAS_INPUT);
}

/* The client sent its FIN. While answers are due it may have closed only its half, so they still go
 * out; what becomes a stream goes on with one direction ended. Whether the body of a request that
 * has to wait is cut short is found out when it is sent on. */
static void input_ended(struct http_conn *conn)
{
    conn->input_ended = true;
    http_conn_read_enable(conn, false);
    switch (conn->state) {
    case HTTP_CONN_IDLE:
    case HTTP_CONN_HEAD:
    case HTTP_CONN_HELLO:
    case HTTP_CONN_LINGER:
        http_conn_close(conn, ENDING_CLIENT_GONE);
        return;
    case HTTP_CONN_COLLECT:
    case HTTP_CONN_DROP_BODY:
        http_conn_close(conn, ENDING_REQUEST_CUT_SHORT);
        return;
    case HTTP_CONN_FORWARD:
    case HTTP_CONN_LOG_RESPONSE:
    case HTTP_CONN_RELAY:
        if (stream_is_hung_up(&conn->stream))
            http_conn_close(conn, ENDING_CLIENT_GONE);
        else
            http_forward_send(conn); /* tells the upstream */
        return;
    case HTTP_CONN_FIND:
    case HTTP_CONN_LOG_OPEN:
    case HTTP_CONN_TUNNEL:
    case HTTP_CONN_LOG_REFUSAL:
    case HTTP_CONN_FLUSH:
        if (stream_is_hung_up(&conn->stream))
            http_conn_close(conn, ENDING_CLIENT_GONE);
        return;
    case HTTP_CONN_CLOSED:
        return;
    }
}

/* Bytes behind the request that is being answered are kept, as far as the buffer goes: they are
 * judged when their turn comes, or belong to the stream that it becomes. */
static void handle_input(struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_CONN_IDLE:
    case HTTP_CONN_HEAD:
        read_head(conn);
        return;
    case HTTP_CONN_HELLO:
        conn->ops->read_head(conn);
        if (conn->state == HTTP_CONN_HELLO)
            (void)!http_conn_keep(conn, io_buffer_len(&conn->in));
        return;
    case HTTP_CONN_COLLECT:
    case HTTP_CONN_DROP_BODY:
        conn->ops->collect(conn);
        return;
    case HTTP_CONN_LINGER:
        io_buffer_reset(conn->loop->blocks, &conn->in);
        return;
    case HTTP_CONN_FIND:
    case HTTP_CONN_LOG_OPEN:
    case HTTP_CONN_FORWARD:
    case HTTP_CONN_LOG_RESPONSE:
    case HTTP_CONN_RELAY:
    case HTTP_CONN_TUNNEL:
    case HTTP_CONN_LOG_REFUSAL:
    case HTTP_CONN_FLUSH:
    case HTTP_CONN_CLOSED:
        return;
    }
}

void http_conn_readable(struct http_conn *conn)
{
    bool uploading = !conn->http.request_body.finished &&
                     (conn->state == HTTP_CONN_FORWARD || conn->state == HTTP_CONN_RELAY);
    if (conn->state == HTTP_CONN_TUNNEL) {
        conn->ops->tunnel_move(conn);
        return;
    }
    if (conn->state == HTTP_CONN_LINGER)
        io_buffer_reset(conn->loop->blocks, &conn->in);
    if (uploading) {
        http_forward_send(conn); /* reads for itself: it may splice */
        return;
    }
    bool bulk = conn->state == HTTP_CONN_LINGER || conn->held.heap.len > 0;
    bool in_head = conn->state == HTTP_CONN_HEAD || conn->state == HTTP_CONN_HELLO;
    ssize_t got = in_head ? stream_fill_head(&conn->stream, conn->loop->blocks, &conn->in)
                          : stream_fill(&conn->stream, conn->loop->blocks, &conn->in,
                                        bulk ? IO_READ_BULK : IO_READ_HEAD);
    if (got > 0)
        handle_input(conn);
    else if (got == 0)
        input_ended(conn);
    else if (errno == ENOBUFS)
        http_conn_read_enable(conn, false);
    else if (errno != EAGAIN)
        http_conn_close(conn, ENDING_CLIENT_GONE);
}

/* ---- events ---- */

static void on_writable(struct http_conn *conn)
{
    if (!http_conn_send(conn, false) || io_buffer_len(&conn->out) > 0)
        return;
    if (conn->state == HTTP_CONN_RELAY) {
        http_answer_read(conn);
    } else if (conn->state == HTTP_CONN_FLUSH) {
        http_conn_exchange_done(conn);
    } else if (conn->state == HTTP_CONN_TUNNEL) {
        conn->http.client_full = false;
        conn->ops->tunnel_move(conn);
    }
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct http_conn *conn = context;
    if (what & EV_READ)
        http_conn_readable(conn);
    if ((what & EV_WRITE) && conn->state != HTTP_CONN_CLOSED)
        on_writable(conn);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct http_conn *conn = context;
    switch (conn->state) {
    case HTTP_CONN_HEAD:
        http_refusal_unread(conn, 408, REASON_LIMIT_HEADER_TIME,
                            "dockreeve: the request head did not arrive in time");
        return;
    case HTTP_CONN_HELLO:
    case HTTP_CONN_FIND:
        conn->ops->late(conn);
        return;
    case HTTP_CONN_COLLECT:
    case HTTP_CONN_DROP_BODY:
        http_refusal_send(conn, 408, REASON_LIMIT_BODY_TIME,
                          "dockreeve: the request body did not arrive in time", NULL);
        return;
    case HTTP_CONN_FORWARD:
        http_refusal_send(conn, 408, REASON_LIMIT_BODY_TIME,
                          "dockreeve: the request body stopped arriving", NULL);
        return;
    case HTTP_CONN_LOG_RESPONSE:
    case HTTP_CONN_RELAY:
        http_conn_close(conn, REASON_LIMIT_BODY_TIME);
        return;
    case HTTP_CONN_LINGER:
        http_conn_close(conn, ENDING_DONE);
        return;
    case HTTP_CONN_FLUSH:
        http_conn_close(conn, REASON_LIMIT_ANSWER_TIME);
        return;
    case HTTP_CONN_IDLE:
    case HTTP_CONN_LOG_OPEN:
    case HTTP_CONN_TUNNEL:
    case HTTP_CONN_LOG_REFUSAL:
    case HTTP_CONN_CLOSED:
        return;
    }
}

/* ---- as the loop knows it ---- */

static struct http_conn *conn_of(struct client_conn *entry)
{
    return container_of(entry, struct http_conn, entry);
}

static bool is_idle(const struct client_conn *entry)
{
    return container_of(entry, struct http_conn, entry)->state == HTTP_CONN_IDLE;
}

/* Its client may have gone while nobody was reading from it: it had sent its end, or more ahead than
 * is kept. */
static void tick(struct client_conn *entry, int64_t now_us)
{
    (void)now_us;
    struct http_conn *conn = conn_of(entry);
    if (conn->state == HTTP_CONN_IDLE && conn->ops->idle != NULL)
        conn->ops->idle(conn);
    bool unwatched = fd_watch_interest(&conn->watch) == 0;
    bool all_said =
        conn->state == HTTP_CONN_TUNNEL ? conn->http.up_ended : conn->http.request_body.finished;
    if (unwatched && all_said && stream_is_hung_up(&conn->stream))
        http_conn_close(conn, ENDING_CLIENT_GONE);
}

static bool is_endless(const struct client_conn *entry)
{
    const struct http_conn *conn = container_of(entry, struct http_conn, entry);
    return conn->ops->is_endless != NULL && conn->ops->is_endless(conn);
}

static void end_unadmitted(struct client_conn *entry)
{
    struct http_conn *conn = conn_of(entry);
    if (listener_admits(conn->listener, &conn->peer))
        return;
    if (!conn->http.forwarded) { /* and never will be */
        conn->exchange->refused = true;
        conn->exchange->reason = REASON_NOT_ADMITTED;
    }
    http_conn_close(conn, REASON_NOT_ADMITTED);
}

/* Whether a request is with its upstream and not over. What waits to be sent is judged when it is. */
static bool is_under_way(const struct http_conn *conn)
{
    return conn->http.forwarded && !conn->exchange->logged &&
           (conn->state == HTTP_CONN_FORWARD || conn->state == HTTP_CONN_LOG_RESPONSE ||
            conn->state == HTTP_CONN_RELAY || conn->state == HTTP_CONN_TUNNEL);
}

/* A client that has no answer yet gets one. */
static bool is_revoked(struct client_conn *entry, bool cuts)
{
    struct http_conn *conn = conn_of(entry);
    bool answers = cuts && conn->state == HTTP_CONN_FORWARD;
    if (!is_under_way(conn) || conn->ops->is_allowed(conn, answers))
        return false;
    if (answers)
        http_refusal_send(conn, 403, REASON_REVOKED, conn->ops->revoked_text, NULL);
    else if (cuts)
        http_conn_close(conn, REASON_REVOKED);
    return true;
}

static void close_client(struct client_conn *entry, const char *reason)
{
    http_conn_close(conn_of(entry), reason);
}

static void free_client(struct client_conn *entry)
{
    struct http_conn *conn = conn_of(entry);
    listener_unuse(&conn->listener);
    conn->ops->free(conn);
}

static const struct client_conn_kind kind = {.is_idle = is_idle,
                                             .is_endless = is_endless,
                                             .tick = tick,
                                             .end_unadmitted = end_unadmitted,
                                             .is_revoked = is_revoked,
                                             .close = close_client,
                                             .free = free_client};
