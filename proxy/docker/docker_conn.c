/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a client connection: accepted, read, answered again and again, closed. It reads heads
 * and dropped bodies; what a head means is docker_exchange.c's business. No callback frees its own
 * connection: closing queues it for the end of the turn. */
#include "proxy/docker/docker_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/io/event_switch.h"
#include "proxy/loop/listener.h"
#include "rules/reason.h"

enum { LINGER_MS = 2000 };

static void on_read(evutil_socket_t fd, short what, void *context);
static void on_write(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);
static const struct client_conn_kind kind;

void docker_conn_set_state(struct docker_conn *conn, enum docker_conn_state state)
{
    if (conn->state == state)
        return;
    share_seat_leave(&conn->seat);
    if (conn->state == DOCKER_CONN_HEAD)
        share_keep_nothing(conn->peer_share, &conn->kept_bytes);
    if (state == DOCKER_CONN_IDLE || state == DOCKER_CONN_LINGER)
        share_seat_wait(&conn->seat, conn->peer_share);
    conn->state = state;
    event_timer_stop(&conn->timer);
}

bool docker_conn_keep(struct docker_conn *conn, size_t len)
{
    enum share_level level = share_keep(conn->peer_share, &conn->kept_bytes, len);
    if (level == SHARE_GRANTED)
        return true;
    char message[128];
    snprintf(message, sizeof(message),
             "dockreeve: %s has as many bytes of unfinished requests here as it may; try again "
             "later",
             share_level_name(level));
    conn->http.request_body.finished = false; /* nobody waits for the rest */
    docker_refusal_send(conn, 503, share_reason(SHARE_BYTES), message);
    return false;
}

void docker_conn_read_enable(struct docker_conn *conn, bool enable)
{
    enable = enable && (!conn->input_ended || conn->state == DOCKER_CONN_TUNNEL);
    if (conn->state != DOCKER_CONN_CLOSED)
        event_switch(&conn->read_event, &conn->reading, enable);
}

static void write_enable(struct docker_conn *conn, bool enable)
{
    if (conn->state != DOCKER_CONN_CLOSED)
        event_switch(&conn->write_event, &conn->writing, enable);
}

bool docker_conn_has_early_input(struct docker_conn *conn)
{
    return conn->http.may_stream && conn->http.request_body.finished &&
           (io_buffer_len(&conn->in) > 0 || stream_look(&conn->stream) == STREAM_HAS_INPUT);
}

void docker_conn_want_write(struct docker_conn *conn)
{
    write_enable(conn, true);
}

static struct docker_conn *conn_of_seat(struct share_seat *seat)
{
    return container_of(seat, struct docker_conn, seat);
}

/* Whoever had not asked for anything yet was turned away. */
static void evict(struct share_seat *seat)
{
    struct docker_conn *conn = conn_of_seat(seat);
    if (conn->state == DOCKER_CONN_HEAD || !conn->has_asked)
        share_count_refused(conn->peer_share, SHARE_REFUSED_CONNECTIONS, SHARE_DOCKER);
    docker_conn_close(conn, ENDING_EVICTED);
}

void docker_conn_accept(struct listener *listener, struct arrival *arrival)
{
    struct loop *loop = listener_gate(listener);
    struct docker_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        share_give_back(arrival->peer, SHARE_CONNECTIONS, 1);
        admission_drop(arrival);
        return;
    }
    conn->loop = loop;
    conn->listener = listener_use(listener);
    conn->stream = stream_of_socket(steal_fd(&arrival->fd));
    conn->peer = arrival->endpoint;
    conn->uid = arrival->credentials.uid;
    conn->gid = arrival->credentials.gid;
    conn->pid = arrival->credentials.pid;
    conn->peer_share = steal_pointer(&arrival->peer);
    conn->waiter.peer = conn->peer_share;
    conn->seat.evict = evict;
    event_assign(&conn->read_event, loop->base, conn->stream.fd, EV_READ | EV_PERSIST, on_read,
                 conn);
    event_assign(&conn->write_event, loop->base, conn->stream.fd, EV_WRITE | EV_PERSIST, on_write,
                 conn);
    event_assign(&conn->timer, loop->base, -1, 0, on_timer, conn);
    client_conn_opened(loop, &conn->client, &kind);
    metrics_connection_opened(listener_client(listener)->metrics);
    conn->state = DOCKER_CONN_IDLE;
    share_seat_wait(&conn->seat, conn->peer_share);
    http_exchange_forget(&conn->http, loop->pipes);
    docker_conn_read_enable(conn, true);
}

