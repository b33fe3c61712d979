/* SPDX-License-Identifier: Apache-2.0
 *
 * Payload from socket to socket, through a pipe and, without one, by copying. Whatever the two
 * sides do, the bytes arrive in order and once. */
#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/splice_flow.h"

/* client[1] -> client[0] -> engine[0] -> engine[1] */
struct route {
    struct pipe_pool *pool;
    const struct stream_kind *kind; /* of both streams */
    struct splice_flow flow;
    int client[2], engine[2];
    size_t sent, received; /* of an unrepeating stream of bytes */
};

static char stream_byte(size_t at)
{
    return (char)((at * 13 + at / 253) & 0xff);
}

static void route_open(struct route *route)
{
    *route = (struct route){.pool = pipe_pool_new(4, INT_MAX), .kind = &stream_plain};
    cr_assert_not_null(route->pool);
    signal(SIGPIPE, SIG_IGN); /* as the gate does */
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, route->client),
                 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, route->engine),
                 0);
}

static void route_close(struct route *route)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max; /* see forbid_pipes(); the leak checker needs descriptors */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    splice_flow_close(&route->flow, route->pool);
    pipe_pool_free(&route->pool);
    for (int i = 0; i < 2; i++) {
        if (route->client[i] >= 0)
            close(route->client[i]);
        close(route->engine[i]);
    }
}
#define AUTO_ROUTE CLEANUP(route_close)

/* Sends up to `len` bytes of the stream, as many as the socket takes. */
static void send_some(struct route *route, size_t len)
{
    static char
        bytes[65536]; /* in large pieces, so that the target takes parts of what is in the pipe */
    while (len > 0) {
        size_t piece = len < sizeof(bytes) ? len : sizeof(bytes);
        for (size_t i = 0; i < piece; i++)
            bytes[i] = stream_byte(route->sent + i);
        ssize_t sent = send(route->client[1], bytes, piece, 0);
        if (sent < 0) {
            cr_assert_eq(errno, EAGAIN);
            return;
        }
        route->sent += (size_t)sent;
        len -= (size_t)sent;
    }
}

static void receive_all(struct route *route)
{
    for (;;) {
        char bytes[4096];
        ssize_t got = recv(route->engine[1], bytes, sizeof(bytes), 0);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++)
            cr_assert_eq(bytes[i], stream_byte(route->received + (size_t)i), "byte %zu",
                         route->received + (size_t)i);
        route->received += (size_t)got;
    }
}

static enum splice_result run(struct route *route, uint64_t limit, uint64_t *moved)
{
    struct stream from = stream_of_socket(route->client[0]);
    struct stream to = stream_of_socket(route->engine[0]);
    from.kind = to.kind = route->kind;
    return splice_flow_run(&route->flow, route->pool, &from, &to, limit, moved);
}

/* No descriptor beyond those that are open: a pipe cannot be had. */
static void forbid_pipes(void)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 3;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(dup(0), -1);
    cr_assert_eq(errno, EMFILE);
}

/* What must hold with a pipe and without one. */
static void check_silent_source(bool pipes)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    route_open(&route);
    if (!pipes)
        forbid_pipes();
    cr_assert_eq(run(&route, 100, &moved), SPLICE_WANT_READ);
    cr_assert_eq(moved, 0);
    cr_assert_not(route.flow.has_pipe, "a silent stream holds no pipe");
    send_some(&route, 50);
    cr_assert_eq(run(&route, 100, &moved), SPLICE_WANT_READ);
    cr_assert_eq(moved, 50);
    cr_assert_not(route.flow.has_pipe);
    receive_all(&route);
    cr_assert_eq(route.received, 50);
    cr_assert_eq(pipe_pool_idle_count(route.pool), pipes ? 1 : 0);
}

static void check_limit(bool pipes)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    route_open(&route);
    if (!pipes)
        forbid_pipes();
    send_some(&route, 1000);
    cr_assert_eq(run(&route, 700, &moved), SPLICE_LIMIT);
    cr_assert_eq(moved, 700);
    receive_all(&route);
    cr_assert_eq(route.received, 700, "not a byte beyond the limit");
    char rest[400];
    cr_assert_eq(recv(route.client[0], rest, sizeof(rest), 0), 300,
                 "the rest is still in the source");
    cr_assert_eq(rest[0], stream_byte(700));
    cr_assert_eq(run(&route, 0, &moved), SPLICE_LIMIT);
    cr_assert_eq(moved, 0);
}

static void check_end(bool pipes)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    route_open(&route);
    if (!pipes)
        forbid_pipes();
    send_some(&route, 1000);
    close(route.client[1]);
    route.client[1] = -1;
    cr_assert_eq(run(&route, UINT64_MAX, &moved), SPLICE_EOF);
    cr_assert_eq(moved, 1000);
    receive_all(&route);
    cr_assert_eq(route.received, 1000);
    cr_assert_not(route.flow.has_pipe);
}

