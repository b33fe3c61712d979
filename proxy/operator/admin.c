/* SPDX-License-Identifier: Apache-2.0
 *
 * A very small HTTP server for probes and scrapers, on the same strict head parser as the gates. */
#include "proxy/operator/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/docker/browser_guard.h"
#include "proxy/docker/engine_request.h"
#include "proxy/loop/listener.h"

enum { ADMIN_CONNS_MAX = 32, ADMIN_TIMEOUT_S = 5 };

struct admin_conn {
    struct admin *admin;
    int fd;
    struct event read_event, write_event;
    struct io_buffer in;
    struct buffer answer;        /* what did not fit into `out` at once (metrics can be long) */
    size_t answered;             /* bytes of `answer` that were sent */
    struct engine_request *ping; /* /readyz: under way */
    TAILQ_ENTRY(admin_conn) link;
};
TAILQ_HEAD(admin_conn_list, admin_conn);

struct admin {
    struct loop *loop; /* borrowed */
    int fd;
    struct endpoint address;
    char *path; /* owned: the socket file; NULL = TCP */
    struct event event;
    struct admin_conn_list conns;
    unsigned count;
};

static const struct timeval patience = {ADMIN_TIMEOUT_S, 0};

static void close_conn(struct admin_conn *conn)
{
    struct admin *admin = conn->admin;
    event_del(&conn->read_event);
    event_del(&conn->write_event);
    engine_request_free(&conn->ping);
    close(conn->fd);
    io_buffer_reset(admin->loop->blocks, &conn->in);
    buffer_free(&conn->answer);
    TAILQ_REMOVE(&admin->conns, conn, link);
    admin->count--;
    free(conn);
}

static void send_answer(struct admin_conn *conn)
{
    while (conn->answered < conn->answer.len) {
        ssize_t sent = send(conn->fd, conn->answer.data + conn->answered,
                            conn->answer.len - conn->answered, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            event_add(&conn->write_event, &patience);
            return;
        }
        if (sent < 0)
            break;
        conn->answered += (size_t)sent;
    }
    close_conn(conn);
}

static void answer(struct admin_conn *conn, const char *status, const char *type, struct slice body)
{
    buffer_printf(
        &conn->answer,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, type, body.len);
    buffer_append_slice(&conn->answer, body);
    if (conn->answer.failed)
        close_conn(conn);
    else
        send_answer(conn);
}

static void answer_text(struct admin_conn *conn, const char *status, const char *text)
{
    answer(conn, status, "text/plain; charset=utf-8", slice_from_text(text));
}

/* /readyz: is there an engine behind the socket, and does it answer? Where nobody is served the
 * Docker API, being up is enough. */
static void on_ping(void *context, enum engine_request_event event)
{
    static const char no_answer[] = "the Docker Engine does not answer its ping\n";
    struct admin_conn *conn = context;
    struct error error = *engine_request_error(conn->ping);
    bool ready = event == ENGINE_REQUEST_HEAD && engine_request_head(conn->ping)->status == 200;
    engine_request_free(&conn->ping);
    if (ready)
        answer_text(conn, "200 OK", "ready\n");
    else
        answer_text(conn, "503 Service Unavailable",
                    event == ENGINE_REQUEST_UNREACHABLE ? error.text : no_answer);
}

static void ping_engine(struct admin_conn *conn)
{
    static const struct engine_question ping = {.method = HTTP_METHOD_GET,
                                                .target = {"/_ping", 6},
                                                .fresh = true,
                                                .timeout_ms = ADMIN_TIMEOUT_S * 1000};
    struct error error;
    if (conn->admin->loop->draining) {
        answer_text(conn, "503 Service Unavailable", "shutting down\n");
        return;
    }
    if (!listener_any_docker(conn->admin->loop)) {
        answer_text(conn, "200 OK", "ready\n");
        return;
    }
    event_add(&conn->read_event, NULL); /* a scraper that leaves ends the wait */
    conn->ping = engine_request_new(conn->admin->loop->engine, &ping, on_ping, conn, &error);
    if (conn->ping == NULL)
        answer_text(conn, "503 Service Unavailable", error.text);
}

/* A page whose name was made to lead here could read the numbers. Scrapers call the gate by any
 * name, so that only a browser's Host is held against the loopback's. */
static bool comes_from_page(const struct admin_conn *conn, const struct http_head *head,
                            struct error *error)
{
    static const struct browser_trust nobody;
    return !endpoint_is_unix(&conn->admin->address) &&
           !browser_guard_check(head, &nobody, false, NULL, error);
}

