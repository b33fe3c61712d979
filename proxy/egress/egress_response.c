/* SPDX-License-Identifier: Apache-2.0
 *
 * The way back: the origin's answer is parsed strictly, its head written anew, its body framed
 * anew; chunk extensions and trailers, which servers do send, are dropped. An answer that is
 * complete with its first bytes gets one `request` record before it is let go; any other gets
 * `open` first and `close` at its end. */
#include <errno.h>

#include "proxy/egress/egress_conn.h"
#include "proxy/egress/egress_header.h"
#include "proxy/http/http_pump.h"
#include "proxy/egress/tunnel.h"
#include "proxy/egress/upstream_proxy.h"
#include "rules/reason.h"

static void origin_failed(struct egress_conn *conn, const char *reason, const char *text)
{
    metrics_totals(conn->loop->metrics)->upstream_errors++;
    egress_refusal_send(conn, 502, reason, text, NULL);
}

static void note_payload(struct egress_conn *conn)
{
    conn->exchange.bytes_in = conn->http.request_body.payload;
    conn->exchange.bytes_out = conn->http.response_body.payload;
}

/* The last byte of the answer is in `out` (or gone). The origin's connection may serve the next
 * exchange if nothing is left on it, in either direction: an origin that answers early may still
 * have to take the end of the request. */
static void response_complete(struct egress_conn *conn)
{
    bool reusable = conn->http.request_body.finished && !conn->http.response_body_closes &&
                    conn->exchange.by_proxy == conn->origin.is_proxy &&
                    io_buffer_len(&conn->origin.in) == 0 && io_buffer_len(&conn->origin.out) == 0;
    note_payload(conn);
    if (stream_is_open(&conn->origin.stream) && reusable)
        egress_origin_read_enable(conn, false);
    else
        egress_origin_close(conn);
    if (!conn->http.request_body.finished)
        conn->close_after = true;
}

/* A switch to WebSocket makes the two connections a tunnel that nobody looks into any more. */
static void start_tunnel(struct egress_conn *conn)
{
    struct egress_origin *origin = &conn->origin;
    size_t said = io_buffer_len(&origin->in);
    if (said > 0 &&
        !io_buffer_append(conn->loop->blocks, &conn->out, io_buffer_bytes(&origin->in), said)) {
        egress_conn_close(conn, REASON_LIMIT_MEMORY);
        return;
    }
    struct egress_exchange exchange = conn->exchange;
    struct tunnel_plan plan = {
        .egress = conn->egress,
        .listener = conn->listener,
        .to_client = conn->out,
        .to_origin = conn->in,
        .exchange = &exchange,
    };
    conn->out = conn->in = (struct io_buffer){0};
    if (exchange.stream) /* counted once more as a tunnel */
        metrics_totals(conn->loop->metrics)->open_streams--;
    exchange.stream = false;
    conn->exchange = (struct egress_exchange){0};
    exchange.bytes_out = said;
    fd_watch_set(&origin->watch, 0);
    io_buffer_reset(conn->loop->blocks, &origin->in);
    plan.streams[TUNNEL_ORIGIN] = steal_stream(&origin->stream);
    egress_conn_detach(conn, &plan);
    (void)tunnel_start(&plan);
}

static void released(struct egress_conn *conn)
{
    bool upgraded = conn->exchange.status == 101;
    conn->http.hold = false;
    if (conn->exchange.logged) {
        if (egress_conn_send(conn, false))
            egress_conn_exchange_done(conn);
        return;
    }
    if (upgraded) {
        start_tunnel(conn);
        return;
    }
    egress_conn_set_state(conn, EGRESS_CONN_RELAY);
    if (!egress_conn_send(conn, false))
        return;
    if (!conn->http.request_body.finished)
        egress_forward_send(conn);
    if (conn->state == EGRESS_CONN_RELAY)
        egress_response_read(conn);
}

static void on_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct egress_conn *conn = egress_conn_of_waiter(waiter);
    if (state != LOG_WRITE_DONE) {
        if (state == LOG_WRITE_LOST) /* the record is in no log; one that is only late must not be
                                        followed by a second */
            conn->exchange.opened = conn->exchange.logged = false;
        conn->close_after = true;
        egress_refusal_unlogged(conn);
        return;
    }
    released(conn);
}

/* The answer's head is in `out`, and what came with it of the body: write the record, then let it
 * go. */
static void release_after_log(struct egress_conn *conn)
{
    struct egress_exchange *exchange = &conn->exchange;
    struct loop *loop = conn->loop;
    bool complete = conn->http.response_body.finished && exchange->status != 101;
    bool owed = exchange->opened; /* the record was written before the request went out */
    uint64_t seq = 0;
    conn->http.hold = true;
    egress_conn_set_state(conn, EGRESS_CONN_LOG_RESPONSE);
    if (complete)
        response_complete(conn);
    if (complete && owed)
        egress_log_close(exchange, loop, conn->listener, NULL);
    else if (complete)
        seq = egress_log_request(exchange, loop, conn->listener);
    if (!complete && !exchange->stream) {
        exchange->stream = true;
        metrics_totals(loop->metrics)->open_streams++;
    }
    if (!complete && !owed)
        seq = egress_log_open(exchange, loop, conn->listener);
    if (owed) {
        released(conn);
        return;
    }
    if (!complete)
        egress_origin_read_enable(conn, false);
    if (!conn->http.request_body.finished)
        egress_conn_read_enable(conn, false);
    conn->waiter.written = on_written;
    loop_wait_for_log(loop, &conn->waiter, seq);
}

