/* SPDX-License-Identifier: Apache-2.0
 *
 * The way back: the engine's answer is parsed as strictly as a request, its head is written anew,
 * its body framed anew. An answer that is complete with its first bytes gets one `request` record
 * before it is let go; any other gets `open` first and `close` at its end. */
#include "proxy/docker/docker_conn.h"

#include <errno.h>
#include <stdio.h>

#include "proxy/docker/docker_header.h"
#include "proxy/docker/docker_version.h"
#include "proxy/http/http_pump.h"
#include "rules/docker/api_version.h"
#include "rules/reason.h"

static void upstream_failed(struct docker_conn *conn, const char *reason, const char *text)
{
    engine_count_error(conn->loop->engine);
    docker_refusal_send(conn, 502, reason, text);
}

static void on_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct docker_conn *conn = docker_conn_of_waiter(waiter);
    if (state != LOG_WRITE_DONE) {
        if (state == LOG_WRITE_LOST) /* the record is in no log; one that is only late must not be
                                        followed by a second */
            conn->exchange.opened = conn->exchange.logged = false;
        conn->close_after = true;
        docker_refusal_unlogged(conn);
        return;
    }
    docker_response_released(conn);
}

/* Nothing of the request is left that could be sent. */
static bool request_has_ended(const struct docker_conn *conn)
{
    return conn->http.request_body.finished && held_body_rest(&conn->held).len == 0;
}

/* The last byte of the answer is in `out` (or gone). The engine's connection may serve the next
 * exchange if nothing is left on it. */
static void response_complete(struct docker_conn *conn)
{
    if (conn->engine != NULL) {
        bool reusable =
            request_has_ended(conn) && !conn->input_ended && !conn->http.response_body_closes;
        if (reusable)
            engine_give(&conn->engine);
        else
            engine_drop(&conn->engine);
    }
    if (!conn->http.request_body.finished)
        conn->close_after = true;
}

void docker_response_released(struct docker_conn *conn)
{
    bool upgraded = conn->exchange.stream && conn->http.response_body.from == HTTP_FRAMING_NONE;
    conn->http.hold = false;
    if (conn->exchange.logged) {
        if (docker_conn_send(conn, false))
            docker_conn_exchange_done(conn);
        return;
    }
    docker_conn_set_state(conn, DOCKER_CONN_RELAY);
    if (!docker_conn_send(conn, false))
        return;
    if (upgraded) {
        docker_tunnel_start(conn);
        return;
    }
    if (!conn->http.request_body.finished)
        docker_body_send(conn);
    if (conn->state == DOCKER_CONN_RELAY)
        docker_response_read(conn);
}

/* An image that is deleted by its tag is named in the answer by its id: the tag may have moved since
 * it was judged. Too late for the image, but the record says so. */
static void check_deleted(struct docker_conn *conn)
{
    struct slice answer = slice_of(io_buffer_bytes(&conn->out), io_buffer_len(&conn->out));
    if (conn->exchange.operation == DOCKER_IMAGE_DELETE && conn->judged != NULL &&
        conn->http.response_body.to == HTTP_FRAMING_LENGTH &&
        docker_naming_has_moved(conn->judged, answer))
        conn->exchange.reason = REASON_OBJECT_MOVED;
}

/* The answer's head is in `out`, and what came with it of the body: write the record, then let it
 * go. */
static void release_after_log(struct docker_conn *conn)
{
    struct docker_exchange *exchange = &conn->exchange;
    uint64_t seq = 0;
    conn->http.hold = true;
    if (conn->http.response_body.finished && !exchange->stream) {
        response_complete(conn);
        check_deleted(conn);
        if (exchange->opened) {
            docker_log_close(conn,
                             NULL); /* the open record was written before the request went out */
            docker_conn_set_state(conn, DOCKER_CONN_LOG_RESPONSE);
            docker_response_released(conn);
            return;
        }
        seq = docker_log_request(conn);
    } else {
        if (!exchange->stream) {
            exchange->stream = true;
            metrics_totals(conn->loop->metrics)->open_streams++;
        }
        if (exchange->opened) {
            docker_conn_set_state(conn, DOCKER_CONN_LOG_RESPONSE);
            docker_response_released(conn);
            return;
        }
        seq = docker_log_open(conn);
        engine_read_enable(conn->engine, false);
    }
    bool uploading = !conn->http.request_body.finished;
    docker_conn_set_state(conn, DOCKER_CONN_LOG_RESPONSE);
    if (uploading)
        docker_conn_read_enable(conn, false);
    conn->waiter.written = on_written;
    loop_wait_for_log(conn->loop, &conn->waiter, seq);
}

