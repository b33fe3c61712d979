/* SPDX-License-Identifier: Apache-2.0
 *
 * What the other rules of a policy make of one that was just added: those that decide all of it
 * (policy_cover.h), denies that take a part, a default that allows it already. policy_load() speaks
 * of the first alone, and not of denies. */
#pragma once

#include <stdint.h>

#include "policy/snapshot/policy_list.h"
#include "policy/snapshot/policy_messages.h"

/* Adds a message for each rule that takes from the one with that number (policy_rule_at), or one for
 * those that leave nothing of it. A host is put to the gate's own decision. */
void policy_overlap(const struct policy *policy, uint32_t number, int64_t now_us,
                    struct policy_messages *messages);
