/* SPDX-License-Identifier: Apache-2.0
 *
 * Hijacked streams: attach, exec, /session, /grpc, websockets. Once the engine has switched, nobody
 * looks into the bytes any more: they go from socket to socket through a pipe. What either side
 * sent before that moment goes first. The end of one direction is carried over as just that; no
 * timer cuts a silent stream (docs/design.md 1.8). */
#include "proxy/docker/docker_conn.h"
#include "rules/reason.h"

/* One direction, seen from its source. */
struct direction {
    struct splice_flow *flow;
    struct io_buffer *rest;  /* of the request, not yet taken by the target; NULL = none */
    struct io_buffer *early; /* bytes that were read before the switch, to be written first */
    struct stream *from, *to;
    bool *ended; /* the end of the stream was carried over */
    bool *full;  /* the target takes no more now */
    uint64_t *count;
};

enum outcome { GOES_ON, BROKEN };

/* Writes what was read before the switch, behind what was on its way already. */
static enum outcome send_early(struct docker_conn *conn, struct direction *way)
{
    if (way->rest != NULL && !stream_drain(way->to, conn->loop->blocks, way->rest, false))
        return BROKEN;
    *way->full = way->rest != NULL && io_buffer_len(way->rest) > 0;
    if (*way->full)
        return GOES_ON;
    size_t before = io_buffer_len(way->early);
    if (before == 0)
        return GOES_ON;
    if (!stream_drain(way->to, conn->loop->blocks, way->early, false))
        return BROKEN;
    *way->count += before - io_buffer_len(way->early);
    *way->full = io_buffer_len(way->early) > 0;
    return GOES_ON;
}

static enum outcome move(struct docker_conn *conn, struct direction *way)
{
    if (*way->ended || *way->full)
        return GOES_ON;
    if (send_early(conn, way) == BROKEN)
        return BROKEN;
    if (*way->full)
        return GOES_ON;
    uint64_t moved;
    enum splice_result result =
        splice_flow_run(way->flow, conn->loop->pipes, way->from, way->to, UINT64_MAX, &moved);
    *way->count += moved;
    switch (result) {
    case SPLICE_WANT_WRITE:
        *way->full = true;
        return GOES_ON;
    case SPLICE_EOF:
        *way->ended = true;
        stream_end(way->to);
        return GOES_ON;
    case SPLICE_FAILED:
        return BROKEN;
    case SPLICE_WANT_READ:
    case SPLICE_TURN:
    case SPLICE_LIMIT:
        return GOES_ON;
    }
    return BROKEN;
}

/* Reading stops where the stream has ended or the other side is full, so that no event fires for
 * nothing. */
static void arm(struct docker_conn *conn)
{
    struct engine_conn *engine = conn->engine;
    docker_conn_read_enable(conn, !conn->up_ended && !conn->engine_full);
    engine_read_enable(engine, !conn->down_ended && !conn->client_full);
    engine_want_write(engine, conn->engine_full);
    if (conn->client_full)
        docker_conn_want_write(conn);
}

void docker_tunnel_move(struct docker_conn *conn)
{
    struct docker_exchange *exchange = &conn->exchange;
    struct engine_conn *engine = conn->engine;
    struct direction up = {&conn->http.up,     &engine->out,        &conn->in,
                           &conn->stream,      &engine->stream,     &conn->up_ended,
                           &conn->engine_full, &exchange->tunnel_in};
    struct direction down = {&conn->http.down,   NULL,
                             &engine->in,        &engine->stream,
                             &conn->stream,      &conn->down_ended,
                             &conn->client_full, &exchange->tunnel_out};
    if (move(conn, &down) == BROKEN) {
        if (stream_is_hung_up(&conn->stream))
            docker_conn_close(conn, ENDING_CLIENT_GONE);
        else
            docker_conn_linger(conn,
                               "broken"); /* what the engine sent before is still on its way */
        return;
    }
    bool up_broken = conn->up_ended && !conn->input_ended; /* in an earlier call */
    if (move(conn, &up) == BROKEN) {
        /* The engine may be gone for writing while its last bytes are still on their way to the
         * client. */
        conn->up_ended = true;
        splice_flow_close(&conn->http.up, conn->loop->pipes);
        if (stream_is_hung_up(&conn->stream)) {
            docker_conn_close(conn, ENDING_CLIENT_GONE);
            return;
        }
    } else if (conn->up_ended && !up_broken) {
        conn->input_ended = true;
    }
    bool client_gone = conn->up_ended && stream_is_hung_up(&conn->stream);
    bool engine_gone = conn->down_ended && stream_is_hung_up(&engine->stream);
    if (client_gone)
        docker_conn_close(conn, conn->down_ended ? ENDING_DONE : ENDING_CLIENT_GONE);
    else if (!engine_gone && !(conn->up_ended && conn->down_ended))
        arm(conn);
    else if (conn->input_ended)
        docker_conn_close(conn, ENDING_DONE);
    else
        docker_conn_linger(conn, ENDING_DONE); /* the client still sends */
}

void docker_tunnel_start(struct docker_conn *conn)
{
    docker_conn_set_state(conn, DOCKER_CONN_TUNNEL);
    conn->client_full = io_buffer_len(&conn->out) > 0; /* the answer's head goes first */
    conn->engine_full = io_buffer_len(&conn->engine->out) > 0;
    docker_tunnel_move(conn);
}
