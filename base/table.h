/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of cells for people: on a terminal aligned under a header, elsewhere separated by tabs, without a
 * header. Rows are never kept: who wants a column to be as wide as its widest cell measures all rows
 * first and writes them in a second pass. Nothing is cut; a cell that is wider than its column pushes
 * only its own row to the right. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table_column {
    const char *title;
    size_t most; /* how wide the column may become; 0 = as wide as its cells */
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t count;
    bool aligned;
    bool hidden[TABLE_COLUMNS_MAX];         /* columns that are not written */
    const char *colours[TABLE_COLUMNS_MAX]; /* of the present row: escape sequences; NULL = none */
    /* owned: of the present row; what is appended must be safe for a terminal
     * (base/terminal_text.h); empty = "-" */
    struct buffer cells[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
};

void table_init(struct table *table, const struct table_column *columns, size_t count,
                bool aligned);
void table_clear(struct table *table);
#define AUTO_TABLE CLEANUP(table_clear)

/* Widens the columns for the present row, and forgets it. */
void table_measure(struct table *table);

/* Appends the titles (aligned tables only), or the present row, which is then forgotten. A row that was
 * not measured widens the columns of those that follow it. */
void table_write_titles(struct table *table, struct buffer *out);
void table_write_row(struct table *table, struct buffer *out);
