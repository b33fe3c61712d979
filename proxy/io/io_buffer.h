/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers between a stream and a parser. A buffer borrows a block from the loop's pool while it
 * holds bytes and gives it back when it is empty, so that an idle connection or a silent stream
 * costs no buffer at all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/slice.h"

/* Two sizes of block: heads and short messages, and bulk. A bulk block has room for 64 KiB and the
 * chunk framing around them. */
enum { IO_BLOCK_SMALL = 16384, IO_BLOCK_LARGE = 65536 + 64 };

/* So much a buffer may hold that has to: a head, in a block of its own. */
enum { IO_BUFFER_MAX = 1024 * 1024 + 128 * 1024 };

/* How much is read at once. */
enum { IO_READ_HEAD = IO_BLOCK_SMALL, IO_READ_BULK = 65536 };

/* So few bytes may wait in an output buffer for what comes next, to go out with it in one send(2). */
enum { IO_LAZY_MAX = 512 };

struct io_pool; /* opaque */

struct io_pool *io_pool_new(void);
void io_pool_free(struct io_pool **pool);

/* Zeroed is empty. */
struct io_buffer {
    char *data; /* a block of the pool; NULL while empty */
    uint32_t capacity, start, end;
};

static inline size_t io_buffer_len(const struct io_buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline char *io_buffer_bytes(const struct io_buffer *buffer)
{
    return buffer->data + buffer->start;
}

/* Makes `room` bytes free behind the content, moving it to the front of the block or to a large
 * block when needed. False when even that is too small or memory is out. Bytes may move. */
MUST_CHECK bool io_buffer_reserve(struct io_pool *pool, struct io_buffer *buffer, size_t room);

/* How many bytes may be put behind the content before the buffer counts as full. */
static inline size_t io_buffer_room(const struct io_buffer *buffer)
{
    size_t len = io_buffer_len(buffer);
    return len < IO_BLOCK_LARGE ? IO_BLOCK_LARGE - len : 0;
}

/* As io_buffer_reserve(), in a block of its own where a large one is too small, up to IO_BUFFER_MAX. */
MUST_CHECK bool io_buffer_grow(struct io_pool *pool, struct io_buffer *buffer, size_t room);

/* Appends, growing; false when there is no room for all of it (nothing is appended then). */
MUST_CHECK bool io_buffer_append(struct io_pool *pool, struct io_buffer *buffer, const char *bytes,
                                 size_t len);

/* Keeps the first `len` bytes (at most what there is) and moves what is behind them to the empty
 * buffer `rest`. False when memory is out; nothing has changed then. */
MUST_CHECK bool io_buffer_split(struct io_pool *pool, struct io_buffer *buffer, size_t len,
                                struct io_buffer *rest);

/* Takes `len` bytes off the front; gives the block back when nothing is left. */
void io_buffer_consume(struct io_pool *pool, struct io_buffer *buffer, size_t len);

/* Drops the content and the block. */
void io_buffer_reset(struct io_pool *pool, struct io_buffer *buffer);
