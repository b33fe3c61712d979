/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of HTTP towards the engine. The answer is read as strictly as one that is passed
 * on to a client. */
#include "proxy/docker/engine_request.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/http/http_exchange.h"
#include "proxy/io/event_timer.h"
#include "rules/reason.h"

struct engine_request {
    struct engine *engine;    /* borrowed */
    struct engine_conn *conn; /* owned; NULL once it has ended */
    void (*told)(void *context, enum engine_request_event event);
    void *context;        /* borrowed: who asked */
    struct buffer head;   /* owned: the request's */
    struct slice content; /* borrowed: the request's body */
    struct slice unsent;  /* of it */
    enum http_method method;
    bool fresh;
    bool upgrades; /* the engine was asked to switch protocols */
    bool answered; /* a final head was read */
    bool last;     /* the connection cannot be used behind this answer */
    struct http_response_reader reader;
    struct http_body framing;
    struct buffer body; /* owned */
    size_t answer_max;
    const struct http_head *answer_head; /* while ENGINE_REQUEST_HEAD is told */
    size_t answer_head_len;
    bool *freed; /* set by being freed while that is told */
    struct event timer;
    struct error error;
};

static void on_engine(void *context, enum engine_event event);

static struct io_pool *blocks_of(const struct engine_request *request)
{
    return engine_blocks(request->engine);
}

static void release(struct engine_request *request, bool reusable)
{
    evtimer_del(&request->timer);
    if (reusable)
        engine_give(&request->conn);
    else
        engine_drop(&request->conn);
}

void engine_request_free(struct engine_request **request)
{
    struct engine_request *freed = steal_pointer(request);
    if (freed == NULL)
        return;
    if (freed->freed != NULL)
        *freed->freed = true;
    release(freed, false);
    buffer_free(&freed->head);
    buffer_free(&freed->body);
    free(freed);
}

/* ---- how it ends: nothing is touched afterwards ---- */

static void finish(struct engine_request *request)
{
    release(request, !request->fresh && !request->last && request->unsent.len == 0);
    request->told(request->context, ENGINE_REQUEST_END);
}

static void fail(struct engine_request *request)
{
    release(request, false);
    request->told(request->context, ENGINE_REQUEST_FAILED);
}

static void unreachable(struct engine_request *request)
{
    release(request, false);
    request->told(request->context, ENGINE_REQUEST_UNREACHABLE);
}

/* The connection, or what came on it, is no good. */
static void fail_engine(struct engine_request *request, const char *reason, const char *what)
{
    engine_count_error(request->engine);
    error_set_reason(&request->error, 502, reason, "the Docker Engine at %s %s",
                     engine_name(request->engine), what);
    fail(request);
}

static void on_late(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct engine_request *request = context;
    error_set_reason(&request->error, 504, REASON_UPSTREAM_LOOKUP_TIMEOUT,
                     "the Docker Engine at %s did not answer in time",
                     engine_name(request->engine));
    fail(request);
}

/* ---- sending ---- */

/* A broken connection is found out by reading: the engine may have answered before it closed. */
static void send_more(struct engine_request *request)
{
    struct engine_conn *conn = request->conn;
    bool whole;
    do {
        size_t room = io_buffer_room(&conn->upstream.out);
        size_t len = request->unsent.len < room ? request->unsent.len : room;
        whole =
            io_buffer_append(blocks_of(request), &conn->upstream.out, request->unsent.ptr, len) &&
            stream_drain(&conn->upstream.stream, blocks_of(request), &conn->upstream.out, false);
        request->unsent = slice_of(request->unsent.ptr + len, request->unsent.len - len);
    } while (whole && io_buffer_len(&conn->upstream.out) == 0 && request->unsent.len > 0);
    if (!whole) {
        io_buffer_reset(blocks_of(request), &conn->upstream.out);
        request->unsent.len = 0;
        stream_end(&conn->upstream.stream);
    }
    engine_want_write(conn, io_buffer_len(&conn->upstream.out) > 0);
}

