/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting to the engine and keeping connections. Idle ones are used last-in first-out, with
 * their read event armed, so that an engine that restarts empties the pool by itself. */
#include "proxy/docker/engine.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "proxy/io/event_switch.h"
#include "rules/docker/api_version.h"
#include "rules/docker/docker_operation.h"
#include "rules/reason.h"

enum { RETRY_MS = 5 };

struct engine {
    struct event_base *base; /* borrowed */
    struct io_pool *blocks;  /* borrowed */
    struct engine_options options;
    struct http_sender sender;
    struct engine_conn_list idle;
    unsigned idle_count;
    uint64_t errors;
    char name[160];
    int api;           /* see engine_api() */
    char api_text[16]; /* as it was learned */
    size_t api_text_len;
    unsigned api_minimum;
};

static void on_read(evutil_socket_t fd, short what, void *context);
static void on_write(evutil_socket_t fd, short what, void *context);

struct engine *engine_new(struct event_base *base, struct io_pool *blocks,
                          const struct engine_options *options)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return NULL;
    engine->base = base;
    engine->blocks = blocks;
    engine->options = *options;
    engine->sender = (struct http_sender){"the Docker Engine", options->answer_head};
    engine->api = ENGINE_API_UNKNOWN;
    TAILQ_INIT(&engine->idle);
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    endpoint_write(&options->address, &name);
    strncpy(engine->name, buffer_text(&name), sizeof(engine->name) - 1);
    return engine;
}

const struct http_sender *engine_sender(const struct engine *engine)
{
    return &engine->sender;
}

const char *engine_name(const struct engine *engine)
{
    return engine->name;
}

const struct endpoint *engine_endpoint(const struct engine *engine)
{
    return &engine->options.address;
}

struct event_base *engine_base(const struct engine *engine)
{
    return engine->base;
}

struct io_pool *engine_blocks(const struct engine *engine)
{
    return engine->blocks;
}

uint64_t engine_error_count(const struct engine *engine)
{
    return engine->errors;
}

/* Of an engine that names no version nothing is forgotten: it never was one that matters. */
static void forget_api(struct engine *engine)
{
    if (engine->api > ENGINE_API_NONE)
        engine->api = ENGINE_API_UNKNOWN;
    engine->api_text_len = 0;
}

void engine_count_error(struct engine *engine)
{
    engine->errors++;
    forget_api(engine);
}

int engine_api(const struct engine *engine)
{
    return engine->api;
}

void engine_learn_api(struct engine *engine, struct slice version)
{
    unsigned minor = DOCKER_API_NEWEST + 1;
    if (slice_equal(version, slice_of(engine->api_text, engine->api_text_len)) ||
        (!api_version_is_newer(version) && !api_version_parse(version, &minor)))
        return;
    if (engine->api_text_len > 0)
        engine->api_minimum = 0; /* another engine */
    engine->api = (int)minor;
    /* One that is too long to be kept is read each time. */
    engine->api_text_len = version.len > sizeof(engine->api_text) ? 0 : version.len;
    memcpy(engine->api_text, version.ptr, engine->api_text_len);
}

void engine_learn_no_api(struct engine *engine)
{
    if (engine->api == ENGINE_API_UNKNOWN)
        engine->api = ENGINE_API_NONE;
}

unsigned engine_api_minimum(const struct engine *engine)
{
    return engine->api_minimum;
}

void engine_set_api_minimum(struct engine *engine, unsigned minor)
{
    engine->api_minimum = minor;
}

void engine_drop(struct engine_conn **conn)
{
    struct engine_conn *dropped = steal_pointer(conn);
    if (dropped == NULL)
        return;
    if (event_initialized(&dropped->read_event))
        event_del(&dropped->read_event);
    if (event_initialized(&dropped->write_event))
        event_del(&dropped->write_event);
    stream_close(&dropped->upstream.stream);
    io_buffer_reset(dropped->engine->blocks, &dropped->upstream.in);
    io_buffer_reset(dropped->engine->blocks, &dropped->upstream.out);
    free(dropped);
}

static void drop_idle(struct engine *engine, struct engine_conn *conn)
{
    TAILQ_REMOVE(&engine->idle, conn, link);
    engine->idle_count--;
    engine_drop(&conn);
}

void engine_free(struct engine **engine)
{
    if (*engine == NULL)
        return;
    while (!TAILQ_EMPTY(&(*engine)->idle))
        drop_idle(*engine, TAILQ_FIRST(&(*engine)->idle));
    free(*engine);
    *engine = NULL;
}

void engine_sweep(struct engine *engine)
{
    int64_t oldest = timestamp_monotonic_us() - (int64_t)engine->options.idle_timeout_ms * 1000;
    struct engine_conn *conn;
    while ((conn = TAILQ_LAST(&engine->idle, engine_conn_list)) != NULL &&
           conn->idle_since_us < oldest)
        drop_idle(engine, conn);
}

void engine_read_enable(struct engine_conn *conn, bool enable)
{
    event_switch(&conn->read_event, &conn->reading, enable);
}

void engine_want_write(struct engine_conn *conn, bool wanted)
{
    if (wanted)
        event_add(&conn->write_event, NULL);
    else
        event_del(&conn->write_event);
}

void engine_give(struct engine_conn **conn)
{
    struct engine_conn *given = *conn;
    struct engine *engine = given->engine;
    bool clean = !given->upstream.connecting && io_buffer_len(&given->upstream.in) == 0 &&
                 io_buffer_len(&given->upstream.out) == 0;
    if (!clean || engine->idle_count >= engine->options.max_idle) {
        engine_drop(conn);
        return;
    }
    engine_want_write(given, false);
    engine_read_enable(given, true);
    given->notify = NULL;
    given->context = NULL;
    given->upstream.reused = true;
    given->idle_since_us = timestamp_monotonic_us();
    TAILQ_INSERT_HEAD(&engine->idle, given, link);
    engine->idle_count++;
    *conn = NULL;
}