static void route(struct admin_conn *conn, const struct http_head *head)
{
    struct slice path = head->target;
    struct error error;
    if (comes_from_page(conn, head, &error)) {
        answer_text(conn, "403 Forbidden", error.text);
    } else if (head->method != HTTP_METHOD_GET) {
        answer_text(conn, "405 Method Not Allowed", "only GET is served here\n");
    } else if (slice_equal_text(path, "/healthz")) {
        answer_text(conn, "200 OK", "ok\n");
    } else if (slice_equal_text(path, "/readyz")) {
        ping_engine(conn);
    } else if (slice_equal_text(path, "/metrics")) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        metrics_totals(conn->admin->loop->metrics)->engine_errors =
            engine_error_count(conn->admin->loop->engine);
        metrics_print(conn->admin->loop->metrics, &text);
        answer(conn, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buffer_slice(&text));
    } else {
        answer_text(conn, "404 Not Found", "there are /healthz, /readyz and /metrics\n");
    }
}

static void on_read(evutil_socket_t fd, short what, void *context)
{
    struct admin_conn *conn = context;
    struct loop *loop = conn->admin->loop;
    if (what & EV_TIMEOUT) {
        close_conn(conn);
        return;
    }
    struct stream stream = stream_of_socket((int)fd);
    ssize_t got = stream_fill(&stream, loop->blocks, &conn->in, IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || conn->ping != NULL) {
        close_conn(conn);
        return;
    }
    size_t scanned = 0, consumed;
    struct error error;
    switch (http_head_parse_request(&loop->scratch->head, io_buffer_bytes(&conn->in),
                                    io_buffer_len(&conn->in), &scanned, &loop->options->head,
                                    &consumed, &error)) {
    case HTTP_HEAD_MORE:
        return;
    case HTTP_HEAD_BAD:
        event_del(&conn->read_event);
        answer_text(conn, "400 Bad Request", error.text);
        return;
    case HTTP_HEAD_OK:
        event_del(&conn->read_event);
        route(conn, &loop->scratch->head);
        return;
    }
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    if (what & EV_TIMEOUT)
        close_conn(context);
    else
        send_answer(context);
}

static void on_accept(evutil_socket_t listen_fd, short what, void *context)
{
    (void)what;
    struct admin *admin = context;
    int fd = accept4((int)listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        (void)loop_make_room(admin->loop); /* the event comes again */
    if (fd < 0)
        return;
    struct admin_conn *conn = admin->count < ADMIN_CONNS_MAX ? calloc(1, sizeof(*conn)) : NULL;
    if (conn == NULL) {
        close(fd);
        return;
    }
    conn->admin = admin;
    conn->fd = fd;
    event_assign(&conn->read_event, admin->loop->base, fd, EV_READ | EV_PERSIST, on_read, conn);
    event_assign(&conn->write_event, admin->loop->base, fd, EV_WRITE, on_write, conn);
    event_add(&conn->read_event, &patience);
    TAILQ_INSERT_TAIL(&admin->conns, conn, link);
    admin->count++;
}

static bool listen_at(struct admin *admin, const char *text, struct error *error)
{
    if (!endpoint_parse(&admin->address, slice_from_text(text), error))
        return false;
    bool is_unix = endpoint_is_unix(&admin->address);
    if (!is_unix && !endpoint_is_loopback(&admin->address))
        return error_set(
            error, 2,
            "--admin %s: the admin listener is for a unix socket or a loopback address only", text);
    if (is_unix && admin->address.address.un.sun_path[0] == '/') {
        admin->path = slice_to_text(slice_from_text(admin->address.address.un.sun_path));
        if (!endpoint_remove_dead(&admin->address, error))
            return false;
    }
    admin->fd =
        socket(admin->address.address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (admin->fd >= 0 && !is_unix)
        setsockopt(admin->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    mode_t before = umask(0117);
    bool bound = admin->fd >= 0 &&
                 bind(admin->fd, &admin->address.address.any, admin->address.len) == 0 &&
                 listen(admin->fd, 64) == 0;
    int failure = errno;
    umask(before);
    if (bound && !endpoint_is_unix(&admin->address)) { /* port 0 has become one: no destination */
        admin->address.len = sizeof(admin->address.address);
        getsockname(admin->fd, &admin->address.address.any, &admin->address.len);
    }
    return bound || error_set(error, 1, "cannot listen on --admin %s: %s", text, strerror(failure));
}

struct admin *admin_open(struct loop *loop, const char *text, struct error *error)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL)
        abort();
    admin->loop = loop;
    admin->fd = -1;
    TAILQ_INIT(&admin->conns);
    if (!listen_at(admin, text, error)) {
        admin_close(&admin);
        return NULL;
    }
    event_assign(&admin->event, loop->base, admin->fd, EV_READ | EV_PERSIST, on_accept, admin);
    event_add(&admin->event, NULL);
    return admin;
}

void admin_close(struct admin **admin)
{
    struct admin *closed = steal_pointer(admin);
    if (closed == NULL)
        return;
    while (!TAILQ_EMPTY(&closed->conns))
        close_conn(TAILQ_FIRST(&closed->conns));
    if (event_initialized(&closed->event))
        event_del(&closed->event);
    if (closed->fd >= 0) {
        close(closed->fd);
        if (closed->path != NULL)
            unlink(closed->path);
    }
    free(closed->path);
    free(closed);
}

const struct endpoint *admin_endpoint(const struct admin *admin)
{
    return admin == NULL ? NULL : &admin->address;
}
