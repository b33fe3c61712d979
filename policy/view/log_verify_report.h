/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdict over a sealed log, in words and as JSON. */
#pragma once

#include "policy/seal/log_verify.h"

enum log_verify_result {
    LOG_VERIFY_INTACT,
    LOG_VERIFY_TAMPERED,
    LOG_VERIFY_WRONG_KEY,
    LOG_VERIFY_NEVER_SEALED,
    LOG_VERIFY_CUT, /* it ends before the seal of the epoch that was expected */
};

/* What is said about beside the verdict. */
struct log_verify_report {
    const struct log_verdict *verdict;
    const char *const *files; /* names, by number */
    bool keyed;
    uint64_t expect_epoch; /* 0 = none */
    uint64_t bytes, duration_us;
    /* A number in the row of files that is not there; NULL = none. By itself no fault: a gate that
     * was killed while it rotated leaves such a gap, and the chain tells. */
    const char *missing_file;
};

enum log_verify_result log_verify_result(const struct log_verify_report *report);
void log_verify_report_text(const struct log_verify_report *report, struct buffer *out);
void log_verify_report_json(const struct log_verify_report *report, struct buffer *out);
