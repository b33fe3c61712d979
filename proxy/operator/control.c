/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket, its connections and what is asked by them. A connection reads its line, waits for the
 * reload if it asked for one, writes its answer and is closed:
 *
 *   state     waits for                deadline     ends with
 *   READING   a whole line             5 s in all   a line, or the client's leaving
 *   WAITING   the loader               none         the report, or the client's leaving
 *   WRITING   room in the socket       5 s in all   the last byte */
#include "proxy/operator/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_write.h"
#include "proxy/io/endpoint.h"
#include "proxy/loop/reload.h"

enum { CONNS_MAX = 16, BACKLOG = 128, DEADLINE_S = 5 };

enum control_state { CONTROL_READING, CONTROL_WAITING, CONTROL_WRITING };

struct control_conn {
    struct control *control; /* borrowed */
    int fd;
    enum control_state state;
    struct event read_event, write_event, deadline;
    struct reload_waiter waiter;
    bool cut; /* end what the policy does not allow any more */
    char line[CONTROL_LINE_MAX];
    size_t len;
    struct buffer answer; /* owned */
    size_t answered;      /* bytes of it that were sent */
    TAILQ_ENTRY(control_conn) link;
};
TAILQ_HEAD(control_conn_list, control_conn);

struct control {
    struct loop *loop; /* borrowed */
    int fd;
    struct endpoint address;
    struct event event;
    struct control_conn_list conns;
    unsigned count;
};

static void close_conn(struct control_conn *conn)
{
    struct control *control = conn->control;
    if (conn->waiter.waiting)
        reload_forget(control->loop->reload, &conn->waiter);
    event_del(&conn->read_event);
    event_del(&conn->write_event);
    event_del(&conn->deadline);
    close(conn->fd);
    buffer_free(&conn->answer);
    TAILQ_REMOVE(&control->conns, conn, link);
    control->count--;
    free(conn);
}

/* ---- answers ---- */

static void send_answer(struct control_conn *conn)
{
    while (conn->answered < conn->answer.len) {
        ssize_t sent = send(conn->fd, conn->answer.data + conn->answered,
                            conn->answer.len - conn->answered, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            event_add(&conn->write_event, NULL);
            return;
        }
        if (sent < 0 && errno != EINTR)
            break;
        conn->answered += sent > 0 ? (size_t)sent : 0;
    }
    close_conn(conn);
}

static void start_deadline(struct control_conn *conn)
{
    static const struct timeval patience = {DEADLINE_S, 0};
    event_add(&conn->deadline, &patience);
}

/* Sends what stands in `answer`. The connection may be gone afterwards. */
static void answer(struct control_conn *conn)
{
    buffer_append_byte(&conn->answer, '\n');
    if (conn->answer.failed) {
        close_conn(conn);
        return;
    }
    conn->state = CONTROL_WRITING;
    event_del(&conn->read_event);
    start_deadline(conn);
    send_answer(conn);
}

static void answer_error(struct control_conn *conn, const char *text)
{
    json_write_object_begin(&conn->answer);
    json_write_key_text(&conn->answer, "error", text);
    json_write_object_end(&conn->answer);
    answer(conn);
}

static void on_reloaded(struct reload_waiter *waiter, const struct reload_report *report)
{
    struct control_conn *conn = container_of(waiter, struct control_conn, waiter);
    struct buffer *out = &conn->answer;
    struct revocation revocation;
    if (report == NULL) {
        answer_error(conn, "the gate is stopping");
        return;
    }
    json_write_object_begin(out);
    json_write_key_bool(out, "ok", report->ok);
    json_write_key_text(out, "policy", policy_hash(conn->control->loop->policy));
    if (report->ok)
        json_write_key_bool(out, "unchanged", report->unchanged);
    json_write_key_u64(out, "error_count", report->error_count);
    json_write_key_raw(out, "errors", buffer_slice(&report->errors));
    json_write_key_raw(out, "notices", buffer_slice(&report->notices));
    if (report->ok) {
        bool cut = conn->cut || policy_cuts_on_revoke(conn->control->loop->policy);
        revocation_run(conn->control->loop, cut, &revocation);
        revocation.streams += report->revoked.streams;
        revocation.tunnels += report->revoked.tunnels;
        control_revocation_write(&revocation, out);
        json_write_key_bool(out, "cut", cut);
    }
    json_write_object_end(out);
    answer(conn);
}

static void ask_reload(struct control_conn *conn, bool cut)
{
    struct loop *loop = conn->control->loop;
    if (loop->draining || loop->reload == NULL) {
        answer_error(conn, "the gate is stopping");
        return;
    }
    conn->state = CONTROL_WAITING;
    event_del(&conn->deadline); /* the policy takes as long as it takes */
    conn->cut = cut;
    conn->waiter.finished = on_reloaded;
    reload_wait(loop->reload, &conn->waiter);
}