/* What the client is told of the body's framing. */
static void plan_answer(struct egress_conn *conn, const struct http_head *head,
                        struct egress_answer_plan *plan)
{
    plan->framing =
        http_exchange_begin_body(&conn->http, head, (enum http_method)conn->exchange.method);
    plan->content_length = head->content_length;
    plan->show_length = http_response_shows_length(head, conn->http.response_body.from);
    if (plan->framing == HTTP_FRAMING_CLOSE)
        conn->close_after = true;
    plan->close = conn->close_after || conn->loop->draining ||
                  (conn->input_ended && io_buffer_len(&conn->in) == 0);
    if (conn->http.response_body.from == HTTP_FRAMING_CHUNKED)
        http_chunk_init_dropping(&conn->http.response_body.chunks);
}

static bool begin_answer(struct egress_conn *conn, const struct http_head *head)
{
    struct loop *loop = conn->loop;
    struct egress_answer_plan plan = {.head = head, .websocket = head->status == 101};
    conn->exchange.status = (uint16_t)head->status;
    if (head->status == 101)
        http_body_init(&conn->http.response_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    else
        plan_answer(conn, head, &plan);
    struct buffer *text = &loop->scratch->text;
    buffer_clear(text);
    egress_header_write_response(&plan, text);
    return !text->failed && io_buffer_append(loop->blocks, &conn->out, text->data, text->len);
}

/* A kept connection that the origin closed while the request was on its way: asked again, once, on
 * a new one, when asking twice changes nothing. */
static bool retry(struct egress_conn *conn)
{
    if (conn->http.retried || !conn->origin.reused || io_buffer_len(&conn->forward) == 0 ||
        egress_conn_client(conn) == NULL)
        return false;
    conn->http.retried = true;
    conn->http.forwarded = false;
    egress_origin_close(conn);
    egress_route_start(conn);
    return true;
}

static void finish_body(struct egress_conn *conn)
{
    response_complete(conn);
    egress_log_close(&conn->exchange, conn->loop, conn->listener, NULL);
    if (egress_conn_send(conn, false))
        egress_conn_exchange_done(conn);
}

static void origin_ended(struct egress_conn *conn)
{
    if (conn->state == EGRESS_CONN_FORWARD) {
        bool by_proxy = conn->origin.is_proxy;
        if (io_buffer_len(&conn->origin.in) > 0 || !retry(conn))
            origin_failed(conn, by_proxy ? REASON_UPSTREAM_PROXY_CLOSED : REASON_UPSTREAM_CLOSED,
                          by_proxy
                              ? "dockreeve: the upstream proxy closed the connection before it "
                                "answered"
                              : "dockreeve: the origin closed the connection before it answered");
    } else if (http_body_end_of_stream(&conn->http.response_body)) {
        if (http_body_write_end(&conn->http.response_body, conn->loop->blocks, &conn->out))
            finish_body(conn);
        else
            egress_conn_close(conn, REASON_LIMIT_MEMORY);
    } else {
        metrics_totals(conn->loop->metrics)->upstream_errors++;
        note_payload(conn);
        egress_conn_close(conn, ENDING_UPSTREAM_CUT_SHORT);
    }
}

/* An unasked switch of protocols would let the origin speak past every rule. */
static bool may_switch(const struct egress_conn *conn, const struct http_head *head)
{
    return conn->http.wants_upgrade && conn->http.request_body.finished &&
           egress_header_asks_websocket(head);
}

/* Parses what there is of heads in origin.in. True when one was final and `out` holds the head for
 * the client. */
static bool read_head(struct egress_conn *conn)
{
    struct loop *loop = conn->loop;
    struct io_buffer *in = &conn->origin.in;
    struct http_head *head = &loop->scratch->head;
    size_t len;
    struct error error;
    const struct http_sender sender = {conn->origin.is_proxy ? "the upstream proxy" : "the origin",
                                       loop->options->answer_head};
    enum http_response_result result = http_exchange_read_response(
        &conn->http.response, &sender, loop->blocks, in, head, &len, &error);
    if (result == HTTP_RESPONSE_HEAD || conn->http.response.informational > 0)
        io_buffer_reset(loop->blocks, &conn->forward);
    switch (result) {
    case HTTP_RESPONSE_MORE:
        return false;
    case HTTP_RESPONSE_BAD:
        metrics_totals(loop->metrics)->upstream_errors++;
        egress_refusal_error(conn, &error);
        return false;
    case HTTP_RESPONSE_INFORMATIONAL:
        origin_failed(conn, REASON_UPSTREAM_INFORMATIONAL,
                      "dockreeve: the origin sends nothing but 1xx answers");
        return false;
    case HTTP_RESPONSE_HEAD:
        break;
    }
    if (head->status == 101 && !may_switch(conn, head)) {
        origin_failed(conn, REASON_UPSTREAM_UNASKED_UPGRADE,
                      "dockreeve: the origin switched to a protocol that nobody asked for");
        return false;
    }
    if (head->status == 407 && conn->origin.is_proxy) {
        origin_failed(conn, REASON_UPSTREAM_PROXY_CREDENTIALS, upstream_proxy_wants_credentials);
        return false;
    }
    bool ok = begin_answer(conn, head);
    io_buffer_consume(loop->blocks, in, len);
    if (!ok)
        origin_failed(conn, REASON_LIMIT_MEMORY, "dockreeve: the answer's head is too large");
    return ok;
}

static void body_is_bad(struct egress_conn *conn)
{
    metrics_totals(conn->loop->metrics)->upstream_errors++;
    if (conn->state == EGRESS_CONN_FORWARD) {
        io_buffer_reset(conn->loop->blocks, &conn->out);
        origin_failed(conn, REASON_UPSTREAM_FRAMING,
                      "dockreeve: the origin's answer is framed wrongly");
    } else {
        note_payload(conn);
        egress_conn_close(conn, REASON_UPSTREAM_FRAMING);
    }
}

/* Moves body bytes of origin.in to `out`. False when the connection is gone. */
static bool move_body(struct egress_conn *conn)
{
    struct error error;
    if (http_body_move(&conn->http.response_body, conn->loop->blocks, &conn->origin.in, &conn->out,
                       &error))
        return true;
    body_is_bad(conn);
    return false;
}

/* Sends what is in `out`; false, with the origin's reading stopped, while the client does not take
 * all of it. */
static bool client_takes(void *context, bool more)
{
    struct egress_conn *conn = context;
    if (!egress_conn_send(conn, more))
        return false;
    bool all = io_buffer_len(&conn->out) == 0;
    egress_origin_read_enable(conn, all);
    return all;
}

/* Whether the answer goes on, and nothing waits for the client to take more. */
static bool may_relay(const struct egress_conn *conn)
{
    return conn->state == EGRESS_CONN_RELAY && (fd_watch_interest(&conn->watch) & EV_WRITE) == 0;
}

/* One step of the answer's body on its way to the client. True when there may be more to do at
 * once. */
static bool relay_once(struct egress_conn *conn, const struct http_pump *pump)
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
        egress_origin_read_enable(conn, false);
        egress_conn_want_write(conn);
        return false;
    case HTTP_PUMP_ENDED:
    case HTTP_PUMP_GONE:
        origin_ended(conn);
        return false;
    case HTTP_PUMP_BROKEN: {
        bool client_broke = errno == EPIPE || stream_is_hung_up(&conn->stream);
        note_payload(conn);
        egress_conn_close(conn, client_broke ? ENDING_CLIENT_GONE : ENDING_UPSTREAM_CUT_SHORT);
        return false;
    }
    case HTTP_PUMP_BAD:
        body_is_bad(conn);
        return false;
    case HTTP_PUMP_NO_ROOM:
        egress_conn_close(conn, error.reason);
        return false;
    }
    return false;
}

