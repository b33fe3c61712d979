/* SPDX-License-Identifier: Apache-2.0
 *
 * Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
#ifndef DOCKREEVE_BASE_UTF8_H
#define DOCKREEVE_BASE_UTF8_H

#include <stddef.h>

/* Length of the sequence of two to four bytes that text[0..len) begins with; 0 when there is none.
 * len is at least 1. */
size_t utf8_sequence_len(const unsigned char *text, size_t len);

#endif
