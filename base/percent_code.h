/* SPDX-License-Identifier: Apache-2.0
 *
 * Percent-encoding (RFC 3986 section 2.1), one escape at a time, so that each caller decides what a
 * byte may mean in its place. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* The byte that the three characters at text[at], a percent sign first, stand for; -1 when two
 * hexadecimal digits do not follow. */
int percent_decode_at(struct slice text, size_t at);

/* Appends `text` with every byte escaped (upper-case digits) but the unreserved ones, A-Z a-z 0-9 -
 * . _ ~, and those in `also`. */
void percent_encode(struct buffer *out, struct slice text, const char *also);
