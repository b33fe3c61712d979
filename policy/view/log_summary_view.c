/* SPDX-License-Identifier: Apache-2.0
 *
 * What the records of the log come to, in two blocks: refused and allowed. On a terminal aligned
 * under headers; elsewhere one tab-separated row each, the decision first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/table.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/log/log_reader.h"
#include "policy/log/log_input.h"
#include "policy/log/log_scan.h"
#include "policy/view/log_summary.h"
#include "policy/view/log_view.h"

enum column { SANDBOX, TYPE, HOST, VIA, RULE, REASON, LAST_SEEN, COUNT, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [SANDBOX] = {"SANDBOX", 20},     [TYPE] = {"TYPE", 8},
    [HOST] = {"HOST", 48},           [VIA] = {"VIA", 14},
    [RULE] = {"RULE", 56},           [REASON] = {"REASON", 32},
    [LAST_SEEN] = {"LAST-SEEN", 20}, [COUNT] = {"COUNT", 10},
};

/* The rows of a block that are shown. */
struct block {
    const struct log_summary_row *rows;
    size_t count;
};

static const char *decision_of(const struct log_summary_row *row)
{
    if (row->by_report)
        return "would-deny";
    return row->denied ? "deny" : "allow";
}

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
    terminal_text_append(&cells[SANDBOX], row->client);
    terminal_text_append(&cells[TYPE], row->kind);
    terminal_text_append(&cells[HOST], row->what);
    terminal_text_append(&cells[VIA], row->via);
    append_rule(row, &cells[RULE]);
    if (table->aligned && row->by_report)
        buffer_append_literal(&cells[REASON], "would deny: ");
    terminal_text_append(&cells[REASON], row->reason);
    append_time(row->last_us, table->aligned, &cells[LAST_SEEN]);
    buffer_append_u64(&cells[COUNT], row->count);
}

static void append_table(const struct block *block, bool aligned, struct buffer *out)
{
    AUTO_TABLE struct table table;
    table_init(&table, columns, COLUMNS, aligned);
    for (size_t i = 0; aligned && i < block->count; i++) {
        fill(&table, &block->rows[i]);
        table_measure(&table);
    }
    table_write_titles(&table, out);
    for (size_t i = 0; i < block->count; i++) {
        if (!aligned) {
            buffer_append_text(out, decision_of(&block->rows[i]));
            buffer_append_byte(out, '\t');
        }
        fill(&table, &block->rows[i]);
        table_write_row(&table, out);
    }
}

static void append_titled(const struct block *block, const char *title, struct buffer *out)
{
    buffer_append_text(out, title);
    if (block->count == 0)
        buffer_append_literal(out, "  none\n");
    else
        append_table(block, true, out);
}

static void append_json_text(const char *key, struct slice text, struct buffer *out)
{
    if (text.len > 0)
        json_write_key_string(out, key, text);
}

static void append_json(const char *key, const struct block *block, struct buffer *out)
{
    json_write_key_array(out, key);
    for (size_t i = 0; i < block->count; i++) {
        const struct log_summary_row *row = &block->rows[i];
        json_write_object_begin(out);
        json_write_key_text(out, "decision", row->denied && !row->by_report ? "deny" : "allow");
        append_json_text("client", row->client, out);
        append_json_text("kind", row->kind, out);
        append_json_text(slice_equal_text(row->kind, "network") ? "host" : "operation", row->what,
                         out);
        append_json_text("via", row->via, out);
        append_json_text("rule", row->rule, out);
        append_json_text("source", row->source, out);
        append_json_text(row->by_report ? "would_deny" : "reason", row->reason, out);
        if (row->first_us != 0)
            json_write_key_time(out, "first_seen", row->first_us);
        if (row->last_us != 0)
            json_write_key_time(out, "last_seen", row->last_us);
        json_write_key_u64(out, "count", row->count);
        json_write_key_u64(out, "bytes_in", row->bytes_in);
        json_write_key_u64(out, "bytes_out", row->bytes_out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static int compare_names(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    int order = memcmp(a->ptr, b->ptr, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The names of the rows, each once and in order. */
static bool append_names(const struct log_summary_row *rows, size_t count, struct buffer *out)
{
    AUTO_FREE struct slice *names = calloc(count + 1, sizeof(*names));
    if (names == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i].what;
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
                 struct error *error)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct block denied = {.rows = rows}, allowed = {.rows = rows};
    while (denied.count < count && rows[denied.count].denied)
        denied.count++;
    allowed.rows = rows + denied.count;
    allowed.count = count - denied.count;
    if (view->limit > 0 && view->limit < denied.count)
        denied.count = view->limit;
    if (view->limit > 0 && view->limit < allowed.count)
        allowed.count = view->limit;
    if (view->form == LOG_VIEW_NAMES) {
        if (!append_names(denied.rows, denied.count, &out) ||
            !append_names(allowed.rows, allowed.count, &out))
            return error_set(error, COMMAND_FAILED, "out of memory");
    } else if (view->form == LOG_VIEW_JSON) {
        json_write_object_begin(&out);
        append_json("blocked", &denied, &out);
        append_json("allowed", &allowed, &out);
        json_write_line_end(&out);
    } else if (isatty(STDOUT_FILENO)) {
        append_titled(&denied, "Blocked requests:\n", &out);
        append_titled(&allowed, "\nAllowed requests:\n", &out);
    } else {
        append_table(&denied, false, &out);
        append_table(&allowed, false, &out);
    }
    if (out.failed)
        return error_set(error, COMMAND_FAILED, "out of memory");
    return log_view_write(buffer_slice(&out), error);
}

struct adding {
    struct log_summary *summary;
    bool failed;
};

static bool add(void *context, const struct log_line *line, struct slice text)
{
    (void)text;
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
    if (!show(view, rows, count, error))
        return false;
    log_view_note_unreadable(notes.unreadable);
    if (notes.torn)
        log_view_note_torn();
    return true;
}
