/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing of %XX. Runs of bytes that need no escape are copied at once. */
#include "base/percent_code.h"

#include "base/hex.h"

int percent_decode_at(struct slice text, size_t at)
{
    if (text.len - at < 3)
        return -1;
    int high = slice_hex_digit(text.ptr[at + 1]), low = slice_hex_digit(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void percent_encode(struct buffer *out, struct slice text, const char *also)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (is_unreserved(byte) || (byte != '\0' && strchr(also, byte) != NULL))
            continue;
        char escape[3] = {'%', HEX_DIGITS_UPPER[byte >> 4], HEX_DIGITS_UPPER[byte & 15]};
        buffer_append(out, text.ptr + plain, i - plain);
        buffer_append(out, escape, sizeof(escape));
        plain = i + 1;
    }
    if (text.len > plain)
        buffer_append(out, text.ptr + plain, text.len - plain);
}
