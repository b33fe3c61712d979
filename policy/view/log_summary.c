/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting of log records that are alike. Rows stand in one array and are found by a hash table of
 * their places; what was opened waits in a second table, by its id, until it is closed. */
#include "policy/view/log_summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/timestamp.h"

enum { KEY_TEXTS = 7, TABLE_SMALLEST = 64 };

/* What makes two records alike: the texts of a row in their order there, and how it was decided. */
struct row_key {
    struct slice texts[KEY_TEXTS]; /* borrowed */
    bool denied, by_report;
    uint64_t hash;
};

struct row {
    struct log_summary_row shown;
    char *texts; /* owned: where its texts point */
    uint64_t hash;
};

/* A record `open` whose `close` was not seen yet. */
struct opened {
    char *id; /* owned; NULL = a free place */
    size_t id_len;
    uint64_t hash;
    size_t row;
    int64_t time_us;
};

struct log_summary {
    struct row *rows; /* owned */
    size_t row_count, row_capacity;
    size_t *places; /* owned: a hash table of indexes into rows + 1; 0 = free */
    size_t place_count;
    struct opened *opened; /* owned: a hash table */
    size_t opened_count, opened_capacity;
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
    for (size_t i = 0; i < dead->opened_capacity; i++)
        free(dead->opened[i].id);
    free(dead->rows);
    free(dead->places);
    free(dead->opened);
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
    if (row->hash != key->hash || row->shown.denied != key->denied ||
        row->shown.by_report != key->by_report)
        return false;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        if (!slice_equal(*row_text(&row->shown, i), key->texts[i]))
            return false;
    }
    return true;
}

/* The place of the row with that key, or the free one where it belongs. */
static size_t *find_place(const struct log_summary *summary, const struct row_key *key)
{
    size_t at = key->hash & (summary->place_count - 1);
    while (summary->places[at] != 0 && !is_row(&summary->rows[summary->places[at] - 1], key))
        at = (at + 1) & (summary->place_count - 1);
    return &summary->places[at];
}

/* Keeps at least every second place free. */
static bool grow_places(struct log_summary *summary)
{
    if (summary->row_count * 2 < summary->place_count)
        return true;
    size_t count = summary->place_count == 0 ? TABLE_SMALLEST : summary->place_count * 2;
    size_t *places = calloc(count, sizeof(*places));
    if (places == NULL)
        return false;
    for (size_t i = 0; i < summary->row_count; i++) {
        size_t at = summary->rows[i].hash & (count - 1);
        while (places[at] != 0)
            at = (at + 1) & (count - 1);
        places[at] = i + 1;
    }
    free(summary->places);
    summary->places = places;
    summary->place_count = count;
    return true;
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
    row->shown.denied = key->denied;
    row->shown.by_report = key->by_report;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        if (key->texts[i].len > 0)
            memcpy(at, key->texts[i].ptr, key->texts[i].len);
        set_row_text(&row->shown, i, slice_of(at, key->texts[i].len));
        at += key->texts[i].len;
    }
    return true;
}

