/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing of the byte buffer, by doubling, and the number formats that do not need printf. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more <= buffer->capacity - buffer->len)
        return true;
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
    while (capacity - buffer->len < more) {
        if (capacity > SIZE_MAX / 2) {
            buffer->failed = true;
            return false;
        }
        capacity *= 2;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_shrink(struct buffer *buffer)
{
    char *data = buffer->len == 0 ? NULL : realloc(buffer->data, buffer->len);
    if (data == NULL)
        return;
    buffer->data = data;
    buffer->capacity = buffer->len;
}

void buffer_append_slow(struct buffer *buffer, const char *bytes, size_t len)
{
    if (!buffer_reserve(buffer, len))
        return;
    memcpy(buffer->data + buffer->len, bytes, len);
    buffer->len += len;
}

/* Bases are written out so that the compiler divides by multiplying, and digits are taken in pairs:
 * numbers are in every log line. */
void buffer_append_u64(struct buffer *buffer, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t start = sizeof(digits);
    for (; number >= 10; number /= 100) {
        digits[--start] = pairs[number % 100 * 2 + 1];
        digits[--start] = pairs[number % 100 * 2];
    }
    if (number > 0 || start == sizeof(digits))
        digits[--start] = (char)('0' + number);
    buffer_append(buffer, digits + start, sizeof(digits) - start);
}

void buffer_append_hex(struct buffer *buffer, uint64_t number)
{
    char digits[16];
    size_t start = sizeof(digits);
    do {
        digits[--start] = HEX_DIGITS[number % 16];
        number /= 16;
    } while (number > 0);
    buffer_append(buffer, digits + start, sizeof(digits) - start);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    if (len >= 0 && buffer_reserve(buffer, (size_t)len + 1)) {
        vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
    va_end(arguments);
}

const char *buffer_text(struct buffer *buffer)
{
    if (!buffer_reserve(buffer, 1))
        return "";
    buffer->data[buffer->len] = '\0';
    return buffer->data;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = BUFFER_EMPTY;
}
