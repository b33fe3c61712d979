/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening, reading and writing for the admin and the control socket. */
#include "proxy/operator/operator_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/io/event_timer.h"
#include "proxy/io/listen_socket.h"

enum { DEADLINE_MS = 5000 };

TAILQ_HEAD(operator_conn_list, operator_conn);

struct operator_socket {
    struct loop *loop;                      /* borrowed */
    const struct operator_service *service; /* borrowed */
    int fd;
    struct endpoint address;
    const struct ip_range *from; /* borrowed */
    size_t from_count;           /* 0 = everybody */
    struct event event;
    struct operator_conn_list conns;
    unsigned count;
};

/* ---- connections ---- */

static void close_conn(struct operator_conn *conn)
{
    struct operator_socket *socket = conn->socket;
    socket->service->closed(conn);
    fd_watch_set(&conn->watch, 0);
    event_timer_stop(&conn->deadline);
    stream_close(&conn->stream);
    io_buffer_reset(conn->loop->blocks, &conn->in);
    buffer_free(&conn->answer);
    TAILQ_REMOVE(&socket->conns, conn, link);
    socket->count--;
    free(conn);
}

static void send_answer(struct operator_conn *conn)
{
    while (conn->answered < conn->answer.len) {
        ssize_t sent = stream_write(&conn->stream, conn->answer.data + conn->answered,
                                    conn->answer.len - conn->answered);
        if (sent < 0 && errno == EAGAIN) {
            fd_watch_set(&conn->watch, EV_WRITE);
            return;
        }
        if (sent < 0)
            break;
        conn->answered += (size_t)sent;
    }
    close_conn(conn);
}

void operator_conn_answer(struct operator_conn *conn)
{
    if (conn->answer.failed) {
        close_conn(conn);
        return;
    }
    conn->state = OPERATOR_CONN_WRITING;
    fd_watch_set(&conn->watch, 0);
    event_timer_start(&conn->deadline, DEADLINE_MS);
    send_answer(conn);
}

void operator_conn_wait(struct operator_conn *conn)
{
    conn->state = OPERATOR_CONN_WAITING;
    event_timer_stop(&conn->deadline);
}

static void read_question(struct operator_conn *conn)
{
    ssize_t got = stream_fill(&conn->stream, conn->loop->blocks, &conn->in, IO_READ_HEAD);
    if (got > 0)
        conn->socket->service->read(conn);
    else if (got == 0 || errno != EAGAIN)
        close_conn(conn);
}

static void look_after_waiting(struct operator_conn *conn)
{
    enum stream_input input = stream_look(&conn->stream);
    if (input == STREAM_OVER && !stream_is_hung_up(&conn->stream))
        fd_watch_set(&conn->watch, 0);
    else if (input != STREAM_SILENT)
        close_conn(conn);
}

static void on_event(evutil_socket_t, short, void *context)
{
    struct operator_conn *conn = context;
    switch (conn->state) {
    case OPERATOR_CONN_READING:
        read_question(conn);
        break;
    case OPERATOR_CONN_WAITING:
        look_after_waiting(conn);
        break;
    case OPERATOR_CONN_WRITING:
        send_answer(conn);
        break;
    }
}

static void on_deadline(evutil_socket_t, short, void *context)
{
    close_conn(context);
}

/* What is said to one that may not ask now; nothing to others. */
static struct slice refusal_of(const struct operator_socket *socket, int fd,
                               const struct endpoint *peer)
{
    const struct operator_service *service = socket->service;
    struct slice nothing = {NULL, 0};
    if (!endpoint_is_within(peer, socket->from, socket->from_count))
        return service->stranger;
    struct slice stranger = service->turns_away == NULL ? nothing : service->turns_away(fd);
    if (stranger.len > 0)
        return stranger;
    return socket->count < service->most ? nothing : service->too_many;
}

static void open_conn(struct operator_socket *socket, struct stream *stream)
{
    struct operator_conn *conn = calloc(1, socket->service->conn_size);
    if (conn == NULL)
        return;
    conn->socket = socket;
    conn->loop = socket->loop;
    conn->stream = steal_stream(stream);
    fd_watch_init(&conn->watch, socket->loop->base, conn->stream.fd, on_event, conn);
    fd_watch_set(&conn->watch, EV_READ);
    evtimer_assign(&conn->deadline, socket->loop->base, on_deadline, conn);
    event_timer_start(&conn->deadline, DEADLINE_MS);
    TAILQ_INSERT_TAIL(&socket->conns, conn, link);
    socket->count++;
}

static void on_accept(evutil_socket_t listen_fd, short, void *context)
{
    struct operator_socket *socket = context;
    struct endpoint peer = {.len = sizeof(peer.address)};
    struct stream stream = stream_of_socket(
        accept4((int)listen_fd, &peer.address.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!stream_is_open(&stream)) {
        if ((errno == EMFILE || errno == ENFILE) && !loop_make_room(socket->loop))
            loop_refuse_with_spare(socket->loop, (int)listen_fd, socket->service->too_many);
        return;
    }
    struct slice refusal = refusal_of(socket, stream.fd, &peer);
    if (refusal.len > 0)
        (void)!stream_write(&stream, refusal.ptr, refusal.len);
    else
        open_conn(socket, &stream);
    stream_close(&stream);
}

/* ---- the socket ---- */

struct operator_socket *operator_socket_open(struct loop *loop,
                                             const struct operator_service *service,
                                             const struct endpoint *address, const char *name,
                                             struct error *error)
{
    struct operator_socket *socket = calloc_or_abort(1, sizeof(*socket));
    *socket = (struct operator_socket){.loop = loop, .service = service, .address = *address};
    TAILQ_INIT(&socket->conns);
    socket->fd = listen_socket_bind(&socket->address, SOCK_STREAM, service->umask, name, error);
    if (socket->fd < 0 || !listen_socket_begin(socket->fd, name, error)) {
        operator_socket_close(&socket);
        return NULL;
    }
    event_assign(&socket->event, loop->base, socket->fd, EV_READ | EV_PERSIST, on_accept, socket);
    event_add(&socket->event, NULL);
    return socket;
}

void operator_socket_admit(struct operator_socket *socket, const struct ip_range *ranges,
                           size_t count)
{
    socket->from = ranges;
    socket->from_count = count;
}

void operator_socket_close(struct operator_socket **socket)
{
    struct operator_socket *closed = steal_pointer(socket);
    if (closed == NULL)
        return;
    while (!TAILQ_EMPTY(&closed->conns))
        close_conn(TAILQ_FIRST(&closed->conns));
    if (event_initialized(&closed->event))
        event_del(&closed->event);
    if (closed->fd >= 0) {
        close(closed->fd);
        if (endpoint_is_unix(&closed->address) && closed->address.address.un.sun_path[0] == '/')
            unlink(closed->address.address.un.sun_path);
    }
    free(closed);
}

const struct endpoint *operator_socket_endpoint(const struct operator_socket *socket)
{
    return socket == NULL ? NULL : &socket->address;
}
