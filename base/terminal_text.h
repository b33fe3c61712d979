/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign text on a person's terminal: nothing that the terminal would obey, and nothing that shows
 * a name other than the one that stands there (direction marks, invisible characters). */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/slice.h"

/* Appends `text`; control bytes, bytes that are not UTF-8, and code points that are invisible or
 * change the direction of writing become \xNN, byte by byte. A backslash stays as it is. The result
 * has no tab and no line end. */
void terminal_text_append(struct buffer *out, struct slice text);

/* How many columns text from terminal_text_append() takes, one for each code point. */
size_t terminal_text_columns(struct slice safe);

#define TERMINAL_RED "\033[31m"
#define TERMINAL_YELLOW "\033[33m"

/* Whether `out` is a terminal and the user did not set NO_COLOR (https://no-color.org). */
bool terminal_text_in_colour(FILE *out);
