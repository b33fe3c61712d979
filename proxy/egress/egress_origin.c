/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection to an origin, or to the upstream proxy, of plain HTTP; kept for what comes next on the
 * same client's connection. */
#include "proxy/egress/egress_conn.h"

void egress_origin_watch(struct egress_conn *conn, short what, bool enable)
{
    struct fd_watch *watch = &conn->origin.watch;
    short now = fd_watch_interest(watch);
    fd_watch_set(watch, (short)(enable ? now | what : now & ~what));
}

void egress_origin_close(struct egress_conn *conn)
{
    struct egress_origin *origin = &conn->origin;
    struct io_pool *blocks = conn->client.loop->blocks;
    /* Also when the socket went elsewhere: what is left of one origin's bytes must never be read as
     * another's answer. */
    io_buffer_reset(blocks, &origin->upstream.in);
    io_buffer_reset(blocks, &origin->upstream.out);
    buffer_free(&origin->cnames);
    origin->upstream.reused = origin->is_proxy = false;
    if (!stream_is_open(&origin->upstream.stream))
        return;
    fd_watch_set(&origin->watch, 0);
    stream_close(&origin->upstream.stream);
}

void egress_origin_sweep(struct egress_conn *conn)
{
    struct stream *origin = &conn->origin.upstream.stream;
    if (stream_is_open(origin) && stream_look(origin) != STREAM_SILENT)
        egress_origin_close(conn);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct egress_conn *conn = context;
    (void)fd;
    if (what & EV_WRITE)
        http_forward_send(&conn->client);
    if ((what & EV_READ) && conn->origin.upstream.stream.fd == fd)
        http_answer_read(&conn->client);
}

void egress_origin_open(struct egress_conn *conn, int fd, const struct ip_address *address)
{
    struct egress_origin *origin = &conn->origin;
    origin->upstream.stream = stream_of_socket(fd);
    origin->authority = conn->target;
    origin->address = address == NULL ? (struct ip_address){{0}} : *address;
    origin->upstream.reused = origin->is_proxy = false;
    buffer_clear(&origin->cnames);
    buffer_append_slice(&origin->cnames, egress_exchange_cnames(&conn->exchange));
    conn->client.http.response.scanned = 0;
    endpoint_keep_alive(fd); /* an answer may be a long stream */
    fd_watch_init(&origin->watch, conn->client.loop->base, fd, on_event, conn);
}
