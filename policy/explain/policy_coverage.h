/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules of a policy decided something, for `policy test --coverage`. */
#pragma once

#include "policy/snapshot/policy_list.h"

/* Starts as zeros. */
struct policy_coverage {
    bool *decided; /* owned: by the rules' numbers; NULL = nothing was noted yet */
};

/* Notes the number of a verdict. */
void policy_coverage_note(struct policy_coverage *coverage, const struct policy *policy,
                          uint32_t number);

/* Calls `found` for each rule that decided nothing; preset/negotiate, which is always there, is
 * left out. */
void policy_coverage_missing(const struct policy_coverage *coverage, const struct policy *policy,
                             void (*found)(void *context, struct slice source, struct slice rule),
                             void *context);
void policy_coverage_clear(struct policy_coverage *coverage);
