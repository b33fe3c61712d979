/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of RFC 3629 section 4 as code. */
#include "base/utf8.h"

#include <stdbool.h>

size_t utf8_sequence_len(const unsigned char *text, size_t len)
{
    unsigned char first = text[0];
    if (first >= 0xc2 && first <= 0xdf)
        return len >= 2 && (text[1] & 0xc0) == 0x80 ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (len < 3 || (text[1] & 0xc0) != 0x80 || (text[2] & 0xc0) != 0x80)
            return 0;
        bool overlong = first == 0xe0 && text[1] < 0xa0;
        bool surrogate = first == 0xed && text[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (len < 4 || (text[1] & 0xc0) != 0x80 || (text[2] & 0xc0) != 0x80 ||
            (text[3] & 0xc0) != 0x80)
            return 0;
        bool overlong = first == 0xf0 && text[1] < 0x90;
        bool too_large = first == 0xf4 && text[1] >= 0x90;
        return overlong || too_large ? 0 : 4;
    }
    return 0;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *point_out)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t count = bytes[0] < 0x80 ? 1 : utf8_sequence_len(bytes, len);
    uint32_t point = count == 0 ? 0xfffd : count == 1 ? bytes[0] : bytes[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++)
        point = point << 6 | (bytes[i] & 0x3f);
    *point_out = point;
    return count;
}

bool utf8_is_text(struct slice text)
{
    uint32_t point;
    size_t len = 1;
    for (; text.len > 0 && len > 0; text = slice_of(text.ptr + len, text.len - len))
        len = utf8_decode(text.ptr, text.len, &point);
    return len > 0;
}