/* What the client is told of the body's framing. */
static void plan_answer(struct docker_conn *conn, const struct http_head *head,
                        struct docker_response *answer)
{
    conn->close_after = conn->close_after || docker_conn_has_early_input(conn);
    answer->framing = http_exchange_begin_body(&conn->http, head, conn->exchange.method);
    answer->content_length = head->content_length;
    answer->show_length = http_response_shows_length(head, conn->http.response_body.from);
    if (answer->framing == HTTP_FRAMING_CLOSE)
        conn->close_after = true;
    answer->close = conn->close_after || conn->loop->draining ||
                    (conn->input_ended && io_buffer_len(&conn->in) == 0);
}

/* Attach and exec start answer 200 without any framing and go on as a raw stream when the client
 * did not ask to upgrade. */
static bool is_hijack(const struct docker_conn *conn, const struct http_head *head)
{
    static const struct slice stream_type = {"application/vnd.docker.", 23};
    return docker_operation_info(conn->exchange.operation)->upgrade == DOCKER_UPGRADE_TCP &&
           head->status == 200 && head->framing == HTTP_FRAMING_CLOSE && request_has_ended(conn) &&
           slice_starts_with(http_head_field(head, SLICE_LITERAL("content-type")), stream_type);
}

/* Each answer says of which version the engine is; a client must not hear of one that the gate could
 * not judge. */
static void learn_version(struct docker_conn *conn, const struct http_head *head,
                          struct docker_response *answer)
{
    struct slice version = http_head_field(head, SLICE_LITERAL("api-version"));
    if (version.ptr == NULL || conn->exchange.operation == DOCKER_LIBPOD)
        return;
    docker_version_learn(conn->loop, conn->exchange.operation, version);
    answer->lower_version =
        engine_api(conn->loop->engine) > DOCKER_API_NEWEST && api_version_is_newer(version);
}

/* The answer to /version with another body than the engine's, all of it in `out`. */
static bool begin_lowered_answer(struct docker_conn *conn, const struct http_head *head,
                                 struct slice body)
{
    struct docker_response answer = {.head = head};
    struct buffer *text = &conn->loop->scratch->text;
    learn_version(conn, head, &answer);
    conn->exchange.status = head->status;
    plan_answer(conn, head, &answer);
    answer.framing = HTTP_FRAMING_LENGTH;
    answer.content_length = body.len;
    http_body_init(&conn->http.response_body, HTTP_FRAMING_LENGTH, 0, HTTP_FRAMING_LENGTH);
    conn->http.response_body.payload = body.len;
    buffer_clear(text);
    docker_header_write_response(&answer, text);
    buffer_append_slice(text, body);
    return !text->failed && io_buffer_append(conn->loop->blocks, &conn->out, text->data, text->len);
}