static void route(struct control_conn *conn, struct slice request)
{
    if (slice_equal_text(request, "status")) {
        control_status_write(conn->control->loop, &conn->answer);
        answer(conn);
    } else if (slice_equal_text(request, "reload")) {
        ask_reload(conn, false);
    } else if (slice_equal_text(request, "reload cut")) {
        ask_reload(conn, true);
    } else {
        answer_error(conn, "there are `status`, `reload` and `reload cut`");
    }
}

/* ---- connections ---- */

static bool has_left(int fd)
{
    struct pollfd look = {.fd = fd, .events = 0};
    return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

/* While an answer is awaited: a client that ends its sending may still read, one that leaves or
 * talks on is let go. */
static void on_read_waiting(struct control_conn *conn)
{
    char byte;
    ssize_t got = recv(conn->fd, &byte, 1, MSG_DONTWAIT);
    if (got == 0 && !has_left(conn->fd))
        event_del(&conn->read_event);
    else if (got >= 0 || errno != EAGAIN)
        close_conn(conn);
}

static void on_read(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct control_conn *conn = context;
    if (conn->state != CONTROL_READING) {
        on_read_waiting(conn);
        return;
    }
    ssize_t got =
        recv((int)fd, conn->line + conn->len, sizeof(conn->line) - conn->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_conn(conn);
        return;
    }
    conn->len += (size_t)got;
    const char *end = memchr(conn->line, '\n', conn->len);
    if (end != NULL)
        route(conn, slice_of(conn->line, (size_t)(end - conn->line)));
    else if (conn->len == sizeof(conn->line))
        answer_error(conn, "the request is too long");
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    send_answer(context);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    close_conn(context);
}

/* The socket's mode keeps others out; this holds even if somebody changed it. */
static bool is_welcome(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

#define TOO_MANY "{\"error\":\"too many ask at once; try again\"}\n"

static void turn_away(int fd, struct slice text)
{
    (void)!send(fd, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void on_accept(evutil_socket_t listen_fd, short what, void *context)
{
    (void)what;
    struct control *control = context;
    int fd = accept4((int)listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !loop_make_room(control->loop))
        loop_refuse_with_spare(control->loop, (int)listen_fd, SLICE_LITERAL(TOO_MANY));
    if (fd < 0)
        return;
    if (!is_welcome(fd)) {
        turn_away(fd, SLICE_LITERAL("{\"error\":\"only root and the gate's own user may ask\"}\n"));
        return;
    }
    struct control_conn *conn = control->count < CONNS_MAX ? calloc(1, sizeof(*conn)) : NULL;
    if (conn == NULL) {
        turn_away(fd, SLICE_LITERAL(TOO_MANY));
        return;
    }
    struct event_base *base = control->loop->base;
    conn->control = control;
    conn->fd = fd;
    event_assign(&conn->read_event, base, fd, EV_READ | EV_PERSIST, on_read, conn);
    event_assign(&conn->write_event, base, fd, EV_WRITE, on_write, conn);
    evtimer_assign(&conn->deadline, base, on_deadline, conn);
    event_add(&conn->read_event, NULL);
    start_deadline(conn);
    TAILQ_INSERT_TAIL(&control->conns, conn, link);
    control->count++;
}

/* ---- the socket ---- */

static bool listen_in(struct control *control, const char *folder, struct error *error)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    buffer_printf(&path, "%s/" CONTROL_SOCKET_NAME, folder);
    if (!endpoint_from_path(&control->address, buffer_slice(&path)))
        return error_set(error, 1, "%s is longer than the 107 bytes a socket path may have",
                         buffer_text(&path));
    if (!endpoint_remove_dead(&control->address, error))
        return false;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t before = umask(0177);
    bool bound = fd >= 0 && bind(fd, &control->address.address.any, control->address.len) == 0;
    int failure = errno;
    umask(before);
    if (!bound)
        return error_set(error, 1, "cannot listen on %s: %s", buffer_text(&path),
                         strerror(failure));
    control->fd = steal_fd(&fd); /* its file is ours to remove from here on */
    return listen(control->fd, BACKLOG) == 0 ||
           error_set(error, 1, "cannot listen on %s: %s", buffer_text(&path), strerror(errno));
}

struct control *control_open(struct loop *loop, const char *folder, struct error *error)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        abort();
    control->loop = loop;
    control->fd = -1;
    TAILQ_INIT(&control->conns);
    if (!listen_in(control, folder, error)) {
        control_close(&control);
        return NULL;
    }
    event_assign(&control->event, loop->base, control->fd, EV_READ | EV_PERSIST, on_accept,
                 control);
    event_add(&control->event, NULL);
    return control;
}

void control_close(struct control **control)
{
    struct control *closed = steal_pointer(control);
    if (closed == NULL)
        return;
    while (!TAILQ_EMPTY(&closed->conns))
        close_conn(TAILQ_FIRST(&closed->conns));
    if (event_initialized(&closed->event))
        event_del(&closed->event);
    if (closed->fd >= 0) {
        close(closed->fd);
        unlink(closed->address.address.un.sun_path);
    }
    free(closed);
}
