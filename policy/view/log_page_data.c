/* SPDX-License-Identifier: Apache-2.0
 *
 * The two passes. The second one ends at the record at which the first one ended, so that a log
 * that is being written gives one picture. */
#include "policy/view/log_page_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

struct passes {
    struct log_page_data *data;
    struct log_page_row **shown; /* owned: of the summary's row number N, or NULL */
    size_t shown_count;
    uint64_t first_taken, second_taken;
    size_t kept_bytes;
    bool failed; /* memory is out */
};

static void passes_free(struct passes *passes)
{
    free(passes->shown);
}

/* --- the first pass: rows and timeline --- */

static bool is_event(const struct log_line *line, const char *name)
{
    return slice_equal_text(line->fields[LOG_FIELD_EVENT], name);
}

/* Each request when it begins: its record, or its `open`. */
static void count_in_timeline(struct log_timeline *timeline, const struct log_line *line)
{
    int64_t time_us;
    uint64_t count = 1;
    bool suppressed = is_event(line, "suppressed");
    if (!suppressed && !is_event(line, "request") && !is_event(line, "open"))
        return;
    if (suppressed && !slice_to_u64(line->fields[LOG_FIELD_COUNT], &count))
        return;
    if (!timestamp_parse(line->fields[LOG_FIELD_TS], &time_us))
        return;
    log_timeline_add(timeline, time_us, log_line_decision(line), count);
}

static bool take_first(void *context, const struct log_line *line, struct slice text)
{
    struct passes *passes = context;
    (void)text;
    passes->first_taken++;
    count_in_timeline(&passes->data->timeline, line);
    passes->failed = !log_summary_add(passes->data->summary, line);
    return !passes->failed;
}

/* --- between them: totals, and which rows are shown --- */

static void add_up(struct log_page_data *data, const struct log_summary_row *row)
{
    struct log_page_section *section = &data->sections[row->decision];
    section->all_rows++;
    section->requests += row->count;
    data->bytes_in += row->bytes_in;
    data->bytes_out += row->bytes_out;
    if (row->first_us != 0 && (data->first_us == 0 || row->first_us < data->first_us))
        data->first_us = row->first_us;
    if (row->last_us > data->last_us)
        data->last_us = row->last_us;
}

static int compare_clients(const void *left, const void *right)
{
    const struct slice *a = &(*(const struct log_summary_row *const *)left)->client;
    const struct slice *b = &(*(const struct log_summary_row *const *)right)->client;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->ptr, b->ptr, a->len);
}

/* Names that differ, the empty one left out: a record without a client is nobody's. */
static bool count_clients(struct log_page_data *data, const struct log_summary_row *rows,
                          size_t count)
{
    AUTO_FREE const struct log_summary_row **sorted = calloc(count + 1, sizeof(*sorted));
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &rows[i];
    qsort(sorted, count, sizeof(*sorted), compare_clients);
    for (size_t i = 0; i < count; i++)
        data->clients += sorted[i]->client.len > 0 &&
                         (i == 0 || !slice_equal(sorted[i]->client, sorted[i - 1]->client));
    return true;
}

/* Takes the section's rows, rows[0..all_rows). *left is how many records may still be kept. */
static bool choose_rows(struct passes *passes, struct log_page_section *section,
                        const struct log_summary_row *rows, unsigned *left)
{
    section->row_count = section->all_rows < LOG_PAGE_ROWS ? section->all_rows : LOG_PAGE_ROWS;
    section->rows = calloc(section->row_count + 1, sizeof(*section->rows));
    if (section->rows == NULL)
        return false;
    for (size_t i = 0; i < section->row_count; i++) {
        struct log_page_row *row = &section->rows[i];
        unsigned wanted =
            rows[i].count < LOG_PAGE_ROW_RECORDS ? (unsigned)rows[i].count : LOG_PAGE_ROW_RECORDS;
        row->summary = &rows[i];
        row->most = wanted < *left ? wanted : *left;
        *left -= row->most;
        passes->data->without_records |= row->most < wanted;
        passes->shown[rows[i].number] = row;
    }
    return true;
}

