/* SPDX-License-Identifier: Apache-2.0
 *
 * A very small HTTP server for probes and scrapers, on the same strict head parser as the gates. */
#include "proxy/operator/admin.h"

#include "proxy/docker/browser_guard.h"
#include "proxy/docker/engine_request.h"
#include "proxy/loop/listener.h"

enum { CONNS_MAX = 32, PING_TIMEOUT_MS = 5000 };

struct admin_conn {
    struct operator_conn conn;
    struct engine_request *ping; /* /readyz: under way */
};

static struct admin_conn *admin_of(struct operator_conn *conn)
{
    return container_of(conn, struct admin_conn, conn);
}

static void answer(struct operator_conn *conn, const char *status, const char *type,
                   struct slice body)
{
    buffer_printf(
        &conn->answer,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, type, body.len);
    buffer_append_slice(&conn->answer, body);
    operator_conn_answer(conn);
}

static void answer_text(struct operator_conn *conn, const char *status, const char *text)
{
    answer(conn, status, "text/plain; charset=utf-8", slice_from_text(text));
}

/* /readyz: is there an engine behind the socket, and does it answer? Where nobody is served the
 * Docker API, being up is enough. */
static void on_ping(void *context, enum engine_request_event event)
{
    static const char no_answer[] = "the Docker Engine does not answer its ping\n";
    struct admin_conn *admin = context;
    struct error error = *engine_request_error(admin->ping);
    bool ready = event == ENGINE_REQUEST_HEAD && engine_request_head(admin->ping)->status == 200;
    engine_request_free(&admin->ping);
    if (ready)
        answer_text(&admin->conn, "200 OK", "ready\n");
    else
        answer_text(&admin->conn, "503 Service Unavailable",
                    event == ENGINE_REQUEST_UNREACHABLE ? error.text : no_answer);
}

static void ping_engine(struct operator_conn *conn)
{
    static const struct engine_question ping = {.method = HTTP_METHOD_GET,
                                                .target = {"/_ping", 6},
                                                .fresh = true,
                                                .timeout_ms = PING_TIMEOUT_MS};
    struct admin_conn *admin = admin_of(conn);
    struct error error;
    if (conn->loop->draining) {
        answer_text(conn, "503 Service Unavailable", "shutting down\n");
        return;
    }
    if (!listener_any_docker(conn->loop)) {
        answer_text(conn, "200 OK", "ready\n");
        return;
    }
    operator_conn_wait(conn);
    admin->ping = engine_request_new(conn->loop->engine, &ping, on_ping, admin, &error);
    if (admin->ping == NULL)
        answer_text(conn, "503 Service Unavailable", error.text);
}

/* A page whose name was made to lead here could read the numbers. Scrapers call the gate by any
 * name, so that only a browser's Host is held against the loopback's. */
static bool comes_from_page(const struct operator_conn *conn, const struct http_head *head,
                            struct error *error)
{
    static const struct browser_trust nobody;
    return !endpoint_is_unix(operator_socket_endpoint(conn->socket)) &&
           !browser_guard_check(head, &nobody, false, NULL, error);
}

static void route(struct operator_conn *conn, const struct http_head *head)
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
        metrics_totals(conn->loop->metrics)->engine_errors = engine_error_count(conn->loop->engine);
        metrics_print(conn->loop->metrics, &text);
        answer(conn, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buffer_slice(&text));
    } else {
        answer_text(conn, "404 Not Found", "there are /healthz, /readyz and /metrics\n");
    }
}

static void read_request(struct operator_conn *conn)
{
    struct loop *loop = conn->loop;
    size_t scanned = 0, consumed;
    struct error error;
    switch (http_head_parse_request(&loop->scratch->head, io_buffer_bytes(&conn->in),
                                    io_buffer_len(&conn->in), &scanned, &loop->options->head,
                                    &consumed, &error)) {
    case HTTP_HEAD_MORE:
        return;
    case HTTP_HEAD_BAD:
        answer_text(conn, "400 Bad Request", error.text);
        return;
    case HTTP_HEAD_OK:
        route(conn, &loop->scratch->head);
        return;
    }
}

static void forget_ping(struct operator_conn *conn)
{
    engine_request_free(&admin_of(conn)->ping);
}

#define TOO_MANY                                                                                   \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"                  \
    "Connection: close\r\n\r\n"

static const struct operator_service service = {
    .conn_size = sizeof(struct admin_conn),
    .most = CONNS_MAX,
    .too_many = {TOO_MANY, sizeof(TOO_MANY) - 1},
    .umask = 0117,
    .read = read_request,
    .closed = forget_ping,
};

struct operator_socket *admin_open(struct loop *loop, const char *text, struct error *error)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    struct endpoint address;
    if (!endpoint_parse(&address, slice_from_text(text), error))
        return NULL;
    if (!endpoint_is_unix(&address) && !endpoint_is_loopback(&address)) {
        (void)error_set(
            error, 2,
            "--admin %s: the admin listener is for a unix socket or a loopback address only", text);
        return NULL;
    }
    buffer_printf(&name, "--admin %s", text);
    return operator_socket_open(loop, &service, &address, buffer_text(&name), error);
}
