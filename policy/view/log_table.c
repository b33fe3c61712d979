/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in the cells. Nothing is cut: who asks the log wants the whole path. */
#include "policy/view/log_table.h"

#include "base/table.h"
#include "base/terminal_text.h"

enum column {
    TIME,
    CLIENT,
    DECISION,
    OPERATION,
    PATH,
    STATUS,
    RULE,
    SOURCE,
    DURATION,
    VIA,
    REASON,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    [TIME] = {"TIME", 20},     [CLIENT] = {"CLIENT", 20},       [DECISION] = {"DECISION", 10},
    [VIA] = {"VIA", 14},       [OPERATION] = {"OPERATION", 32}, [PATH] = {"PATH", 48},
    [STATUS] = {"STATUS", 6},  [RULE] = {"RULE", 32},           [SOURCE] = {"SOURCE", 40},
    [REASON] = {"REASON", 24}, [DURATION] = {"DURATION", 10},
};

void log_table_init(struct table *table, bool aligned)
{
    table_init(table, columns, COLUMNS, aligned);
}

/* "2026-11-21T01:43:32.123456Z": a table shows whole seconds. */
static void append_time(const struct table *table, struct slice time, struct buffer *cell)
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

/* Of what report mode let pass, why it would have been refused. */
static void append_decision(const struct log_line *line, struct buffer *decision,
                            struct buffer *reason)
{
    bool would = log_line_decision(line) == LOG_WOULD_DENY;
    terminal_text_append(decision, would ? slice_from_text(log_decision_name(LOG_WOULD_DENY))
                                         : line->fields[LOG_FIELD_DECISION]);
    terminal_text_append(reason, line->fields[would ? LOG_FIELD_WOULD_DENY : LOG_FIELD_REASON]);
}

void log_table_fill(struct table *table, const struct log_line *line, bool coloured)
{
    struct buffer *cells = table->cells;
    append_time(table, line->fields[LOG_FIELD_TS], &cells[TIME]);
    terminal_text_append(&cells[CLIENT], line->fields[LOG_FIELD_CLIENT]);
    append_decision(line, &cells[DECISION], &cells[REASON]);
    terminal_text_append(&cells[VIA], line->fields[LOG_FIELD_VIA]);
    append_operation(line, &cells[OPERATION]);
    append_path(line, &cells[PATH]);
    terminal_text_append(&cells[STATUS], line->fields[LOG_FIELD_STATUS]);
    terminal_text_append(&cells[RULE], line->fields[LOG_FIELD_RULE]);
    terminal_text_append(&cells[SOURCE], line->fields[LOG_FIELD_SOURCE]);
    log_table_append_duration(line->fields[LOG_FIELD_DURATION_US], &cells[DURATION]);
    static const char *const colours[] = {
        [LOG_DENIED] = TERMINAL_RED, [LOG_WOULD_DENY] = TERMINAL_YELLOW, [LOG_ALLOWED] = NULL};
    if (coloured)
        table->colours[DECISION] = colours[log_line_decision(line)];
}

void log_table_append_gate(const struct table *table, const struct log_line *line,
                           struct buffer *out)
{
    append_time(table, line->fields[LOG_FIELD_TS], out);
    buffer_append_literal(out, "  -- gate: ");
    terminal_text_append(out, line->fields[LOG_FIELD_EVENT]);
    static const enum log_field more[] = {LOG_FIELD_REASON, LOG_FIELD_TEXT};
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        if (line->fields[more[i]].len == 0)
            continue;
        buffer_append_literal(out, ", ");
        terminal_text_append(out, line->fields[more[i]]);
    }
    buffer_append_byte(out, '\n');
}
