/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the engine what the request names, for rules with `where`: the questions of
 * rules/docker/docker_naming.h, one after another. Each request asks anew: a name can mean another object a
 * moment later, and what was judged is sent on in a form that cannot. */
#include "proxy/docker/docker_conn.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "proxy/docker/docker_version.h"

/* A long answer is held by few at a time: SHARE_ANSWERS. */
enum { ANSWER_MAX = 4 << 20, ANSWER_LONG = 65536 };

struct docker_lookup {
    struct docker_conn *conn; /* borrowed: owns us */
    struct engine_conn *engine;
    struct docker_naming *naming; /* owned */
    struct io_buffer body;        /* decoded bytes on their way into `answer` */
    struct buffer answer;
    struct http_body framing;
    unsigned asked_version; /* minor version that the request names; 0 = none */
    bool has_head;
    bool has_place, has_long; /* among the peer's lookups, and its long answers */
    struct share_waiter waiter;
};

static void on_engine(void *context, enum engine_event event);

static void give_back_long(struct docker_lookup *lookup)
{
    buffer_free(&lookup->answer);
    if (lookup->has_long)
        share_give_back(lookup->conn->peer_share, SHARE_ANSWERS, 1);
    lookup->has_long = false;
}

/* Everything but the facts. */
static void release(struct docker_lookup *lookup)
{
    share_forget_waiter(&lookup->waiter);
    engine_drop(&lookup->engine);
    io_buffer_reset(lookup->conn->gate->blocks, &lookup->body);
    give_back_long(lookup);
    if (lookup->has_place)
        share_give_back(lookup->conn->peer_share, SHARE_OBJECTS, 1);
    lookup->has_place = false;
}

void docker_lookup_free(struct docker_lookup **lookup)
{
    struct docker_lookup *freed = steal_pointer(lookup);
    if (freed == NULL)
        return;
    release(freed);
    docker_naming_free(&freed->naming);
    free(freed);
}

bool docker_lookup_waits(const struct docker_lookup *lookup)
{
    return lookup->waiter.waits;
}

/* Hands the result over. What was found out stays beside the exchange, which may end in this call and
 * free it: nothing is touched afterwards. */
static void finish(struct docker_lookup *lookup, bool known)
{
    struct docker_conn *conn = lookup->conn;
    struct docker_lookup *detached = steal_pointer(&conn->lookup);
    release(detached);
    docker_lookup_free(&conn->judged);
    if (!known)
        docker_lookup_free(&detached);
    conn->judged = detached;
    docker_exchange_looked_up(conn, detached == NULL ? NULL : detached->naming);
}

const struct docker_naming *docker_lookup_naming(const struct docker_lookup *lookup)
{
    return lookup->naming;
}

