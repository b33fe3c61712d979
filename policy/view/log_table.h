/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines for people: an aligned table with a header on a terminal, tab-separated columns without
 * one elsewhere. */
#ifndef DOCKREEVE_POLICY_LOG_TABLE_H
#define DOCKREEVE_POLICY_LOG_TABLE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "policy/log/log_line.h"

enum { LOG_TABLE_COLUMNS = 9 };

struct log_table {
    bool aligned; /* else tab-separated, without a header */
    bool colour;
    size_t widths[LOG_TABLE_COLUMNS];
};

void log_table_init(struct log_table *table, bool aligned, bool colour);

/* Widens the columns for a line that will be written. Lines that were not measured widen them when
 * they are written. */
void log_table_measure(struct log_table *table, const struct log_line *line);

/* Append the header (aligned tables only) or one row, with its line end. Safe for a terminal
 * whatever the line holds. */
void log_table_header(const struct log_table *table, struct buffer *out);
void log_table_row(struct log_table *table, const struct log_line *line, struct buffer *out);

/* Microseconds as "812us", "12.3ms", "4.1s" or "2h03m"; what is no number as it is. */
void log_table_append_duration(struct slice microseconds, struct buffer *cell);

#endif
