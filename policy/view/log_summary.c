/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting of log records that are alike. Rows stand in one array and are found by a hash index;
 * what was opened waits in a table, by its id, until it is closed. */
#include "policy/view/log_summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/text_map.h"
#include "base/timestamp.h"

enum { KEY_TEXTS = 7, ROWS_FIRST = 64 };

/* What makes two records alike: the texts of a row in their order there, and how it was decided. */
struct row_key {
    struct slice texts[KEY_TEXTS]; /* borrowed */
    enum log_decision decision;
    uint64_t hash;
};

struct row {
    struct log_summary_row shown;
    char *texts; /* owned: where its texts point */
    uint64_t hash;
};

/* A record `open` whose `close` was not seen yet. */
struct opened {
    size_t row;
    int64_t time_us;
};

struct log_summary {
    struct row *rows; /* owned */
    size_t row_count, row_capacity;
    struct hash_index rows_by_hash;
    struct text_map opened;         /* by id: owned struct opened */
    struct buffer what;             /* owned: the `what` of the record looked at */
    struct log_summary_row *sealed; /* owned */
};

struct log_summary *log_summary_new(void)
{
    return calloc(1, sizeof(struct log_summary));
}

void log_summary_free(struct log_summary **summary)
{
    struct log_summary *dead = steal_pointer(summary);
    if (dead == NULL)
        return;
    for (size_t i = 0; i < dead->row_count; i++)
        free(dead->rows[i].texts);
    for (size_t i = 0; i < dead->opened.count; i++)
        free(dead->opened.entries[i].value);
    free(dead->rows);
    hash_index_free(&dead->rows_by_hash);
    text_map_free(&dead->opened);
    free(dead->sealed);
    buffer_free(&dead->what);
    free(dead);
}

/* --- rows --- */

static const struct slice *row_text(const struct log_summary_row *row, size_t index)
{
    const struct slice *texts[KEY_TEXTS] = {&row->client, &row->kind,   &row->what,  &row->via,
                                            &row->rule,   &row->source, &row->reason};
    return texts[index];
}

static void set_row_text(struct log_summary_row *row, size_t index, struct slice text)
{
    struct slice *texts[KEY_TEXTS] = {&row->client, &row->kind,   &row->what,  &row->via,
                                      &row->rule,   &row->source, &row->reason};
    *texts[index] = text;
}

static bool is_row(const struct row *row, const struct row_key *key)
{
    if (row->hash != key->hash || row->shown.decision != key->decision)
        return false;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        if (!slice_equal(*row_text(&row->shown, i), key->texts[i]))
            return false;
    }
    return true;
}

static bool find_row(const struct log_summary *summary, const struct row_key *key,
                     size_t *index_out)
{
    struct hash_index_search search = hash_index_search(&summary->rows_by_hash, key->hash);
    while (hash_index_next(&search, index_out)) {
        if (is_row(&summary->rows[*index_out], key))
            return true;
    }
    return false;
}

static bool copy_key(struct row *row, const struct row_key *key)
{
    size_t len = 1;
    for (size_t i = 0; i < KEY_TEXTS; i++)
        len += key->texts[i].len;
    char *at = malloc(len);
    if (at == NULL)
        return false;
    *row = (struct row){.texts = at, .hash = key->hash};
    row->shown.decision = key->decision;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        if (key->texts[i].len > 0)
            memcpy(at, key->texts[i].ptr, key->texts[i].len);
        set_row_text(&row->shown, i, slice_of(at, key->texts[i].len));
        at += key->texts[i].len;
    }
    return true;
}

/* The index of the row with that key, which is made if there is none. */
static bool get_row(struct log_summary *summary, const struct row_key *key, size_t *index_out)
{
    if (find_row(summary, key, index_out))
        return true;
    if (summary->row_count == summary->row_capacity) {
        size_t capacity = summary->row_capacity == 0 ? ROWS_FIRST : summary->row_capacity * 2;
        struct row *rows = realloc(summary->rows, capacity * sizeof(*rows));
        if (rows == NULL)
            return false;
        summary->rows = rows;
        summary->row_capacity = capacity;
    }
    struct row *row = &summary->rows[summary->row_count];
    if (!hash_index_reserve(&summary->rows_by_hash, summary->row_count + 1) || !copy_key(row, key))
        return false;
    row->shown.number = *index_out = summary->row_count++;
    return hash_index_add(&summary->rows_by_hash, key->hash, *index_out);
}

static void count_in_row(struct row *row, uint64_t count, int64_t time_us)
{
    struct log_summary_row *shown = &row->shown;
    shown->count += count;
    if (time_us == 0)
        return;
    if (shown->first_us == 0 || time_us < shown->first_us)
        shown->first_us = time_us;
    if (time_us > shown->last_us)
        shown->last_us = time_us;
}

/* --- what was opened --- */

