/* SPDX-License-Identifier: Apache-2.0
 *
 * The log on standard output: its records, or what they come to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "policy/log/log_filter.h"

enum log_view_form {
    LOG_VIEW_TABLE, /* aligned, for people */
    LOG_VIEW_TSV,   /* the same columns between tabs */
    LOG_VIEW_JSON,
    LOG_VIEW_NAMES, /* only the host or operation, one a line */
};

struct log_view {
    const char *path; /* of the log */
    const struct log_filter *filter;
    enum log_view_form form;
    /* 0 = all: requests from the end, with what the gate said of itself meanwhile, which is not
     * counted; or rows of each block of a summary */
    uint64_t limit;
};

/* Writes the wanted records, the oldest first, and with `follow` those that come, until
 * interrupted. False with `error`, whose code is the exit code. */
MUST_CHECK bool log_view_records(const struct log_view *view, bool follow, struct error *error);

/* Writes how often what was asked: first what was refused, then what was allowed. */
MUST_CHECK bool log_view_summary(const struct log_view *view, struct error *error);

/* Notes on standard error about what a reading left out. */
void log_view_note_unreadable(uint64_t count);
void log_view_note_torn(void);

/* Writes the bytes to standard output. False with `error`: code 1, or 0 when the reader has gone
 * away. */
MUST_CHECK bool log_view_write(struct slice bytes, struct error *error);
