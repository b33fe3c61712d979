/* SPDX-License-Identifier: Apache-2.0
 *
 * The way back: the upstream's answer is parsed as strictly as a request, its head is written anew,
 * its body framed anew. An answer that is complete with its first bytes gets one `request` record
 * before it is let go; any other gets `open` first and `close` at its end. */
#include "proxy/exchange/http_conn.h"

#include <errno.h>
#include <stdio.h>

#include "proxy/http/http_pump.h"
#include "rules/reason.h"

static bool has_upstream(const struct http_conn *conn)
{
    return conn->upstream != NULL && stream_is_open(&conn->upstream->stream);
}

/* "dockreeve: the origin " and what it did. */
static void upstream_failed(struct http_conn *conn, const char *reason, const char *what)
{
    char message[160];
    snprintf(message, sizeof(message), "dockreeve: %s%s", conn->ops->sender(conn).name, what);
    http_refusal_upstream(conn, reason, message);
}

/* ---- its record ---- */

/* The last byte of the answer is in `out` (or gone). The upstream's connection may serve the next
 * exchange if nothing is left on it, in either direction: whoever answers early may still have to
 * take the end of the request. */
static void response_complete(struct http_conn *conn)
{
    bool reusable = has_upstream(conn) && http_conn_request_has_ended(conn) &&
                    !conn->http.response_body_closes && io_buffer_len(&conn->upstream->in) == 0 &&
                    io_buffer_len(&conn->upstream->out) == 0;
    conn->ops->upstream_done(conn, reusable);
    if (!conn->http.request_body.finished)
        conn->close_after = true;
}

static void released(struct http_conn *conn)
{
    conn->http.hold = false;
    if (conn->exchange->logged) {
        if (http_conn_send(conn, false))
            http_conn_exchange_done(conn);
        return;
    }
    if (conn->http.switched) {
        conn->ops->tunnel_start(conn);
        return;
    }
    http_conn_set_state(conn, HTTP_CONN_RELAY);
    if (!http_conn_send(conn, false))
        return;
    if (!conn->http.request_body.finished)
        http_forward_send(conn);
    if (conn->state == HTTP_CONN_RELAY)
        http_answer_read(conn);
}

static void on_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct http_conn *conn = container_of(waiter, struct http_conn, waiter);
    if (state != LOG_WRITE_DONE) {
        if (state == LOG_WRITE_LOST) /* the record is in no log; one that is only late must not be
                                        followed by a second */
            conn->exchange->opened = conn->exchange->logged = false;
        conn->close_after = true;
        http_refusal_unlogged(conn);
        return;
    }
    released(conn);
}

/* The answer's head is in `out`, and what came with it of the body: write the record, then let it
 * go. */
static void release_after_log(struct http_conn *conn)
{
    bool complete = conn->http.response_body.finished && !conn->http.switched;
    bool owed = conn->exchange->opened; /* the record was written before the request went out */
    uint64_t seq = 0;
    conn->http.hold = true;
    http_conn_set_state(conn, HTTP_CONN_LOG_RESPONSE);
    if (complete) {
        response_complete(conn);
        seq = conn->ops->log_last(conn, NULL);
    } else {
        exchange_count_stream(conn->exchange, conn->loop, true);
        if (!owed)
            seq = conn->ops->log_open(conn);
    }
    if (owed) {
        released(conn);
        return;
    }
    if (!complete)
        conn->ops->upstream_read(conn, false);
    if (!conn->http.request_body.finished)
        http_conn_read_enable(conn, false);
    conn->waiter.written = on_written;
    loop_wait_for_log(conn->loop, &conn->waiter, seq);
}

/* ---- its head ---- */

struct http_answer_plan http_answer_begin(struct http_conn *conn, const struct http_head *head,
                                          enum http_method method)
{
    conn->close_after = conn->close_after || http_conn_has_early_input(conn);
    struct http_answer_plan plan = {
        .framing = http_exchange_begin_body(&conn->http, head, method),
        .content_length = head->content_length,
        .show_length = http_response_shows_length(head, conn->http.response_body.from),
    };
    conn->close_after = conn->close_after || plan.framing == HTTP_FRAMING_CLOSE;
    plan.close = conn->close_after || conn->loop->draining ||
                 (conn->input_ended && io_buffer_len(&conn->in) == 0);
    return plan;
}