/* Much more than both sockets hold: the target fills up and goes on many times. */
static void check_full_target(bool pipes)
{
    enum { TOTAL = 3 * 1024 * 1024 + 17 };
    AUTO_ROUTE struct route route;
    uint64_t moved, left = TOTAL;
    unsigned full = 0;
    int small = 8192;
    enum splice_result result = SPLICE_WANT_READ;
    route_open(&route);
    setsockopt(route.engine[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    if (!pipes)
        forbid_pipes();
    while (result != SPLICE_LIMIT) {
        send_some(&route, TOTAL - route.sent);
        result = run(&route, left, &moved);
        left -= moved;
        cr_assert_neq(result, SPLICE_FAILED, "%s", strerror(errno));
        cr_assert_neq(result, SPLICE_EOF);
        full += result == SPLICE_WANT_WRITE;
        if (result == SPLICE_WANT_READ)
            cr_assert_not(route.flow.has_pipe, "a silent stream holds no pipe");
        if (result == SPLICE_WANT_WRITE && full % 2 == 0) {
            cr_assert_eq(run(&route, left, &moved), SPLICE_WANT_WRITE, "still full");
            cr_assert_eq(moved, 0);
        }
        receive_all(&route);
    }
    cr_assert_eq(left, 0);
    cr_assert_eq(route.received, TOTAL);
    cr_assert_gt(full, 1);
}

static void check_broken_target(bool pipes)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    route_open(&route);
    if (!pipes)
        forbid_pipes();
    send_some(&route, 10);
    shutdown(route.engine[1], SHUT_RD);
    cr_assert_eq(run(&route, 100, &moved), SPLICE_FAILED);
    cr_assert_eq(errno, EPIPE);
}

Test(splice_flow, a_silent_source_holds_no_pipe)
{
    check_silent_source(true);
}

Test(splice_flow, a_silent_source_is_no_matter_without_pipes)
{
    check_silent_source(false);
}

Test(splice_flow, not_a_byte_beyond_the_limit_is_taken)
{
    check_limit(true);
}

Test(splice_flow, not_a_byte_beyond_the_limit_is_taken_without_pipes)
{
    check_limit(false);
}

Test(splice_flow, the_end_comes_behind_all_bytes)
{
    check_end(true);
}

Test(splice_flow, the_end_comes_behind_all_bytes_without_pipes)
{
    check_end(false);
}

Test(splice_flow, a_full_target_goes_on_where_it_stopped, .timeout = 30)
{
    check_full_target(true);
}

Test(splice_flow, a_full_target_goes_on_where_it_stopped_without_pipes, .timeout = 30)
{
    check_full_target(false);
}

Test(splice_flow, a_broken_target_is_a_failure)
{
    check_broken_target(true);
}

Test(splice_flow, a_broken_target_is_a_failure_without_pipes)
{
    check_broken_target(false);
}

Test(splice_flow, one_turn_moves_a_bounded_amount)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    int large = 8 << 20;
    route_open(&route);
    for (int i = 0; i < 2; i++) {
        setsockopt(route.client[i], SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
        setsockopt(route.engine[i], SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
    }
    send_some(&route, 3 << 20);
    if (route.sent < 2 << 20)
        cr_skip_test("the sockets' buffers cannot be made large enough here");
    cr_assert_eq(run(&route, UINT64_MAX, &moved), SPLICE_TURN);
    cr_assert_geq(moved, 1 << 20);
    cr_assert_lt(moved, 2 << 20);
    cr_assert_eq(route.flow.in_pipe, 0);
    receive_all(&route);
    cr_assert_eq(route.received, moved);
}

Test(splice_flow, closing_in_the_middle_lends_the_filled_pipe_to_nobody)
{
    AUTO_ROUTE struct route route;
    uint64_t moved;
    route_open(&route);
    do
        send_some(&route, 1 << 20);
    while (run(&route, UINT64_MAX, &moved) != SPLICE_WANT_WRITE);
    cr_assert(route.flow.has_pipe);
    cr_assert_gt(route.flow.in_pipe, 0);
    unsigned idle = pipe_pool_idle_count(route.pool);
    splice_flow_close(&route.flow, route.pool);
    cr_assert_eq(pipe_pool_idle_count(route.pool), idle);
    cr_assert_eq(route.flow.in_pipe, 0);
}

Test(splice_flow, a_stream_that_is_no_bare_socket_is_copied)
{
    AUTO_ROUTE struct route route;
    struct stream_kind wrapped = stream_plain;
    uint64_t moved;
    route_open(&route);
    wrapped.can_splice = false;
    route.kind = &wrapped;
    send_some(&route, 20000);
    cr_assert_eq(run(&route, UINT64_MAX, &moved), SPLICE_WANT_READ);
    cr_assert_eq(moved, 20000);
    receive_all(&route);
    cr_assert_eq(pipe_pool_idle_count(route.pool), 0, "no pipe was taken");
}
