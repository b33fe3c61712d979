/* SPDX-License-Identifier: Apache-2.0
 *
 * Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
#pragma once

#include "base/slice.h"

/* Length of the sequence of two to four bytes that text[0..len) begins with; 0 when there is none.
 * len is at least 1. */
size_t utf8_sequence_len(const unsigned char *text, size_t len);

/* Length of the character that text[0..len) begins with, ASCII too, and its code point; 0, and U+FFFD,
 * when it is none. len is at least 1. */
size_t utf8_decode(const char *text, size_t len, uint32_t *point_out);

/* Whether all of it is UTF-8. */
bool utf8_is_text(struct slice text);