/* The index of the row with that key, which is made if there is none. */
static bool find_row(struct log_summary *summary, const struct row_key *key, size_t *index_out)
{
    if (!grow_places(summary))
        return false;
    size_t *place = find_place(summary, key);
    if (*place == 0) {
        if (summary->row_count == summary->row_capacity) {
            size_t capacity =
                summary->row_capacity == 0 ? TABLE_SMALLEST : summary->row_capacity * 2;
            struct row *rows = realloc(summary->rows, capacity * sizeof(*rows));
            if (rows == NULL)
                return false;
            summary->rows = rows;
            summary->row_capacity = capacity;
        }
        if (!copy_key(&summary->rows[summary->row_count], key))
            return false;
        summary->rows[summary->row_count].shown.number = summary->row_count;
        *place = ++summary->row_count;
    }
    *index_out = *place - 1;
    return true;
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

static size_t find_opened(const struct log_summary *summary, struct slice id, uint64_t hash)
{
    size_t at = hash & (summary->opened_capacity - 1);
    while (summary->opened[at].id != NULL &&
           (summary->opened[at].hash != hash ||
            !slice_equal(slice_of(summary->opened[at].id, summary->opened[at].id_len), id)))
        at = (at + 1) & (summary->opened_capacity - 1);
    return at;
}

static bool grow_opened(struct log_summary *summary)
{
    if (summary->opened_count * 2 < summary->opened_capacity)
        return true;
    size_t old_capacity = summary->opened_capacity;
    size_t capacity = old_capacity == 0 ? TABLE_SMALLEST : old_capacity * 2;
    struct opened *old = summary->opened;
    struct opened *opened = calloc(capacity, sizeof(*opened));
    if (opened == NULL)
        return false;
    for (size_t i = 0; i < old_capacity; i++) {
        size_t at = old[i].hash & (capacity - 1);
        if (old[i].id == NULL)
            continue;
        while (opened[at].id != NULL)
            at = (at + 1) & (capacity - 1);
        opened[at] = old[i];
    }
    free(old);
    summary->opened = opened;
    summary->opened_capacity = capacity;
    return true;
}

static bool remember_opened(struct log_summary *summary, struct slice id, size_t row,
                            int64_t time_us)
{
    uint64_t hash = slice_hash(id, SLICE_HASH_SEED);
    if (!grow_opened(summary))
        return false;
    struct opened *opened = &summary->opened[find_opened(summary, id, hash)];
    if (opened->id == NULL) {
        char *copy = malloc(id.len);
        if (copy == NULL)
            return false;
        memcpy(copy, id.ptr, id.len);
        *opened = (struct opened){.id = copy, .id_len = id.len, .hash = hash};
        summary->opened_count++;
    }
    opened->row = row;
    opened->time_us = time_us;
    return true;
}

/* Takes one out and moves those behind it that would not be found any more. */
static void forget_opened(struct log_summary *summary, struct slice id)
{
    if (summary->opened_count == 0)
        return;
    size_t mask = summary->opened_capacity - 1;
    size_t hole = find_opened(summary, id, slice_hash(id, SLICE_HASH_SEED));
    if (summary->opened[hole].id == NULL)
        return;
    free(summary->opened[hole].id);
    summary->opened_count--;
    for (size_t at = (hole + 1) & mask; summary->opened[at].id != NULL; at = (at + 1) & mask) {
        size_t home = summary->opened[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* its way from home does not pass the hole */
        summary->opened[hole] = summary->opened[at];
        hole = at;
    }
    summary->opened[hole] = (struct opened){.id = NULL};
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
        .denied = log_line_denied(line),
    };
    key->by_report = would_deny && !slice_equal_text(line->fields[LOG_FIELD_DECISION], "deny");
    key->hash = SLICE_HASH_SEED + key->denied + 2 * (uint64_t)key->by_report;
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
    if (summary->what.failed || !find_row(summary, &key, &index))
        return false;
    if (!timestamp_parse(line->fields[LOG_FIELD_TS], &time_us))
        time_us = 0;
    if (kind == RECORD_OPEN)
        return remember_opened(summary, id, index, time_us);
    if (kind == RECORD_CLOSE)
        forget_opened(summary, id);
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
    if (a->denied != b->denied)
        return a->denied ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        int order = compare_texts(*row_text(a, i), *row_text(b, i));
        if (order != 0)
            return order;
    }
    return (int)a->by_report - (int)b->by_report;
}

const struct log_summary_row *log_summary_seal(struct log_summary *summary, size_t *count_out)
{
    for (size_t i = 0; i < summary->opened_capacity; i++) {
        const struct opened *opened = &summary->opened[i];
        if (opened->id != NULL)
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
    if (record_kind(line) == RECORD_OTHER || summary->row_count == 0)
        return false;
    make_key(summary, line, &key);
    size_t place = *find_place(summary, &key);
    *number_out = place - 1;
    return place != 0;
}