static bool begin_answer(struct docker_conn *conn, const struct http_head *head)
{
    struct loop *loop = conn->loop;
    struct docker_response answer = {.head = head};
    learn_version(conn, head, &answer);
    conn->exchange.status = head->status;
    if (head->status == 101 || is_hijack(conn, head)) {
        answer.upgrade = head->status == 101
                             ? docker_operation_info(conn->exchange.operation)->upgrade
                             : DOCKER_UPGRADE_NONE;
        answer.hijack = true;
        conn->close_after = true;
        conn->exchange.stream = true;
        metrics_totals(loop->metrics)->open_streams++;
        http_body_init(&conn->http.response_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    } else {
        plan_answer(conn, head, &answer);
    }
    struct buffer *text = &loop->scratch->text;
    buffer_clear(text);
    docker_header_write_response(&answer, text);
    return !text->failed && io_buffer_append(loop->blocks, &conn->out, text->data, text->len);
}

/* A kept connection that the engine closed while the request was on its way: asked again, once, on
 * a new one, when asking twice changes nothing. */
static bool retry(struct docker_conn *conn)
{
    if (conn->http.retried || !conn->engine->reused || io_buffer_len(&conn->forward) == 0)
        return false;
    conn->http.retried = true;
    engine_drop(&conn->engine);
    docker_exchange_forward(conn);
    return true;
}

static void finish_body(struct docker_conn *conn)
{
    response_complete(conn);
    docker_log_close(conn, NULL);
    if (docker_conn_send(conn, false))
        docker_conn_exchange_done(conn);
}

static void engine_ended(struct docker_conn *conn)
{
    if (conn->state == DOCKER_CONN_FORWARD) {
        if (io_buffer_len(&conn->engine->in) == 0 && retry(conn))
            return;
        char text[320];
        snprintf(text, sizeof(text),
                 "dockreeve: the Docker Engine at %s closed the connection before it answered; "
                 "look at its log",
                 engine_name(conn->loop->engine));
        upstream_failed(conn, REASON_UPSTREAM_CLOSED, text);
    } else if (http_body_end_of_stream(&conn->http.response_body)) {
        if (!http_body_write_end(&conn->http.response_body, conn->loop->blocks, &conn->out)) {
            docker_conn_close(conn, REASON_LIMIT_MEMORY);
            return;
        }
        finish_body(conn);
    } else {
        engine_count_error(conn->loop->engine);
        docker_conn_close(conn, ENDING_UPSTREAM_CUT_SHORT);
    }
}

/* An unasked switch of protocols would let the engine speak past every rule. */
static bool may_switch(const struct docker_conn *conn, const struct http_head *head)
{
    return conn->http.wants_upgrade && request_has_ended(conn) &&
           docker_header_asks_upgrade(head,
                                      docker_operation_info(conn->exchange.operation)->upgrade);
}

/* The final head, of `len` bytes, stands in engine->in. True when `out` holds the head for the
 * client. */
static bool take_head(struct docker_conn *conn, const struct http_head *head, size_t len)
{
    struct io_buffer *in = &conn->engine->in;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    size_t body_len = 0;
    struct slice behind = slice_of(io_buffer_bytes(in) + len, io_buffer_len(in) - len);
    enum docker_version_answer version =
        docker_version_lower_answer(conn, head, behind, &body, &body_len);
    if (version == DOCKER_VERSION_MORE)
        return false;
    bool lowered = version == DOCKER_VERSION_LOWERED;
    bool ok =
        lowered ? begin_lowered_answer(conn, head, buffer_slice(&body)) : begin_answer(conn, head);
    io_buffer_consume(conn->loop->blocks, in, len + (lowered ? body_len : 0));
    if (!ok)
        upstream_failed(conn, REASON_LIMIT_MEMORY, "dockreeve: the answer's head is too large");
    return ok;
}

/* Parses what there is of heads in engine->in. True when one was final and `out` holds the head for
 * the client. */
static bool read_head(struct docker_conn *conn)
{
    struct loop *loop = conn->loop;
    struct http_head *head = &loop->scratch->head;
    size_t len;
    struct error error;
    enum http_response_result result =
        http_exchange_read_response(&conn->http.response, engine_sender(loop->engine), loop->blocks,
                                    &conn->engine->in, head, &len, &error);
    if (result == HTTP_RESPONSE_HEAD || conn->http.response.informational > 0) {
        io_buffer_reset(loop->blocks, &conn->head);
        io_buffer_reset(loop->blocks, &conn->forward);
    }
    switch (result) {
    case HTTP_RESPONSE_MORE:
        return false;
    case HTTP_RESPONSE_BAD:
        engine_count_error(loop->engine);
        docker_refusal_error(conn, &error);
        return false;
    case HTTP_RESPONSE_INFORMATIONAL:
        upstream_failed(conn, REASON_UPSTREAM_INFORMATIONAL,
                        "dockreeve: the Docker Engine sends nothing but 1xx answers");
        return false;
    case HTTP_RESPONSE_HEAD:
        break;
    }
    if (head->status != 101 || may_switch(conn, head))
        return take_head(conn, head, len);
    upstream_failed(conn, REASON_UPSTREAM_UNASKED_UPGRADE,
                    "dockreeve: the Docker Engine switched to a protocol that nobody asked for");
    return false;
}

static void body_is_bad(struct docker_conn *conn)
{
    engine_count_error(conn->loop->engine);
    if (conn->state == DOCKER_CONN_FORWARD) {
        io_buffer_reset(conn->loop->blocks, &conn->out);
        upstream_failed(conn, REASON_UPSTREAM_FRAMING,
                        "dockreeve: the Docker Engine's answer is framed wrongly");
    } else {
        docker_conn_close(conn, REASON_UPSTREAM_FRAMING);
    }
}

/* Moves body bytes of engine->in to `out`. False when the connection is gone. */
static bool move_body(struct docker_conn *conn)
{
    struct error error;
    if (http_body_move(&conn->http.response_body, conn->loop->blocks, &conn->engine->in, &conn->out,
                       &error))
        return true;
    body_is_bad(conn);
    return false;
}

/* Sends what is in `out`; false, with the engine's reading stopped, while the client does not take
 * all of it. */
static bool client_takes(void *context, bool more)
{
    struct docker_conn *conn = context;
    if (!docker_conn_send(conn, more))
        return false;
    bool all = io_buffer_len(&conn->out) == 0;
    engine_read_enable(conn->engine, all);
    return all;
}

/* Whether the answer goes on, and nothing waits for the client to take more. */
static bool may_relay(const struct docker_conn *conn)
{
    return conn->state == DOCKER_CONN_RELAY && !conn->writing;
}

/* One step of the answer's body on its way to the client. True when there may be more to do at
 * once. */
static bool relay_once(struct docker_conn *conn, const struct http_pump *pump)
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
        engine_read_enable(conn->engine, false);
        docker_conn_want_write(conn);
        return false;
    case HTTP_PUMP_ENDED:
    case HTTP_PUMP_GONE:
        engine_ended(conn);
        return false;
    case HTTP_PUMP_BROKEN: {
        bool client_broke = errno == EPIPE || stream_is_hung_up(&conn->stream);
        docker_conn_close(conn, client_broke ? ENDING_CLIENT_GONE : ENDING_UPSTREAM_CUT_SHORT);
        return false;
    }
    case HTTP_PUMP_BAD:
        body_is_bad(conn);
        return false;
    case HTTP_PUMP_NO_ROOM:
        docker_conn_close(conn, error.reason);
        return false;
    }
    return false;
}