static bool ask(struct docker_lookup *lookup, struct error *error)
{
    struct gate *gate = lookup->conn->gate;
    lookup->has_head = false;
    AUTO_BUFFER struct buffer request = BUFFER_EMPTY;
    buffer_append_literal(&request, "GET ");
    docker_version_write_prefix(gate, lookup->asked_version, &request);
    docker_naming_write_question(lookup->naming, &request);
    buffer_append_literal(&request, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n\r\n");
    lookup->engine = engine_take(gate->engine, true, false, on_engine, lookup, error);
    if (lookup->engine == NULL)
        return false;
    if (request.failed ||
        !io_buffer_append(gate->blocks, &lookup->engine->out, request.data, request.len))
        return error_set_reason(error, 503, "limit.memory", "out of memory");
    if (!lookup->engine->connecting &&
        !io_buffer_drain(gate->blocks, &lookup->engine->out, lookup->engine->fd, false))
        return error_set_reason(error, 502, "upstream.unreachable",
                                "cannot reach the Docker Engine at %s", engine_name(gate->engine));
    return true;
}

/* Its turn has come. */
static void on_place(struct share_waiter *waiter)
{
    struct docker_lookup *lookup = container_of(waiter, struct docker_lookup, waiter);
    struct error error;
    if (waiter->kind == SHARE_ANSWERS) {
        lookup->has_long = true;
        engine_read_enable(lookup->engine, true);
        return;
    }
    lookup->has_place = true;
    if (!ask(lookup, &error))
        docker_refusal_error(lookup->conn, &error);
}

static bool begin(struct docker_lookup *lookup, struct error *error)
{
    struct docker_conn *conn = lookup->conn;
    lookup->waiter.granted = on_place;
    docker_conn_deadline(conn, conn->gate->options->lookup_timeout_ms);
    lookup->has_place = share_take(conn->peer_share, SHARE_OBJECTS, 1) == SHARE_GRANTED;
    if (lookup->has_place)
        return ask(lookup, error);
    share_wait(&lookup->waiter, conn->peer_share, SHARE_OBJECTS);
    return true;
}

bool docker_lookup_start(struct docker_conn *conn, const struct docker_request *request,
                         bool *asks_out, struct error *error)
{
    struct docker_lookup *lookup = calloc(1, sizeof(*lookup));
    *asks_out = false;
    if (lookup == NULL)
        return error_set_reason(error, 503, "limit.memory", "out of memory");
    lookup->conn = conn;
    lookup->asked_version = request->version_minor;
    conn->lookup = lookup;
    lookup->naming = docker_naming_new(request);
    if (lookup->naming == NULL)
        return error_set_reason(error, 503, "limit.memory", "out of memory");
    *asks_out = docker_naming_state(lookup->naming) == DOCKER_NAMING_ASKS;
    if (*asks_out)
        return begin(lookup, error);
    docker_lookup_free(&conn->lookup);
    return true;
}

/* The whole answer is there. */
static void answered(struct docker_lookup *lookup)
{
    struct error error;
    engine_drop(&lookup->engine);
    docker_naming_answer(lookup->naming, 200, buffer_slice(&lookup->answer));
    give_back_long(lookup);
    switch (docker_naming_state(lookup->naming)) {
    case DOCKER_NAMING_ASKS:
        if (!ask(lookup, &error))
            finish(lookup, false);
        return;
    case DOCKER_NAMING_KNOWN:
        finish(lookup, true);
        return;
    case DOCKER_NAMING_UNKNOWN:
        finish(lookup, false);
        return;
    }
}

/* Reads the head and sets up the framing. False when the lookup was finished (no such object, or no
 * sense in the answer). */
static bool read_head(struct docker_lookup *lookup)
{
    struct http_head *head = &lookup->conn->gate->scratch->head;
    size_t scanned = 0, consumed;
    struct error error;
    switch (http_head_parse_response(head, io_buffer_bytes(&lookup->engine->in),
                                     io_buffer_len(&lookup->engine->in), &scanned, &consumed,
                                     &error)) {
    case HTTP_HEAD_MORE:
        return true;
    case HTTP_HEAD_BAD:
        finish(lookup, false);
        return false;
    case HTTP_HEAD_OK:
        break;
    }
    if (head->status != 200) {
        finish(lookup, false);
        return false;
    }
    lookup->has_head = true;
    http_body_init(&lookup->framing, http_response_framing(head, HTTP_METHOD_GET),
                   head->content_length, HTTP_FRAMING_CLOSE);
    io_buffer_consume(lookup->conn->gate->blocks, &lookup->engine->in, consumed);
    return true;
}

/* Whether it may hold what has come of the body; else the engine is not read until it may. */
static bool may_hold(struct docker_lookup *lookup)
{
    struct share_peer *peer = lookup->conn->peer_share;
    if (lookup->has_long || lookup->framing.finished || lookup->framing.payload <= ANSWER_LONG)
        return true;
    lookup->has_long = share_take(peer, SHARE_ANSWERS, 1) == SHARE_GRANTED;
    if (!lookup->has_long) {
        share_wait(&lookup->waiter, peer, SHARE_ANSWERS);
        engine_read_enable(lookup->engine, false);
    }
    return lookup->has_long;
}

/* Takes what has arrived of the body. False when the lookup was finished. */
static bool read_body(struct docker_lookup *lookup)
{
    struct io_pool *blocks = lookup->conn->gate->blocks;
    struct error error;
    if (!http_body_move(&lookup->framing, blocks, &lookup->engine->in, &lookup->body, &error) ||
        lookup->framing.payload > ANSWER_MAX) {
        finish(lookup, false);
        return false;
    }
    if (io_buffer_len(&lookup->body) > 0)
        buffer_append(&lookup->answer, io_buffer_bytes(&lookup->body),
                      io_buffer_len(&lookup->body));
    io_buffer_reset(blocks, &lookup->body);
    if (lookup->framing.finished) {
        answered(lookup);
        return false;
    }
    return true;
}

static void readable(struct docker_lookup *lookup)
{
    struct io_pool *blocks = lookup->conn->gate->blocks;
    ssize_t got = io_buffer_fill(blocks, &lookup->engine->in, lookup->engine->fd, IO_READ_BULK);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (got == 0 && lookup->has_head && http_body_end_of_stream(&lookup->framing))
            answered(lookup);
        else
            finish(lookup, false);
        return;
    }
    if (!lookup->has_head && !read_head(lookup))
        return;
    if (lookup->has_head && read_body(lookup))
        (void)may_hold(lookup);
}

static void on_engine(void *context, enum engine_event event)
{
    struct docker_lookup *lookup = context;
    struct io_pool *blocks = lookup->conn->gate->blocks;
    switch (event) {
    case ENGINE_REFUSED:
        finish(lookup, false);
        return;
    case ENGINE_CONNECTED:
    case ENGINE_WRITABLE:
        if (!io_buffer_drain(blocks, &lookup->engine->out, lookup->engine->fd, false))
            finish(lookup, false);
        else if (io_buffer_len(&lookup->engine->out) > 0)
            engine_want_write(lookup->engine, true);
        return;
    case ENGINE_READABLE:
        readable(lookup);
        return;
    }
}
