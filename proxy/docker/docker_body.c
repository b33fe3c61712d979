/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's way to the engine once it is let through: the head that was written anew, then the
 * body: what was collected of it, or, of an archive, what comes, its framing taken off and put on
 * again. Long runs go past by splice. While the engine takes
 * no more, the client is not read; while the client sends no more, its deadline runs. */
#include "proxy/docker/docker_conn.h"
#include "proxy/http/http_pump.h"
#include "rules/reason.h"

#include <errno.h>

/* The head is kept until the answer begins, in case a kept connection has gone stale: see
 * docker_response.c. */
static bool put_head(struct docker_conn *conn)
{
    bool may_ask_twice = conn->engine->reused && http_method_is_read(conn->exchange.method) &&
                         conn->http.request_body.finished && held_body_rest(&conn->held).len == 0;
    conn->http.forwarded = true;
    bool ok = io_buffer_append(conn->loop->blocks, &conn->engine->out,
                               io_buffer_bytes(&conn->forward), io_buffer_len(&conn->forward));
    if (!may_ask_twice) {
        io_buffer_reset(conn->loop->blocks, &conn->head);
        io_buffer_reset(conn->loop->blocks, &conn->forward);
    }
    return ok;
}

/* What there is room for of a collected body. */
static bool put_held(struct docker_conn *conn)
{
    struct io_buffer *out = &conn->engine->out;
    struct slice rest = held_body_rest(&conn->held);
    size_t room = io_buffer_room(out);
    if (rest.len > room)
        rest.len = room;
    bool ok = io_buffer_append(conn->loop->blocks, out, rest.ptr, rest.len);
    held_body_sent(&conn->held, conn->loop->blocks, rest.len);
    return ok;
}

/* Sends the head, what was collected and what is in engine->out, `more` when spliced bytes follow
 * at once. True when the engine took all of it. */
static bool engine_takes(void *context, bool more)
{
    struct docker_conn *conn = context;
    struct engine_conn *engine = conn->engine;
    struct loop *loop = conn->loop;
    bool ok = conn->http.forwarded || put_head(conn);
    do {
        /* A broken connection is found out by reading: the engine may have answered before it
         * closed. Nothing may follow what was lost, or the engine would read a body as a request.
         */
        if (!ok || !put_held(conn) ||
            !stream_drain(&engine->stream, loop->blocks, &engine->out, more)) {
            held_body_release(&conn->held, loop->blocks);
            io_buffer_reset(loop->blocks, &engine->out);
            stream_end(&engine->stream);
        }
    } while (io_buffer_len(&engine->out) == 0 && held_body_rest(&conn->held).len > 0);
    if (conn->kept_bytes > 0 && held_body_rest(&conn->held).len == 0)
        share_keep_nothing(conn->peer_share, &conn->kept_bytes);
    bool was_full = conn->engine_full;
    conn->engine_full = io_buffer_len(&engine->out) > 0;
    if (conn->engine_full != was_full)
        engine_want_write(engine, conn->engine_full);
    return !conn->engine_full;
}

static void wait_for_client(struct docker_conn *conn)
{
    docker_conn_read_enable(conn, true);
    event_timer_start(&conn->timer, conn->loop->options->upload_timeout_ms);
}

/* The engine takes no more for now: that is no fault of the client's, so its clock stands still. */
static void wait_for_engine(struct docker_conn *conn)
{
    if (conn->http.request_body.finished)
        return;
    event_timer_stop(&conn->timer);
    docker_conn_read_enable(conn, false);
}

/* The body is wrong. Before an answer began that is said; after that only the end of the connection
 * can say it. */
static void refuse(struct docker_conn *conn, const struct error *error)
{
    if (conn->state == DOCKER_CONN_FORWARD)
        docker_refusal_error(conn, error);
    else
        docker_conn_close(conn, error->reason);
}

/* The engine has the whole request. A client that sent its FIN behind it may be gone: the engine is
 * told in the same way, which is how it learns that nobody reads its events any more. */
