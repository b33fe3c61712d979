/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines as rows of a table (base/table.h). */
#pragma once

#include <stdbool.h>

#include "base/table.h"
#include "policy/log/log_line.h"

void log_table_init(struct table *table, bool aligned);

/* Makes the line the table's present row, to be measured or written. Safe for a terminal whatever the
 * line holds. */
void log_table_fill(struct table *table, const struct log_line *line, bool coloured);

/* What the gate says of itself, in a line that is no row of the table: nobody asked for it, and its
 * sentences would make every column wide. */
void log_table_append_gate(const struct table *table, const struct log_line *line,
                           struct buffer *out);

/* Microseconds as "812us", "12.3ms", "4.1s" or "2h03m"; what is no number as it is. */
void log_table_append_duration(struct slice microseconds, struct buffer *cell);
