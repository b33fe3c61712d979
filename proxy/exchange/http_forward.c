/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's way: its head is read, and once it is let through, the head that was written anew goes
 * out, then the body: what was collected of it, or what comes, its framing taken off and put on
 * again. Long runs go past by splice. While the upstream takes no more, the client is not read;
 * while the client sends no more, its deadline runs. */
#include "proxy/exchange/http_conn.h"

#include <errno.h>

#include "proxy/http/foreign_client.h"
#include "proxy/http/http_pump.h"
#include "proxy/loop/unlogged.h"
#include "rules/reason.h"

/* ---- before it is let through ---- */

bool http_forward_read_head(struct http_conn *conn, http_head_parser *parse, struct http_head *head,
                            size_t *len_out)
{
    struct error error;
    switch (parse(head, io_buffer_bytes(&conn->in), io_buffer_len(&conn->in),
                  &conn->http.head_scanned, &conn->loop->options->head, len_out, &error)) {
    case HTTP_HEAD_MORE:
        return false;
    case HTTP_HEAD_BAD:
        conn->http.request_body.finished =
            false; /* nobody knows where the next request would begin */
        conn->http.foreign = foreign_client_first(
            error.reason, slice_of(io_buffer_bytes(&conn->in), io_buffer_len(&conn->in)));
        if (conn->ops->unread != NULL)
            conn->ops->unread(conn);
        http_refusal_error(conn, &error);
        return false;
    case HTTP_HEAD_OK:
        break;
    }
    conn->http.is_read = http_method_is_read(head->method);
    conn->http.minor_version_0 = head->minor_version == 0;
    conn->close_after = conn->close_after || head->connection_close || conn->http.minor_version_0;
    return true;
}

void http_forward_skip(struct http_conn *conn, const struct http_head *head, size_t head_len)
{
    struct io_pool *blocks = conn->loop->blocks;
    struct http_body *body = &conn->http.request_body;
    struct error ignored;
    io_buffer_consume(blocks, &conn->in, head_len);
    http_body_init(body, head->framing, head->content_length, HTTP_FRAMING_NONE);
    bool meant_for_tunnel = head->method == HTTP_METHOD_CONNECT && io_buffer_len(&conn->in) > 0;
    if (meant_for_tunnel || !http_body_move(body, blocks, &conn->in, NULL, &ignored))
        body->finished = false;
}

bool http_forward_set(struct http_conn *conn, const struct buffer *text)
{
    struct io_pool *blocks = conn->loop->blocks;
    io_buffer_reset(blocks, &conn->forward);
    return !text->failed && io_buffer_append(blocks, &conn->forward, text->data, text->len);
}

void http_forward_drop_head(struct http_conn *conn)
{
    io_buffer_reset(conn->loop->blocks, &conn->forward);
    if (conn->ops->drop_head != NULL)
        conn->ops->drop_head(conn);
}

bool http_forward_can_be_logged(struct http_conn *conn)
{
    const struct loop *loop = conn->loop;
    if (!loop->options->log_required)
        return true;
    if (loop->log_failing) {
        http_refusal_unlogged(conn); /* its own record tries the log again */
        return false;
    }
    if (loop_log_has_room(loop, conn->peer_share))
        return true;
    http_refusal_send(conn, unlogged_full.status, unlogged_full.reason, unlogged_full.message,
                      NULL);
    return false;
}

static void on_open_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct http_conn *conn = container_of(waiter, struct http_conn, waiter);
    if (state == LOG_WRITE_DONE) {
        conn->ops->recorded(conn);
        return;
    }
    if (state == LOG_WRITE_LOST)
        conn->exchange->opened = false; /* the record is in no log */
    http_refusal_unlogged(conn);
}

void http_forward_log_open(struct http_conn *conn)
{
    http_conn_set_state(conn, HTTP_CONN_LOG_OPEN);
    uint64_t seq = conn->ops->log_open(conn);
    conn->waiter.written = on_open_written;
    loop_wait_for_log(conn->loop, &conn->waiter, seq);
}

/* ---- on its way ---- */

/* The head is kept until the answer begins, in case a kept connection has gone stale: see
 * http_answer.c. */
static bool put_head(struct http_conn *conn)
{
    struct io_pool *blocks = conn->loop->blocks;
    bool may_ask_twice =
        conn->upstream->reused && conn->http.is_read && http_conn_request_has_ended(conn);
    conn->http.forwarded = true;
    bool ok = io_buffer_append(blocks, &conn->upstream->out, io_buffer_bytes(&conn->forward),
                               io_buffer_len(&conn->forward));
    if (!may_ask_twice)
        http_forward_drop_head(conn);
    return ok;
}

/* What there is room for of a collected body. */
static bool put_held(struct http_conn *conn)
{
    struct io_buffer *out = &conn->upstream->out;
    struct slice rest = held_body_rest(&conn->held);
    size_t room = io_buffer_room(out);
    if (rest.len == 0)
        return true;
    if (rest.len > room)
        rest.len = room;
    bool ok = io_buffer_append(conn->loop->blocks, out, rest.ptr, rest.len);
    held_body_sent(&conn->held, conn->loop->blocks, rest.len);
    return ok;
}

