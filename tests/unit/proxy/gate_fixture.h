/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole gate in a test: options, a policy from text, and an engine that answers from a script.
 * Gate and engine share the gate's event loop, so that a test needs no other thread and nothing
 * depends on timing. */
#pragma once

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/document/policy_load.h"
#include "proxy/loop/loop_run.h"
#include "proxy/loop/listener.h"
#include "proxy/serve/gates.h"

enum { SCRIPT_CONNS_MAX = 64 };

struct script_conn {
    struct event event;
    struct gate_fixture *fixture; /* NULL = free place */
    struct buffer in;
};

struct gate_fixture {
    char folder[64], engine_path[96], gate_path[96], config_path[96], log_path[96];
    struct gates_options options;
    struct gates *gates;
    struct loop *loop; /* of the gates */
    int engine_fd;
    struct event accept_event, stop_event;
    bool accepting, stoppable;
    struct script_conn conns[SCRIPT_CONNS_MAX];
    unsigned requests;   /* heads that the engine has seen */
    struct buffer heads; /* one behind the other */
    /* Appends the whole answer to `head` (up to its empty line). */
    void (*answer)(struct gate_fixture *fixture, const char *head, struct buffer *out);
    int stop_pipe[2]; /* a byte here begins the end of the gate */
};

/* Waits for nothing: sockets are local and the peer reads. */
static inline void fixture_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        cr_assert_gt(sent, 0, "%s", strerror(errno));
        bytes += sent;
        len -= (size_t)sent;
    }
}

static inline void fixture_drop_conn(struct script_conn *conn)
{
    close(event_get_fd(&conn->event));
    event_del(&conn->event);
    buffer_free(&conn->in);
    conn->fixture = NULL;
}

/* Bodies are not sent to this engine, so that a head is a request. */
static inline void fixture_on_bytes(evutil_socket_t fd, short, void *context)
{
    struct script_conn *conn = context;
    struct gate_fixture *fixture = conn->fixture;
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    if (got <= 0) {
        fixture_drop_conn(conn);
        return;
    }
    buffer_append(&conn->in, bytes, (size_t)got);
    const char *end = strstr(buffer_text(&conn->in), "\r\n\r\n");
    if (end == NULL)
        return;
    cr_assert_eq((size_t)(end + 4 - conn->in.data), conn->in.len,
                 "the engine was sent more than a head: %s", conn->in.data);
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    fixture->requests++;
    buffer_append_slice(&fixture->heads, buffer_slice(&conn->in));
    fixture->answer(fixture, buffer_text(&conn->in), &out);
    buffer_clear(&conn->in);
    if (out.len == 0)
        fixture_drop_conn(conn);
    else
        fixture_send(fd, out.data, out.len);
}

static inline void fixture_on_connection(evutil_socket_t fd, short, void *context)
{
    struct gate_fixture *fixture = context;
    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert_geq(accepted, 0);
    for (size_t i = 0; i < SCRIPT_CONNS_MAX; i++) {
        struct script_conn *conn = &fixture->conns[i];
        if (conn->fixture != NULL)
            continue;
        conn->fixture = fixture;
        conn->in = BUFFER_EMPTY;
        event_assign(&conn->event, fixture->loop->base, accepted, EV_READ | EV_PERSIST,
                     fixture_on_bytes, conn);
        event_add(&conn->event, NULL);
        return;
    }
    cr_assert_fail("too many connections to the engine");
}

static inline void fixture_on_stop(evutil_socket_t fd, short, void *context)
{
    struct gate_fixture *fixture = context;
    char byte;
    if (read(fd, &byte, 1) == 1)
        loop_drain(fixture->loop);
}

