/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate's side of the health check. */
#include "proxy/operator/health.h"

#include <unistd.h>

#include "proxy/loop/listener.h"
#include "proxy/operator/readiness.h"

enum { CONNS_MAX = 16, LINE_MAX_LEN = 256, PATIENCE_MAX_MS = 600000 };

static void answer(struct operator_conn *conn, const char *word, const char *text)
{
    buffer_printf(&conn->answer, "%s%s\n", word, text);
    operator_conn_answer(conn);
}

static void on_told(struct operator_conn *conn, bool ready, const char *text)
{
    answer(conn, ready ? HEALTH_WELL : HEALTH_SICK, ready ? "" : text);
}

static void ask(struct operator_conn *conn, struct slice line)
{
    uint64_t patience_ms;
    struct error error;
    struct slice number = slice_cut(&line, ' ');
    if (line.ptr == NULL || !slice_to_u64(number, &patience_ms) || patience_ms == 0 ||
        patience_ms > PATIENCE_MAX_MS)
        answer(conn, HEALTH_OTHER, "");
    else if (!listener_any_named(conn->loop, line)) /* one that ends has closed its own */
        answer(conn, HEALTH_OTHER, "");
    else if (!listener_all_in_place(conn->loop, &error))
        answer(conn, HEALTH_SICK, error.text);
    else
        readiness_ask(conn, patience_ms, on_told);
}

static void read_line(struct operator_conn *conn)
{
    struct slice rest = slice_of(io_buffer_bytes(&conn->in), io_buffer_len(&conn->in));
    struct slice line = slice_cut(&rest, '\n');
    if (rest.ptr != NULL)
        ask(conn, line);
    else if (line.len >= LINE_MAX_LEN)
        answer(conn, HEALTH_OTHER, "");
}

static const struct operator_service service = {
    .conn_size = sizeof(struct readiness_conn),
    .most = CONNS_MAX,
    .read = read_line,
    .closed = readiness_forget,
};

struct operator_socket *health_open(struct loop *loop)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    struct endpoint address;
    struct error ignored;
    buffer_printf(&name, "unix:@" HEALTH_SOCKET_PREFIX "%ld-%08x", (long)getpid(), loop->id_prefix);
    return endpoint_parse(&address, buffer_slice(&name), &ignored)
               ? operator_socket_open(loop, &service, &address, buffer_text(&name), &ignored)
               : NULL;
}
