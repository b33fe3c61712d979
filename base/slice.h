/* SPDX-License-Identifier: Apache-2.0
 *
 * A borrowed run of bytes. Everything that parses works on slices, so that text from the network is
 * never taken for a C string and never copied only to be looked at. A slice owns nothing: the bytes
 * must outlive it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice_of(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline struct slice slice_from_text(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_equal_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_from_text(text));
}

static inline bool slice_starts_with(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool slice_ends_with(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.ptr + (a.len - suffix.len), suffix.ptr, suffix.len) == 0);
}

/* Whether a and b are equal when ASCII letters are compared without case. Other bytes are compared
 * as they are. Most comparisons of header fields end at the lengths, so those come before the call. */
bool slice_equal_folded(const char *a, const char *b, size_t len);
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && slice_equal_folded(a.ptr, b.ptr, a.len);
}

/* The number of the first of words[0..count) that is equal, or equal without case; `count` when none
 * is. */
size_t slice_find(struct slice a, const char *const *words, size_t count);
size_t slice_find_nocase(struct slice a, const char *const *words, size_t count);

/* The slice without spaces and tabs at both ends (OWS of RFC 9110 section 5.6.3). */
struct slice slice_trim_blanks(struct slice a);

/* Cuts *rest at the first `separator`: returns what stands before it and leaves in *rest what
 * stands behind it. Without a separator all of it is returned and *rest becomes empty with ptr
 * NULL, so that `while (rest.ptr != NULL)` visits every part. */
struct slice slice_cut(struct slice *rest, char separator);

/* Reads a decimal number of 1 to 19 digits, nothing else around it. False when it is anything else. */
MUST_CHECK bool slice_to_u64(struct slice a, uint64_t *number_out);

/* What a hexadecimal digit of either case stands for; -1 for any other byte. */
static inline int slice_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char folded = (char)(digit | 0x20);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

/* A heap copy as a C string, owned by the caller. Aborts when memory is out: for start-up and
 * loader use only. */
char *slice_to_text(struct slice a);

/* FNV-1a, 64 bits, continued from `seed` (start with SLICE_HASH_SEED). For tables and short names;
 * not a cryptographic hash. */
#define SLICE_HASH_SEED UINT64_C(0xcbf29ce484222325)
static inline uint64_t slice_hash(struct slice a, uint64_t seed)
{
    for (size_t i = 0; i < a.len; i++)
        seed = (seed ^ (unsigned char)a.ptr[i]) * UINT64_C(0x100000001b3);
    return seed;
}
