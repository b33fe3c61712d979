/* SPDX-License-Identifier: Apache-2.0
 *
 * splice(2) in both halves: socket to pipe, pipe to socket. Where there is no pipe to be had, or a
 * stream is no bare socket, plain copying. */
#include "proxy/io/splice_flow.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What one call moves at most, so that one busy stream does not hold up the others. */
enum { TURN_BYTES = 1 << 20 };

/* A message shorter than this is copied; a turn that moved more than that was bulk. */
enum { SHORT_BYTES = 16384, BULK_BYTES = 65536 };

/* Tells a full target from an empty source, which both say EAGAIN. */
enum { EWOULDBLOCK_TARGET = ENOBUFS };

void splice_flow_close(struct splice_flow *flow, struct pipe_pool *pool)
{
    if (flow->has_pipe)
        pipe_pool_give(pool, &flow->pipe);
    flow->has_pipe = false;
    flow->in_pipe = 0;
}

static ssize_t splice_once(int from, int to, size_t len)
{
    ssize_t moved;
    do {
        moved = splice(from, NULL, to, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (moved < 0 && errno == EINTR);
    return moved;
}

/* Empties the pipe into the target. False when it would block or failed; then errno says which. */
static bool empty_pipe(struct splice_flow *flow, struct stream *to, uint64_t *moved)
{
    while (flow->in_pipe > 0) {
        ssize_t sent = splice_once(flow->pipe.read_fd, to->fd, flow->in_pipe);
        if (sent <= 0)
            return false;
        flow->in_pipe -= (uint32_t)sent;
        *moved += (uint64_t)sent;
    }
    return true;
}

/* Without a pipe (no descriptors left, or sockets that cannot splice) the bytes are copied. They
 * are only looked at first and taken when the target has taken them, so nothing needs to be kept in
 * between. Returns bytes moved, 0 at the end, -1 with errno. */
static ssize_t copy_once(struct stream *from, struct stream *to, size_t len)
{
    char bytes[16384];
    ssize_t seen = from->kind->peek(from, bytes, len < sizeof(bytes) ? len : sizeof(bytes));
    if (seen <= 0)
        return seen;
    ssize_t sent = stream_write(to, bytes, (size_t)seen);
    if (sent < 0)
        errno = errno == EAGAIN ? EWOULDBLOCK_TARGET : errno;
    return sent <= 0 ? sent : stream_read(from, bytes, (size_t)sent);
}

static enum splice_result copy_flow(struct stream *from, struct stream *to, uint64_t limit,
                                    uint64_t *moved_out)
{
    while (*moved_out < limit && *moved_out < TURN_BYTES) {
        ssize_t moved = copy_once(from, to, limit - *moved_out);
        if (moved == 0)
            return SPLICE_EOF;
        if (moved < 0 && errno == EWOULDBLOCK_TARGET)
            return SPLICE_WANT_WRITE;
        if (moved < 0)
            return errno == EAGAIN ? SPLICE_WANT_READ : SPLICE_FAILED;
        *moved_out += (uint64_t)moved;
    }
    return *moved_out >= limit ? SPLICE_LIMIT : SPLICE_TURN;
}

/* A stream of short messages is moved with one recv(2) and one send(2) each, where splicing takes
 * two calls, one more to find the source empty, and a look at the pipe. What the target does not
 * take waits in a pipe. SPLICE_TURN: it was no short message, more is there. */
static enum splice_result copy_short(struct splice_flow *flow, struct pipe_pool *pool,
                                     struct stream *from, struct stream *to, uint64_t limit,
                                     uint64_t *moved_out)
{
    char bytes[SHORT_BYTES];
    size_t wanted = limit < sizeof(bytes) ? (size_t)limit : sizeof(bytes);
    ssize_t got = stream_read(from, bytes, wanted);
    if (got == 0)
        return SPLICE_EOF;
    if (got < 0)
        return errno == EAGAIN ? SPLICE_WANT_READ : SPLICE_FAILED;
    ssize_t sent = stream_write(to, bytes, (size_t)got);
    if (sent < 0 && errno != EAGAIN)
        return SPLICE_FAILED;
    sent = sent < 0 ? 0 : sent;
    *moved_out += (uint64_t)sent;
    flow->bulk = (size_t)got == sizeof(bytes);
    if (sent == got)
        return *moved_out >= limit ? SPLICE_LIMIT : flow->bulk ? SPLICE_TURN : SPLICE_WANT_READ;
    size_t rest = (size_t)(got - sent);
    if (!pipe_pool_take(pool, &flow->pipe))
        return SPLICE_FAILED;
    flow->has_pipe = true;
    flow->in_pipe = (uint32_t)rest;
    if (write(flow->pipe.write_fd, bytes + sent, rest) ==
        (ssize_t)rest) /* an empty pipe has room */
        return SPLICE_WANT_WRITE;
    splice_flow_close(flow, pool);
    return SPLICE_FAILED;
}

/* Whether a pipe is there for what copy_short() may have left over. */
static bool has_spare_pipe(struct pipe_pool *pool)
{
    struct pipe_pair pipe;
    if (pipe_pool_idle_count(pool) > 0)
        return true;
    if (!pipe_pool_take(pool, &pipe))
        return false;
    pipe_pool_give(pool, &pipe);
    return pipe_pool_idle_count(pool) > 0;
}

enum splice_result splice_flow_run(struct splice_flow *flow, struct pipe_pool *pool,
                                   struct stream *from, struct stream *to, uint64_t limit,
                                   uint64_t *moved_out)
{
    uint64_t read_bytes = flow->in_pipe;
    *moved_out = 0;
    if (!from->kind->can_splice || !to->kind->can_splice)
        return copy_flow(from, to, limit, moved_out);
    if (flow->copies_short && !flow->bulk && flow->in_pipe == 0) {
        if (!has_spare_pipe(pool))
            return copy_flow(from, to, limit, moved_out);
        enum splice_result result = copy_short(flow, pool, from, to, limit, moved_out);
        if (result != SPLICE_TURN)
            return result;
        read_bytes = *moved_out;
    }
    for (;;) {
        if (!empty_pipe(flow, to, moved_out))
            return errno == EAGAIN ? SPLICE_WANT_WRITE : SPLICE_FAILED;
        if (read_bytes >= limit || read_bytes >= TURN_BYTES)
            return read_bytes >= limit ? SPLICE_LIMIT : SPLICE_TURN;
        if (!flow->has_pipe && !pipe_pool_take(pool, &flow->pipe))
            return copy_flow(from, to, limit, moved_out);
        flow->has_pipe = true;
        uint64_t wanted =
            limit - read_bytes < PIPE_POOL_BYTES ? limit - read_bytes : PIPE_POOL_BYTES;
        ssize_t got = splice_once(from->fd, flow->pipe.write_fd, (size_t)wanted);
        if (got <= 0) {
            int saved = errno;
            flow->bulk = read_bytes >= BULK_BYTES;
            splice_flow_close(flow, pool);
            errno = saved;
            if (got == 0)
                return SPLICE_EOF;
            return saved == EAGAIN ? SPLICE_WANT_READ : SPLICE_FAILED;
        }
        flow->in_pipe = (uint32_t)got;
        read_bytes += (uint64_t)got;
    }
}