static void send_head(struct engine_request *request)
{
    if (!io_buffer_append(blocks_of(request), &request->conn->upstream.out, request->head.data,
                          request->head.len))
        stream_end(&request->conn->upstream.stream);
    send_more(request);
}

static bool take_connection(struct engine_request *request, bool fresh, struct error *error)
{
    request->unsent = request->content;
    request->conn = engine_take(request->engine, fresh, !http_method_is_read(request->method),
                                on_engine, request, error);
    if (request->conn != NULL && !request->conn->upstream.connecting)
        send_head(request);
    return request->conn != NULL;
}

static void write_head(struct engine_request *request, const struct engine_question *question)
{
    struct buffer *head = &request->head;
    buffer_append_text(head, http_method_name(question->method));
    buffer_append_byte(head, ' ');
    buffer_append_slice(head, question->target);
    buffer_append_literal(head, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n");
    if (question->body.ptr != NULL)
        buffer_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", question->body_type,
                      question->body.len);
    if (question->upgrade != NULL)
        buffer_printf(head, "Connection: Upgrade\r\nUpgrade: %s\r\n", question->upgrade);
    else if (question->fresh)
        buffer_append_literal(head, "Connection: close\r\n");
    buffer_append_literal(head, "\r\n");
}

struct engine_request *
engine_request_new(struct engine *engine, const struct engine_question *question,
                   void (*told)(void *context, enum engine_request_event event), void *context,
                   struct error *error)
{
    struct engine_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
        return NULL;
    }
    request->engine = engine;
    request->told = told;
    request->context = context;
    request->content = question->body;
    request->method = question->method;
    request->fresh = question->fresh;
    request->upgrades = question->upgrade != NULL;
    request->answer_max = question->answer_max;
    evtimer_assign(&request->timer, engine_base(engine), on_late, request);
    write_head(request, question);
    if (request->head.failed)
        error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
    if (request->head.failed || !take_connection(request, question->fresh, error)) {
        engine_request_free(&request);
        return NULL;
    }
    event_timer_start(&request->timer, question->timeout_ms);
    return request;
}

/* ---- the answer ---- */

/* False when that was the end of it: the request was freed, or the connection taken. */
static bool tell_head(struct engine_request *request, const struct http_head *head, size_t len)
{
    bool freed = false;
    request->answer_head = head;
    request->answer_head_len = len;
    request->freed = &freed;
    request->told(request->context, ENGINE_REQUEST_HEAD);
    if (freed)
        return false;
    request->freed = NULL;
    request->answer_head = NULL;
    if (request->conn == NULL)
        return false;
    io_buffer_consume(blocks_of(request), &request->conn->upstream.in, len);
    return true;
}

static bool begin_answer(struct engine_request *request, const struct http_head *head, size_t len)
{
    enum http_framing framing = http_response_framing(head, request->method);
    if (head->status == 101 && !request->upgrades) {
        fail_engine(request, REASON_UPSTREAM_UNASKED_UPGRADE,
                    "switched to a protocol that nobody asked for");
        return false;
    }
    request->answered = true;
    request->last = head->status == 101 || http_response_closes(head, framing);
    http_body_init(&request->framing, framing, head->content_length, HTTP_FRAMING_CLOSE);
    return tell_head(request, head, len);
}

/* Reads heads as far as they are there. True when a final one was read, and the body is next. */
static bool read_head(struct engine_request *request)
{
    struct http_head head;
    size_t len;
    switch (http_exchange_read_response(&request->reader, engine_sender(request->engine),
                                        blocks_of(request), &request->conn->upstream.in, &head,
                                        &len, &request->error)) {
    case HTTP_RESPONSE_MORE:
        return false;
    case HTTP_RESPONSE_BAD:
        engine_count_error(request->engine);
        fail(request);
        return false;
    case HTTP_RESPONSE_INFORMATIONAL:
        fail_engine(request, REASON_UPSTREAM_INFORMATIONAL, "sends nothing but 1xx answers");
        return false;
    case HTTP_RESPONSE_HEAD:
        break;
    }
    return begin_answer(request, &head, len);
}

