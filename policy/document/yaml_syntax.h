/* SPDX-License-Identifier: Apache-2.0
 *
 * What libyaml stopped at, in words that mend it. For yaml_tree.c only. */
#pragma once

#include <yaml.h>

#include "base/buffer.h"
#include "base/slice.h"

/* Appends the sentence about the parser's error and sets where it stands in `text`, which is what was
 * parsed. What has no sentence of ours is said in libyaml's words. */
void yaml_syntax_explain(const yaml_parser_t *parser, struct slice text, yaml_mark_t *mark_out,
                         struct buffer *out);
