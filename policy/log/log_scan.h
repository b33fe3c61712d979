/* SPDX-License-Identifier: Apache-2.0
 *
 * All records of a log that a filter wants: the oldest first for summaries, pages and suggestions,
 * which look at everything, or the newest first for who wants the last of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"
#include "policy/log/log_filter.h"
#include "policy/log/log_reader.h"

/* Takes one wanted record; `line` and `text` (the line without its end) are valid during the call.
 * False ends the scan. */
typedef bool log_scan_take(void *context, const struct log_line *line, struct slice text);

enum { LOG_SCAN_WORD_MAX = 32 };

/* What a scan found beside the records. */
struct log_scan_notes {
    uint64_t unreadable; /* lines that are no records */
    /* Of all records in the filter's time, whatever else it wants: */
    uint64_t lost;                    /* that the gate says it could not write */
    uint64_t sealed, unsealed;        /* with and without a seal */
    uint64_t first_epoch, last_epoch; /* of the sealed ones, as they were met */
    uint64_t policies;                /* how often another policy decided than before */
    char policy[LOG_SCAN_WORD_MAX];   /* its hash, of the last one met; "" = none */
    char version[LOG_SCAN_WORD_MAX];  /* of the gate, as it said at its start; "" = unknown */
    bool torn;                        /* the newest file ends inside a line */
    off_t end; /* where the whole lines of the newest file end: following goes on there */
};

/* False with `error` when a file cannot be read; true when all was read or `take` ended it. */
MUST_CHECK bool log_scan(const struct log_files *files, const struct log_filter *filter,
                         log_scan_take *take, void *context, struct log_scan_notes *notes_out,
                         struct error *error);

/* The same from the newest record to the oldest, so that the last records of a log of any size cost
 * a few blocks. The notes' `end` and `torn` are those of the newest file in either direction. */
MUST_CHECK bool log_scan_backward(const struct log_files *files, const struct log_filter *filter,
                                  log_scan_take *take, void *context,
                                  struct log_scan_notes *notes_out, struct error *error);
