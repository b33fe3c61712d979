/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain request's way to its origin: the head that was written anew, then the body, its framing
 * taken off and put on again. Long runs go past by splice. While the origin takes no more, the
 * client is not read; while the client sends no more, its deadline runs. */
#include <errno.h>

#include "proxy/egress/egress_conn.h"
#include "proxy/http/http_pump.h"
#include "rules/reason.h"

static void set_interest(struct egress_conn *conn, short what, bool enable)
{
    short now = fd_watch_interest(&conn->origin.watch);
    fd_watch_set(&conn->origin.watch, (short)(enable ? now | what : now & ~what));
}

void egress_origin_read_enable(struct egress_conn *conn, bool enable)
{
    set_interest(conn, EV_READ, enable);
}

void egress_origin_close(struct egress_conn *conn)
{
    struct egress_origin *origin = &conn->origin;
    /* Also when the socket went elsewhere: what is left of one origin's bytes must never be read as
     * another's answer. */
    io_buffer_reset(conn->loop->blocks, &origin->in);
    io_buffer_reset(conn->loop->blocks, &origin->out);
    buffer_free(&origin->cnames);
    origin->reused = origin->is_proxy = false;
    if (!stream_is_open(&origin->stream))
        return;
    fd_watch_set(&origin->watch, 0);
    stream_close(&origin->stream);
}

void egress_origin_sweep(struct egress_conn *conn)
{
    struct stream *origin = &conn->origin.stream;
    if (stream_is_open(origin) && stream_look(origin) != STREAM_SILENT)
        egress_origin_close(conn);
}

/* Sends the head and what is in origin.out, `more` when spliced bytes follow at once. True when the
 * origin took all of it. */
static bool origin_takes(void *context, bool more)
{
    struct egress_conn *conn = context;
    struct egress_origin *origin = &conn->origin;
    struct io_pool *blocks = conn->loop->blocks;
    bool ok = true;
    if (!conn->http.forwarded) {
        /* The head is kept until the answer begins, in case a kept connection has gone stale. */
        conn->http.forwarded = true;
        ok = io_buffer_append(blocks, &origin->out, io_buffer_bytes(&conn->forward),
                              io_buffer_len(&conn->forward));
        if (!origin->reused || !http_method_is_read((enum http_method)conn->exchange.method) ||
            !conn->http.request_body.finished)
            io_buffer_reset(blocks, &conn->forward);
    }
    /* A broken connection is found out by reading: the origin may have answered before it closed.
     * Nothing may follow what was lost, or the origin would read a body as a request. */
    if (!ok || !stream_drain(&origin->stream, blocks, &origin->out, more)) {
        io_buffer_reset(blocks, &origin->out);
        stream_end(&origin->stream);
    }
    conn->origin_full = io_buffer_len(&origin->out) > 0;
    set_interest(conn, EV_WRITE, conn->origin_full);
    return !conn->origin_full;
}

/* The origin takes no more for now: that is no fault of the client's, so its clock stands still. */
static void wait_for_origin(struct egress_conn *conn)
{
    if (conn->http.request_body.finished)
        return;
    event_timer_stop(&conn->timer);
    egress_conn_read_enable(conn, false);
}

static void wait_for_client(struct egress_conn *conn)
{
    egress_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, conn->loop->options->upload_timeout_ms);
}

/* The body is wrong. Before an answer began that is said; after that only the end of the connection
 * can say it. */
static void refuse(struct egress_conn *conn, const struct error *error)
{
    if (conn->state == EGRESS_CONN_FORWARD)
        egress_refusal_error(conn, error);
    else
        egress_conn_close(conn, error->reason);
}

/* The origin broke, or the client. The first stopped reading only: what it answers decides. */
static void broken(struct egress_conn *conn, int failure)
{
    if ((failure == EPIPE || failure == ECONNRESET) && !stream_is_hung_up(&conn->stream)) {
        event_timer_stop(&conn->timer);
        egress_conn_read_enable(conn, false);
        conn->close_after = true;
    } else {
        egress_conn_close(conn, ENDING_CLIENT_GONE);
    }
}