static void pass_on_end(struct docker_conn *conn)
{
    bool last = conn->input_ended && io_buffer_len(&conn->in) == 0;
    if (last && docker_operation_info(conn->exchange.operation)->upgrade == DOCKER_UPGRADE_NONE)
        stream_end(
            &conn->engine
                 ->stream); /* of a stream to be, the bytes before the end come first: docker_tunnel.c */
}

/* The engine broke, or the client. The first stopped reading only: what it answers decides. */
static void broken(struct docker_conn *conn, int failure)
{
    if ((failure == EPIPE || failure == ECONNRESET) && !stream_is_hung_up(&conn->stream)) {
        event_timer_stop(&conn->timer);
        docker_conn_read_enable(conn, false);
        conn->close_after = true;
    } else {
        docker_conn_close(conn, ENDING_CLIENT_GONE);
    }
}

static void wait_for_more(struct docker_conn *conn)
{
    if (engine_takes(conn, false))
        wait_for_client(conn);
    else
        wait_for_engine(conn);
}

/* One step of the body. True when there may be more to do at once. */
static bool send_step(struct docker_conn *conn, const struct http_pump *pump)
{
    struct error error;
    switch (http_pump_step(pump, &error)) {
    case HTTP_PUMP_MORE:
    case HTTP_PUMP_MOVED:
        return true;
    case HTTP_PUMP_WAITS:
        wait_for_more(conn);
        return false;
    case HTTP_PUMP_FULL:
        conn->engine_full = true;
        engine_want_write(conn->engine, true);
        wait_for_engine(conn);
        return false;
    case HTTP_PUMP_UNTAKEN:
        wait_for_engine(conn);
        return false;
    case HTTP_PUMP_ENDED:
        docker_conn_close(conn, ENDING_REQUEST_CUT_SHORT);
        return false;
    case HTTP_PUMP_GONE:
        docker_conn_close(conn, ENDING_CLIENT_GONE);
        return false;
    case HTTP_PUMP_BROKEN:
        broken(conn, errno);
        return false;
    case HTTP_PUMP_BAD:
    case HTTP_PUMP_NO_ROOM:
        refuse(conn, &error);
        return false;
    }
    return false;
}

/* Moves what there is of the body. False when it has to wait, or was refused. */
static bool send_body(struct docker_conn *conn)
{
    const struct http_pump pump = {
        .blocks = conn->loop->blocks,
        .pipes = conn->loop->pipes,
        .body = &conn->http.request_body,
        .flow = &conn->http.up,
        .from = &conn->stream,
        .to = &conn->engine->stream,
        .in = &conn->in,
        .out = &conn->engine->out,
        .takes = engine_takes,
        .context = conn,
    };
    for (int steps = 0; !conn->http.request_body.finished && steps < HTTP_PUMP_STEPS_PER_TURN;
         steps++) {
        if (!send_step(conn, &pump))
            return false;
    }
    return true;
}

void docker_body_send(struct docker_conn *conn)
{
    if (conn->engine == NULL)
        return;
    if (conn->engine->connecting) { /* called again when it is connected; until then what the client
                                       sends would only wake us */
        wait_for_engine(conn);
        return;
    }
    if (!conn->http.forwarded && !docker_exchange_may_send(conn))
        return;
    if (!engine_takes(conn, false)) {
        wait_for_engine(conn);
        return;
    }
    if (conn->http.request_body.finished) {
        pass_on_end(conn);
        return;
    }
    if (!docker_conn_send_continue(conn))
        return;
    if (!send_body(conn))
        return;
    if (!conn->http.request_body.finished) {
        wait_for_more(conn);
    } else if (!engine_takes(conn, false)) {
        wait_for_engine(conn);
    } else {
        event_timer_stop(&conn->timer);
        docker_conn_read_enable(conn, true);
        pass_on_end(conn);
    }
}