void http_answer_switch(struct http_conn *conn)
{
    http_body_init(&conn->http.response_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    conn->http.switched = true;
}

/* A kept connection that the upstream closed while the request was on its way: asked again, once, on
 * a new one, when asking twice changes nothing. */
static bool retry(struct http_conn *conn)
{
    if (conn->http.retried || !conn->upstream->reused || io_buffer_len(&conn->forward) == 0)
        return false;
    conn->http.retried = true;
    conn->http.forwarded = false;
    conn->ops->upstream_drop(conn);
    conn->ops->retry(conn);
    return true;
}

static void finish_body(struct http_conn *conn)
{
    response_complete(conn);
    conn->ops->log_last(conn, NULL);
    if (http_conn_send(conn, false))
        http_conn_exchange_done(conn);
}

static void upstream_ended(struct http_conn *conn)
{
    struct http_body *body = &conn->http.response_body;
    if (conn->state == HTTP_CONN_FORWARD) {
        if (io_buffer_len(&conn->upstream->in) > 0 || !retry(conn))
            conn->ops->closed_early(conn);
    } else if (http_body_end_of_stream(body)) {
        if (http_body_write_end(body, conn->loop->blocks, &conn->out))
            finish_body(conn);
        else
            http_conn_close(conn, REASON_LIMIT_MEMORY);
    } else {
        conn->ops->count_error(conn->loop);
        http_conn_close(conn, ENDING_UPSTREAM_CUT_SHORT);
    }
}

/* The final head, of `len` bytes, stands in upstream->in. True when `out` holds the head for the
 * client. */
static bool take_head(struct http_conn *conn, const struct http_head *head, size_t len)
{
    struct io_buffer *in = &conn->upstream->in;
    size_t taken = 0;
    /* An unasked switch of protocols would let the upstream speak past every rule. */
    if (head->status == 101 && !(conn->http.wants_upgrade && http_conn_request_has_ended(conn) &&
                                 conn->ops->may_switch(conn, head))) {
        upstream_failed(conn, REASON_UPSTREAM_UNASKED_UPGRADE,
                        " switched to a protocol that nobody asked for");
        return false;
    }
    struct slice behind = slice_of(io_buffer_bytes(in) + len, io_buffer_len(in) - len);
    switch (conn->ops->answer(conn, head, behind, &taken)) {
    case HTTP_ANSWER_MORE:
    case HTTP_ANSWER_REFUSED:
        return false;
    case HTTP_ANSWER_WRITTEN:
        io_buffer_consume(conn->loop->blocks, in, len + taken);
        return true;
    case HTTP_ANSWER_NO_ROOM:
        http_refusal_upstream(conn, REASON_LIMIT_MEMORY,
                              "dockreeve: the answer's head is too large");
        return false;
    }
    return false;
}

/* Parses what there is of heads in upstream->in. True when one was final and `out` holds the head
 * for the client. */
static bool read_head(struct http_conn *conn)
{
    struct loop *loop = conn->loop;
    struct http_head *head = &loop->scratch->head;
    const struct http_sender sender = conn->ops->sender(conn);
    size_t len;
    struct error error;
    enum http_response_result result = http_exchange_read_response(
        &conn->http.response, &sender, loop->blocks, &conn->upstream->in, head, &len, &error);
    if (result == HTTP_RESPONSE_HEAD || conn->http.response.informational > 0)
        http_forward_drop_head(conn);
    switch (result) {
    case HTTP_RESPONSE_MORE:
        return false;
    case HTTP_RESPONSE_BAD:
        conn->ops->count_error(loop);
        http_refusal_error(conn, &error);
        return false;
    case HTTP_RESPONSE_INFORMATIONAL:
        upstream_failed(conn, REASON_UPSTREAM_INFORMATIONAL, " sends nothing but 1xx answers");
        return false;
    case HTTP_RESPONSE_HEAD:
        return take_head(conn, head, len);
    }
    return false;
}

/* ---- its body ---- */

static void body_is_bad(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_FORWARD) {
        io_buffer_reset(conn->loop->blocks, &conn->out);
        upstream_failed(conn, REASON_UPSTREAM_FRAMING, "'s answer is framed wrongly");
    } else {
        conn->ops->count_error(conn->loop);
        http_conn_close(conn, REASON_UPSTREAM_FRAMING);
    }
}

