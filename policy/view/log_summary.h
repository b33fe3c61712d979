/* SPDX-License-Identifier: Apache-2.0
 *
 * The log coalesced: one row for each client, kind, host or operation, way, rule and reason, with
 * how often and when. For `policy log --summary`, its page and `policy suggest`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "policy/log/log_line.h"

/* Texts are owned by the summary; ptr is never NULL, an absent field is empty. */
struct log_summary_row {
    enum log_decision decision;
    struct slice client, kind; /* kind: "docker", "network" */
    struct slice what;         /* "api.example.org:443", or the operation; else the method */
    struct slice via, rule, source;
    struct slice reason;       /* what report mode let pass has that of the refusal */
    uint64_t count;            /* requests; denials that were only counted are included */
    int64_t first_us, last_us; /* Unix time */
    uint64_t bytes_in, bytes_out;
    size_t number; /* of this row, whatever the order: for log_summary_find() */
};

struct log_summary; /* opaque */

struct log_summary *log_summary_new(void); /* NULL when memory is out */
void log_summary_free(struct log_summary **summary);
#define AUTO_LOG_SUMMARY CLEANUP(log_summary_free)

/* Adds one record. What is no request (start, stop, policy, seal) is passed over, and so is the
 * `open` of what has a `close` record, so that each request counts once: a stream still open counts
 * when the summary is sealed. False when memory is out. */
MUST_CHECK bool log_summary_add(struct log_summary *summary, const struct log_line *line);

/* Ends adding and sorts: what was denied, what report mode let pass, what was allowed, then by count, then by name. Returns the rows,
 * which live as long as the summary; NULL when memory is out. */
const struct log_summary_row *log_summary_seal(struct log_summary *summary, size_t *count_out);

/* The number of the row to which the record belongs. False when no record like it was added. */
MUST_CHECK bool log_summary_find(struct log_summary *summary, const struct log_line *line,
                                 size_t *number_out);