static bool choose(struct passes *passes)
{
    struct log_page_data *data = passes->data;
    size_t count;
    unsigned left = LOG_PAGE_RECORDS;
    const struct log_summary_row *rows = log_summary_seal(data->summary, &count);
    if (rows == NULL)
        return false;
    size_t numbers = 1;
    for (size_t i = 0; i < count; i++) {
        add_up(data, &rows[i]);
        numbers = rows[i].number >= numbers ? rows[i].number + 1 : numbers;
    }
    passes->shown = calloc(numbers, sizeof(struct log_page_row *));
    passes->shown_count = numbers;
    bool good = passes->shown != NULL && count_clients(data, rows, count);
    for (size_t i = 0; i < LOG_DECISIONS && good; i++) {
        good = choose_rows(passes, &data->sections[i], rows, &left);
        rows += data->sections[i].all_rows;
    }
    return good;
}

/* --- the second pass: records --- */

/* Which record makes room for a new one: the `open` of what closes now, else the oldest once there
 * are enough; row->count when none has to. */
static unsigned which_goes(const struct log_page_row *row, bool closes, uint64_t id_hash)
{
    for (unsigned i = 0; closes && i < row->count; i++) {
        if (row->records[i].open && row->records[i].id_hash == id_hash)
            return i;
    }
    return row->count < row->most ? row->count : 0;
}

static void keep(struct passes *passes, struct log_page_row *row, const struct log_line *line,
                 struct slice text)
{
    uint64_t id_hash = slice_hash(line->fields[LOG_FIELD_ID], SLICE_HASH_SEED);
    unsigned gone = which_goes(row, is_event(line, "close"), id_hash);
    if (gone < row->count) {
        passes->kept_bytes -= row->records[gone].len;
        free(row->records[gone].text);
        row->count--;
        memmove(&row->records[gone], &row->records[gone + 1],
                (row->count - gone) * sizeof(row->records[0]));
    }
    if (text.len > LOG_PAGE_RECORD_BYTES - passes->kept_bytes) {
        passes->data->not_kept++;
        return;
    }
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        passes->failed = true;
        return;
    }
    memcpy(copy, text.ptr, text.len);
    row->records[row->count++] = (struct log_page_record){
        .text = copy, .len = text.len, .id_hash = id_hash, .open = is_event(line, "open")};
    passes->kept_bytes += text.len;
}

static bool take_second(void *context, const struct log_line *line, struct slice text)
{
    struct passes *passes = context;
    size_t number;
    if (++passes->second_taken > passes->first_taken)
        return false;
    if (log_summary_find(passes->data->summary, line, &number) && number < passes->shown_count) {
        struct log_page_row *row = passes->shown[number];
        if (row != NULL && row->most > 0)
            keep(passes, row, line, text);
    }
    return !passes->failed;
}

/* --- both --- */

bool log_page_data_gather(struct log_page_data *data, const struct log_files *files,
                          const struct log_filter *filter, struct error *error)
{
    *data = (struct log_page_data){.summary = log_summary_new()};
    CLEANUP(passes_free)
    struct passes passes = {.data = data, .failed = data->summary == NULL};
    struct log_scan_notes again;
    if (!passes.failed && !log_scan(files, filter, take_first, &passes, &data->notes, error))
        return false;
    passes.failed = passes.failed || !choose(&passes);
    if (!passes.failed && !log_scan(files, filter, take_second, &passes, &again, error))
        return false;
    return !passes.failed || error_set(error, COMMAND_FAILED,
                                       "out of memory; name a shorter time "
                                       "with --since and --until");
}

static void free_rows(struct log_page_section *section)
{
    for (size_t i = 0; i < section->row_count && section->rows != NULL; i++) {
        for (unsigned k = 0; k < section->rows[i].count; k++)
            free(section->rows[i].records[k].text);
    }
    free(section->rows);
    section->rows = NULL;
}

void log_page_data_free(struct log_page_data *data)
{
    for (size_t i = 0; i < LOG_DECISIONS; i++)
        free_rows(&data->sections[i]);
    log_summary_free(&data->summary);
}
