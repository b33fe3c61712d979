/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a rule stands: file, line and column, the lines as they are written there, and what would
 * take it away. */
#pragma once

#include "base/buffer.h"
#include "policy/explain/rule_row.h"

enum { RULE_PLACE_LINES = 8, RULE_PLACE_LINE_MAX = 200 };

struct rule_place {
    const char *file; /* NULL = not of a document */
    unsigned line, column;
    unsigned first;                       /* number of lines[0] */
    struct slice lines[RULE_PLACE_LINES]; /* cut to RULE_PLACE_LINE_MAX bytes */
    bool is_cut[RULE_PLACE_LINES];
    size_t line_count;  /* 0 = there are none to show */
    struct buffer text; /* owned: what `lines` points into, but for presets */
};

/* Reads the lines around the row's. A file that can no longer be read has none. */
void rule_place_read(const struct rule_row *row, struct rule_place *place);
void rule_place_clear(struct rule_place *place);

/* Appends "/etc/dockreeve/policy.yaml:14:5"; nothing when the row is not of a document. */
void rule_place_write(const struct rule_place *place, struct buffer *out);

/* Appends the command or the change that takes the rule away. */
void rule_place_write_removal(const struct rule_row *row, struct buffer *out);
