/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the page and the records below them. Whatever comes from the log goes through
 * html_text_append(); the rest is numbers and our own words. */
#include "policy/view/log_page_parts.h"

#include <string.h>

#include "base/hex.h"
#include "base/timestamp.h"
#include "policy/view/log_table.h"

/* --- records --- */

static const char *const record_slots[] = {"time",     "peer",      "request", "status",
                                           "bytes-in", "bytes-out", "took",    "id"};
enum record_slot {
    RECORD_TIME,
    RECORD_PEER,
    RECORD_REQUEST,
    RECORD_STATUS,
    RECORD_BYTES_IN,
    RECORD_BYTES_OUT,
    RECORD_TOOK,
    RECORD_ID
};

static void append_field(const struct log_line *line, enum log_field field, const char *before,
                         struct buffer *out)
{
    if (line->fields[field].len == 0)
        return;
    buffer_append_text(out, before);
    html_text_append_cut(out, line->fields[field], LOG_PAGE_TEXT_MOST);
}

/* Ids of 64 digits by their first twelve, as Docker shows them. */
static void append_short(const struct log_line *line, enum log_field field, const char *before,
                         struct buffer *out)
{
    enum { ID_LEN = 64, SHORT_LEN = 12 };
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct slice rest = line->fields[field];
    while (rest.len > 0) {
        size_t digits = 0;
        while (digits < rest.len && memchr(HEX_DIGITS, rest.ptr[digits], 16) != NULL)
            digits++;
        size_t len = digits > 0 ? digits : 1;
        buffer_append(&text, rest.ptr, digits == ID_LEN ? SHORT_LEN : len);
        rest = slice_of(rest.ptr + len, rest.len - len);
    }
    if (text.len == 0)
        return;
    buffer_append_text(out, before);
    html_text_append_cut(out, buffer_slice(&text), LOG_PAGE_TEXT_MOST);
    out->failed |= text.failed;
}

/* Whether the path names the object already. */
static bool is_in_path(const struct log_line *line)
{
    struct slice object = line->fields[LOG_FIELD_OBJECT], path = line->fields[LOG_FIELD_PATH];
    return object.len > 0 && path.len > 0 &&
           memmem(path.ptr, path.len, object.ptr, object.len) != NULL;
}

/* "CONNECT api.example.org:443 to 192.0.2.7, SNI api.example.org"; "POST /containers/x/start". */
static void append_request(const struct log_line *line, struct buffer *out)
{
    if (slice_equal_text(line->fields[LOG_FIELD_EVENT], "suppressed")) {
        append_field(line, LOG_FIELD_COUNT, "", out);
        buffer_append_literal(out, " denials that were counted and not listed");
        return;
    }
    append_field(line, LOG_FIELD_METHOD, "", out);
    append_field(line, LOG_FIELD_QUESTION, "", out);
    buffer_append_byte(out, ' ');
    append_field(line, LOG_FIELD_HOST, "", out);
    append_field(line, LOG_FIELD_PORT, ":", out);
    append_short(line, LOG_FIELD_PATH, "", out);
    if (!is_in_path(line))
        append_short(line, LOG_FIELD_OBJECT, " \xc2\xb7 ", out);  /* a middle dot */
    append_field(line, LOG_FIELD_ADDRESS, " \xe2\x86\x92 ", out); /* an arrow */
    if (!slice_equal(line->fields[LOG_FIELD_SNI], line->fields[LOG_FIELD_HOST]))
        append_field(line, LOG_FIELD_SNI, ", SNI ", out);
    append_field(line, LOG_FIELD_DROPPED_QUERY, ", dropped query ", out);
    append_field(line, LOG_FIELD_DROPPED_BODY, ", dropped bytes of body ", out);
    append_field(line, LOG_FIELD_CLOSE, ", ended: ", out);
    if (slice_equal_text(line->fields[LOG_FIELD_EVENT], "open"))
        buffer_append_literal(out, ", still open");
}

static void append_bytes_field(const struct log_line *line, enum log_field field,
                               struct buffer *out)
{
    uint64_t bytes;
    if (slice_to_u64(line->fields[field], &bytes))
        html_text_append_bytes(out, bytes);
}

static void write_record_slot(void *context, unsigned index, struct buffer *out)
{
    const struct log_line *line = context;
    int64_t time_us = 0;
    switch ((enum record_slot)index) {
    case RECORD_TIME:
        if (!timestamp_parse(line->fields[LOG_FIELD_TS], &time_us))
            time_us = 0;
        log_page_append_time_element(time_us, out);
        return;
    case RECORD_PEER:
        log_page_append_or_none(line->fields[LOG_FIELD_PEER], out);
        return;
    case RECORD_REQUEST:
        append_request(line, out);
        return;
    case RECORD_STATUS:
        append_field(line, LOG_FIELD_STATUS, "", out);
        return;
    case RECORD_BYTES_IN:
        append_bytes_field(line, LOG_FIELD_BYTES_IN, out);
        return;
    case RECORD_BYTES_OUT:
        append_bytes_field(line, LOG_FIELD_BYTES_OUT, out);
        return;
    case RECORD_TOOK:
        if (line->fields[LOG_FIELD_DURATION_US].len > 0) {
            AUTO_BUFFER struct buffer took = BUFFER_EMPTY;
            log_table_append_duration(line->fields[LOG_FIELD_DURATION_US], &took);
            html_text_append(out, buffer_slice(&took));
        }
        return;
    case RECORD_ID:
        log_page_append_or_none(line->fields[LOG_FIELD_ID], out);
        return;
    }
}

