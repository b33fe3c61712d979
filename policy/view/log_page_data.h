/* SPDX-License-Identifier: Apache-2.0
 *
 * What a page of the log shows, gathered in two passes over the files: first the rows, then the
 * newest records of those rows that are shown. Memory is bounded by what is shown and by the number
 * of different rows, however long the log is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "policy/log/log_scan.h"
#include "policy/view/log_summary.h"
#include "policy/log/log_timeline.h"

enum {
    LOG_PAGE_ROWS = 1000,                 /* of each decision */
    LOG_PAGE_ROW_RECORDS = 20,            /* the newest of each row */
    LOG_PAGE_RECORDS = 5000,              /* of all rows, counted from the first */
    LOG_PAGE_RECORD_BYTES = 64 * 1 << 20, /* of all records kept, as they stand in the log */
};

/* One record, as its line in the log. */
struct log_page_record {
    char *text; /* owned */
    size_t len;
    uint64_t id_hash;
    bool open; /* gives way to the `close` of the same id */
};

/* A row that is shown. */
struct log_page_row {
    const struct log_summary_row *summary;
    struct log_page_record records[LOG_PAGE_ROW_RECORDS]; /* the oldest first */
    unsigned most;                                        /* as many of them are kept */
    unsigned count;                                       /* in use */
};

/* All the rows of one decision, added up; `rows` are those that are shown. */
struct log_page_section {
    struct log_page_row *rows; /* owned */
    size_t row_count;
    size_t all_rows;
    uint64_t requests; /* of all rows */
};

struct log_page_data {
    struct log_summary *summary; /* owned */
    struct log_timeline timeline;
    struct log_page_section sections[LOG_DECISIONS];
    uint64_t not_kept;    /* records beyond LOG_PAGE_RECORD_BYTES */
    bool without_records; /* some row shows fewer because LOG_PAGE_RECORDS was reached */
    uint64_t bytes_in, bytes_out;
    uint64_t clients;
    int64_t first_us, last_us; /* Unix time; 0 = no request */
    struct log_scan_notes notes;
};

/* False with `error` (code 1) when a file cannot be read or memory is out. Free it either way. */
MUST_CHECK bool log_page_data_gather(struct log_page_data *data, const struct log_files *files,
                                     const struct log_filter *filter, struct error *error);
void log_page_data_free(struct log_page_data *data);
