/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to the engine, against a listening socket of this test: which are used again, which
 * never, and how each way of not getting one is told. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/docker/engine.h"

/* An engine, the listener it connects to, and what was told last. */
struct stage {
    struct event_base *base;
    struct io_pool *blocks;
    struct engine *engine;
    char folder[64], path[80];
    int listener;
    int events; /* how many were told */
    enum engine_event last;
};

static void stage_open(struct stage *stage, unsigned max_idle, uint64_t connect_timeout_ms)
{
    *stage = (struct stage){.base = event_base_new(), .blocks = io_pool_new()};
    strcpy(stage->folder, "/tmp/engine_test.XXXXXX");
    cr_assert_not_null(mkdtemp(stage->folder));
    snprintf(stage->path, sizeof(stage->path), "%s/s", stage->folder);
    struct engine_options options = {
        .connect_timeout_ms = connect_timeout_ms, .max_idle = max_idle, .idle_timeout_ms = 30000};
    cr_assert(endpoint_from_path(&options.address, slice_from_text(stage->path)));
    stage->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(stage->listener, &options.address.address.any, options.address.len), 0);
    cr_assert_eq(listen(stage->listener, 0), 0);
    stage->engine = engine_new(stage->base, stage->blocks, &options);
    cr_assert_not_null(stage->engine);
}

static void stage_close(struct stage *stage)
{
    engine_free(&stage->engine);
    io_pool_free(&stage->blocks);
    event_base_free(stage->base);
    close(stage->listener);
    unlink(stage->path);
    rmdir(stage->folder);
}
#define AUTO_STAGE CLEANUP(stage_close)

static void note(void *context, enum engine_event event)
{
    struct stage *stage = context;
    stage->events++;
    stage->last = event;
    event_base_loopbreak(stage->base);
}

static struct engine_conn *take(struct stage *stage, bool fresh, bool probe)
{
    struct error error = {0};
    struct engine_conn *conn = engine_take(stage->engine, fresh, probe, note, stage, &error);
    cr_assert_not_null(conn, "%s", error.text);
    cr_assert_eq(stage->events, 0, "nothing is told from within engine_take()");
    return conn;
}

/* A connection and the engine's end of it. */
static struct engine_conn *take_accepted(struct stage *stage, int *peer_out)
{
    struct engine_conn *conn = take(stage, true, false);
    cr_assert_not(conn->upstream.connecting);
    *peer_out = accept(stage->listener, NULL, NULL);
    cr_assert_geq(*peer_out, 0);
    return conn;
}