static void set_full(struct http_conn *conn, bool full)
{
    if (conn->http.upstream_full != full)
        conn->ops->upstream_write(conn, full);
    conn->http.upstream_full = full;
}

/* Sends the head, what was collected and what is in upstream->out, `more` when spliced bytes follow
 * at once. True when the upstream took all of it. */
static bool upstream_takes(void *context, bool more)
{
    struct http_conn *conn = context;
    struct http_upstream *upstream = conn->upstream;
    struct io_pool *blocks = conn->loop->blocks;
    bool ok = conn->http.forwarded || put_head(conn);
    do {
        /* A broken connection is found out by reading: the upstream may have answered before it
         * closed. Nothing may follow what was lost, or a body would be read as a request. */
        if (!ok || !put_held(conn) ||
            !stream_drain(&upstream->stream, blocks, &upstream->out, more)) {
            held_body_release(&conn->held, blocks);
            io_buffer_reset(blocks, &upstream->out);
            stream_end(&upstream->stream);
        }
    } while (io_buffer_len(&upstream->out) == 0 && held_body_rest(&conn->held).len > 0);
    if (conn->kept_bytes > 0 && held_body_rest(&conn->held).len == 0)
        share_keep_nothing(conn->peer_share, &conn->kept_bytes);
    set_full(conn, io_buffer_len(&upstream->out) > 0);
    return !conn->http.upstream_full;
}

static void wait_for_client(struct http_conn *conn)
{
    http_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, conn->loop->options->upload_timeout_ms);
}

/* The upstream takes no more for now: that is no fault of the client's, so its clock stands still. */
static void wait_for_upstream(struct http_conn *conn)
{
    if (conn->http.request_body.finished)
        return;
    event_timer_stop(&conn->timer);
    http_conn_read_enable(conn, false);
}

static void wait_for_more(struct http_conn *conn)
{
    if (upstream_takes(conn, false))
        wait_for_client(conn);
    else
        wait_for_upstream(conn);
}

/* The body is wrong. Before an answer began that is said; after that only the end of the connection
 * can say it. */
static void refuse(struct http_conn *conn, const struct error *error)
{
    if (conn->state == HTTP_CONN_FORWARD)
        http_refusal_error(conn, error);
    else
        http_conn_close(conn, error->reason);
}

/* The upstream broke, or the client. The first stopped reading only: what it answers decides. */
static void broken(struct http_conn *conn, int failure)
{
    if ((failure == EPIPE || failure == ECONNRESET) && !stream_is_hung_up(&conn->stream)) {
        event_timer_stop(&conn->timer);
        http_conn_read_enable(conn, false);
        conn->close_after = true;
    } else {
        http_conn_close(conn, ENDING_CLIENT_GONE);
    }
}

/* One step of the body. True when there may be more to do at once. */
static bool send_step(struct http_conn *conn, const struct http_pump *pump)
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
        set_full(conn, true);
        wait_for_upstream(conn);
        return false;
    case HTTP_PUMP_UNTAKEN:
        wait_for_upstream(conn);
        return false;
    case HTTP_PUMP_ENDED:
        http_conn_close(conn, ENDING_REQUEST_CUT_SHORT);
        return false;
    case HTTP_PUMP_GONE:
        http_conn_close(conn, ENDING_CLIENT_GONE);
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
static bool send_body(struct http_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.request_body,
        .flow = &conn->http.up,
        .from = &conn->stream,
        .to = &conn->upstream->stream,
        .in = &conn->in,
        .out = &conn->upstream->out,
        .takes = upstream_takes,
        .context = conn,
    };
    for (int steps = 0; !conn->http.request_body.finished && steps < HTTP_PUMP_STEPS_PER_TURN;
         steps++) {
        if (!send_step(conn, &pump))
            return false;
    }
    return true;
}

/* The upstream has the whole request. The client is read on, to notice when it goes. */
static void sent(struct http_conn *conn)
{
    http_conn_read_enable(conn, true);
    if (conn->ops->sent != NULL)
        conn->ops->sent(conn);
}

void http_forward_send(struct http_conn *conn)
{
    if (conn->upstream == NULL || !stream_is_open(&conn->upstream->stream))
        return;
    if (conn->upstream->connecting) { /* called again when it is connected; until then what the
                                         client sends would only wake us */
        wait_for_upstream(conn);
        return;
    }
    if (!conn->http.forwarded && !http_conn_verdict_holds(conn) && !conn->ops->judge_again(conn))
        return;
    if (!upstream_takes(conn, false)) {
        wait_for_upstream(conn);
        return;
    }
    if (conn->http.request_body.finished) {
        sent(conn);
        return;
    }
    if (!http_conn_send_continue(conn) || !send_body(conn))
        return;
    if (!conn->http.request_body.finished) {
        wait_for_more(conn);
    } else if (!upstream_takes(conn, false)) {
        wait_for_upstream(conn);
    } else {
        event_timer_stop(&conn->timer);
        sent(conn);
    }
}
