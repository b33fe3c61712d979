/* SPDX-License-Identifier: Apache-2.0
 *
 * What the records of the log come to, in blocks: refused, let pass by report mode, allowed. The
 * columns are the same in every form; where no title says how it was decided, one more does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/table.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/log/log_reader.h"
#include "policy/log/log_input.h"
#include "policy/log/log_scan.h"
#include "policy/view/log_client_names.h"
#include "policy/view/log_summary.h"
#include "policy/view/log_view.h"

enum column { SANDBOX, TYPE, HOST, VIA, RULE, REASON, LAST_SEEN, COUNT, DECISION, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [DECISION] = {"DECISION", 10}, [SANDBOX] = {"SANDBOX", 20},
    [TYPE] = {"TYPE", 8},          [HOST] = {"HOST", 48},
    [VIA] = {"VIA", 14},           [RULE] = {"RULE", 56},
    [REASON] = {"REASON", 32},     [LAST_SEEN] = {"LAST-SEEN", 20},
    [COUNT] = {"COUNT", 10},
};

/* The rows of a block that are shown. */
struct block {
    const struct log_summary_row *rows;
    size_t count;
};

/* Times of a record without one are 0. */
static void append_time(int64_t time_us, bool whole_seconds, struct buffer *out)
{
    struct timestamp_cache cache = {0};
    if (time_us != 0 && whole_seconds)
        timestamp_write_seconds(time_us, out);
    else if (time_us != 0)
        buffer_append_slice(out, timestamp_format(&cache, time_us));
}

/* The rule, and where it stands unless that says the same. */
static void append_rule(const struct log_summary_row *row, struct buffer *out)
{
    terminal_text_append(out, row->rule);
    if (row->source.len == 0 || slice_equal(row->rule, row->source))
        return;
    buffer_append_text(out, row->rule.len > 0 ? " (" : "(");
    terminal_text_append(out, row->source);
    buffer_append_byte(out, ')');
}

static void fill(struct table *table, const struct log_summary_row *row)
{
    struct buffer *cells = table->cells;
    buffer_append_text(&cells[DECISION], log_decision_name(row->decision));
    terminal_text_append(&cells[SANDBOX], row->client);
    terminal_text_append(&cells[TYPE], row->kind);
    terminal_text_append(&cells[HOST], row->what);
    terminal_text_append(&cells[VIA], row->via);
    append_rule(row, &cells[RULE]);
    if (table->aligned && row->decision == LOG_WOULD_DENY)
        buffer_append_literal(&cells[REASON], "would deny: ");
    terminal_text_append(&cells[REASON], row->reason);
    append_time(row->last_us, table->aligned, &cells[LAST_SEEN]);
    buffer_append_u64(&cells[COUNT], row->count);
}

/* With titles of its own where it is aligned. */
static void append_rows(struct table *table, const struct block *block, struct buffer *out)
{
    for (size_t i = 0; table->aligned && i < block->count; i++) {
        fill(table, &block->rows[i]);
        table_measure(table);
    }
    if (table->aligned)
        table_write_titles(table, out);
    for (size_t i = 0; i < block->count; i++) {
        fill(table, &block->rows[i]);
        table_write_row(table, out);
    }
}

/* What report mode let pass is spoken of where there is some. */
static void append_blocks(const struct block blocks[static LOG_DECISIONS], struct buffer *out)
{
    static const char *const titles[] = {
        [LOG_DENIED] = "Blocked requests:\n",
        [LOG_WOULD_DENY] = "\nLet pass by report mode, blocked otherwise:\n",
        [LOG_ALLOWED] = "\nAllowed requests:\n",
    };
    for (size_t i = 0; i < LOG_DECISIONS; i++) {
        AUTO_TABLE struct table table;
        if (i == LOG_WOULD_DENY && blocks[i].count == 0)
            continue;
        table_init(&table, columns, COLUMNS, true);
        table.hidden[DECISION] = true;
        buffer_append_text(out, titles[i]);
        if (blocks[i].count == 0)
            buffer_append_literal(out, "  none\n");
        else
            append_rows(&table, &blocks[i], out);
    }
}

static void append_tsv(const struct block blocks[static LOG_DECISIONS], struct buffer *out)
{
    AUTO_TABLE struct table table;
    table_init(&table, columns, COLUMNS, false);
    if (blocks[LOG_DENIED].count + blocks[LOG_WOULD_DENY].count + blocks[LOG_ALLOWED].count == 0)
        return;
    for (size_t i = 0; i < COLUMNS; i++)
        buffer_printf(out, "%s%s", i == 0 ? "" : "\t", columns[i].title);
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < LOG_DECISIONS; i++)
        append_rows(&table, &blocks[i], out);
}

static void append_json_text(const char *key, struct slice text, struct buffer *out)
{
    if (text.len > 0)
        json_write_key_string(out, key, text);
}