static bool is_closed_by_us(int peer)
{
    char byte;
    return recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

Test(engine, the_connection_used_last_is_used_next)
{
    AUTO_STAGE struct stage stage;
    int peers[2];
    stage_open(&stage, 8, 1000);
    struct engine_conn *first = take_accepted(&stage, &peers[0]);
    struct engine_conn *second = take_accepted(&stage, &peers[1]);
    cr_assert_not(first->upstream.reused);
    struct engine_conn *was_first = first, *was_second = second;
    engine_give(&first);
    engine_give(&second);
    cr_assert_null(first);
    first = take(&stage, false, true);
    second = take(&stage, false, false);
    cr_assert_eq(first, was_second);
    cr_assert_eq(second, was_first);
    cr_assert(first->upstream.reused);
    struct engine_conn *third = take(&stage, false, false);
    cr_assert_not(third->upstream.reused, "the pool is empty");
    engine_give(&first);
    struct engine_conn *fresh = take(&stage, true, false);
    cr_assert_not(fresh->upstream.reused, "fresh means fresh");
    engine_drop(&second);
    cr_assert(is_closed_by_us(peers[0]));
    engine_drop(&third);
    engine_drop(&fresh);
    close(peers[0]);
    close(peers[1]);
}

Test(engine, no_more_than_max_idle_are_kept)
{
    AUTO_STAGE struct stage stage;
    int peers[2];
    stage_open(&stage, 1, 1000);
    struct engine_conn *first = take_accepted(&stage, &peers[0]);
    struct engine_conn *second = take_accepted(&stage, &peers[1]);
    engine_give(&first);
    engine_give(&second);
    cr_assert_null(second);
    cr_assert_not(is_closed_by_us(peers[0]));
    cr_assert(is_closed_by_us(peers[1]));
    close(peers[0]);
    close(peers[1]);
}

Test(engine, a_connection_with_bytes_left_over_is_never_used_again)
{
    AUTO_STAGE struct stage stage;
    int peers[2];
    stage_open(&stage, 8, 1000);
    struct engine_conn *in = take_accepted(&stage, &peers[0]);
    struct engine_conn *out = take_accepted(&stage, &peers[1]);
    cr_assert(io_buffer_append(stage.blocks, &in->upstream.in, "x", 1));
    cr_assert(io_buffer_append(stage.blocks, &out->upstream.out, "x", 1));
    engine_give(&in);
    engine_give(&out);
    cr_assert(is_closed_by_us(peers[0]));
    cr_assert(is_closed_by_us(peers[1]));
    close(peers[0]);
    close(peers[1]);
}

Test(engine, an_idle_connection_that_the_engine_closed_leaves_the_pool_by_itself)
{
    AUTO_STAGE struct stage stage;
    int peer;
    stage_open(&stage, 8, 1000);
    struct engine_conn *conn = take_accepted(&stage, &peer);
    engine_give(&conn);
    close(peer);
    event_base_loop(stage.base, EVLOOP_NONBLOCK);
    conn = take(&stage, false, false);
    cr_assert_not(conn->upstream.reused);
    engine_drop(&conn);
    cr_assert_eq(stage.events, 0);
}

Test(engine, bytes_that_nobody_asked_for_end_an_idle_connection)
{
    AUTO_STAGE struct stage stage;
    int peer;
    stage_open(&stage, 8, 1000);
    struct engine_conn *conn = take_accepted(&stage, &peer);
    engine_give(&conn);
    cr_assert_eq(send(peer, "HTTP/1.1 200 OK\r\n", 17, 0), 17);
    event_base_loop(stage.base, EVLOOP_NONBLOCK);
    conn = take(&stage, false, false);
    cr_assert_not(conn->upstream.reused);
    cr_assert(is_closed_by_us(peer) || errno == ECONNRESET);
    engine_drop(&conn);
    close(peer);
}

Test(engine, a_probe_finds_a_stale_connection_before_the_loop_does)
{
    AUTO_STAGE struct stage stage;
    int stale, good;
    stage_open(&stage, 8, 1000);
    struct engine_conn *first = take_accepted(&stage, &good);
    struct engine_conn *second = take_accepted(&stage, &stale);
    struct engine_conn *was_first = first;
    engine_give(&first);
    engine_give(&second);
    close(stale);
    struct engine_conn *conn = take(&stage, false, true);
    cr_assert_eq(conn, was_first, "the stale one was passed over");
    cr_assert(conn->upstream.reused);
    engine_drop(&conn);
    close(good);
}

Test(engine, what_is_sent_to_the_taker_is_told_to_the_taker)
{
    AUTO_STAGE struct stage stage;
    int peer;
    stage_open(&stage, 8, 1000);
    struct engine_conn *conn = take_accepted(&stage, &peer);
    cr_assert_eq(send(peer, "x", 1, 0), 1);
    event_base_dispatch(stage.base);
    cr_assert_eq(stage.last, ENGINE_READABLE);
    engine_read_enable(conn, false);
    stage.events = 0;
    event_base_loop(stage.base, EVLOOP_NONBLOCK);
    cr_assert_eq(stage.events, 0, "reading is paused");
    engine_want_write(conn, true);
    event_base_dispatch(stage.base);
    cr_assert_eq(stage.last, ENGINE_WRITABLE);
    engine_drop(&conn);
    close(peer);
}

Test(engine, sweeping_closes_what_was_idle_too_long)
{
    AUTO_STAGE struct stage stage;
    int peers[2];
    stage_open(&stage, 8, 1000);
    struct engine_conn *first = take_accepted(&stage, &peers[0]);
    struct engine_conn *second = take_accepted(&stage, &peers[1]);
    struct engine_conn *old = first, *young = second;
    engine_give(&first);
    engine_give(&second);
    old->idle_since_us = timestamp_monotonic_us() - 31000000;
    engine_sweep(stage.engine);
    cr_assert(is_closed_by_us(peers[0]));
    cr_assert_not(is_closed_by_us(peers[1]));
    struct engine_conn *conn = take(&stage, false, false);
    cr_assert_eq(conn, young);
    engine_drop(&conn);
    close(peers[0]);
    close(peers[1]);
}

Test(engine, a_missing_socket_is_refused_with_its_name)
{
    AUTO_STAGE struct stage stage;
    struct error error = {0};
    stage_open(&stage, 8, 1000);
    unlink(stage.path);
    cr_assert_null(engine_take(stage.engine, false, false, note, &stage, &error));
    cr_assert_eq(error.status, 502);
    cr_assert_str_eq(error.reason, "upstream.unreachable");
    cr_assert_not_null(strstr(error.text, stage.path), "%s", error.text);
    cr_assert_not_null(strstr(error.text, strerror(ENOENT)), "%s", error.text);
    cr_assert_eq(engine_error_count(stage.engine), 1);
}

Test(engine, without_descriptors_the_answer_is_503)
{
    AUTO_STAGE struct stage stage;
    struct error error = {0};
    struct rlimit limit, lowered;
    stage_open(&stage, 8, 1000);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    lowered = limit;
    lowered.rlim_cur = 3;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &lowered), 0);
    cr_assert_null(engine_take(stage.engine, false, false, note, &stage, &error));
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(error.status, 503);
    cr_assert_str_eq(error.reason, "limit.descriptors");
}

