/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices about rules. */
#pragma once

#include "policy/snapshot/policy.h"
#include "policy/snapshot/policy_messages.h"

/* What `policy validate` warns of: rules that never decide, changes allowed to everybody,
 * ContainerCreate. One look into the index a network rule. */
void policy_notices_add(const struct policy *policy, struct policy_messages *notices);
