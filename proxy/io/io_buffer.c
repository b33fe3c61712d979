/* SPDX-License-Identifier: Apache-2.0
 *
 * The block pool and the linear buffers on it. Free blocks are kept last-in first-out, so that a
 * busy loop works on few, warm blocks; the number kept is bounded, so that a burst does not stay
 * resident. */
#include "proxy/io/io_buffer.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_SMALL = 64, KEPT_LARGE = 8 };

struct io_pool {
    char *small[KEPT_SMALL];
    char *large[KEPT_LARGE];
    unsigned small_count, large_count;
};

struct io_pool *io_pool_new(void)
{
    return calloc(1, sizeof(struct io_pool));
}

void io_pool_free(struct io_pool **pool)
{
    if (*pool == NULL)
        return;
    while ((*pool)->small_count > 0)
        free((*pool)->small[--(*pool)->small_count]);
    while ((*pool)->large_count > 0)
        free((*pool)->large[--(*pool)->large_count]);
    free(*pool);
    *pool = NULL;
}

static char *take_block(struct io_pool *pool, size_t size)
{
    if (size == IO_BLOCK_SMALL && pool->small_count > 0)
        return pool->small[--pool->small_count];
    if (size == IO_BLOCK_LARGE && pool->large_count > 0)
        return pool->large[--pool->large_count];
    return malloc(size);
}

static void give_block(struct io_pool *pool, char *block, size_t size)
{
    if (block == NULL)
        return;
    if (size == IO_BLOCK_SMALL && pool->small_count < KEPT_SMALL)
        pool->small[pool->small_count++] = block;
    else if (size == IO_BLOCK_LARGE && pool->large_count < KEPT_LARGE)
        pool->large[pool->large_count++] = block;
    else
        free(block);
}

void io_buffer_reset(struct io_pool *pool, struct io_buffer *buffer)
{
    give_block(pool, buffer->data, buffer->capacity);
    *buffer = (struct io_buffer){0};
}

static bool reserve(struct io_pool *pool, struct io_buffer *buffer, size_t room, size_t max)
{
    if (room <= buffer->capacity - buffer->end)
        return true;
    size_t len = io_buffer_len(buffer);
    if (buffer->data != NULL && room <= buffer->capacity - len) {
        memmove(buffer->data, buffer->data + buffer->start, len);
        buffer->start = 0;
        buffer->end = (uint32_t)len;
        return true;
    }
    size_t size =
        len + room <= IO_BLOCK_SMALL && buffer->data == NULL ? IO_BLOCK_SMALL : IO_BLOCK_LARGE;
    while (size < len + room && size < max)
        size = 2 * size < max ? 2 * size : max;
    if (len + room > size)
        return false;
    char *block = take_block(pool, size);
    if (block == NULL)
        return false;
    if (len > 0)
        memcpy(block, buffer->data + buffer->start, len);
    give_block(pool, buffer->data, buffer->capacity);
    *buffer = (struct io_buffer){block, (uint32_t)size, 0, (uint32_t)len};
    return true;
}

bool io_buffer_reserve(struct io_pool *pool, struct io_buffer *buffer, size_t room)
{
    return reserve(pool, buffer, room, IO_BLOCK_LARGE);
}

bool io_buffer_grow(struct io_pool *pool, struct io_buffer *buffer, size_t room)
{
    return reserve(pool, buffer, room, IO_BUFFER_MAX);
}

bool io_buffer_append(struct io_pool *pool, struct io_buffer *buffer, const char *bytes, size_t len)
{
    if (len == 0)
        return true;
    if (!io_buffer_grow(pool, buffer, len))
        return false;
    memcpy(buffer->data + buffer->end, bytes, len);
    buffer->end += (uint32_t)len;
    return true;
}

bool io_buffer_split(struct io_pool *pool, struct io_buffer *buffer, size_t len,
                     struct io_buffer *rest)
{
    size_t behind = io_buffer_len(buffer) - len;
    if (behind == 0)
        return true;
    if (!io_buffer_append(pool, rest, io_buffer_bytes(buffer) + len, behind))
        return false;
    buffer->end -= (uint32_t)behind;
    if (buffer->start == buffer->end)
        io_buffer_reset(pool, buffer);
    return true;
}

void io_buffer_consume(struct io_pool *pool, struct io_buffer *buffer, size_t len)
{
    buffer->start += (uint32_t)len;
    if (buffer->start == buffer->end)
        io_buffer_reset(pool, buffer);
}