/* Fills the queue of the listener, which nobody accepts from; returns how many connections it took. */
static int fill_queue(const struct stage *stage, int *fds, int max)
{
    const struct endpoint *address = engine_endpoint(stage->engine);
    for (int count = 0; count < max; count++) {
        fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fds[count], &address->address.any, address->len) == 0)
            continue;
        cr_assert_eq(errno, EAGAIN);
        close(fds[count]);
        return count;
    }
    cr_assert_fail("the queue has no end");
    return 0;
}

Test(engine, a_full_queue_is_waited_for_until_the_connect_timeout)
{
    AUTO_STAGE struct stage stage;
    int fds[16];
    stage_open(&stage, 8, 60);
    int count = fill_queue(&stage, fds, 16);
    struct engine_conn *conn = take(&stage, false, false);
    cr_assert(conn->upstream.connecting);
    int64_t began = timestamp_monotonic_us();
    event_base_dispatch(stage.base);
    cr_assert_eq(stage.last, ENGINE_REFUSED);
    cr_assert_geq(timestamp_monotonic_us() - began, 50000);
    cr_assert_eq(conn->error.status, 504);
    cr_assert_str_eq(conn->error.reason, "upstream.connect-timeout");
    cr_assert_not_null(strstr(conn->error.text, stage.path), "%s", conn->error.text);
    cr_assert_eq(engine_error_count(stage.engine), 1);
    engine_drop(&conn);
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

Test(engine, a_queue_that_gets_room_takes_the_connection)
{
    AUTO_STAGE struct stage stage;
    int fds[16];
    stage_open(&stage, 8, 5000);
    int count = fill_queue(&stage, fds, 16);
    struct engine_conn *conn = take(&stage, false, false);
    cr_assert(conn->upstream.connecting);
    int peer = accept(stage.listener, NULL, NULL);
    event_base_dispatch(stage.base);
    cr_assert_eq(stage.last, ENGINE_CONNECTED);
    cr_assert_not(conn->upstream.connecting);
    close(peer);
    engine_give(&conn);
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

Test(engine, a_listener_that_goes_away_meanwhile_is_a_refusal)
{
    AUTO_STAGE struct stage stage;
    int fds[16];
    stage_open(&stage, 8, 5000);
    int count = fill_queue(&stage, fds, 16);
    struct engine_conn *conn = take(&stage, false, false);
    unlink(stage.path);
    event_base_dispatch(stage.base);
    cr_assert_eq(stage.last, ENGINE_REFUSED);
    cr_assert_eq(conn->error.status, 502);
    cr_assert_str_eq(conn->error.reason, "upstream.unreachable");
    engine_drop(&conn);
    for (int i = 0; i < count; i++)
        close(fds[i]);
}
