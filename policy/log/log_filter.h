/* SPDX-License-Identifier: Apache-2.0
 *
 * Which records of the log are wanted: what the options of `policy log` say. All conditions must
 * hold. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "policy/log/log_line.h"

struct log_filter_host;      /* opaque */
struct docker_operation_set; /* rules/docker/docker_operation.h */

/* A zeroed filter wants everything. Texts are borrowed; ptr NULL = any. */
struct log_filter {
    int64_t since_us, until_us; /* Unix time, until exclusive; 0 = no bound */
    bool denied;                /* refused, would be refused, or refusals that were only counted */
    bool allowed;               /* allowed, and not only by report mode */
    bool without_seals;         /* no records of the log's own sealing: --verify alone needs them */
    struct slice client, via, kind;
    struct slice rule; /* the rule's name or text, its source ("policy.yaml:14"), or the file of it,
                          with or without the folders before it */
    struct log_filter_host *host;            /* owned; log_filter_set_host() */
    struct docker_operation_set *operations; /* owned; log_filter_set_operation() */
};

/* Wants one host or what a host pattern of the policy language matches (rules/network/host_pattern.h);
 * without ports any port. An address or range is also looked for among the addresses that were
 * dialled or answered. False with `error` (code 2) when `text`, which is copied, is none. */
MUST_CHECK bool log_filter_set_host(struct log_filter *filter, const char *text,
                                    struct error *error);

/* Wants operations of the Engine API: a name, a glob over names, a set ("@read"), or several of
 * them between commas. False with `error` (code 2, "did you mean") when one names nothing. */
MUST_CHECK bool log_filter_set_operation(struct log_filter *filter, const char *text,
                                         struct error *error);

/* Reads the value of --`option`, a time as people name one (timestamp_parse_named()). False with
 * `error` (code 2) when it is none. */
MUST_CHECK bool log_filter_read_time(const char *option, const char *text, int64_t now_us,
                                     int64_t *time_us_out, struct error *error);

bool log_filter_wants(const struct log_filter *filter, const struct log_line *line);

void log_filter_clear(struct log_filter *filter);
#define AUTO_LOG_FILTER CLEANUP(log_filter_clear)

/* Whether its time is wanted, whatever else is. */
bool log_filter_is_within(const struct log_filter *filter, const struct log_line *line);
