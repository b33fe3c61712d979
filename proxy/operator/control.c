/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked by the control socket, and its answers. */
#include "proxy/operator/control.h"

#include <unistd.h>

#include "base/json_write.h"
#include "proxy/loop/reload.h"

enum { CONNS_MAX = 16 };

struct control_conn {
    struct operator_conn conn;
    struct reload_waiter waiter;
    bool cut; /* end what the policy does not allow any more */
};

static struct control_conn *control_of(struct operator_conn *conn)
{
    return container_of(conn, struct control_conn, conn);
}

/* ---- answers ---- */

static void answer(struct operator_conn *conn)
{
    buffer_append_byte(&conn->answer, '\n');
    operator_conn_answer(conn);
}

static void answer_error(struct operator_conn *conn, const char *text)
{
    json_write_object_begin(&conn->answer);
    json_write_key_text(&conn->answer, "error", text);
    json_write_object_end(&conn->answer);
    answer(conn);
}

static void on_reloaded(struct reload_waiter *waiter, const struct reload_report *report)
{
    struct control_conn *control = container_of(waiter, struct control_conn, waiter);
    struct operator_conn *conn = &control->conn;
    struct buffer *out = &conn->answer;
    struct revocation revocation;
    if (report == NULL) {
        answer_error(conn, "the gate is stopping");
        return;
    }
    json_write_object_begin(out);
    json_write_key_bool(out, "ok", report->ok);
    json_write_key_text(out, "policy", policy_hash(conn->loop->policy));
    if (report->ok)
        json_write_key_bool(out, "unchanged", report->unchanged);
    json_write_key_u64(out, "error_count", report->error_count);
    json_write_key_raw(out, "errors", buffer_slice(&report->errors));
    json_write_key_raw(out, "notices", buffer_slice(&report->notices));
    if (report->ok) {
        bool cut = control->cut || policy_cuts_on_revoke(conn->loop->policy);
        revocation_run(conn->loop, cut, &revocation);
        revocation.streams += report->revoked.streams;
        revocation.tunnels += report->revoked.tunnels;
        control_revocation_write(&revocation, out);
        json_write_key_bool(out, "cut", cut);
    }
    json_write_object_end(out);
    answer(conn);
}

static void ask_reload(struct operator_conn *conn, bool cut)
{
    struct control_conn *control = control_of(conn);
    if (conn->loop->draining || conn->loop->reload == NULL) {
        answer_error(conn, "the gate is stopping");
        return;
    }
    operator_conn_wait(conn);
    control->cut = cut;
    control->waiter.finished = on_reloaded;
    reload_wait(conn->loop->reload, &control->waiter);
}

static void route(struct operator_conn *conn, struct slice request)
{
    if (slice_equal_text(request, "status")) {
        control_status_write(conn->loop, &conn->answer);
        answer(conn);
    } else if (slice_equal_text(request, "reload")) {
        ask_reload(conn, false);
    } else if (slice_equal_text(request, "reload cut")) {
        ask_reload(conn, true);
    } else {
        answer_error(conn, "there are `status`, `reload` and `reload cut`");
    }
}

/* ---- the socket ---- */

static void read_line(struct operator_conn *conn)
{
    struct slice rest = slice_of(io_buffer_bytes(&conn->in), io_buffer_len(&conn->in));
    struct slice line = slice_cut(&rest, '\n');
    if (rest.ptr != NULL)
        route(conn, line);
    else if (line.len >= CONTROL_LINE_MAX)
        answer_error(conn, "the request is too long");
}

static void forget_reload(struct operator_conn *conn)
{
    struct control_conn *control = control_of(conn);
    if (control->waiter.waiting)
        reload_forget(conn->loop->reload, &control->waiter);
}

/* The socket's mode keeps others out; this holds even if somebody changed it. */
static struct slice turn_away(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
                   (peer.uid == 0 || peer.uid == geteuid())
               ? slice_of(NULL, 0)
               : SLICE_LITERAL("{\"error\":\"only root and the gate's own user may ask\"}\n");
}

#define TOO_MANY "{\"error\":\"too many ask at once; try again\"}\n"

static const struct operator_service service = {
    .conn_size = sizeof(struct control_conn),
    .most = CONNS_MAX,
    .too_many = {TOO_MANY, sizeof(TOO_MANY) - 1},
    .umask = 0177,
    .turns_away = turn_away,
    .read = read_line,
    .closed = forget_reload,
};

struct operator_socket *control_open(struct loop *loop, const char *folder, struct error *error)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    struct endpoint address;
    buffer_printf(&path, "%s/" CONTROL_SOCKET_NAME, folder);
    if (endpoint_from_path(&address, buffer_slice(&path)))
        return operator_socket_open(loop, &service, &address, buffer_text(&path), error);
    (void)error_set(error, 1, "%s is longer than the 107 bytes a socket path may have",
                    buffer_text(&path));
    return NULL;
}
