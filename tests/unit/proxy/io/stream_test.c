/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams between socket and buffer: silence, the end and a full buffer are told apart, and a peer
 * that has gone is noticed without reading what it said. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/stream.h"
#include "tests/unit/proxy/io_stream_fixture.h"

static void socket_pair(int ends[2])
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
}

Test(stream, filling_tells_nothing_there_from_the_end_and_from_full)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    int ends[2];
    socket_pair(ends);
    CLEANUP(stream_close) struct stream end = stream_of_socket(ends[0]);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_HEAD), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_null(buffer.data, "a silent stream costs no block");

    cr_assert_eq(send(ends[1], "abc", 3, 0), 3);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_HEAD), 3);
    cr_assert_eq(memcmp(io_buffer_bytes(&buffer), "abc", 3), 0);

    size_t written = 0;
    io_buffer_reset(pool, &buffer);
    append_stream(pool, &buffer, &written, IO_BLOCK_LARGE);
    cr_assert_eq(send(ends[1], "d", 1, 0), 1);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_BULK), -1);
    cr_assert_eq(errno, ENOBUFS);
    expect_stream(&buffer, 0, written);
    io_buffer_consume(pool, &buffer, 1);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_BULK), 1, "there is room again");

    io_buffer_reset(pool, &buffer);
    close(ends[1]);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_BULK), 0);
    cr_assert_null(buffer.data);
}

Test(stream, filling_for_bulk_uses_a_large_block)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    int ends[2];
    socket_pair(ends);
    struct stream end = stream_of_socket(ends[0]);
    cr_assert_eq(send(ends[1], "abc", 3, 0), 3);
    cr_assert_eq(stream_fill(&end, pool, &buffer, IO_READ_BULK), 3);
    cr_assert_eq(buffer.capacity, IO_BLOCK_LARGE);
    io_buffer_reset(pool, &buffer);
    stream_close(&end);
    close(ends[1]);
}

Test(stream, no_more_than_the_limit_is_read)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    int ends[2];
    socket_pair(ends);
    struct stream end = stream_of_socket(ends[0]);
    cr_assert_eq(send(ends[1], "abcdef", 6, 0), 6);
    cr_assert_eq(stream_fill(&end, pool, &buffer, 4), 4);
    cr_assert_eq(stream_fill(&end, pool, &buffer, 1), 1);
    cr_assert_eq(io_buffer_len(&buffer), 5);
    cr_assert_eq(memcmp(io_buffer_bytes(&buffer), "abcde", 5), 0);
    io_buffer_reset(pool, &buffer);
    stream_close(&end);
    close(ends[1]);
}

Test(stream, draining_stops_at_a_full_socket_and_goes_on_later)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    int ends[2], small = 4096;
    size_t written = 0, received = 0;
    socket_pair(ends);
    struct stream end = stream_of_socket(ends[0]);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    append_stream(pool, &buffer, &written, IO_BLOCK_LARGE);
    cr_assert(stream_drain(&end, pool, &buffer, false));
    cr_assert_gt(io_buffer_len(&buffer), 0, "the socket cannot hold all of it");
    while (received < written) {
        char bytes[1000];
        ssize_t got = recv(ends[1], bytes, sizeof(bytes), 0);
        cr_assert_gt(got, 0);
        for (ssize_t i = 0; i < got; i++)
            cr_assert_eq(bytes[i], stream_byte(received + (size_t)i));
        received += (size_t)got;
        cr_assert(stream_drain(&end, pool, &buffer, false));
    }
    cr_assert_null(buffer.data);
    stream_close(&end);
    close(ends[1]);
}

Test(stream, draining_into_a_broken_socket_fails_without_a_signal)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    int ends[2];
    socket_pair(ends);
    CLEANUP(stream_close) struct stream end = stream_of_socket(ends[0]);
    close(ends[1]);
    cr_assert(io_buffer_append(pool, &buffer, "abc", 3));
    cr_assert_not(stream_drain(&end, pool, &buffer, false));
    cr_assert_eq(io_buffer_len(&buffer), 3);
    io_buffer_reset(pool, &buffer);
}

Test(stream, looking_takes_nothing)
{
    char bytes[8];
    int ends[2];
    socket_pair(ends);
    CLEANUP(stream_close) struct stream end = stream_of_socket(ends[0]);
    cr_assert_eq(stream_look(&end), STREAM_SILENT);
    cr_assert_eq(send(ends[1], "abc", 3, 0), 3);
    cr_assert_eq(stream_look(&end), STREAM_HAS_INPUT);
    cr_assert_eq(stream_read(&end, bytes, sizeof(bytes)), 3);
    cr_assert_not(stream_is_hung_up(&end));
    close(ends[1]);
    cr_assert_eq(stream_look(&end), STREAM_OVER);
    cr_assert(stream_is_hung_up(&end));
}

Test(stream, an_end_is_told_and_the_other_direction_stays)
{
    char byte;
    int ends[2];
    socket_pair(ends);
    struct stream end = stream_of_socket(ends[0]);
    stream_end(&end);
    cr_assert_eq(recv(ends[1], &byte, 1, 0), 0);
    cr_assert_eq(send(ends[1], "a", 1, 0), 1);
    cr_assert_eq(stream_read(&end, &byte, 1), 1);
    stream_close(&end);
    close(ends[1]);
}

Test(stream, what_is_given_away_is_closed_here)
{
    int ends[2];
    socket_pair(ends);
    struct stream end = stream_of_socket(ends[0]);
    struct stream taken = steal_stream(&end);
    cr_assert_not(stream_is_open(&end));
    stream_close(&end);
    cr_assert_eq(stream_write(&taken, "a", 1), 1, "still open");
    stream_close(&taken);
    close(ends[1]);
}