static void relay(struct docker_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.response_body,
        .flow = &conn->http.down,
        .from = &conn->engine->stream,
        .to = &conn->stream,
        .in = &conn->engine->in,
        .out = &conn->out,
        .takes = client_takes,
        .context = conn,
    };
    uint64_t exchange = conn->exchange.id;
    for (int steps = 0; steps < HTTP_PUMP_STEPS_PER_TURN && relay_once(conn, &pump);)
        steps++;
    /* Bytes in the pipe, or, without one, in the engine's socket wait for the client to take more:
     * that interest must not be cancelled here. */
    if (conn->exchange.id == exchange && may_relay(conn))
        (void)client_takes(conn, false);
}

void docker_response_read(struct docker_conn *conn)
{
    if (conn->engine == NULL)
        return;
    if (conn->state == DOCKER_CONN_RELAY) {
        relay(conn);
        return;
    }
    if (conn->state != DOCKER_CONN_FORWARD) {
        engine_read_enable(conn->engine, false);
        return;
    }
    ssize_t got = stream_fill_head(&conn->engine->stream, conn->loop->blocks, &conn->engine->in);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got == 0 || (got < 0 && errno != ENOBUFS)) {
        engine_ended(conn);
        return;
    }
    if (got < 0) {
        upstream_failed(conn, REASON_UPSTREAM_HEAD_TOO_LARGE,
                        "dockreeve: the Docker Engine's answer has too large a head");
        return;
    }
    if (!read_head(conn))
        return;
    if (!conn->exchange.stream && !move_body(conn))
        return;
    release_after_log(conn);
}
