/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing, trimming, cutting and copying of borrowed bytes. */
#include "base/slice.h"

#include <stdint.h>
#include <string.h>

static unsigned char lower_ascii(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

/* Eight bytes at once: the high bit of each sum says that the byte is not below 'A', or above 'Z';
 * where one holds and the other does not, 0x20 is added. Bytes beyond ASCII stay as they are. */
static uint64_t lower_ascii_8(const char *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    uint64_t low = word & ~high;
    uint64_t from_a = low + each * (0x80 - 'A'), above_z = low + each * (0x7f - 'Z');
    return word + (((from_a ^ above_z) & ~word & high) >> 2);
}

bool slice_equal_folded(const char *a, const char *b, size_t len)
{
    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t)) {
        if (lower_ascii_8(a) != lower_ascii_8(b))
            return false;
        a += sizeof(uint64_t);
        b += sizeof(uint64_t);
    }
    for (size_t i = 0; i < len; i++) {
        if (lower_ascii((unsigned char)a[i]) != lower_ascii((unsigned char)b[i]))
            return false;
    }
    return true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct slice slice_trim_blanks(struct slice a)
{
    while (a.len > 0 && is_blank(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

size_t slice_find(struct slice a, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && !slice_equal_text(a, words[i]))
        i++;
    return i;
}

size_t slice_find_nocase(struct slice a, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && !slice_equal_nocase(a, slice_from_text(words[i])))
        i++;
    return i;
}

struct slice slice_cut(struct slice *rest, char separator)
{
    struct slice part = *rest;
    const char *found = part.len == 0 ? NULL : memchr(part.ptr, separator, part.len);
    if (found == NULL) {
        *rest = (struct slice){NULL, 0};
        return part;
    }
    part.len = (size_t)(found - part.ptr);
    rest->ptr = found + 1;
    rest->len -= part.len + 1;
    return part;
}

bool slice_to_u64(struct slice a, uint64_t *number_out)
{
    if (a.len == 0 || a.len > 19)
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(a.ptr[i] - '0');
    }
    *number_out = number;
    return true;
}

char *slice_to_text(struct slice a)
{
    char *text = malloc(a.len + 1);
    if (text == NULL)
        abort();
    if (a.len > 0)
        memcpy(text, a.ptr, a.len);
    text[a.len] = '\0';
    return text;
}
