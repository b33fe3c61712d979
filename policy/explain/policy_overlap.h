/* SPDX-License-Identifier: Apache-2.0
 *
 * What the other rules of a policy make of one that was just added: those that decide all of it
 * (policy_cover.h), denies that take a part, a default that allows it already. policy_load() speaks
 * of the first alone, and not of denies. */
#ifndef DOCKREEVE_POLICY_POLICY_OVERLAP_H
#define DOCKREEVE_POLICY_POLICY_OVERLAP_H

#include <stdint.h>

#include "policy/snapshot/policy_list.h"
#include "policy/document/policy_load.h"

/* Adds a message for each rule that takes from the Docker rule with that index (policy_rule_at), or
 * one for those that leave nothing of it. */
void policy_overlap_docker(const struct policy *policy, size_t index, int64_t now_us,
                           struct policy_messages *messages);

/* Adds a message when the host at that place (policy_network_at) adds nothing, or is allowed and
 * denied all the same, as the gate would decide it. `file` is the rule's full name of file. */
void policy_overlap_network(const struct policy *policy, size_t scope, uint32_t entry,
                            const char *file, int64_t now_us, struct policy_messages *messages);

#endif
