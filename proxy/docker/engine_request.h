/* SPDX-License-Identifier: Apache-2.0
 *
 * A request of the gate's own to the Docker Engine, over the event loop: what a request names, which
 * version the engine serves, whether it answers at all. The answer is told in pieces to the one who
 * asked. It can be collected or taken as it comes, its reading can be paused, its connection can be
 * taken over for a raw stream, and the request can be given up at any moment. */
#pragma once

#include "base/buffer.h"
#include "proxy/docker/engine.h"
#include "proxy/http/http_head.h"

struct engine_request; /* opaque */

struct engine_question {
    enum http_method method;
    struct slice target;   /* path, with the API version, and query; copied */
    struct slice body;     /* ptr NULL = none; borrowed until the answer has ended */
    const char *body_type; /* static text, such as "application/json" */
    const char *upgrade;   /* static text: the protocol to switch to, "tcp" or "h2c"; NULL = none */
    bool fresh;            /* on a connection of its own, to be closed behind the answer */
    uint64_t timeout_ms;   /* for the whole answer; 0 = none: connecting has its own */
    size_t answer_max;     /* so many bytes of the answer's body are kept for the one who asked */
};

/* What happens, told to the one who asked, never from within engine_request_new(). END, UNREACHABLE
 * and FAILED are the last. The request may be freed in each of them. */
enum engine_request_event {
    ENGINE_REQUEST_HEAD,        /* the head is there, whatever its status: engine_request_head() */
    ENGINE_REQUEST_BODY,        /* more of the body is there, not the last of it */
    ENGINE_REQUEST_END,         /* the answer is whole */
    ENGINE_REQUEST_UNREACHABLE, /* there is no connection, so that the engine has seen nothing */
    ENGINE_REQUEST_FAILED,      /* anything else; the engine may have done what it was asked for */
};

/* Connects, or takes a kept connection, and sends. NULL with `error` (502 "upstream.unreachable",
 * 503 "limit.descriptors", "limit.memory") when not even a socket could be had. A kept connection
 * that turns out to be closed is replaced by a new one where asking twice changes nothing. */
struct engine_request *
engine_request_new(struct engine *engine, const struct engine_question *question,
                   void (*told)(void *context, enum engine_request_event event), void *context,
                   struct error *error);

/* Gives the request up. One that was not answered to its end takes its connection with it. */
void engine_request_free(struct engine_request **request);

/* During ENGINE_REQUEST_HEAD, until the request is freed or its stream taken. */
const struct http_head *engine_request_head(const struct engine_request *request);

/* What has come of the body, its framing taken off. What is left there is collected, up to
 * answer_max; who clears it each time has a stream. */
struct buffer *engine_request_body(struct engine_request *request);

/* With UNREACHABLE and FAILED. The code is an HTTP status: 502, 503 (no memory, no descriptor) or
 * 504 (too late). */
const struct error *engine_request_error(const struct engine_request *request);

/* Stops and resumes reading the answer; its deadline goes on. */
void engine_request_pause(struct engine_request *request);
void engine_request_resume(struct engine_request *request);

/* During ENGINE_REQUEST_HEAD, when it says that a raw stream follows (101, or attach and exec without
 * upgrade): the connection becomes the caller's, who sets notify and context; what came behind the
 * head is in its `in`. Nothing more is told. */
struct engine_conn *engine_request_take_stream(struct engine_request *request);

