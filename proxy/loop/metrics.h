/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters behind `/metrics` (Prometheus text format 0.0.4). The loop counts; the admin listener
 * prints. Series are made when they are first seen and stay until the end, because a scraper takes
 * a vanished counter for a restart; their number is bounded, so that no sequence of policies can
 * fill the memory. Not thread-safe: one loop owns one struct metrics. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct metrics;        /* opaque */
struct metrics_series; /* one row of dockreeve_requests_total; lives as long as its metrics */
struct metrics_client; /* histogram and connections of one client; lives as long as its metrics */

/* What became of a request: the label `decision`. */
enum metrics_decision {
    METRICS_ALLOW,
    METRICS_DENY,
    METRICS_WOULD_DENY, /* let through in report mode */
    METRICS_DECISIONS
};

static inline enum metrics_decision metrics_decision_of(bool allowed, bool would_deny)
{
    if (!allowed)
        return METRICS_DENY;
    return would_deny ? METRICS_WOULD_DENY : METRICS_ALLOW;
}

enum {
    METRICS_SERIES_MAX = 4096, /* beyond it a new rule counts as rule="other" */
    METRICS_OVERFLOW_MAX =
        1024, /* so many rows of rule="other"; beyond it client and operation are "other" too */
    METRICS_CLIENTS_MAX = 1024, /* beyond it a new client counts as "other" */
};

/* What has no labels: the loop changes the numbers in place. */
struct metrics_totals {
    uint64_t open_streams;    /* gauge */
    uint64_t upstream_errors; /* of origins; printed as a sum with the engine's */
    uint64_t engine_errors;   /* set before printing: the engine pool counts */
    uint64_t log_lost;
    uint64_t denials_suppressed;
    uint64_t reloads_ok, reloads_failed;
};

/* NULL when memory is out. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

/* The row for these labels, made on first sight (texts are copied). Looked up by content, so texts
 * of a policy that is gone may be gone too. `rule` is the deciding rule's name or text; where it is
 * NULL or empty `source` stands for it. Never NULL. Rows differ in client, operation, decision and
 * rule; source is no label, since an edited file would shift every line and make new rows. */
struct metrics_series *metrics_series(struct metrics *metrics, const char *client,
                                      const char *operation, enum metrics_decision decision,
                                      const char *rule, const char *source);
void metrics_series_count(struct metrics_series *series);
/* Enters the duration of one finished request into its client's histogram. */
void metrics_series_observe(struct metrics_series *series, uint64_t duration_us);

/* The client's own numbers, made on first sight. Never NULL. */
struct metrics_client *metrics_client(struct metrics *metrics, const char *client);
void metrics_connection_opened(struct metrics_client *client);
void metrics_connection_closed(struct metrics_client *client);

struct metrics_totals *metrics_totals(struct metrics *metrics);

/* Sums over all series; what would be denied in another mode was allowed. */
void metrics_count_requests(const struct metrics *metrics, uint64_t *allowed_out,
                            uint64_t *denied_out);

/* For dockreeve_build_info and process_start_time_seconds. `version` is borrowed. */
void metrics_set_process(struct metrics *metrics, const char *version, int64_t started_us);

/* Hash of the policy in force, at most 31 bytes are kept. */
void metrics_set_policy(struct metrics *metrics, const char *hash);

/* Appends everything; content type "text/plain; version=0.0.4; charset=utf-8". */
void metrics_print(const struct metrics *metrics, struct buffer *out);
