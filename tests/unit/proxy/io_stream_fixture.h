/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of a pool, and an endless, unrepeating stream to send through buffers. */
#pragma once

#include <criterion/criterion.h>

#include "proxy/io/io_buffer.h"

#define AUTO_POOL CLEANUP(io_pool_free)

static inline struct io_pool *new_pool(void)
{
    struct io_pool *pool = io_pool_new();
    cr_assert_not_null(pool);
    return pool;
}

/* The byte that stands at `at` of the stream. */
static inline char stream_byte(size_t at)
{
    return (char)((at * 31 + at / 251) & 0xff);
}

static inline void append_stream(struct io_pool *pool, struct io_buffer *buffer, size_t *at,
                                 size_t len)
{
    static char bytes[IO_BUFFER_MAX];
    for (size_t i = 0; i < len; i++)
        bytes[i] = stream_byte(*at + i);
    cr_assert(io_buffer_append(pool, buffer, bytes, len));
    *at += len;
}

static inline void expect_stream(const struct io_buffer *buffer, size_t from, size_t to)
{
    cr_assert_eq(io_buffer_len(buffer), to - from);
    for (size_t i = from; i < to; i++)
        cr_assert_eq(io_buffer_bytes(buffer)[i - from], stream_byte(i), "byte %zu", i);
}
