/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting: into the block while that has room, then from block to heap. */
#include "proxy/http/held_body.h"
#include "rules/reason.h"

/* With less room than this left in the block its content moves to the heap. */
enum { ROOM_WANTED = 1024 };

static bool move_to_heap(struct held_body *held, struct io_pool *pool, struct error *error)
{
    buffer_append(&held->heap, io_buffer_bytes(&held->block), io_buffer_len(&held->block));
    io_buffer_reset(pool, &held->block);
    return !held->heap.failed ||
           error_set_reason(error, 503, REASON_LIMIT_MEMORY, "no memory is left for the body");
}

bool held_body_collect(struct held_body *held, struct io_pool *pool, struct http_body *body,
                       struct io_buffer *source, struct error *error)
{
    while (!body->finished && io_buffer_len(source) > 0) {
        if (!http_body_move(body, pool, source, &held->block, error))
            return false;
        bool full = io_buffer_len(&held->block) > IO_BLOCK_LARGE - ROOM_WANTED;
        if (full && !body->finished && !move_to_heap(held, pool, error))
            return false;
    }
    return held->heap.len == 0 || io_buffer_len(&held->block) == 0 ||
           move_to_heap(held, pool, error);
}

struct slice held_body_rest(const struct held_body *held)
{
    if (held->heap.len > 0)
        return slice_of(held->heap.data + held->sent, held->heap.len - held->sent);
    size_t len = io_buffer_len(&held->block);
    return len == 0 ? slice_of(NULL, 0)
                    : slice_of(io_buffer_bytes(&held->block) + held->sent, len - held->sent);
}

void held_body_replace(struct held_body *held, struct io_pool *pool, struct buffer *text)
{
    held_body_release(held, pool);
    held->heap = *text;
    *text = BUFFER_EMPTY;
}

void held_body_sent(struct held_body *held, struct io_pool *pool, size_t len)
{
    held->sent += len;
    if (held_body_rest(held).len == 0)
        held_body_release(held, pool);
}

void held_body_release(struct held_body *held, struct io_pool *pool)
{
    io_buffer_reset(pool, &held->block);
    buffer_free(&held->heap);
    held->sent = 0;
}
