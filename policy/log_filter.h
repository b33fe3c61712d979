/* SPDX-License-Identifier: Apache-2.0
 *
 * Which records of the log are wanted: what the options of `policy log` say. All conditions must
 * hold. */
#ifndef DOCKREEVE_POLICY_LOG_FILTER_H
#define DOCKREEVE_POLICY_LOG_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "policy/log_line.h"

/* A zeroed filter wants everything. All texts are borrowed; ptr NULL = any. */
struct log_filter {
    int64_t since_us, until_us; /* Unix time, until exclusive; 0 = no bound */
    bool denied;                /* refused, would be refused, or refusals that were only counted */
    bool allowed;               /* allowed, and not only by report mode */
    struct slice client;
    struct slice host;      /* a host or a host pattern of the policy language, ports too */
    struct slice operation; /* an operation, a glob over them, or a set ("@read") */
    struct slice rule;      /* the rule's name or text, or its source ("policy.yaml:14") */
    struct slice via;
};

bool log_filter_wants(const struct log_filter *filter, const struct log_line *line);

#endif
