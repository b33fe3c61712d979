/* SPDX-License-Identifier: Apache-2.0
 *
 * The upstream side: connections to the Docker Engine. They are kept and used again, one request at
 * a time; one that was hijacked, broke, or still holds bytes nobody asked for is never used again.
 * Only connecting has a timeout: the engine may take as long as it likes to answer (docs/design.md 1.8). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/error.h"
#include "proxy/exchange/http_upstream.h"
#include "proxy/http/http_head.h"
#include "proxy/io/endpoint.h"
#include "proxy/io/stream.h"

struct engine; /* opaque: address, idle connections, timeouts */

/* What happens on a connection, told to the one who took it. None of them is called from within
 * engine_take(). */
enum engine_event {
    ENGINE_CONNECTED, /* bytes may be written */
    ENGINE_REFUSED,   /* connecting failed: the error is in conn->error; drop it */
    ENGINE_READABLE,  /* bytes or the end of the stream can be read from conn->stream */
    ENGINE_WRITABLE,  /* as long as it is asked for with engine_want_write() */
};

struct engine_conn {
    struct http_upstream upstream;
    bool reading;       /* the read event is armed */
    struct error error; /* with ENGINE_REFUSED: code 502, 503 or 504 */
    void (*notify)(void *context, enum engine_event event);
    void *context; /* borrowed: the taker */
    struct engine *engine;
    struct event read_event, write_event;
    unsigned attempts;   /* connect(2) calls while the listener's queue was full */
    int64_t deadline_us; /* connecting: when to give up */
    int64_t idle_since_us;
    TAILQ_ENTRY(engine_conn) link;
};
TAILQ_HEAD(engine_conn_list, engine_conn);

struct engine_options {
    struct endpoint address;
    uint64_t connect_timeout_ms;
    unsigned max_idle;        /* kept-alive connections nobody uses */
    uint64_t idle_timeout_ms; /* after which one of those is closed */
    struct http_head_limits answer_head;
};

/* `blocks` and `base` are borrowed and outlive the engine. NULL when memory is out. */
struct engine *engine_new(struct event_base *base, struct io_pool *blocks,
                          const struct engine_options *options);
void engine_free(struct engine **engine);

/* As what reads its answers knows it. */
const struct http_sender *engine_sender(const struct engine *engine);
/* "unix:/var/run/docker.sock", for messages. */
const char *engine_name(const struct engine *engine);
const struct endpoint *engine_endpoint(const struct engine *engine);
/* As given to engine_new(). */
struct event_base *engine_base(const struct engine *engine);
struct io_pool *engine_blocks(const struct engine *engine);

/* A connection for one exchange: a kept one unless `fresh`, else a new one on which connecting has
 * begun (ENGINE_CONNECTED or ENGINE_REFUSED follows when conn->connecting). With `probe` a kept one
 * is looked at first, for requests that must not be sent twice. NULL with `error` (code 503: no
 * descriptor; 502 otherwise) when not even a socket could be had. */
struct engine_conn *engine_take(struct engine *engine, bool fresh, bool probe,
                                void (*notify)(void *context, enum engine_event event),
                                void *context, struct error *error);

/* Ends the use: gives a clean connection back for the next, or closes it. *conn becomes NULL. */
void engine_give(struct engine_conn **conn);
void engine_drop(struct engine_conn **conn);

/* What is known of the engine's API: the minor version of its last answer, or one of these. A lost
 * connection may mean another engine, so that what was known is asked again. */
enum { ENGINE_API_UNKNOWN = -1, ENGINE_API_NONE = 0 /* its answers name no version */ };
int engine_api(const struct engine *engine);
/* From the Api-Version of an answer; text that is no version is ignored. Cheap when it is the one
 * that is known. */
void engine_learn_api(struct engine *engine, struct slice version);
/* It answered a ping; Api-Version, if there is one, is learned next. */
void engine_learn_no_api(struct engine *engine);
/* Its oldest version, as far as it has said so; 0 = not known. */
unsigned engine_api_minimum(const struct engine *engine);
void engine_set_api_minimum(struct engine *engine, unsigned minor);

void engine_read_enable(struct engine_conn *conn, bool enable);
void engine_want_write(struct engine_conn *conn, bool wanted);

/* Closes idle connections past their time; call now and then. */
void engine_sweep(struct engine *engine);

/* Connections that could not be made or broke before an answer, since the start. */
uint64_t engine_error_count(const struct engine *engine);
void engine_count_error(struct engine *engine);

