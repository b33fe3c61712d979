/* SPDX-License-Identifier: Apache-2.0
 *
 * Layout of log lines. Nothing is cut: who asks the log wants the whole path. A long cell only
 * pushes its own row to the right, since a column is never aligned to more than its `most`. */
#include "policy/view/log_table.h"

#include <string.h>

#include "base/terminal_text.h"

enum column { TIME, CLIENT, DECISION, OPERATION, PATH, STATUS, RULE, SOURCE, DURATION };

static const struct {
    const char *title;
    size_t most;
} columns[LOG_TABLE_COLUMNS] = {
    [TIME] = {"TIME", 20},           [CLIENT] = {"CLIENT", 20}, [DECISION] = {"DECISION", 10},
    [OPERATION] = {"OPERATION", 32}, [PATH] = {"PATH", 48},     [STATUS] = {"STATUS", 6},
    [RULE] = {"RULE", 32},           [SOURCE] = {"SOURCE", 40}, [DURATION] = {"DURATION", 10},
};

void log_table_init(struct log_table *table, bool aligned, bool colour)
{
    *table = (struct log_table){.aligned = aligned, .colour = colour};
    for (size_t i = 0; i < LOG_TABLE_COLUMNS; i++)
        table->widths[i] = strlen(columns[i].title);
}

/* "2026-11-21T01:43:32.123456Z": a table shows whole seconds. */
static void append_time(const struct log_table *table, struct slice time, struct buffer *cell)
{
    enum { SECONDS_LEN = 19 };
    if (table->aligned && time.len > SECONDS_LEN && time.ptr[SECONDS_LEN] == '.') {
        terminal_text_append(cell, slice_of(time.ptr, SECONDS_LEN));
        buffer_append_byte(cell, 'Z');
    } else {
        terminal_text_append(cell, time);
    }
}

void log_table_append_duration(struct slice microseconds, struct buffer *cell)
{
    uint64_t us;
    if (!slice_to_u64(microseconds, &us))
        terminal_text_append(cell, microseconds);
    else if (us < 1000)
        buffer_printf(cell, "%lluus", (unsigned long long)us);
    else if (us < 1000000)
        buffer_printf(cell, "%llu.%llums", (unsigned long long)(us / 1000),
                      (unsigned long long)(us / 100 % 10));
    else if (us < 60 * UINT64_C(1000000))
        buffer_printf(cell, "%llu.%llus", (unsigned long long)(us / 1000000),
                      (unsigned long long)(us / 100000 % 10));
    else if (us < 3600 * UINT64_C(1000000))
        buffer_printf(cell, "%llum%02llus", (unsigned long long)(us / 60000000),
                      (unsigned long long)(us / 1000000 % 60));
    else
        buffer_printf(cell, "%lluh%02llum", (unsigned long long)(us / 3600000000),
                      (unsigned long long)(us / 60000000 % 60));
}

/* The operation; where there is none, the method, the type a question of DNS asks for, or how it
 * came here: TLS that knew of no proxy has nothing else. */
static struct slice operation_name(const struct log_line *line)
{
    static const enum log_field fields[] = {LOG_FIELD_OPERATION, LOG_FIELD_METHOD,
                                            LOG_FIELD_QUESTION, LOG_FIELD_VIA};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (line->fields[fields[i]].len > 0)
            return line->fields[fields[i]];
    }
    return slice_of(NULL, 0);
}

/* Which end of a stream it is, too; or what else happened. */
static void append_operation(const struct log_line *line, struct buffer *cell)
{
    struct slice event = line->fields[LOG_FIELD_EVENT];
    struct slice name = operation_name(line);
    if (name.len == 0) {
        terminal_text_append(cell, event);
        return;
    }
    terminal_text_append(cell, name);
    if (event.len > 0 && !slice_equal_text(event, "request")) {
        buffer_append_literal(cell, " (");
        terminal_text_append(cell, event);
        buffer_append_byte(cell, ')');
    }
}

