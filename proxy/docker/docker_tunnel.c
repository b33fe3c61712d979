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
    if (way->rest != NULL && !stream_drain(way->to, conn->client.loop->blocks, way->rest, false))
        return BROKEN;
    *way->full = way->rest != NULL && io_buffer_len(way->rest) > 0;
    if (*way->full)
        return GOES_ON;
    size_t before = io_buffer_len(way->early);
    if (before == 0)
        return GOES_ON;
    if (!stream_drain(way->to, conn->client.loop->blocks, way->early, false))
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
    enum splice_result result = splice_flow_run(way->flow, conn->client.loop->pipes, way->from,
                                                way->to, UINT64_MAX, &moved);
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
    http_conn_read_enable(&conn->client,
                          !conn->client.http.up_ended && !conn->client.http.upstream_full);
    engine_read_enable(engine, !conn->client.http.down_ended && !conn->client.http.client_full);
    engine_want_write(engine, conn->client.http.upstream_full);
    if (conn->client.http.client_full)
        http_conn_want_write(&conn->client);
}

void docker_tunnel_move(struct docker_conn *conn)
{
    struct docker_exchange *exchange = &conn->exchange;
    struct engine_conn *engine = conn->engine;
    struct direction up = {&conn->client.http.up,
                           &engine->upstream.out,
                           &conn->client.in,
                           &conn->client.stream,
                           &engine->upstream.stream,
                           &conn->client.http.up_ended,
                           &conn->client.http.upstream_full,
                           &exchange->tunnel_in};
    struct direction down = {&conn->client.http.down,        NULL,
                             &engine->upstream.in,           &engine->upstream.stream,
                             &conn->client.stream,           &conn->client.http.down_ended,
                             &conn->client.http.client_full, &exchange->tunnel_out};
    if (move(conn, &down) == BROKEN) {
        if (stream_is_hung_up(&conn->client.stream))
            http_conn_close(&conn->client, ENDING_CLIENT_GONE);
        else
            http_conn_linger(&conn->client,
                             "broken"); /* what the engine sent before is still on its way */
        return;
    }
    bool up_broken =
        conn->client.http.up_ended && !conn->client.input_ended; /* in an earlier call */
    if (move(conn, &up) == BROKEN) {
        /* The engine may be gone for writing while its last bytes are still on their way to the
         * client. */
        conn->client.http.up_ended = true;
        splice_flow_close(&conn->client.http.up, conn->client.loop->pipes);
        if (stream_is_hung_up(&conn->client.stream)) {
            http_conn_close(&conn->client, ENDING_CLIENT_GONE);
            return;
        }
    } else if (conn->client.http.up_ended && !up_broken) {
        conn->client.input_ended = true;
    }
    bool client_gone = conn->client.http.up_ended && stream_is_hung_up(&conn->client.stream);
    bool engine_gone = conn->client.http.down_ended && stream_is_hung_up(&engine->upstream.stream);
    if (client_gone)
        http_conn_close(&conn->client,
                        conn->client.http.down_ended ? ENDING_DONE : ENDING_CLIENT_GONE);
    else if (!engine_gone && !(conn->client.http.up_ended && conn->client.http.down_ended))
        arm(conn);
    else if (conn->client.input_ended)
        http_conn_close(&conn->client, ENDING_DONE);
    else
        http_conn_linger(&conn->client, ENDING_DONE); /* the client still sends */
}

void docker_tunnel_start(struct docker_conn *conn)
{
    http_conn_set_state(&conn->client, HTTP_CONN_TUNNEL);
    conn->client.http.client_full =
        io_buffer_len(&conn->client.out) > 0; /* the answer's head goes first */
    conn->client.http.upstream_full = io_buffer_len(&conn->engine->upstream.out) > 0;
    docker_tunnel_move(conn);
}
