/* SPDX-License-Identifier: Apache-2.0
 *
 * When the rules of a policy expire; policy_next_expiry() stands in policy.h. */
#pragma once

#include "policy/snapshot/policy.h"

/* Fills policy->expiries, once every rule is there. */
void policy_expiry_collect(struct policy *policy);