static void append_json_rows(const struct block *block, struct buffer *out)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct log_summary_row *row = &block->rows[i];
        json_write_object_begin(out);
        json_write_key_text(out, "decision", row->decision == LOG_DENIED ? "deny" : "allow");
        append_json_text("client", row->client, out);
        append_json_text("kind", row->kind, out);
        append_json_text(slice_equal_text(row->kind, "network") ? "host" : "operation", row->what,
                         out);
        append_json_text("via", row->via, out);
        append_json_text("rule", row->rule, out);
        append_json_text("source", row->source, out);
        append_json_text(row->decision == LOG_WOULD_DENY ? "would_deny" : "reason", row->reason,
                         out);
        if (row->first_us != 0)
            json_write_key_time(out, "first_seen", row->first_us);
        if (row->last_us != 0)
            json_write_key_time(out, "last_seen", row->last_us);
        json_write_key_u64(out, "count", row->count);
        json_write_key_u64(out, "bytes_in", row->bytes_in);
        json_write_key_u64(out, "bytes_out", row->bytes_out);
        json_write_object_end(out);
    }
}

static void append_json(const struct block blocks[static LOG_DECISIONS], uint64_t lost,
                        struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_array(out, "blocked");
    append_json_rows(&blocks[LOG_DENIED], out);
    append_json_rows(&blocks[LOG_WOULD_DENY], out);
    json_write_array_end(out);
    json_write_key_array(out, "allowed");
    append_json_rows(&blocks[LOG_ALLOWED], out);
    json_write_array_end(out);
    if (lost > 0)
        json_write_key_u64(out, "lost", lost);
    json_write_line_end(out);
}

static int compare_names(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    int order = memcmp(a->ptr, b->ptr, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The names of the rows of two blocks, each once and in order. */
static bool append_names(const struct block *one, const struct block *other, struct buffer *out)
{
    size_t count = one->count + other->count;
    AUTO_FREE struct slice *names = calloc(count + 1, sizeof(*names));
    if (names == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        names[i] = i < one->count ? one->rows[i].what : other->rows[i - one->count].what;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (names[i].len == 0 || (i > 0 && slice_equal(names[i], names[i - 1])))
            continue;
        terminal_text_append(out, names[i]);
        buffer_append_byte(out, '\n');
    }
    return true;
}

static bool show(const struct log_view *view, const struct log_summary_row *rows, size_t count,
                 uint64_t lost, struct error *error)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct block blocks[LOG_DECISIONS] = {{NULL, 0}}, none = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        struct block *block = &blocks[rows[i].decision];
        block->rows = block->count == 0 ? &rows[i] : block->rows;
        if (view->limit == 0 || block->count < view->limit)
            block->count++;
    }
    switch (view->form) {
    case LOG_VIEW_TABLE:
        append_blocks(blocks, &out);
        break;
    case LOG_VIEW_TSV:
        append_tsv(blocks, &out);
        break;
    case LOG_VIEW_JSON:
        append_json(blocks, lost, &out);
        break;
    case LOG_VIEW_NAMES:
        if (!append_names(&blocks[LOG_DENIED], &blocks[LOG_WOULD_DENY], &out) ||
            !append_names(&blocks[LOG_ALLOWED], &none, &out))
            return error_set(error, COMMAND_FAILED, "out of memory");
        break;
    }
    if (out.failed)
        return error_set(error, COMMAND_FAILED, "out of memory");
    return log_view_write(buffer_slice(&out), error);
}

struct adding {
    struct log_summary *summary;
    bool failed;
};

static bool add(void *context, const struct log_line *line, struct slice)
{
    struct adding *adding = context;
    adding->failed = !log_summary_add(adding->summary, line);
    return !adding->failed;
}

bool log_view_summary(const struct log_view *view, struct error *error)
{
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    struct adding adding = {.summary = summary, .failed = summary == NULL};
    struct log_scan_notes notes;
    size_t count = 0;
    if (adding.failed)
        return error_set(error, COMMAND_FAILED, "out of memory");
    if (!log_input_open(&files, view->path, error) ||
        !log_scan(&files, view->filter, add, &adding, &notes, error))
        return false;
    const struct log_summary_row *rows = adding.failed ? NULL : log_summary_seal(summary, &count);
    if (rows == NULL)
        return error_set(error, COMMAND_FAILED,
                         "out of memory; narrow it with --since or --client");
    if (!show(view, rows, count, notes.lost, error))
        return false;
    if (count == 0 && view->filter->client.ptr != NULL)
        log_client_names_note(&files, view->filter->client);
    log_view_note_unreadable(notes.unreadable);
    if (notes.lost > 0)
        fprintf(stderr, "note: the gate could not write %llu record%s, which are not counted\n",
                (unsigned long long)notes.lost, notes.lost == 1 ? "" : "s");
    if (notes.torn)
        log_view_note_torn();
    return true;
}
