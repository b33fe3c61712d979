/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate's counting of what each rule decides (policy/document/rule_hits.h): once a request, tunnel or DNS
 * question, by the number in its verdict. The first decision of a rule costs a hash of its text,
 * later ones an index. What was counted goes to `hits` in the state folder every few seconds, by
 * the worker, so that no slow disk stops the loop. A gate killed loses the last seconds. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/policy.h"

struct rule_counter; /* opaque */
struct worker;

/* Counts on from the file `folder`/hits. One that cannot be read is set aside as hits.broken, which
 * is said on standard error. Aborts when memory is out. */
struct rule_counter *rule_counter_open(const char *folder, const struct policy *policy);

/* All of these accept NULL: a gate without a state folder. */

/* Another policy has come into force; numbers of an older one may still be counted. */
void rule_counter_set_policy(struct rule_counter *counter, const struct policy *policy);

/* `number` is the verdict's and belongs to `policy`; POLICY_NUMBER_NONE counts nothing. */
void rule_counter_count(struct rule_counter *counter, const struct policy *policy, uint32_t number,
                        int64_t now_us);

/* Hands what changed to the worker when it is time. Called about once a second. */
void rule_counter_tick(struct rule_counter *counter, struct worker *worker);

/* How many rules have decided something so far. */
size_t rule_counter_len(const struct rule_counter *counter);

/* Writes the rest, here and now. The worker has been stopped. */
void rule_counter_close(struct rule_counter **counter);