static void read_body(struct engine_request *request)
{
    struct io_pool *blocks = blocks_of(request);
    struct io_buffer *in = &request->conn->upstream.in, payload = {0};
    size_t before = request->body.len;
    bool good = true;
    while (good && io_buffer_len(in) > 0 && !request->framing.finished) {
        good = http_body_move(&request->framing, blocks, in, &payload, &request->error);
        buffer_append(&request->body, io_buffer_bytes(&payload), io_buffer_len(&payload));
        io_buffer_reset(blocks, &payload);
    }
    if (!good) {
        engine_count_error(request->engine);
        fail(request);
    } else if (request->body.failed) {
        error_set_reason(&request->error, 503, REASON_LIMIT_MEMORY, "out of memory");
        fail(request);
    } else if (request->body.len > request->answer_max) {
        error_set_reason(&request->error, 502, REASON_UPSTREAM_MALFORMED,
                         "the answer of the Docker Engine at %s is too long",
                         engine_name(request->engine));
        fail(request);
    } else if (request->framing.finished) {
        finish(request);
    } else if (request->body.len > before) {
        request->told(request->context, ENGINE_REQUEST_BODY);
    }
}

/* Whether a kept connection had gone stale, and a request that changes nothing is asked again. */
static bool ask_again(struct engine_request *request)
{
    struct engine_conn *conn = request->conn;
    if (!conn->upstream.reused || !http_method_is_read(request->method) || request->answered ||
        request->reader.informational > 0 || io_buffer_len(&conn->upstream.in) > 0)
        return false;
    engine_drop(&request->conn);
    if (!take_connection(request, true, &request->error))
        unreachable(request);
    return true;
}

static void engine_ended(struct engine_request *request)
{
    if (request->answered && http_body_end_of_stream(&request->framing))
        finish(request);
    else if (request->answered)
        fail_engine(request, REASON_UPSTREAM_CLOSED, "closed the connection in its answer");
    else if (!ask_again(request))
        fail_engine(request, REASON_UPSTREAM_CLOSED,
                    "closed the connection before it answered; look at its log");
}

static void read_answer(struct engine_request *request)
{
    struct engine_conn *conn = request->conn;
    ssize_t got = stream_fill(&conn->upstream.stream, blocks_of(request), &conn->upstream.in,
                              request->answered ? IO_READ_BULK : IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 && errno == ENOBUFS)
        fail_engine(request, REASON_UPSTREAM_HEAD_TOO_LARGE, "answers with too large a head");
    else if (got <= 0)
        engine_ended(request);
    else if (request->answered || read_head(request))
        read_body(request);
}

static void on_engine(void *context, enum engine_event event)
{
    struct engine_request *request = context;
    switch (event) {
    case ENGINE_REFUSED:
        request->error = request->conn->error;
        unreachable(request);
        return;
    case ENGINE_CONNECTED:
        send_head(request);
        return;
    case ENGINE_WRITABLE:
        send_more(request);
        return;
    case ENGINE_READABLE:
        read_answer(request);
        return;
    }
}

/* ---- for the one who asked ---- */

const struct http_head *engine_request_head(const struct engine_request *request)
{
    return request->answer_head;
}

struct buffer *engine_request_body(struct engine_request *request)
{
    return &request->body;
}

const struct error *engine_request_error(const struct engine_request *request)
{
    return &request->error;
}

void engine_request_pause(struct engine_request *request)
{
    engine_read_enable(request->conn, false);
}

void engine_request_resume(struct engine_request *request)
{
    engine_read_enable(request->conn, true);
}

struct engine_conn *engine_request_take_stream(struct engine_request *request)
{
    evtimer_del(&request->timer);
    io_buffer_consume(blocks_of(request), &request->conn->upstream.in, request->answer_head_len);
    return steal_pointer(&request->conn);
}
