/* SPDX-License-Identifier: Apache-2.0
 *
 * The buffers between sockets and parsers: nothing is lost when a block moves or grows, nothing is
 * kept when a buffer is empty, and a full buffer says so instead of dropping bytes. */
#include <string.h>

#include "tests/unit/proxy/io_stream_fixture.h"

Test(io_buffer, an_empty_buffer_holds_no_block)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    cr_assert(io_buffer_append(pool, &buffer, "", 0));
    cr_assert_null(buffer.data);
    cr_assert(io_buffer_append(pool, &buffer, "abc", 3));
    cr_assert_not_null(buffer.data);
    cr_assert_eq(buffer.capacity, IO_BLOCK_SMALL);
    io_buffer_consume(pool, &buffer, 2);
    cr_assert_eq(io_buffer_len(&buffer), 1);
    cr_assert_eq(io_buffer_bytes(&buffer)[0], 'c');
    io_buffer_consume(pool, &buffer, 1);
    cr_assert_null(buffer.data);
    cr_assert_eq(buffer.capacity, 0);
}

Test(io_buffer, a_block_given_back_is_lent_again)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer first = {0}, second = {0};
    cr_assert(io_buffer_append(pool, &first, "a", 1));
    const char *block = first.data;
    io_buffer_reset(pool, &first);
    cr_assert(io_buffer_append(pool, &second, "b", 1));
    cr_assert_eq(second.data, block);
    io_buffer_reset(pool, &second);
}

Test(io_buffer, the_content_survives_moving_to_the_front_and_growing)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    size_t written = 0;
    append_stream(pool, &buffer, &written, IO_BLOCK_SMALL);
    io_buffer_consume(pool, &buffer, 5000);
    append_stream(pool, &buffer, &written, 5000);
    cr_assert_eq(buffer.capacity, IO_BLOCK_SMALL, "moved to the front of its block, not grown");
    expect_stream(&buffer, 5000, written);
    append_stream(pool, &buffer, &written, 1);
    cr_assert_eq(buffer.capacity, IO_BLOCK_LARGE);
    expect_stream(&buffer, 5000, written);
    append_stream(pool, &buffer, &written, IO_BLOCK_LARGE - io_buffer_len(&buffer));
    expect_stream(&buffer, 5000, written);
    io_buffer_reset(pool, &buffer);
}

Test(io_buffer, what_does_not_fit_changes_nothing)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffer = {0};
    size_t written = 0;
    append_stream(pool, &buffer, &written, IO_BLOCK_LARGE - 2);
    cr_assert_eq(io_buffer_room(&buffer), 2);
    cr_assert_not(io_buffer_reserve(pool, &buffer, 3));
    cr_assert_not(io_buffer_reserve(pool, &buffer, IO_BLOCK_LARGE));
    expect_stream(&buffer, 0, written);
    append_stream(pool, &buffer, &written, IO_BUFFER_MAX - IO_BLOCK_LARGE);
    cr_assert_eq(io_buffer_room(&buffer), 0);
    cr_assert_not(io_buffer_append(pool, &buffer, "abc", 3));
    cr_assert_not(io_buffer_grow(pool, &buffer, 3));
    expect_stream(&buffer, 0, written);
    io_buffer_reset(pool, &buffer);
    cr_assert_not(io_buffer_reserve(pool, &buffer, IO_BLOCK_LARGE + 1));
    cr_assert_null(buffer.data);
}

Test(io_buffer, a_burst_of_blocks_is_freed_not_kept)
{
    enum { BURST = 200 };
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer buffers[BURST] = {{0}};
    for (int i = 0; i < BURST; i++)
        cr_assert(io_buffer_reserve(pool, &buffers[i], i % 2 == 0 ? 1 : IO_BLOCK_LARGE));
    for (int i = 0; i < BURST; i++)
        io_buffer_reset(pool, &buffers[i]);
}
