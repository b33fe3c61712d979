/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules permit an operation to anybody, asked of the one decision: for notices that claim it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/policy.h"

struct policy_permits {
    bool *rules;     /* owned: of each Docker rule of the policy whether it permits something */
    bool by_default; /* so does the default */
};
#define AUTO_POLICY_PERMITS CLEANUP(policy_permits_free)

void policy_permits_init(struct policy_permits *permits, const struct policy *policy);
void policy_permits_free(struct policy_permits *permits);

/* Marks the rules that permit the operation to some client. What no rule denies is asked for objects of
 * a few common names; a rule's `where` is taken as met. That a client in report mode may do everything
 * counts for nothing. */
void policy_permits_add(struct policy_permits *permits, const struct policy *policy,
                        enum docker_operation operation, int64_t now_us);
