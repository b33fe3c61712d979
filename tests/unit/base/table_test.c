/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/table.h"

static const struct table_column columns[] = {{"NAME", 0}, {"PATH", 6}, {"LAST", 0}};

static void fill(struct table *table, const char *name, const char *path, const char *last)
{
    buffer_append_text(&table->cells[0], name);
    buffer_append_text(&table->cells[1], path);
    buffer_append_text(&table->cells[2], last);
}

Test(table, columns_are_as_wide_as_what_was_measured_and_a_long_cell_pushes_its_row_only)
{
    AUTO_TABLE struct table table;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    table_init(&table, columns, ARRAY_LEN(columns), true);
    fill(&table, "a\xc3\xb6longer", "/far/too/long", "x");
    table_measure(&table);
    table_write_titles(&table, &out);
    fill(&table, "a", "", "x");
    table_write_row(&table, &out);
    fill(&table, "b", "/far/too/long", "x");
    table_write_row(&table, &out);
    cr_assert_str_eq(buffer_text(&out), "NAME      PATH    LAST\n"
                                        "a         -       x\n"
                                        "b         /far/too/long  x\n");
}

Test(table, rows_that_are_not_aligned_are_separated_by_tabs_and_have_no_titles)
{
    AUTO_TABLE struct table table;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    table_init(&table, columns, ARRAY_LEN(columns), false);
    table_write_titles(&table, &out);
    fill(&table, "a", "", "x");
    table_write_row(&table, &out);
    cr_assert_str_eq(buffer_text(&out), "a\t-\tx\n");
}

Test(table, hidden_columns_are_left_out_and_a_colour_takes_no_room)
{
    AUTO_TABLE struct table table;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    table_init(&table, columns, ARRAY_LEN(columns), true);
    table.hidden[1] = true;
    table.colours[0] = "\033[31m";
    fill(&table, "a", "/b", "x");
    table_write_row(&table, &out);
    fill(&table, "a", "/b", "x");
    table_write_row(&table, &out);
    cr_assert_str_eq(buffer_text(&out), "\033[31ma\033[0m     x\na     x\n");
}
