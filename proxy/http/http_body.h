/* SPDX-License-Identifier: Apache-2.0
 *
 * Message bodies on their way through: the framing they arrive in is taken off, the framing they
 * leave in is put on anew. The two need not be the same, and no framing byte of one side reaches
 * the other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proxy/http/http_chunk.h"
#include "proxy/http/http_head.h"
#include "proxy/io/io_buffer.h"

/* From this many bytes of a body, or of one chunk, on it is worth a pipe: they are spliced instead
 * of copied. */
enum { HTTP_BODY_SPLICE_MIN = 65536, HTTP_BODY_SPLICE_CHUNK_MIN = 16384 };

struct http_body {
    enum http_framing from, to;
    uint64_t remaining; /* with from == HTTP_FRAMING_LENGTH */
    struct http_chunk_decoder chunks;
    bool finished;
    bool window_open; /* bytes are on their way past by splice */
    bool
        long_chunks; /* the last chunk was long: read little, so that the next can be spliced too */
    uint64_t payload; /* bytes seen so far */
};

/* Starts a body that arrives in framing `from` and leaves in framing `to`. A body without bytes is
 * finished at once. */
void http_body_init(struct http_body *body, enum http_framing from, uint64_t content_length,
                    enum http_framing to);

/* How many bytes may go past by splice just now: the rest of a long body or of a long chunk; 0 =
 * read. */
uint64_t http_body_window(const struct http_body *body);

/* Before the first spliced byte of a window: appends the framing that goes in front of it. False
 * when there is no room. */
MUST_CHECK bool http_body_open_window(struct http_body *body, struct io_pool *pool,
                                      struct io_buffer *target);

/* Counts bytes that went past; at the end of the window appends the framing that goes behind it.
 * False when there is no room. */
MUST_CHECK bool http_body_spliced(struct http_body *body, struct io_pool *pool,
                                  struct io_buffer *target, uint64_t moved);

/* How much to read at once: little where only the next chunk's size line is wanted. */
size_t http_body_read_size(const struct http_body *body);

/* Moves what it can of `source` (framed as `from`) to `target` (framed as `to`); `target` NULL
 * throws the payload away. Stops at the end of the body, leaving what follows in `source`; when
 * `target` has no room; or when `source` is empty. False when the framing is bad (error filled as
 * by http_chunk_decode). */
MUST_CHECK bool http_body_move(struct http_body *body, struct io_pool *pool,
                               struct io_buffer *source, struct io_buffer *target,
                               struct error *error);

/* The sender's connection ended: true when that is how the body ends (HTTP_FRAMING_CLOSE), false
 * when it was cut short. */
MUST_CHECK bool http_body_end_of_stream(struct http_body *body);

/* Appends what ends a chunked body that arrived by HTTP_FRAMING_CLOSE. False when there is no room.
 */
MUST_CHECK bool http_body_write_end(struct http_body *body, struct io_pool *pool,
                                    struct io_buffer *target);

