/* SPDX-License-Identifier: Apache-2.0
 *
 * What the other rules of a policy make of one that was just added: denies that win over it, allows
 * that hold it already. What is certain for whole rules is among the notices of policy_load(); this
 * names the rules, and those that win in part. */
#ifndef DOCKREEVE_POLICY_POLICY_OVERLAP_H
#define DOCKREEVE_POLICY_POLICY_OVERLAP_H

#include <stdint.h>

#include "policy/policy_list.h"
#include "policy/policy_load.h"

/* Adds a message for each rule that takes from the Docker rule with that index, or holds it. */
void policy_overlap_docker(const struct policy *policy, size_t index,
                           struct policy_messages *messages);

/* Adds a message when a host that the rule allows is denied all the same, as the gate would decide
 * it, or is allowed by the default already. `file` is the rule's full name of file. */
void policy_overlap_network(const struct policy *policy, const struct policy_listed_network *rule,
                            const char *file, int64_t now_us, struct policy_messages *messages);

#endif
