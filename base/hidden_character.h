/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters with which a text says something else than what a person sees: some end a line for
 * YAML and for no editor, some turn the direction of writing, some do not show at all. A policy
 * that has to hold such a character writes it as an escape, in double quotes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hidden_character_kind {
    HIDDEN_CHARACTER_NONE,
    HIDDEN_CHARACTER_BREAK,     /* U+0085, U+2028, U+2029 */
    HIDDEN_CHARACTER_DIRECTION, /* of bidirectional text */
    HIDDEN_CHARACTER_INVISIBLE, /* no width, or that of a blank without being one */
};

enum hidden_character_kind hidden_character_kind(uint32_t point);

struct hidden_character {
    enum hidden_character_kind kind;
    uint32_t point;        /* '\r' for a lone carriage return, a BREAK */
    unsigned line, column; /* from 1, in characters, lines ended by LF */
};

/* Where to go on in a text. */
struct hidden_character_search {
    const char *at, *end;
    unsigned line, column;
};

void hidden_character_begin(struct hidden_character_search *search, const char *bytes, size_t len);
/* The next one; false at the end. Bytes that are no UTF-8 count as one character each. */
bool hidden_character_next(struct hidden_character_search *search, struct hidden_character *out);
