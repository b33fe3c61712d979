/* SPDX-License-Identifier: Apache-2.0
 *
 * When rules expire: the moments at which a policy begins to decide otherwise without being
 * replaced. They are sorted once, when the snapshot is built; most policies have none. */
#include <stdlib.h>

#include "policy/snapshot/policy_expiry.h"
#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_list.h"

static void add(struct policy *policy, int64_t expires_us)
{
    if (expires_us == 0)
        return;
    policy->expiries = array_grow(policy->expiries, policy->expiry_count, &policy->expiry_capacity,
                                  sizeof(policy->expiries[0]));
    policy->expiries[policy->expiry_count++] = expires_us;
}

static int earlier(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

void policy_expiry_collect(struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        add(policy, policy->rules[i].match.expires_us);
    for (size_t scope = 0; scope <= policy->client_count; scope++) {
        uint32_t first;
        const struct network_set *set = policy_network_set(policy, scope, &first);
        for (size_t i = 0; i < set->rule_count; i++)
            add(policy, set->rules[i].match.expires_us);
    }
    if (policy->expiry_count > 1)
        qsort(policy->expiries, policy->expiry_count, sizeof(policy->expiries[0]), earlier);
}

int64_t policy_next_expiry(const struct policy *policy, int64_t now_us)
{
    size_t low = 0, high = policy->expiry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (policy->expiries[middle] <= now_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low == policy->expiry_count ? INT64_MAX : policy->expiries[low];
}