void docker_conn_close(struct docker_conn *conn, const char *reason)
{
    struct loop *loop = conn->loop;
    if (conn->state == DOCKER_CONN_CLOSED)
        return;
    docker_log_close(conn, reason);
    docker_exchange_forget(conn);
    docker_conn_set_state(conn, DOCKER_CONN_CLOSED);
    event_del(&conn->read_event);
    event_del(&conn->write_event);
    stream_close(&conn->stream);
    io_buffer_reset(loop->blocks, &conn->in);
    io_buffer_reset(loop->blocks, &conn->out);
    client_conn_closed(loop, &conn->client);
    admission_leave(&conn->peer_share);
    metrics_connection_closed(listener_client(conn->listener)->metrics);
}

bool docker_conn_send(struct docker_conn *conn, bool more)
{
    if (conn->http.hold) {
        write_enable(conn, false);
        return true;
    }
    if (!stream_drain(&conn->stream, conn->loop->blocks, &conn->out, more)) {
        docker_conn_close(conn, ENDING_CLIENT_GONE);
        return false;
    }
    write_enable(conn, io_buffer_len(&conn->out) > 0);
    return true;
}

/* A head, or the beginning of one, may be in `in`. */
static void read_head(struct docker_conn *conn)
{
    if (io_buffer_len(&conn->in) == 0) {
        docker_conn_set_state(conn, DOCKER_CONN_IDLE);
        return;
    }
    bool waiting = conn->state == DOCKER_CONN_HEAD;
    docker_conn_set_state(conn, DOCKER_CONN_HEAD);
    docker_exchange_start(conn);
    if (conn->state == DOCKER_CONN_HEAD && conn->input_ended) {
        docker_conn_close(conn, ENDING_CLIENT_GONE);
    } else if (conn->state == DOCKER_CONN_HEAD &&
               docker_conn_keep(conn, io_buffer_len(&conn->in)) && !waiting) {
        share_seat_wait(&conn->seat, conn->peer_share);
        event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
    }
}

bool docker_conn_send_continue(struct docker_conn *conn)
{
    if (!conn->http.expects_continue)
        return true;
    conn->http.expects_continue = false;
    bool answering = conn->state != DOCKER_CONN_FORWARD && conn->state != DOCKER_CONN_COLLECT &&
                     conn->state != DOCKER_CONN_DROP_BODY;
    if (io_buffer_len(&conn->in) > 0 || answering)
        return true;
    return io_buffer_append(conn->loop->blocks, &conn->out, "HTTP/1.1 100 Continue\r\n\r\n", 25) &&
           docker_conn_send(conn, false);
}

/* The client sent its FIN. While answers are due it may have closed only its half, so they still go
 * out. Whether the body of a request that has to wait is cut short is found out when it is sent on. */
static void input_ended(struct docker_conn *conn)
{
    conn->input_ended = true;
    docker_conn_read_enable(conn, false);
    bool body_cut = conn->state == DOCKER_CONN_COLLECT || conn->state == DOCKER_CONN_DROP_BODY ||
                    conn->state == DOCKER_CONN_LINGER;
    if (conn->state == DOCKER_CONN_IDLE || conn->state == DOCKER_CONN_HEAD || body_cut ||
        stream_is_hung_up(&conn->stream))
        docker_conn_close(conn, body_cut ? ENDING_REQUEST_CUT_SHORT : ENDING_CLIENT_GONE);
    else
        docker_body_send(conn); /* tells the engine */
}

/* Bytes behind the request that is being answered are kept, as far as the buffer goes: they are
 * judged when their turn comes. */
