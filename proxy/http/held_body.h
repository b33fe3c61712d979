/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's body that is collected before the request is judged and sent. A short one lies in a
 * block of the loop's pool, a longer one on the heap; in one piece when it is complete. Bytes are
 * taken by held_body_collect() and given back by held_body_release(), nowhere else. */
#pragma once

#include "base/buffer.h"
#include "proxy/http/http_body.h"

/* Zeroed is empty. */
struct held_body {
    struct io_buffer block;
    struct buffer heap; /* owned; what was there before `block`; empty while the block suffices */
    size_t sent;        /* bytes of it that are with the engine, or on their way */
};

/* Takes what `source` has of `body`, whose framing is taken off. Once body->finished the content is
 * in one piece. False with `error` when the framing is bad (see http_body_move), or 503
 * "limit.memory". */
MUST_CHECK bool held_body_collect(struct held_body *held, struct io_pool *pool,
                                  struct http_body *body, struct io_buffer *source,
                                  struct error *error);

/* Of a complete body: what was not sent yet; empty when there is none. */
struct slice held_body_rest(const struct held_body *held);

/* Puts another text in the place of what a complete body has; `text` becomes empty. */
void held_body_replace(struct held_body *held, struct io_pool *pool, struct buffer *text);

/* Counts bytes that were sent; the last of them gives the memory back. */
void held_body_sent(struct held_body *held, struct io_pool *pool, size_t len);

/* Drops what is held. */
void held_body_release(struct held_body *held, struct io_pool *pool);

