/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking framing off and putting it on. The payload is decoded in place in the source's block and
 * copied once into the target's. */
#include "proxy/http/http_body.h"
#include "rules/reason.h"

#include <stdio.h>

/* Longest framing around one run of payload: 16 hex digits, CRLF, CRLF, and the last chunk. */
enum { FRAMING_ROOM = 16 + 2 + 2 + 5 };

/* Enough for the end of one chunk and the size line of the next, and for a last chunk; little of
 * what could be spliced. */
enum { SIZE_LINE_READ = 24 };

void http_body_init(struct http_body *body, enum http_framing from, uint64_t content_length,
                    enum http_framing to)
{
    *body = (struct http_body){.from = from, .to = to, .remaining = content_length};
    http_chunk_init(&body->chunks);
    body->finished =
        from == HTTP_FRAMING_NONE || (from == HTTP_FRAMING_LENGTH && content_length == 0);
}

uint64_t http_body_window(const struct http_body *body)
{
    if (body->finished || body->to == HTTP_FRAMING_NONE)
        return 0;
    if (body->from == HTTP_FRAMING_LENGTH)
        return body->window_open || body->remaining >= HTTP_BODY_SPLICE_MIN ? body->remaining : 0;
    if (body->from == HTTP_FRAMING_CHUNKED && body->chunks.state == HTTP_CHUNK_DATA)
        return body->window_open || body->chunks.remaining >= HTTP_BODY_SPLICE_CHUNK_MIN
                   ? body->chunks.remaining
                   : 0;
    return 0;
}

bool http_body_open_window(struct http_body *body, struct io_pool *pool, struct io_buffer *target)
{
    char size_line[20];
    if (body->window_open)
        return true;
    body->window_open = true;
    if (body->to != HTTP_FRAMING_CHUNKED)
        return true;
    int digits = snprintf(size_line, sizeof(size_line), "%llx\r\n",
                          (unsigned long long)http_body_window(body));
    return io_buffer_append(pool, target, size_line, (size_t)digits);
}

bool http_body_spliced(struct http_body *body, struct io_pool *pool, struct io_buffer *target,
                       uint64_t moved)
{
    uint64_t *left =
        body->from == HTTP_FRAMING_CHUNKED ? &body->chunks.remaining : &body->remaining;
    *left -= moved;
    body->payload += moved;
    if (*left > 0)
        return true;
    body->window_open = false;
    if (body->from == HTTP_FRAMING_LENGTH) {
        body->finished = true;
        return body->to != HTTP_FRAMING_CHUNKED ||
               io_buffer_append(pool, target, "\r\n0\r\n\r\n", 7);
    }
    body->chunks.state = HTTP_CHUNK_DATA_CR;
    body->long_chunks = true;
    return body->to != HTTP_FRAMING_CHUNKED || io_buffer_append(pool, target, "\r\n", 2);
}

size_t http_body_read_size(const struct http_body *body)
{
    return body->long_chunks ? SIZE_LINE_READ : IO_READ_BULK;
}

/* Takes the framing off the front of bytes[0..len); see http_chunk_decode for the meaning of the
 * results. */
static bool take(struct http_body *body, char *bytes, size_t len, size_t *consumed_out,
                 size_t *payload_out, struct error *error)
{
    switch (body->from) {
    case HTTP_FRAMING_CHUNKED:
        switch (http_chunk_decode(&body->chunks, bytes, len, consumed_out, payload_out, error)) {
        case HTTP_CHUNK_ERROR:
            return false;
        case HTTP_CHUNK_FINISHED:
            body->finished = true;
            return true;
        case HTTP_CHUNK_MORE:
            if (*payload_out > SIZE_LINE_READ ||
                (body->chunks.state == HTTP_CHUNK_DATA &&
                 body->chunks.remaining < HTTP_BODY_SPLICE_CHUNK_MIN))
                body->long_chunks = false;
            return true;
        }
        return false;
    case HTTP_FRAMING_LENGTH:
        *consumed_out = len < body->remaining ? len : (size_t)body->remaining;
        *payload_out = *consumed_out;
        body->remaining -= *consumed_out;
        body->finished = body->remaining == 0;
        return true;
    case HTTP_FRAMING_CLOSE:
        *consumed_out = len;
        *payload_out = len;
        return true;
    case HTTP_FRAMING_NONE:
        *consumed_out = 0;
        *payload_out = 0;
        return true;
    }
    return false;
}

/* Puts the framing `to` around a run of payload. There is room: http_body_move() saw to it. */
static bool put(struct http_body *body, struct io_pool *pool, struct io_buffer *target,
                const char *payload, size_t len)
{
    if (body->to != HTTP_FRAMING_CHUNKED)
        return io_buffer_append(pool, target, payload, len);
    char size_line[20];
    int digits = snprintf(size_line, sizeof(size_line), "%zx\r\n", len);
    if (len > 0 && (!io_buffer_append(pool, target, size_line, (size_t)digits) ||
                    !io_buffer_append(pool, target, payload, len) ||
                    !io_buffer_append(pool, target, "\r\n", 2)))
        return false;
    return !body->finished || io_buffer_append(pool, target, "0\r\n\r\n", 5);
}

bool http_body_move(struct http_body *body, struct io_pool *pool, struct io_buffer *source,
                    struct io_buffer *target, struct error *error)
{
    while (!body->finished && io_buffer_len(source) > 0) {
        size_t len = io_buffer_len(source);
        if (target != NULL) {
            size_t room = io_buffer_room(target);
            if (room <= FRAMING_ROOM)
                return true;
            if (len > room - FRAMING_ROOM)
                len = room - FRAMING_ROOM;
        }
        size_t consumed, payload;
        char *bytes = io_buffer_bytes(source);
        if (!take(body, bytes, len, &consumed, &payload, error))
            return false;
        body->payload += payload;
        if (target != NULL && !put(body, pool, target, bytes, payload))
            return error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
        io_buffer_consume(pool, source, consumed);
    }
    return true;
}

bool http_body_end_of_stream(struct http_body *body)
{
    if (body->from == HTTP_FRAMING_CLOSE)
        body->finished = true;
    return body->finished;
}

bool http_body_write_end(struct http_body *body, struct io_pool *pool, struct io_buffer *target)
{
    return body->to != HTTP_FRAMING_CHUNKED || io_buffer_append(pool, target, "0\r\n\r\n", 5);
}
