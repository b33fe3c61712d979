/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer for text that is being built: log lines, request heads, error messages.
 * Growing can fail; the failure is remembered (`failed`), later appends do nothing, and the user
 * checks once at the end instead of at every append. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/slice.h"

struct buffer {
    char *data; /* owned; NULL while nothing was appended */
    size_t len;
    size_t capacity;
    bool failed; /* memory ran out: the content is incomplete */
};

#define BUFFER_EMPTY ((struct buffer){NULL, 0, 0, false})

/* Makes room for `more` bytes behind len. False (and failed set) when memory is out. */
MUST_CHECK bool buffer_reserve(struct buffer *buffer, size_t more);

void buffer_append_slow(struct buffer *buffer, const char *bytes, size_t len);

static inline void buffer_append(struct buffer *buffer, const char *bytes, size_t len)
{
    if (len <= buffer->capacity - buffer->len && len > 0) {
        memcpy(buffer->data + buffer->len, bytes, len);
        buffer->len += len;
    } else if (len > 0) {
        buffer_append_slow(buffer, bytes, len);
    }
}

static inline void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
    buffer_append(buffer, slice.ptr, slice.len);
}

#define buffer_append_literal(buffer, text) buffer_append((buffer), (text), sizeof(text) - 1)

static inline void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

static inline void buffer_append_byte(struct buffer *buffer, char byte)
{
    buffer_append(buffer, &byte, 1);
}

void buffer_append_u64(struct buffer *buffer, uint64_t number);
/* Lower-case hexadecimal without leading zeros. */
void buffer_append_hex(struct buffer *buffer, uint64_t number);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* The content as a borrowed slice, valid until the next append. */
static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->data, buffer->len);
}

/* The content as a C string (NUL added behind len), valid until the next append; "" after a
 * failure. */
const char *buffer_text(struct buffer *buffer);

/* Gives back the memory behind the content. */
void buffer_shrink(struct buffer *buffer);

/* Forgets the content, keeps the memory. */
static inline void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

/* Frees the memory and empties the struct. Usable as a cleanup attribute. */
void buffer_free(struct buffer *buffer);

#define AUTO_BUFFER CLEANUP(buffer_free)
