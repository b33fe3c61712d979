/* SPDX-License-Identifier: Apache-2.0
 *
 * The blanks of a column are written before the next cell, so that no line ends with blanks. */
#include "base/table.h"

#include <string.h>

#include "base/terminal_text.h"

void table_init(struct table *table, const struct table_column *columns, size_t count, bool aligned)
{
    *table = (struct table){.columns = columns, .count = count, .aligned = aligned};
    for (size_t i = 0; i < count; i++)
        table->widths[i] = strlen(columns[i].title);
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
        buffer_free(&table->cells[i]);
}

static void forget_row(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        buffer_clear(&table->cells[i]);
        table->colours[i] = NULL;
    }
}

/* The width of a cell, to which its column is widened as far as it may be. */
static size_t widen(struct table *table, size_t column)
{
    size_t width = terminal_text_columns(buffer_slice(&table->cells[column]));
    size_t most = table->columns[column].most;
    size_t wanted = most > 0 && width > most ? most : width;
    if (wanted > table->widths[column])
        table->widths[column] = wanted;
    return width;
}

void table_measure(struct table *table)
{
    for (size_t i = 0; table->aligned && i < table->count; i++)
        widen(table, i);
    forget_row(table);
}

void table_write_row(struct table *table, struct buffer *out)
{
    bool first = true;
    size_t blanks = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct buffer *cell = &table->cells[i];
        if (table->hidden[i])
            continue;
        if (cell->len == 0)
            buffer_append_byte(cell, '-');
        if (!first && !table->aligned)
            buffer_append_byte(out, '\t');
        for (; blanks > 0; blanks--)
            buffer_append_byte(out, ' ');
        first = false;
        if (table->colours[i] != NULL)
            buffer_append_text(out, table->colours[i]);
        buffer_append_slice(out, buffer_slice(cell));
        if (table->colours[i] != NULL)
            buffer_append_literal(out, "\033[0m");
        out->failed = out->failed || cell->failed;
        if (table->aligned) {
            size_t width = widen(table, i);
            blanks = (width < table->widths[i] ? table->widths[i] - width : 0) + 2;
        }
    }
    buffer_append_byte(out, '\n');
    forget_row(table);
}

void table_write_titles(struct table *table, struct buffer *out)
{
    if (!table->aligned)
        return;
    forget_row(table);
    for (size_t i = 0; i < table->count; i++)
        buffer_append_text(&table->cells[i], table->columns[i].title);
    table_write_row(table, out);
}
