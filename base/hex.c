/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Every record of a sealed log is written and read by this, so it has no branches. */
#include "base/hex.h"

char *hex_write(char *out, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = HEX_DIGITS[bytes[i] >> 4];
        *out++ = HEX_DIGITS[bytes[i] & 15];
    }
    return out;
}

/* One more than each digit stands for. */
static const unsigned char values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool hex_read(const char *text, unsigned char *bytes, size_t len)
{
    bool good = true;
    for (size_t i = 0; i < len; i++) {
        unsigned high = values[(unsigned char)text[2 * i]];
        unsigned low = values[(unsigned char)text[2 * i + 1]];
        good = good && high > 0 && low > 0;
        bytes[i] = (unsigned char)((high - 1) << 4 | ((low - 1) & 15));
    }
    return good;
}