static void handle_input(struct docker_conn *conn)
{
    switch (conn->state) {
    case DOCKER_CONN_IDLE:
    case DOCKER_CONN_HEAD:
        read_head(conn);
        break;
    case DOCKER_CONN_COLLECT:
    case DOCKER_CONN_DROP_BODY:
        docker_collect_more(conn);
        break;
    case DOCKER_CONN_FORWARD:
    case DOCKER_CONN_LOG_RESPONSE:
    case DOCKER_CONN_RELAY:
        break;
    case DOCKER_CONN_LINGER:
        io_buffer_reset(conn->loop->blocks, &conn->in);
        break;
    case DOCKER_CONN_LOOKUP:
    case DOCKER_CONN_LOG_OPEN:
    case DOCKER_CONN_TUNNEL:
    case DOCKER_CONN_LOG_REFUSAL:
    case DOCKER_CONN_FLUSH:
    case DOCKER_CONN_CLOSED:
        break;
    }
}

static void on_read(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct docker_conn *conn = context;
    if (conn->state == DOCKER_CONN_TUNNEL) {
        docker_tunnel_move(conn);
        return;
    }
    if (conn->state == DOCKER_CONN_LINGER)
        io_buffer_reset(conn->loop->blocks, &conn->in);
    if (!conn->http.request_body.finished &&
        (conn->state == DOCKER_CONN_FORWARD || conn->state == DOCKER_CONN_RELAY)) {
        docker_body_send(conn); /* reads for itself: it may splice */
        return;
    }
    bool bulk = conn->state == DOCKER_CONN_LINGER || conn->held.heap.len > 0;
    size_t limit = bulk ? IO_READ_BULK : IO_READ_HEAD;
    ssize_t got = conn->state == DOCKER_CONN_HEAD
                      ? stream_fill_head(&conn->stream, conn->loop->blocks, &conn->in)
                      : stream_fill(&conn->stream, conn->loop->blocks, &conn->in, limit);
    if (got > 0)
        handle_input(conn);
    else if (got == 0)
        input_ended(conn);
    else if (errno == ENOBUFS)
        docker_conn_read_enable(conn, false);
    else if (errno != EAGAIN)
        docker_conn_close(conn, ENDING_CLIENT_GONE);
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct docker_conn *conn = context;
    if (!docker_conn_send(conn, false))
        return;
    if (conn->state == DOCKER_CONN_TUNNEL && io_buffer_len(&conn->out) == 0) {
        conn->client_full = false;
        docker_tunnel_move(conn);
    } else if (io_buffer_len(&conn->out) == 0) {
        if (conn->state == DOCKER_CONN_RELAY)
            docker_response_read(conn);
        else if (conn->state == DOCKER_CONN_FLUSH)
            docker_conn_exchange_done(conn);
    }
}

static void lookup_is_late(struct docker_conn *conn)
{
    if (conn->lookup == NULL)
        docker_refusal_send(conn, 504, REASON_UPSTREAM_LOOKUP_TIMEOUT,
                            "dockreeve: the Docker Engine did not say in time which version of "
                            "the API it serves; name one in the request, or look at its log");
    else if (docker_lookup_waits(conn->lookup))
        docker_refusal_send(conn, 503, share_reason(SHARE_OBJECTS),
                            "dockreeve: too many requests are waiting for the engine to say what "
                            "they name; try again later");
    else
        docker_refusal_send(conn, 504, REASON_UPSTREAM_LOOKUP_TIMEOUT,
                            "dockreeve: the Docker Engine did not say in time what the request "
                            "names, which a rule has to know");
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct docker_conn *conn = context;
    switch (conn->state) {
    case DOCKER_CONN_HEAD:
        conn->http.request_body.finished =
            false; /* the rest of the head may still come: it is nobody's request */
        docker_refusal_send(conn, 408, REASON_LIMIT_HEADER_TIME,
                            "dockreeve: the request head did not arrive in time");
        break;
    case DOCKER_CONN_COLLECT:
    case DOCKER_CONN_DROP_BODY:
        docker_refusal_send(conn, 408, REASON_LIMIT_BODY_TIME,
                            "dockreeve: the request body did not arrive in time");
        break;
    case DOCKER_CONN_FORWARD:
        docker_refusal_send(conn, 408, REASON_LIMIT_BODY_TIME,
                            "dockreeve: the request body stopped arriving");
        break;
    case DOCKER_CONN_LOG_RESPONSE:
    case DOCKER_CONN_RELAY:
        docker_conn_close(conn, REASON_LIMIT_BODY_TIME);
        break;
    case DOCKER_CONN_LINGER:
        docker_conn_close(conn, ENDING_DONE);
        break;
    case DOCKER_CONN_FLUSH:
        docker_conn_close(conn, REASON_LIMIT_ANSWER_TIME);
        break;
    case DOCKER_CONN_LOOKUP:
        lookup_is_late(conn);
        break;
    case DOCKER_CONN_IDLE:
    case DOCKER_CONN_LOG_OPEN:
    case DOCKER_CONN_TUNNEL:
    case DOCKER_CONN_LOG_REFUSAL:
    case DOCKER_CONN_CLOSED:
        break;
    }
}

