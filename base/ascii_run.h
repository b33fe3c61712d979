/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight bytes of text at a time: what JSON's reader and writer and the log's reader ask of every byte. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

#define ASCII_RUN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte of the word that is `byte`, and perhaps of bytes above one that is. The
 * other bits mean nothing. */
static inline uint64_t ascii_run_is(uint64_t word, unsigned char byte)
{
    word ^= ASCII_RUN_EACH(byte);
    return (word - ASCII_RUN_EACH(1)) & ~word;
}

/* The same of bytes that are not printable ASCII: those below a blank borrow, those above have the
 * high bit. */
static inline uint64_t ascii_run_is_odd(uint64_t word)
{
    return (word - ASCII_RUN_EACH(0x20)) | word | ascii_run_is(word, 0x7f);
}

/* The high bits alone. */
static inline uint64_t ascii_run_find(uint64_t word, unsigned char byte)
{
    return ascii_run_is(word, byte) & ASCII_RUN_EACH(0x80);
}

static inline uint64_t ascii_run_odd(uint64_t word)
{
    return ascii_run_is_odd(word) & ASCII_RUN_EACH(0x80);
}

/* How many bytes from the first one on stand for themselves in a JSON string: printable ASCII, no quote,
 * no backslash. */
static inline size_t ascii_run_plain(const char *bytes, size_t len)
{
    uint64_t word;
    size_t run = 0;
    while (run < len && len >= sizeof(word)) {
        if (len - run < sizeof(word))
            run = len - sizeof(word); /* with some that were looked at */
        memcpy(&word, bytes + run, sizeof(word));
        word = le64toh(word);
        uint64_t odd =
            (ascii_run_is_odd(word) | ascii_run_is(word, '"') | ascii_run_is(word, '\\')) &
            ASCII_RUN_EACH(0x80);
        if (odd != 0) /* the lowest bit that is set is of the first odd byte */
            return run + (size_t)__builtin_ctzll(odd) / 8;
        run += sizeof(word);
    }
    while (run < len && bytes[run] >= 0x20 && bytes[run] < 0x7f && bytes[run] != '"' &&
           bytes[run] != '\\')
        run++;
    return run;
}

/* Whether the whole text is printable ASCII. */
static inline bool ascii_run_is_printable(struct slice text)
{
    uint64_t odd = 0, word = ASCII_RUN_EACH(' ');
    size_t at = 0;
    for (; at + sizeof(word) <= text.len; at += sizeof(word)) {
        memcpy(&word, text.ptr + at, sizeof(word));
        odd |= ascii_run_odd(word);
    }
    word = ASCII_RUN_EACH(' ');
    if (at < text.len)
        memcpy(&word, text.ptr + at, text.len - at);
    return (odd | ascii_run_odd(word)) == 0;
}
