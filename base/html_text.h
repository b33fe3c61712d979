/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign text in a page of HTML, and templates with places for it. What is appended as text never
 * becomes markup, in an element or in a quoted attribute; what a reader could not see or what would
 * change the direction of writing is spelled as on a terminal (base/terminal_text.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

void html_text_append(struct buffer *out, struct slice text);

/* As html_text_append(), but of a text of more than `most` bytes the beginning only, and how many
 * bytes follow: `<span class="more">… and 812 bytes</span>`. */
void html_text_append_cut(struct buffer *out, struct slice text, size_t most);

/* "1,234,567". */
void html_text_append_number(struct buffer *out, uint64_t number);
/* "0 B", "812 B", "1.2 kB", "34 MB": decimal units, as networks count, behind a
 * space that does not break. */
void html_text_append_bytes(struct buffer *out, uint64_t bytes);

/* What stands at the place named names[index]. */
typedef void html_slot_write(void *context, unsigned index, struct buffer *out);

/* Appends `text`, with what `write` appends in place of each {{name}}. A template is part of the
 * program: a name that is not among names[0..count) is a mistake of ours and returns false. */
MUST_CHECK bool html_template_append(struct buffer *out, const char *text, const char *const *names,
                                     unsigned count, html_slot_write *write, void *context);
