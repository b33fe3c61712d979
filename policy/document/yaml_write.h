/* SPDX-License-Identifier: Apache-2.0
 *
 * A tree of yaml_tree.h as YAML text, in one canonical form: block style, two blanks a level, an
 * item or key a line, quotes where a reader could take the text for anything else. What is written
 * parses back to the same tree. */
#pragma once

#include "base/buffer.h"
#include "policy/document/yaml_tree.h"

/* Whether the text can stand without quotes and be text for every YAML reader: not a number, a
 * date, a boolean, null or syntax for any of them. */
bool yaml_write_is_plain(struct slice text);

/* Appends the document. `first_line` is the number of the line it begins in: the `line` of each
 * node becomes the line where it was written, so that a caller can tell it from messages about the
 * text. A scalar that was not quoted is written without quotes only where that is safe; it means
 * the same either way, but for true, false and null, which stay as they are. Scalars must be
 * UTF-8. */
void yaml_write(struct yaml_tree_node *root, unsigned first_line, struct buffer *out);