static inline void fixture_write_policy(const struct gate_fixture *fixture, const char *text)
{
    FILE *file = fopen(fixture->config_path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

/* The policy of that text; NULL with the messages in `why` when it has errors. */
static inline struct policy *fixture_load(const struct gate_fixture *fixture, const char *text,
                                          struct buffer *why)
{
    struct policy_messages errors = {0}, notices = {0};
    fixture_write_policy(fixture, text);
    struct policy *policy = policy_load(&fixture->options.loop.inputs, &errors, &notices);
    buffer_clear(why);
    policy_messages_write(&errors, why);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    return policy;
}

/* What every request without another script is answered: nothing that could become a stream. */
static inline void fixture_answer_404(struct gate_fixture *, const char *head, struct buffer *out)
{
    buffer_append_literal(
        out, "HTTP/1.1 404 Not Found\r\nX-Scripted: yes\r\nContent-Type: application/json\r\n"
             "Content-Length: 18\r\n\r\n");
    if (strncmp(head, "HEAD ", 5) != 0)
        buffer_append_literal(out, "{\"message\":\"none\"}");
}

/* Makes folder, options and the engine's socket; fixture_start() opens the gate. */
static inline void fixture_init(struct gate_fixture *fixture)
{
    signal(SIGPIPE, SIG_IGN); /* as serve does */
    memset(fixture, 0, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/gate_test.XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->engine_path, sizeof(fixture->engine_path), "%s/engine.sock", fixture->folder);
    snprintf(fixture->gate_path, sizeof(fixture->gate_path), "%s/gate.sock", fixture->folder);
    snprintf(fixture->config_path, sizeof(fixture->config_path), "%s/policy.yaml", fixture->folder);
    snprintf(fixture->log_path, sizeof(fixture->log_path), "%s/log", fixture->folder);
    fixture->answer = fixture_answer_404;
    fixture->options.engine = (struct engine_options){
        .connect_timeout_ms = 5000, .max_idle = 16, .idle_timeout_ms = 30000};
    fixture->options.loop = (struct loop_options){
        .inputs = {.config_path = fixture->config_path, .config_required = true},
        .log = {.path = fixture->log_path, .keep = 1, .queue_bytes = 1 << 20},
        .head = {HTTP_HEAD_LEN_MAX, HTTP_HEAD_TARGET_MAX, HTTP_HEAD_FIELDS_MAX},
        .header_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .upload_timeout_ms = 10000,
        .drain_timeout_ms = 5000,
        .json_body_max = 1 << 20,
        .max_connections = 100,
        .log_required = true,
    };
    struct endpoint *address = &fixture->options.engine.address;
    cr_assert(endpoint_from_path(address, slice_from_text(fixture->engine_path)));
    fixture->engine_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fixture->engine_fd, &address->address.any, address->len), 0);
    cr_assert_eq(listen(fixture->engine_fd, 16), 0);
    cr_assert_eq(pipe2(fixture->stop_pipe, O_CLOEXEC | O_NONBLOCK), 0);
}

static inline void fixture_start(struct gate_fixture *fixture, const char *policy_text)
{
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    struct error error = {0};
    struct policy *policy = fixture_load(fixture, policy_text, &why);
    cr_assert_not_null(policy, "%s", buffer_text(&why));
    fixture->gates = gates_new(&fixture->options, policy, &error);
    cr_assert_not_null(fixture->gates, "%s", error.text);
    fixture->loop = fixture->gates->loop;
    event_assign(&fixture->accept_event, fixture->loop->base, fixture->engine_fd,
                 EV_READ | EV_PERSIST, fixture_on_connection, fixture);
    event_add(&fixture->accept_event, NULL);
    event_assign(&fixture->stop_event, fixture->loop->base, fixture->stop_pipe[0],
                 EV_READ | EV_PERSIST, fixture_on_stop, fixture);
    event_add(&fixture->stop_event, NULL);
}

/* Begins the end of a gate that runs in another thread. */
static inline void fixture_stop(const struct gate_fixture *fixture)
{
    cr_assert_eq(write(fixture->stop_pipe[1], "x", 1), 1);
}

static inline void fixture_free(struct gate_fixture *fixture)
{
    for (size_t i = 0; i < SCRIPT_CONNS_MAX; i++) {
        if (fixture->conns[i].fixture != NULL)
            fixture_drop_conn(&fixture->conns[i]);
    }
    if (fixture->gates != NULL) {
        event_del(&fixture->accept_event);
        event_del(&fixture->stop_event);
        gates_free(&fixture->gates);
    }
    close(fixture->engine_fd);
    close(fixture->stop_pipe[0]);
    close(fixture->stop_pipe[1]);
    buffer_free(&fixture->heads);
    const char *const files[] = {fixture->engine_path, fixture->gate_path, fixture->config_path,
                                 fixture->log_path};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(files[i]);
    rmdir(fixture->folder);
}

/* A blocking connection to the gate. */
static inline int fixture_connect(const struct gate_fixture *fixture)
{
    struct endpoint address;
    cr_assert(endpoint_from_path(&address, slice_from_text(fixture->gate_path)));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, &address.address.any, address.len), 0, "%s: %s", fixture->gate_path,
                 strerror(errno));
    return fd;
}

/* How long the answer in `bytes` is, head and body of known length; 0 = not whole yet. */
static inline size_t fixture_answer_len(const char *bytes, size_t len, bool is_head)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *length = strstr(bytes, "\r\nContent-Length: ");
    size_t whole = (size_t)(end + 4 - bytes);
    if (length != NULL && length < end && !is_head)
        whole += strtoul(length + 18, NULL, 10);
    return len >= whole ? whole : 0;
}

/* Sends a request on a blocking connection and reads the answer to its end. */
static inline const char *fixture_ask(int fd, const char *request, struct buffer *answer)
{
    buffer_clear(answer);
    fixture_send(fd, request, strlen(request));
    while (fixture_answer_len(buffer_text(answer), answer->len,
                              strncmp(request, "HEAD ", 5) == 0) == 0) {
        char bytes[4096];
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        cr_assert_gt(got, 0, "the connection ended behind `%s`", answer->data);
        buffer_append(answer, bytes, (size_t)got);
    }
    return buffer_text(answer);
}