static void wait_for_more(struct egress_conn *conn)
{
    if (origin_takes(conn, false))
        wait_for_client(conn);
    else
        wait_for_origin(conn);
}

/* One step of the body. True when there may be more to do at once. */
static bool send_step(struct egress_conn *conn, const struct http_pump *pump)
{
    struct error error;
    switch (http_pump_step(pump, &error)) {
    case HTTP_PUMP_MORE:
    case HTTP_PUMP_MOVED:
        return true;
    case HTTP_PUMP_WAITS:
        wait_for_more(conn);
        return false;
    case HTTP_PUMP_FULL:
        conn->origin_full = true;
        set_interest(conn, EV_WRITE, true);
        wait_for_origin(conn);
        return false;
    case HTTP_PUMP_UNTAKEN:
        wait_for_origin(conn);
        return false;
    case HTTP_PUMP_ENDED:
        egress_conn_close(conn, ENDING_REQUEST_CUT_SHORT);
        return false;
    case HTTP_PUMP_GONE:
        egress_conn_close(conn, ENDING_CLIENT_GONE);
        return false;
    case HTTP_PUMP_BROKEN:
        broken(conn, errno);
        return false;
    case HTTP_PUMP_BAD:
    case HTTP_PUMP_NO_ROOM:
        refuse(conn, &error);
        return false;
    }
    return false;
}

/* Moves what there is of the body. False when it has to wait, or was refused. */
static bool send_body(struct egress_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.request_body,
        .flow = &conn->http.up,
        .from = &conn->stream,
        .to = &conn->origin.stream,
        .in = &conn->in,
        .out = &conn->origin.out,
        .takes = origin_takes,
        .context = conn,
    };
    for (int steps = 0; !conn->http.request_body.finished && steps < HTTP_PUMP_STEPS_PER_TURN;
         steps++) {
        if (!send_step(conn, &pump))
            return false;
    }
    return true;
}

void egress_forward_send(struct egress_conn *conn)
{
    if (!stream_is_open(&conn->origin.stream))
        return;
    egress_origin_read_enable(conn, true);
    if (!origin_takes(conn, false)) {
        wait_for_origin(conn);
        return;
    }
    if (conn->http.request_body.finished) {
        egress_conn_read_enable(conn, true); /* to notice when the client goes */
        return;
    }
    if (!egress_conn_send_continue(conn))
        return;
    if (!send_body(conn))
        return;
    if (!conn->http.request_body.finished) {
        wait_for_more(conn);
    } else if (!origin_takes(conn, false)) {
        wait_for_origin(conn);
    } else {
        event_timer_stop(&conn->timer);
        egress_conn_read_enable(conn, true);
    }
}

static void on_origin_event(evutil_socket_t fd, short what, void *context)
{
    struct egress_conn *conn = context;
    (void)fd;
    if (what & EV_WRITE) {
        conn->origin_full = false;
        egress_forward_send(conn);
    }
    if ((what & EV_READ) && conn->origin.stream.fd == fd)
        egress_response_read(conn);
}

void egress_forward_start(struct egress_conn *conn, int fd, const struct ip_address *address)
{
    struct egress_origin *origin = &conn->origin;
    origin->stream = stream_of_socket(fd);
    origin->authority = conn->target;
    origin->address = address == NULL ? (struct ip_address){{0}} : *address;
    origin->reused = origin->is_proxy = false;
    buffer_clear(&origin->cnames);
    buffer_append_slice(&origin->cnames, egress_exchange_cnames(&conn->exchange));
    conn->http.response.scanned = 0;
    endpoint_keep_alive(fd); /* an answer may be a long stream */
    fd_watch_init(&origin->watch, conn->loop->base, fd, on_origin_event, conn);
}