static bool remember_opened(struct log_summary *summary, struct slice id, size_t row,
                            int64_t time_us)
{
    void **place = text_map_at(&summary->opened, id);
    if (*place == NULL)
        *place = malloc(sizeof(struct opened));
    if (*place == NULL)
        return false;
    *(struct opened *)*place = (struct opened){row, time_us};
    return true;
}

/* --- records --- */

/* Word by word, since the texts of a record together are a hundred bytes and more. */
static uint64_t hash_text(struct slice text, uint64_t hash)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = 0;
    for (; text.len >= sizeof(word); text.ptr += sizeof(word), text.len -= sizeof(word)) {
        memcpy(&word, text.ptr, sizeof(word));
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    }
    word = text.len;
    for (size_t i = 0; i < text.len; i++)
        word = word << 8 | (unsigned char)text.ptr[i];
    hash = (hash ^ word) * odd;
    return hash ^ hash >> 32;
}

static void make_key(struct log_summary *summary, const struct log_line *line, struct row_key *key)
{
    bool would_deny = line->fields[LOG_FIELD_WOULD_DENY].ptr != NULL;
    *key = (struct row_key){
        .texts = {line->fields[LOG_FIELD_CLIENT], line->fields[LOG_FIELD_KIND],
                  log_line_what(line, &summary->what), line->fields[LOG_FIELD_VIA],
                  line->fields[LOG_FIELD_RULE], line->fields[LOG_FIELD_SOURCE],
                  line->fields[would_deny ? LOG_FIELD_WOULD_DENY : LOG_FIELD_REASON]},
        .decision = log_line_decision(line),
    };
    key->hash = SLICE_HASH_SEED + (uint64_t)key->decision;
    for (size_t i = 0; i < KEY_TEXTS; i++)
        key->hash = hash_text(key->texts[i], key->hash);
}

static uint64_t number_of(const struct log_line *line, enum log_field field)
{
    uint64_t number;
    return slice_to_u64(line->fields[field], &number) ? number : 0;
}

enum record_kind { RECORD_REQUEST, RECORD_OPEN, RECORD_CLOSE, RECORD_SUPPRESSED, RECORD_OTHER };

static enum record_kind record_kind(const struct log_line *line)
{
    static const char *const names[RECORD_OTHER] = {"request", "open", "close", "suppressed"};
    enum record_kind kind = RECORD_REQUEST;
    while (kind < RECORD_OTHER && !slice_equal_text(line->fields[LOG_FIELD_EVENT], names[kind]))
        kind++;
    return kind;
}

bool log_summary_add(struct log_summary *summary, const struct log_line *line)
{
    enum record_kind kind = record_kind(line);
    struct slice id = line->fields[LOG_FIELD_ID];
    struct row_key key;
    size_t index;
    int64_t time_us = 0;
    if (kind == RECORD_OTHER || (kind == RECORD_OPEN && id.len == 0))
        return true;
    make_key(summary, line, &key);
    if (summary->what.failed || !get_row(summary, &key, &index))
        return false;
    if (!timestamp_parse(line->fields[LOG_FIELD_TS], &time_us))
        time_us = 0;
    if (kind == RECORD_OPEN)
        return remember_opened(summary, id, index, time_us);
    if (kind == RECORD_CLOSE)
        free(text_map_take(&summary->opened, id));
    struct row *row = &summary->rows[index];
    count_in_row(row, kind == RECORD_SUPPRESSED ? number_of(line, LOG_FIELD_COUNT) : 1, time_us);
    row->shown.bytes_in += number_of(line, LOG_FIELD_BYTES_IN);
    row->shown.bytes_out += number_of(line, LOG_FIELD_BYTES_OUT);
    return true;
}

/* --- the end --- */

static int compare_texts(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_rows(const void *left, const void *right)
{
    const struct log_summary_row *a = left, *b = right;
    if (a->decision != b->decision)
        return a->decision < b->decision ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        int order = compare_texts(*row_text(a, i), *row_text(b, i));
        if (order != 0)
            return order;
    }
    return 0;
}

const struct log_summary_row *log_summary_seal(struct log_summary *summary, size_t *count_out)
{
    for (size_t i = 0; i < summary->opened.count; i++) {
        const struct opened *opened = summary->opened.entries[i].value;
        if (opened != NULL)
            count_in_row(&summary->rows[opened->row], 1, opened->time_us);
    }
    *count_out = 0;
    summary->sealed = calloc(summary->row_count + 1, sizeof(*summary->sealed));
    if (summary->sealed == NULL)
        return NULL;
    for (size_t i = 0; i < summary->row_count; i++) {
        if (summary->rows[i].shown.count > 0)
            summary->sealed[(*count_out)++] = summary->rows[i].shown;
    }
    qsort(summary->sealed, *count_out, sizeof(*summary->sealed), compare_rows);
    return summary->sealed;
}

bool log_summary_find(struct log_summary *summary, const struct log_line *line, size_t *number_out)
{
    struct row_key key;
    if (record_kind(line) == RECORD_OTHER)
        return false;
    make_key(summary, line, &key);
    return find_row(summary, &key, number_out);
}
