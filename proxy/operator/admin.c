/* SPDX-License-Identifier: Apache-2.0
 *
 * A very small HTTP server for probes and scrapers, on the same strict head parser as the gates. */
#include "proxy/operator/admin.h"

#include "proxy/docker/browser_guard.h"
#include "proxy/operator/readiness.h"

enum { CONNS_MAX = 32, PING_TIMEOUT_MS = 5000 };

struct admin_conn {
    struct readiness_conn readiness;
    bool head_only; /* HEAD: the answer has no body */
};

static struct admin_conn *admin_of(struct operator_conn *conn)
{
    return container_of(conn, struct admin_conn, readiness.conn);
}

static void answer(struct operator_conn *conn, const char *status, const char *type,
                   struct slice body)
{
    buffer_printf(
        &conn->answer,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, type, body.len);
    if (!admin_of(conn)->head_only)
        buffer_append_slice(&conn->answer, body);
    operator_conn_answer(conn);
}

static void answer_text(struct operator_conn *conn, const char *status, const char *text)
{
    answer(conn, status, "text/plain; charset=utf-8", slice_from_text(text));
}

static void on_told(struct operator_conn *conn, bool ready, const char *text)
{
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    buffer_printf(&body, "%s\n", text);
    answer_text(conn, ready ? "200 OK" : "503 Service Unavailable", buffer_text(&body));
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
    admin_of(conn)->head_only = head->method == HTTP_METHOD_HEAD;
    if (comes_from_page(conn, head, &error)) {
        answer_text(conn, "403 Forbidden", error.text);
    } else if (head->method != HTTP_METHOD_GET && head->method != HTTP_METHOD_HEAD) {
        answer_text(conn, "405 Method Not Allowed", "only GET and HEAD are served here\n");
    } else if (slice_equal_text(path, "/healthz")) {
        answer_text(conn, "200 OK", "ok\n");
    } else if (slice_equal_text(path, "/readyz")) {
        readiness_ask(conn, PING_TIMEOUT_MS, on_told);
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

#define STRANGER "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define TOO_MANY                                                                                   \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"                  \
    "Connection: close\r\n\r\n"

static const struct operator_service service = {
    .conn_size = sizeof(struct admin_conn),
    .most = CONNS_MAX,
    .too_many = {TOO_MANY, sizeof(TOO_MANY) - 1},
    .stranger = {STRANGER, sizeof(STRANGER) - 1},
    .umask = 0117,
    .read = read_request,
    .closed = readiness_forget,
};

struct operator_socket *admin_open(struct loop *loop, const struct admin_options *options,
                                   struct error *error)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    struct endpoint address;
    if (!endpoint_parse(&address, slice_from_text(options->text), error))
        return NULL;
    if (!endpoint_is_unix(&address) && !endpoint_is_loopback(&address) &&
        options->from_count == 0) {
        (void)error_set(
            error, 2,
            "--admin %s: beyond loopback it needs --admin-from CIDR: the addresses that "
            "may read the numbers",
            options->text);
        return NULL;
    }
    buffer_printf(&name, "--admin %s", options->text);
    struct operator_socket *admin =
        operator_socket_open(loop, &service, &address, buffer_text(&name), error);
    if (admin != NULL)
        operator_socket_admit(admin, options->from, options->from_count);
    return admin;
}
