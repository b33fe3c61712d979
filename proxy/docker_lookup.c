/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the engine what the named object is, for rules with `where`. One inspect call for most
 * kinds; for an exec a second one, for its container. Each request asks anew: a name can mean
 * another object a moment later, and the full id that was judged is the one that is sent on. */
#include "proxy/docker_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/docker_version.h"

enum { ANSWER_MAX = 4 << 20 };

struct docker_lookup {
    struct docker_conn *conn; /* borrowed: owns us */
    struct engine_conn *engine;
    enum docker_object_kind kind; /* what is being inspected just now */
    struct docker_object object;
    struct io_buffer body; /* decoded bytes on their way into `answer` */
    struct buffer answer;
    struct http_body framing;
    bool has_head;
};

static void on_engine(void *context, enum engine_event event);

void docker_lookup_free(struct docker_lookup **lookup)
{
    struct docker_lookup *freed = steal_pointer(lookup);
    if (freed == NULL)
        return;
    engine_drop(&freed->engine);
    io_buffer_reset(freed->conn->gate->blocks, &freed->body);
    buffer_free(&freed->answer);
    docker_object_clear(&freed->object);
    free(freed);
}

/* Hands the result over. The lookup is detached first: judging may end the exchange, which would
 * free it under our feet. */
static void finish(struct docker_lookup *lookup, bool known)
{
    struct docker_conn *conn = lookup->conn;
    struct docker_lookup *detached = steal_pointer(&conn->lookup);
    docker_exchange_looked_up(conn, known ? &detached->object : NULL);
    bool goes_on = conn->state == DOCKER_CONN_LOG_OPEN || conn->state == DOCKER_CONN_FORWARD;
    if (known && goes_on) {
        docker_lookup_free(&conn->judged);
        conn->judged = steal_pointer(&detached);
    }
    docker_lookup_free(&detached);
}

const struct docker_object *docker_lookup_object(const struct docker_lookup *lookup)
{
    return &lookup->object;
}

static bool ask(struct docker_lookup *lookup, enum docker_object_kind kind, struct slice name,
                struct error *error)
{
    struct gate *gate = lookup->conn->gate;
    lookup->kind = kind;
    lookup->has_head = false;
    buffer_clear(&lookup->answer);
    AUTO_BUFFER struct buffer request = BUFFER_EMPTY;
    buffer_append_literal(&request, "GET ");
    docker_version_write_prefix(gate, &request);
    docker_object_write_inspect_path(kind, name, &request);
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

bool docker_lookup_start(struct docker_conn *conn, enum docker_object_kind kind, struct slice name,
                         struct error *error)
{
    struct docker_lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return error_set_reason(error, 503, "limit.memory", "out of memory");
    lookup->conn = conn;
    conn->lookup = lookup;
    return ask(lookup, kind, name, error);
}

/* The whole answer is there. */
static void answered(struct docker_lookup *lookup)
{
    struct error error;
    struct slice container_id = {NULL, 0};
    engine_drop(&lookup->engine);
    bool known = docker_object_read(&lookup->object, lookup->kind, buffer_slice(&lookup->answer),
                                    &container_id, &error);
    if (known && lookup->kind == DOCKER_OBJECT_EXEC) {
        AUTO_FREE char *id = slice_to_text(container_id);
        if (!ask(lookup, DOCKER_OBJECT_CONTAINER, slice_from_text(id), &error))
            finish(lookup, false);
        return;
    }
    finish(lookup, known);
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
    if (lookup->has_head)
        (void)read_body(lookup);
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