/* The engine's path; of the internet the destination stands before it. */
static void append_path(const struct log_line *line, struct buffer *cell)
{
    terminal_text_append(cell, line->fields[LOG_FIELD_HOST]);
    if (line->fields[LOG_FIELD_PORT].ptr != NULL) {
        buffer_append_byte(cell, ':');
        terminal_text_append(cell, line->fields[LOG_FIELD_PORT]);
    }
    if (line->fields[LOG_FIELD_PATH].ptr != NULL) {
        terminal_text_append(cell, line->fields[LOG_FIELD_PATH]);
    } else if (line->fields[LOG_FIELD_TEXT].ptr != NULL) {
        terminal_text_append(cell, line->fields[LOG_FIELD_TEXT]);
    } else if (line->fields[LOG_FIELD_COUNT].ptr != NULL) {
        terminal_text_append(cell, line->fields[LOG_FIELD_COUNT]);
        buffer_append_literal(cell, " denials not listed");
    }
}

static void append_cell(const struct log_table *table, const struct log_line *line,
                        enum column column, struct buffer *cell)
{
    size_t begin = cell->len;
    switch (column) {
    case TIME:
        append_time(table, line->fields[LOG_FIELD_TS], cell);
        break;
    case CLIENT:
        terminal_text_append(cell, line->fields[LOG_FIELD_CLIENT]);
        break;
    case DECISION:
        if (line->fields[LOG_FIELD_WOULD_DENY].ptr != NULL)
            buffer_append_literal(cell, "would-deny");
        else
            terminal_text_append(cell, line->fields[LOG_FIELD_DECISION]);
        break;
    case OPERATION:
        append_operation(line, cell);
        break;
    case PATH:
        append_path(line, cell);
        break;
    case STATUS:
        terminal_text_append(cell, line->fields[LOG_FIELD_STATUS]);
        break;
    case RULE:
        terminal_text_append(cell, line->fields[LOG_FIELD_RULE]);
        break;
    case SOURCE:
        terminal_text_append(cell, line->fields[LOG_FIELD_SOURCE]);
        break;
    case DURATION:
        log_table_append_duration(line->fields[LOG_FIELD_DURATION_US], cell);
        break;
    }
    if (cell->len == begin)
        buffer_append_byte(cell, '-');
}

static void widen(struct log_table *table, enum column column, size_t width)
{
    if (width > columns[column].most)
        width = columns[column].most;
    if (width > table->widths[column])
        table->widths[column] = width;
}

void log_table_measure(struct log_table *table, const struct log_line *line)
{
    AUTO_BUFFER struct buffer cell = BUFFER_EMPTY;
    for (enum column column = TIME; table->aligned && column <= DURATION; column++) {
        buffer_clear(&cell);
        append_cell(table, line, column, &cell);
        widen(table, column, terminal_text_columns(buffer_slice(&cell)));
    }
}

/* What separates this cell, `width` columns wide, from the next. */
static void end_cell(const struct log_table *table, enum column column, size_t width,
                     struct buffer *out)
{
    if (column == DURATION) {
        buffer_append_byte(out, '\n');
    } else if (!table->aligned) {
        buffer_append_byte(out, '\t');
    } else {
        for (; width < table->widths[column]; width++)
            buffer_append_byte(out, ' ');
        buffer_append_literal(out, "  ");
    }
}

void log_table_header(const struct log_table *table, struct buffer *out)
{
    for (enum column column = TIME; table->aligned && column <= DURATION; column++) {
        buffer_append_text(out, columns[column].title);
        end_cell(table, column, strlen(columns[column].title), out);
    }
}

/* The escape sequence for a row's decision; NULL = as it is. */
static const char *decision_colour(const struct log_table *table, const struct log_line *line)
{
    if (!table->colour)
        return NULL;
    if (slice_equal_text(line->fields[LOG_FIELD_DECISION], "deny"))
        return "\033[31m";                                                     /* red */
    return line->fields[LOG_FIELD_WOULD_DENY].ptr != NULL ? "\033[33m" : NULL; /* yellow */
}

void log_table_row(struct log_table *table, const struct log_line *line, struct buffer *out)
{
    const char *colour = decision_colour(table, line);
    for (enum column column = TIME; column <= DURATION; column++) {
        if (column == DECISION && colour != NULL)
            buffer_append_text(out, colour);
        size_t begin = out->len;
        append_cell(table, line, column, out);
        size_t width = 0; /* is asked for only where cells are aligned */
        if (table->aligned && !out->failed)
            width = terminal_text_columns(slice_of(out->data + begin, out->len - begin));
        if (column == DECISION && colour != NULL)
            buffer_append_literal(out, "\033[0m");
        widen(table, column, width);
        end_cell(table, column, width, out);
    }
}
