/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of the egress bench: the least that a proxy of tunnels can do. It takes every CONNECT
 * without looking at its target, connects to the one origin it was given, and splices. No rules, no
 * log, no limits, no time-outs. One thread, edge-triggered epoll that is told once about each
 * socket; pipes of the gate's size, lent to a direction only while bytes are in them.
 *
 *   splice_relay PORT ORIGIN_PORT    prints "ready" */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "proxy/io/pipe_pool.h"
#include "tests/bench/loopback.h"

enum { EVENTS_MAX = 256, PIPES_MAX = 256 };

/* One socket of a tunnel, and the direction that is read from it. */
struct side {
    int other;   /* descriptor of the other end; -1: CONNECT has not come yet */
    bool ended;  /* end of file was read and passed on */
    int pipe[2]; /* lent while in_pipe > 0 */
    size_t in_pipe;
};

struct relay {
    int epoll, listener;
    struct sockaddr_in origin;
    struct side *sides; /* owned; by descriptor */
    rlim_t side_count;
    int idle_pipes[PIPES_MAX][2];
    unsigned idle_count;
};

static void watch(struct relay *relay, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if ((rlim_t)fd >= relay->side_count || epoll_ctl(relay->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        err(1, "cannot watch a connection");
}

static void take_pipe(struct relay *relay, int *pipe_out)
{
    if (relay->idle_count > 0) {
        relay->idle_count--;
        memcpy(pipe_out, relay->idle_pipes[relay->idle_count], sizeof relay->idle_pipes[0]);
        return;
    }
    if (pipe2(pipe_out, O_NONBLOCK | O_CLOEXEC) != 0)
        err(1, "no pipe");
    (void)fcntl(pipe_out[1], F_SETPIPE_SZ, PIPE_POOL_BYTES);
}

/* A pipe with bytes in it is never lent again. */
static void give_pipe(struct relay *relay, const int *pipe, size_t in_pipe)
{
    if (in_pipe == 0 && relay->idle_count < PIPES_MAX) {
        memcpy(relay->idle_pipes[relay->idle_count++], pipe, sizeof relay->idle_pipes[0]);
        return;
    }
    close(pipe[0]);
    close(pipe[1]);
}

static void close_side(struct relay *relay, int fd)
{
    struct side *side = &relay->sides[fd];
    if (side->in_pipe > 0)
        give_pipe(relay, side->pipe, side->in_pipe);
    /* A later event of this turn must not find the tunnel again: its numbers may be reused by then. */
    *side = (struct side){.other = -1};
    close(fd);
}

/* Writes what is in the pipe. False when the target takes no more now, or broke (*broken_out). */
static bool drain(struct side *side, bool *broken_out)
{
    while (side->in_pipe > 0) {
        ssize_t wrote = splice(side->pipe[0], NULL, side->other, NULL, side->in_pipe,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (wrote < 0) {
            *broken_out = errno != EAGAIN;
            return false;
        }
        side->in_pipe -= (size_t)wrote;
    }
    return true;
}

/* Moves what can be moved from `fd` to its other end. False when the tunnel is broken. */
static bool pump(struct relay *relay, int fd)
{
    struct side *side = &relay->sides[fd];
    bool broken = false, lent = side->in_pipe > 0;
    while (!side->ended && drain(side, &broken)) {
        if (!lent)
            take_pipe(relay, side->pipe);
        lent = true;
        ssize_t got = splice(fd, NULL, side->pipe[1], NULL, PIPE_POOL_BYTES,
                             SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (got > 0) {
            side->in_pipe = (size_t)got;
            continue;
        }
        broken = got < 0 && errno != EAGAIN;
        side->ended = got == 0;
        if (side->ended)
            shutdown(side->other, SHUT_WR);
        break;
    }
    if (lent && side->in_pipe == 0)
        give_pipe(relay, side->pipe, 0);
    return !broken;
}

static void pump_both(struct relay *relay, int fd)
{
    int other = relay->sides[fd].other;
    bool stands = pump(relay, fd) && pump(relay, other);
    if (stands && !(relay->sides[fd].ended && relay->sides[other].ended))
        return;
    close_side(relay, fd);
    close_side(relay, other);
}

/* The head comes in one piece and nothing after it before the answer: the bench's clients do so. */
static void take_connect(struct relay *relay, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    static const char end[] = "\r\n\r\n";
    char head[1024];
    ssize_t got = recv(fd, head, sizeof head, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 12 || memcmp(head, "CONNECT ", 8) != 0 || memcmp(head + got - 4, end, 4) != 0) {
        close(fd);
        return;
    }
    int other = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (other < 0 ||
        (connect(other, (struct sockaddr *)&relay->origin, sizeof relay->origin) != 0 &&
         errno != EINPROGRESS))
        err(1, "cannot connect to the origin");
    setsockopt(other, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(relay, other, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    relay->sides[fd] = (struct side){.other = other};
    relay->sides[other] = (struct side){.other = fd};
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1) {
        close(fd);
        close(other);
    }
}

static void accept_clients(struct relay *relay)
{
    int fd, one = 1;
    while ((fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(relay, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        relay->sides[fd] = (struct side){.other = -1};
    }
}

static void relay_init(struct relay *relay, const char *port, const char *origin_port)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        err(1, "getrlimit");
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->listener = loopback_listen(port);
    relay->origin = loopback_address(origin_port);
    relay->idle_count = 0;
    relay->side_count = limit.rlim_cur < 1 << 20 ? limit.rlim_cur : 1 << 20;
    relay->sides = calloc(relay->side_count, sizeof *relay->sides);
    if (relay->epoll < 0 || relay->sides == NULL)
        err(1, "cannot start");
    watch(relay, relay->listener, EPOLLIN);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: splice_relay PORT ORIGIN_PORT");
    signal(SIGPIPE, SIG_IGN);
    struct relay relay;
    relay_init(&relay, argv[1], argv[2]);
    puts("ready");
    fflush(stdout);

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(relay.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == relay.listener)
                accept_clients(&relay);
            else if (relay.sides[fd].other < 0)
                take_connect(&relay, fd);
            else
                pump_both(&relay, fd);
        }
    }
}