static void relay(struct egress_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.response_body,
        .flow = &conn->http.down,
        .from = &conn->origin.stream,
        .to = &conn->stream,
        .in = &conn->origin.in,
        .out = &conn->out,
        .takes = client_takes,
        .context = conn,
    };
    uint64_t exchange = conn->exchange.id;
    for (int steps = 0; steps < HTTP_PUMP_STEPS_PER_TURN && relay_once(conn, &pump);)
        steps++;
    /* Bytes in the pipe, or, without one, in the origin's socket wait for the client to take more:
     * that interest must not be cancelled here. */
    if (conn->exchange.id == exchange && may_relay(conn))
        (void)client_takes(conn, false);
}

void egress_response_read(struct egress_conn *conn)
{
    struct io_buffer *in = &conn->origin.in;
    if (!stream_is_open(&conn->origin.stream))
        return;
    if (conn->state == EGRESS_CONN_RELAY) {
        relay(conn);
        return;
    }
    if (conn->state != EGRESS_CONN_FORWARD) {
        egress_origin_read_enable(conn, false);
        return;
    }
    ssize_t got = stream_fill_head(&conn->origin.stream, conn->loop->blocks, in);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 && errno == ENOBUFS) {
        origin_failed(conn, REASON_UPSTREAM_HEAD_TOO_LARGE,
                      "dockreeve: the origin's answer has too large a head");
        return;
    }
    if (got <= 0) {
        origin_ended(conn);
        return;
    }
    if (!read_head(conn))
        return;
    if (conn->exchange.status != 101 && !move_body(conn))
        return;
    release_after_log(conn);
}
