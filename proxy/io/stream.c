/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets as streams, and what is the same for every kind. */
#include "proxy/io/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t receive(struct stream *stream, char *bytes, size_t len, int flags)
{
    ssize_t got;
    do {
        got = recv(stream->fd, bytes, len, flags | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t plain_read(struct stream *stream, char *bytes, size_t len)
{
    return receive(stream, bytes, len, 0);
}

static ssize_t plain_peek(struct stream *stream, char *bytes, size_t len)
{
    return receive(stream, bytes, len, MSG_PEEK);
}

static ssize_t plain_write(struct stream *stream, const char *bytes, size_t len, bool more)
{
    ssize_t sent;
    do {
        sent = send(stream->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    } while (sent < 0 && errno == EINTR);
    return sent;
}

static void plain_end(struct stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

const struct stream_kind stream_plain = {
    .read = plain_read,
    .peek = plain_peek,
    .write = plain_write,
    .end = plain_end,
    .can_splice = true,
};

ssize_t stream_fill(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer,
                    size_t limit)
{
    size_t wanted = limit;
    if (buffer->data != NULL) /* any room will do; a full block is exchanged for a large one */
        wanted = io_buffer_len(buffer) < buffer->capacity ? 1 : IO_BLOCK_SMALL;
    if (!io_buffer_reserve(pool, buffer, wanted)) {
        errno = ENOBUFS;
        return -1;
    }
    size_t room = buffer->capacity - buffer->end;
    ssize_t got = stream_read(stream, buffer->data + buffer->end, room < limit ? room : limit);
    if (got > 0)
        buffer->end += (uint32_t)got;
    else if (buffer->start == buffer->end)
        io_buffer_reset(pool, buffer);
    return got;
}

ssize_t stream_fill_head(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer)
{
    bool full = buffer->capacity >= IO_BLOCK_LARGE && io_buffer_len(buffer) == buffer->capacity;
    if (full && !io_buffer_grow(pool, buffer, 1)) {
        errno = ENOBUFS;
        return -1;
    }
    return stream_fill(stream, pool, buffer, IO_READ_HEAD);
}

bool stream_drain(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer, bool more)
{
    while (io_buffer_len(buffer) > 0) {
        ssize_t sent =
            stream->kind->write(stream, io_buffer_bytes(buffer), io_buffer_len(buffer), more);
        if (sent < 0)
            return errno == EAGAIN;
        io_buffer_consume(pool, buffer, (size_t)sent);
    }
    return true;
}

enum stream_input stream_look(struct stream *stream)
{
    char byte;
    ssize_t seen = stream->kind->peek(stream, &byte, 1);
    if (seen > 0)
        return STREAM_HAS_INPUT;
    return seen < 0 && errno == EAGAIN ? STREAM_SILENT : STREAM_OVER;
}

bool stream_is_hung_up(const struct stream *stream)
{
    struct pollfd look = {.fd = stream->fd, .events = 0};
    return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

void stream_set_reset(struct stream *stream)
{
    struct linger at_once = {1, 0};
    if (stream_is_open(stream))
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void stream_close(struct stream *stream)
{
    if (stream_is_open(stream))
        close(steal_stream(stream).fd);
}
