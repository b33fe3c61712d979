/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel keeps the time: each call gets what is left of it. */
#include "proxy/io/blocking_socket.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/timestamp.h"

enum { READ_SIZE = 16384 };

static bool limit(int fd, int64_t until_us)
{
    int64_t left_us = until_us - timestamp_monotonic_us();
    struct timeval left = {(time_t)(left_us / 1000000), (suseconds_t)(left_us % 1000000)};
    errno = ETIMEDOUT;
    return left_us > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) == 0;
}

/* How the kernel says that the time is over: EAGAIN, and EINPROGRESS for connect(2). */
static bool failed(void)
{
    if (errno == EAGAIN || errno == EINPROGRESS)
        errno = ETIMEDOUT;
    return false;
}

int blocking_socket_connect(const struct endpoint *endpoint, int64_t until_us)
{
    int off = 0;
    AUTO_CLOSE int fd = socket(endpoint->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (endpoint->address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (limit(fd, until_us) && connect(fd, &endpoint->address.any, endpoint->len) == 0)
        return steal_fd(&fd);
    (void)failed();
    return -1;
}

bool blocking_socket_send(int fd, struct slice bytes, int64_t until_us)
{
    while (bytes.len > 0) {
        ssize_t sent = limit(fd, until_us) ? send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL) : -1;
        if (sent < 0 && errno != EINTR)
            return failed();
        if (sent > 0)
            bytes = slice_of(bytes.ptr + sent, bytes.len - (size_t)sent);
    }
    return true;
}

bool blocking_socket_receive(int fd, struct buffer *in, int64_t until_us)
{
    ssize_t got = -1;
    if (!buffer_reserve(in, READ_SIZE)) {
        errno = ENOMEM;
        return false;
    }
    while (got < 0) {
        got = limit(fd, until_us) ? recv(fd, in->data + in->len, in->capacity - in->len, 0) : -1;
        if (got < 0 && errno != EINTR)
            return failed();
    }
    in->len += (size_t)got;
    errno = ECONNRESET;
    return got > 0;
}
