/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy suggest`: from what a log says was used to the smallest readable rules that admit it. The
 * rules admit what was used and nothing else, but for two groupings: a set of operations
 * ("@lifecycle") when all of its members were used, and `*.example.com` when three hosts directly
 * below example.com were. */
#pragma once

#include "policy/snapshot/policy_list.h"
#include "policy/suggest/suggest_evidence.h"
#include "policy/suggest/suggest_rule.h"

/* What is grouped how. */
struct suggest_options {
    bool any_object; /* rules go by operation alone, whatever the objects were called */
};

/* Makes the rules. The evidence, which is sealed, must outlive them. */
void suggest_make(struct suggestion *suggestion, const struct suggest_evidence *evidence,
                  const struct suggest_options *options);

/* The rules of operations[0..count) or targets[0..count), which are of one client
 * (suggest_docker.c, suggest_network.c). */
void suggest_docker(struct suggestion *suggestion, struct suggest_operation *const *operations,
                    size_t count, const struct suggest_options *options);
void suggest_network(struct suggestion *suggestion, struct suggest_target *const *targets,
                     size_t count);

/* Tells the evidence the allows of the present policy; before anything is added.
 * (suggest_present.c) */
void suggest_know_policy(struct suggest_evidence *evidence, const struct policy *policy);

/* Asks the policy about all evidence as if it were enforced: sets `permitted` of what it permits,
 * and adds the rules that do to evidence->used. What a rule of it denies is left out. Call it
 * between sealing and suggest_make(). (suggest_present.c) */
void suggest_mark_permitted(struct suggest_evidence *evidence, const struct policy *policy);

/* How evidence->used names a rule: "SOURCE RULE" as in the log. Appended. */
void suggest_write_rule_key(const struct policy_listed_rule *rule, struct buffer *out);