/* Moves body bytes of upstream->in to `out`. False when the connection is gone. */
static bool move_body(struct http_conn *conn)
{
    struct error error;
    if (http_body_move(&conn->http.response_body, conn->loop->blocks, &conn->upstream->in,
                       &conn->out, &error))
        return true;
    body_is_bad(conn);
    return false;
}

/* Sends what is in `out`; false, with the upstream's reading stopped, while the client does not take
 * all of it. */
static bool client_takes(void *context, bool more)
{
    struct http_conn *conn = context;
    if (!http_conn_send(conn, more))
        return false;
    bool all = io_buffer_len(&conn->out) == 0;
    conn->ops->upstream_read(conn, all);
    return all;
}

/* One step of the answer's body on its way to the client. True when there may be more to do at
 * once. */
static bool relay_once(struct http_conn *conn, const struct http_pump *pump)
{
    struct error error;
    switch (http_pump_step(pump, &error)) {
    case HTTP_PUMP_MORE:
        if (!pump->body->finished)
            return true;
        finish_body(conn);
        return false;
    case HTTP_PUMP_MOVED: /* the event comes again if there is more */
    case HTTP_PUMP_WAITS:
    case HTTP_PUMP_UNTAKEN:
        return false;
    case HTTP_PUMP_FULL:
        conn->ops->upstream_read(conn, false);
        http_conn_want_write(conn);
        return false;
    case HTTP_PUMP_ENDED:
    case HTTP_PUMP_GONE:
        upstream_ended(conn);
        return false;
    case HTTP_PUMP_BROKEN: {
        bool client_broke = errno == EPIPE || stream_is_hung_up(&conn->stream);
        http_conn_close(conn, client_broke ? ENDING_CLIENT_GONE : ENDING_UPSTREAM_CUT_SHORT);
        return false;
    }
    case HTTP_PUMP_BAD:
        body_is_bad(conn);
        return false;
    case HTTP_PUMP_NO_ROOM:
        http_conn_close(conn, error.reason);
        return false;
    }
    return false;
}

static void relay(struct http_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.response_body,
        .flow = &conn->http.down,
        .from = &conn->upstream->stream,
        .to = &conn->stream,
        .in = &conn->upstream->in,
        .out = &conn->out,
        .takes = client_takes,
        .context = conn,
    };
    uint64_t exchange = conn->exchange->id;
    for (int steps = 0; steps < HTTP_PUMP_STEPS_PER_TURN && relay_once(conn, &pump);)
        steps++;
    /* Bytes in the pipe, or, without one, in the upstream's socket wait for the client to take more:
     * that interest must not be cancelled here. */
    bool waits = (fd_watch_interest(&conn->watch) & EV_WRITE) != 0;
    if (conn->exchange->id == exchange && conn->state == HTTP_CONN_RELAY && !waits)
        (void)client_takes(conn, false);
}

void http_answer_read(struct http_conn *conn)
{
    if (!has_upstream(conn))
        return;
    if (conn->state == HTTP_CONN_RELAY) {
        relay(conn);
        return;
    }
    if (conn->state != HTTP_CONN_FORWARD) {
        conn->ops->upstream_read(conn, false);
        return;
    }
    ssize_t got =
        stream_fill_head(&conn->upstream->stream, conn->loop->blocks, &conn->upstream->in);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 && errno == ENOBUFS) {
        upstream_failed(conn, REASON_UPSTREAM_HEAD_TOO_LARGE, "'s answer has too large a head");
        return;
    }
    if (got <= 0) {
        upstream_ended(conn);
        return;
    }
    if (read_head(conn) && (conn->http.switched || move_body(conn)))
        release_after_log(conn);
}
