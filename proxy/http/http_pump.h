/* SPDX-License-Identifier: Apache-2.0
 *
 * One direction of a message's body, from the side that sends it to the side that gets it: read, its
 * framing taken off and put on again (http_body.h), written; long runs go past by splice. A step
 * does what can be done at once and says why it stopped; what is waited for then, and what a broken
 * side means, is the caller's business. */
#pragma once

#include "proxy/http/http_body.h"
#include "proxy/io/splice_flow.h"
#include "proxy/io/stream.h"

/* Everything is borrowed. */
struct http_pump {
    struct io_pool *blocks;
    struct pipe_pool *pipes;
    struct http_body *body;
    struct splice_flow *flow;
    struct stream *from, *to;
    struct io_buffer *in, *out; /* read of `from` but not moved; to be written to `to` */
    /* Writes what is in `out`, `more` when spliced bytes follow at once. True when all of it was
     * taken. */
    bool (*takes)(void *context, bool more);
    void *context;
};

enum http_pump_result {
    HTTP_PUMP_MORE,    /* there is more to do at once, or the body is finished */
    HTTP_PUMP_MOVED,   /* what was there has moved; another step looks for more */
    HTTP_PUMP_WAITS,   /* the source has nothing more now, or has had its turn */
    HTTP_PUMP_UNTAKEN, /* takes() was false */
    HTTP_PUMP_FULL,    /* the target takes no more of what is in the pipe */
    HTTP_PUMP_ENDED,   /* the source ended */
    HTTP_PUMP_GONE,    /* the source broke */
    HTTP_PUMP_BROKEN,  /* one of the two broke; errno is left as splice(2) or send(2) set it */
    HTTP_PUMP_BAD,     /* `error` says what is wrong with the framing */
    HTTP_PUMP_NO_ROOM, /* `error` says that memory is out */
};

/* A busy body gives others a turn after so many steps (of up to 64 kB). */
enum { HTTP_PUMP_STEPS_PER_TURN = 48 };

MUST_CHECK enum http_pump_result http_pump_step(const struct http_pump *pump, struct error *error);