/* A close(2) with unread bytes resets the connection and can take the answer with it, so what still
 * comes is read and dropped for a moment (RFC 9112 section 9.6). */
void docker_conn_linger(struct docker_conn *conn, const char *reason)
{
    docker_log_close(conn, reason);
    docker_exchange_forget(conn);
    docker_conn_set_state(conn, DOCKER_CONN_LINGER);
    io_buffer_reset(conn->loop->blocks, &conn->in);
    stream_end(&conn->stream);
    docker_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, LINGER_MS);
}

void docker_conn_exchange_done(struct docker_conn *conn)
{
    if (io_buffer_len(&conn->out) > 0) {
        docker_conn_set_state(conn, DOCKER_CONN_FLUSH);
        write_enable(conn, true);
        if (conn->http.own_response)
            event_timer_start(&conn->timer, conn->loop->options->header_timeout_ms);
        return;
    }
    write_enable(conn, false);
    bool unread =
        !conn->http.request_body.finished || conn->http.may_stream || io_buffer_len(&conn->in) > 0;
    docker_exchange_forget(conn);
    if (conn->close_after || conn->loop->draining ||
        (conn->input_ended && io_buffer_len(&conn->in) == 0)) {
        if (unread && !conn->input_ended)
            docker_conn_linger(conn, ENDING_DONE);
        else
            docker_conn_close(conn, ENDING_DONE);
        return;
    }
    docker_conn_read_enable(conn, true);
    read_head(conn);
}

/* ---- as the loop knows it ---- */

static bool is_idle(const struct client_conn *client)
{
    return container_of(client, struct docker_conn, client)->state == DOCKER_CONN_IDLE;
}

/* Its client may have gone while nobody was reading from it: it had sent its end, or more ahead than
 * is kept. */
static void tick(struct client_conn *client, int64_t now_us)
{
    (void)now_us;
    struct docker_conn *conn = container_of(client, struct docker_conn, client);
    bool unwatched = !conn->reading && !conn->writing;
    bool all_said =
        conn->state == DOCKER_CONN_TUNNEL ? conn->up_ended : conn->http.request_body.finished;
    if (unwatched && all_said && stream_is_hung_up(&conn->stream))
        docker_conn_close(conn, ENDING_CLIENT_GONE);
}

static void end_unadmitted(struct client_conn *client)
{
    struct docker_conn *conn = container_of(client, struct docker_conn, client);
    if (listener_admits(conn->listener, &conn->peer))
        return;
    if (!conn->http.forwarded) { /* and never will be */
        conn->exchange.refused = true;
        conn->exchange.reason = REASON_NOT_ADMITTED;
    }
    docker_conn_close(conn, REASON_NOT_ADMITTED);
}

static void close_client(struct client_conn *client, const char *reason)
{
    docker_conn_close(container_of(client, struct docker_conn, client), reason);
}

static bool is_endless(const struct client_conn *client)
{
    return container_of(client, struct docker_conn, client)->exchange.endless;
}

static void free_client(struct client_conn *client)
{
    struct docker_conn *conn = container_of(client, struct docker_conn, client);
    listener_unuse(&conn->listener);
    buffer_free(&conn->exchange.facts);
    free(conn);
}

static const struct client_conn_kind kind = {.is_idle = is_idle,
                                             .is_endless = is_endless,
                                             .tick = tick,
                                             .end_unadmitted = end_unadmitted,
                                             .is_revoked = docker_revoke,
                                             .close = close_client,
                                             .free = free_client};