/* --- rows --- */

/* A row and the page it stands on. */
struct row_context {
    struct log_page *page;
    const struct log_page_row *row;
};

static const char *const records_slots[] = {"shown", "records"};
enum records_slot { RECORDS_SHOWN, RECORDS_RECORDS };

static void write_records_slot(void *context, unsigned index, struct buffer *out)
{
    const struct row_context *here = context;
    const struct log_page_row *row = here->row;
    struct log_line *line = &here->page->line;
    switch ((enum records_slot)index) {
    case RECORDS_SHOWN:
        if (row->count < row->summary->count) {
            buffer_append_literal(out, "The newest ");
            log_page_append_count(row->count, "record", "records", out);
            buffer_append_literal(out, " of ");
            log_page_append_count(row->summary->count, "request", "requests", out);
        } else {
            log_page_append_count(row->count, "record", "records", out);
        }
        return;
    case RECORDS_RECORDS:
        for (unsigned i = row->count; i > 0; i--) {
            const struct log_page_record *record = &row->records[i - 1];
            if (log_line_parse(line, slice_of(record->text, record->len)))
                LOG_PAGE_FILL(here->page, out, log_record_html, record_slots, write_record_slot,
                              line);
        }
        return;
    }
}

static const char *const row_slots[] = {"decision", "client", "kind",  "what", "via",   "rule",
                                        "source",   "reason", "first", "last", "count", "records"};
enum row_slot {
    ROW_DECISION,
    ROW_CLIENT,
    ROW_KIND,
    ROW_WHAT,
    ROW_VIA,
    ROW_RULE,
    ROW_SOURCE,
    ROW_REASON,
    ROW_FIRST,
    ROW_LAST,
    ROW_COUNT,
    ROW_RECORDS
};

static void append_source(const struct log_summary_row *row, struct buffer *out)
{
    if (row->source.len == 0 || slice_equal(row->source, row->rule))
        return;
    buffer_append_literal(out, " <span class=\"where\">");
    html_text_append_cut(out, row->source, LOG_PAGE_TEXT_MOST);
    buffer_append_literal(out, "</span>");
}

static void write_row_slot(void *context, unsigned index, struct buffer *out)
{
    const struct row_context *here = context;
    const struct log_summary_row *row = here->row->summary;
    static const char *const words[] = {
        [LOG_DENIED] = "denied", [LOG_WOULD_DENY] = "would-deny", [LOG_ALLOWED] = "allowed"};
    switch ((enum row_slot)index) {
    case ROW_DECISION:
        buffer_append_text(out, words[row->decision]);
        return;
    case ROW_CLIENT:
        log_page_append_or_none(row->client, out);
        return;
    case ROW_KIND:
        log_page_append_or_none(row->kind, out);
        return;
    case ROW_WHAT:
        log_page_append_or_none(row->what, out);
        return;
    case ROW_VIA:
        log_page_append_or_none(row->via, out);
        return;
    case ROW_RULE:
        buffer_append_literal(out, "<span>");
        log_page_append_or_none(row->rule, out);
        buffer_append_literal(out, "</span>");
        return;
    case ROW_SOURCE:
        append_source(row, out);
        return;
    case ROW_REASON:
        buffer_append_literal(out, "<span>");
        log_page_append_or_none(row->reason, out);
        buffer_append_literal(out, "</span>");
        return;
    case ROW_FIRST:
        log_page_append_time_element(row->first_us, out);
        return;
    case ROW_LAST:
        log_page_append_time_element(row->last_us, out);
        return;
    case ROW_COUNT:
        html_text_append_number(out, row->count);
        return;
    case ROW_RECORDS:
        if (here->row->count > 0)
            LOG_PAGE_FILL(here->page, out, log_records_html, records_slots, write_records_slot,
                          context);
        return;
    }
}

/* One decision's rows. */
struct section_context {
    struct log_page *page;
    const struct log_page_section *section;
    const char *caption;
};

static const char *const rows_slots[] = {"caption", "rows"};
enum rows_slot { ROWS_CAPTION, ROWS_ROWS };

static void write_rows_slot(void *context, unsigned index, struct buffer *out)
{
    const struct section_context *here = context;
    switch ((enum rows_slot)index) {
    case ROWS_CAPTION:
        buffer_append_text(out, here->caption);
        return;
    case ROWS_ROWS:
        for (size_t i = 0; i < here->section->row_count; i++) {
            struct row_context row = {here->page, &here->section->rows[i]};
            LOG_PAGE_FILL(here->page, out, log_row_html, row_slots, write_row_slot, &row);
        }
        return;
    }
}

void log_page_append_section(struct log_page *page, const struct log_page_section *section,
                             const char *caption, const char *none, struct buffer *out)
{
    struct section_context here = {page, section, caption};
    if (section->row_count > 0)
        LOG_PAGE_FILL(page, out, log_rows_html, rows_slots, write_rows_slot, &here);
    else
        buffer_printf(out, "<p class=\"empty\">%s</p>", none);
}
