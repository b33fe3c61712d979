/* SPDX-License-Identifier: Apache-2.0
 *
 * A body on its way from one side to the other: each reason to stop is told apart, since the caller
 * answers each in another way. */
#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/http/http_pump.h"

/* sender -> from | to -> receiver */
struct route {
    struct http_pump pump;
    struct http_body body;
    struct splice_flow flow;
    struct stream from, to;
    struct io_buffer in, out;
    int sender, receiver;
    bool refuses; /* takes() takes nothing */
};

static bool takes(void *context, bool more)
{
    struct route *route = context;
    return !route->refuses && stream_drain(&route->to, route->pump.blocks, &route->out, more) &&
           io_buffer_len(&route->out) == 0;
}

static void route_open(struct route *route, enum http_framing from, uint64_t content_length)
{
    int source[2], target[2];
    signal(SIGPIPE, SIG_IGN); /* as the gate does */
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, source), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, target), 0);
    *route = (struct route){
        .from = stream_of_socket(source[0]),
        .sender = source[1],
        .to = stream_of_socket(target[0]),
        .receiver = target[1],
        .pump = {.blocks = io_pool_new(), .pipes = pipe_pool_new(4, INT_MAX), .takes = takes},
    };
    route->pump.body = &route->body;
    route->pump.flow = &route->flow;
    route->pump.from = &route->from;
    route->pump.to = &route->to;
    route->pump.in = &route->in;
    route->pump.out = &route->out;
    route->pump.context = route;
    http_body_init(&route->body, from, content_length, HTTP_FRAMING_CHUNKED);
}

static void route_close(struct route *route)
{
    splice_flow_close(&route->flow, route->pump.pipes);
    io_buffer_reset(route->pump.blocks, &route->in);
    io_buffer_reset(route->pump.blocks, &route->out);
    io_pool_free(&route->pump.blocks);
    pipe_pool_free(&route->pump.pipes);
    stream_close(&route->from);
    stream_close(&route->to);
    close(route->receiver);
    if (route->sender >= 0)
        close(route->sender);
}
#define AUTO_ROUTE CLEANUP(route_close)

static void say(struct route *route, const char *bytes, size_t len)
{
    cr_assert_eq(send(route->sender, bytes, len, 0), (ssize_t)len);
}

static enum http_pump_result step(struct route *route)
{
    struct error error;
    return http_pump_step(&route->pump, &error);
}

static void expect_received(struct route *route, const char *expected)
{
    char bytes[256];
    cr_assert(takes(route, false));
    ssize_t got = recv(route->receiver, bytes, sizeof(bytes) - 1, 0);
    bytes[got < 0 ? 0 : got] = '\0';
    cr_assert_str_eq(bytes, expected);
}

Test(http_pump, a_short_body_is_framed_anew)
{
    AUTO_ROUTE struct route route;
    route_open(&route, HTTP_FRAMING_LENGTH, 5);
    cr_assert_eq(step(&route), HTTP_PUMP_WAITS);
    say(&route, "abc", 3);
    cr_assert_eq(step(&route), HTTP_PUMP_MOVED);
    say(&route, "de", 2);
    cr_assert_eq(step(&route), HTTP_PUMP_MORE);
    cr_assert(route.body.finished);
    expect_received(&route, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
}

Test(http_pump, what_is_wrong_ends_it)
{
    AUTO_ROUTE struct route route;
    route_open(&route, HTTP_FRAMING_CHUNKED, 0);
    say(&route, "zz\r\n", 4);
    cr_assert_eq(step(&route), HTTP_PUMP_BAD);
}

Test(http_pump, a_source_that_ends_is_told_from_one_that_is_silent)
{
    AUTO_ROUTE struct route route;
    route_open(&route, HTTP_FRAMING_LENGTH, 5);
    cr_assert_eq(step(&route), HTTP_PUMP_WAITS);
    close(route.sender);
    route.sender = -1;
    cr_assert_eq(step(&route), HTTP_PUMP_ENDED);
}

/* In a chunk that is announced as so long nothing is read: it goes past. */
static void begin_long(struct route *route)
{
    static char bytes[40000];
    route_open(route, HTTP_FRAMING_LENGTH, 100000);
    memset(bytes, 'a', sizeof(bytes));
    say(route, bytes, sizeof(bytes));
}

Test(http_pump, a_long_run_goes_past_the_buffers)
{
    AUTO_ROUTE struct route route;
    char size_line[8];
    begin_long(&route);
    cr_assert_eq(step(&route), HTTP_PUMP_WAITS);
    cr_assert_eq(route.body.payload, 40000);
    cr_assert_null(route.in.data);
    cr_assert_eq(recv(route.receiver, size_line, 7, 0), 7);
    cr_assert_eq(memcmp(size_line, "186a0\r\n", 7), 0);
}

Test(http_pump, nothing_goes_past_what_was_not_taken)
{
    AUTO_ROUTE struct route route;
    begin_long(&route);
    route.refuses = true;
    cr_assert_eq(step(&route), HTTP_PUMP_UNTAKEN);
    cr_assert_eq(route.body.payload, 0);
}

Test(http_pump, a_broken_target_leaves_its_errno)
{
    AUTO_ROUTE struct route route;
    begin_long(&route);
    shutdown(route.receiver, SHUT_RD);
    io_buffer_reset(route.pump.blocks, &route.out);
    route.body.window_open = true; /* its size line went before */
    cr_assert_eq(step(&route), HTTP_PUMP_BROKEN);
    cr_assert_eq(errno, EPIPE);
}