/* Nothing is owed to us on an idle connection: anything to read is its end, or bytes nobody may
 * see. */
static void on_read(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct engine_conn *conn = context;
    if (conn->notify == NULL) {
        forget_api(conn->engine);
        drop_idle(conn->engine, conn);
    } else {
        conn->notify(conn->context, ENGINE_READABLE);
    }
}

static void refuse(struct engine_conn *conn, int status, int cause)
{
    engine_count_error(conn->engine);
    conn->upstream.connecting = false;
    if (status == 504)
        error_set_reason(&conn->error, 504, REASON_UPSTREAM_CONNECT_TIMEOUT,
                         "the Docker Engine at %s did not take the connection in time",
                         conn->engine->name);
    else
        error_set_reason(&conn->error, status, REASON_UPSTREAM_UNREACHABLE,
                         "cannot reach the Docker Engine at %s: %s", conn->engine->name,
                         strerror(cause));
    conn->notify(conn->context, ENGINE_REFUSED);
}

/* Arms the write event: for the end of a TCP handshake, or as a timer while a unix listener's queue
 * is full. */
static void wait_for_connect(struct engine_conn *conn, bool in_progress)
{
    int64_t left_us = conn->deadline_us - timestamp_monotonic_us();
    if (left_us < 0)
        left_us = 0;
    if (!in_progress && left_us > RETRY_MS * 1000)
        left_us = RETRY_MS * 1000;
    struct timeval wait = duration_timeval(left_us);
    event_assign(&conn->write_event, conn->engine->base,
                 in_progress ? conn->upstream.stream.fd : -1, EV_WRITE, on_write, conn);
    event_add(&conn->write_event, &wait);
}

static void connected(struct engine_conn *conn)
{
    conn->upstream.connecting = false;
    event_assign(&conn->write_event, conn->engine->base, conn->upstream.stream.fd,
                 EV_WRITE | EV_PERSIST, on_write, conn);
    event_assign(&conn->read_event, conn->engine->base, conn->upstream.stream.fd,
                 EV_READ | EV_PERSIST, on_read, conn);
    engine_read_enable(conn, true);
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct engine_conn *conn = context;
    if (!conn->upstream.connecting) {
        conn->notify(conn->context, ENGINE_WRITABLE);
        return;
    }
    if (timestamp_monotonic_us() >= conn->deadline_us && (what & EV_TIMEOUT)) {
        refuse(conn, 504, ETIMEDOUT);
        return;
    }
    const struct endpoint *address = &conn->engine->options.address;
    if (connect(conn->upstream.stream.fd, &address->address.any, address->len) == 0 ||
        errno == EISCONN) {
        connected(conn);
        conn->notify(conn->context, ENGINE_CONNECTED);
    } else if (errno == EAGAIN) {
        wait_for_connect(conn, false);
    } else if (errno == EINPROGRESS || errno == EALREADY) {
        wait_for_connect(conn, true);
    } else {
        refuse(conn, 502, errno);
    }
}

static bool still_open(struct engine_conn *conn)
{
    return stream_look(&conn->upstream.stream) == STREAM_SILENT;
}

static struct engine_conn *take_idle(struct engine *engine, bool probe)
{
    struct engine_conn *conn;
    while ((conn = TAILQ_FIRST(&engine->idle)) != NULL) {
        if (probe && !still_open(conn)) {
            drop_idle(engine, conn);
            continue;
        }
        TAILQ_REMOVE(&engine->idle, conn, link);
        engine->idle_count--;
        return conn;
    }
    return NULL;
}

static bool start_connect(struct engine_conn *conn, struct error *error)
{
    const struct endpoint *address = &conn->engine->options.address;
    conn->upstream.stream = stream_of_socket(
        socket(address->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!stream_is_open(&conn->upstream.stream)) {
        bool no_room = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return error_set_reason(error, no_room ? 503 : 502,
                                no_room ? REASON_LIMIT_DESCRIPTORS : REASON_UPSTREAM_UNREACHABLE,
                                "cannot make a socket to the Docker Engine: %s", strerror(errno));
    }
    if (!endpoint_is_unix(address)) {
        int on = 1;
        setsockopt(conn->upstream.stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(conn->upstream.stream.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    conn->deadline_us =
        timestamp_monotonic_us() + (int64_t)conn->engine->options.connect_timeout_ms * 1000;
    if (connect(conn->upstream.stream.fd, &address->address.any, address->len) == 0) {
        connected(conn);
        return true;
    }
    conn->upstream.connecting = true;
    if (errno == EAGAIN || errno == EINPROGRESS) {
        wait_for_connect(conn, errno == EINPROGRESS);
        return true;
    }
    return error_set_reason(error, 502, REASON_UPSTREAM_UNREACHABLE,
                            "cannot reach the Docker Engine at %s: %s", conn->engine->name,
                            strerror(errno));
}

struct engine_conn *engine_take(struct engine *engine, bool fresh, bool probe,
                                void (*notify)(void *context, enum engine_event event),
                                void *context, struct error *error)
{
    struct engine_conn *conn = fresh ? NULL : take_idle(engine, probe);
    if (conn == NULL) {
        conn = calloc(1, sizeof(*conn));
        if (conn == NULL) {
            error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
            return NULL;
        }
        conn->engine = engine;
        conn->upstream.stream = STREAM_NONE;
        if (!start_connect(conn, error)) {
            engine->errors++;
            engine_drop(&conn);
            return NULL;
        }
    }
    conn->notify = notify;
    conn->context = context;
    return conn;
}
