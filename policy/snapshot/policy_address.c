/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes of addresses as a policy sees them: those of the gate's own machine are a class of their
 * own, and only the policy and whoever holds sockets know them. */
#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_network.h"

bool policy_lists_own_address(const struct policy *policy, const struct ip_address *address)
{
    for (size_t i = 0; i < policy->own_address_count; i++) {
        if (ip_range_contains(&policy->own_addresses[i], address))
            return true;
    }
    return false;
}

static bool is_own(const struct policy *policy, const struct network_own_host *own_host,
                   const struct ip_address *address)
{
    return policy_lists_own_address(policy, address) ||
           (own_host != NULL && own_host->holds(own_host->context, address));
}

enum address_class policy_address_class(const struct policy *policy,
                                        const struct network_own_host *own_host,
                                        const struct ip_address *address)
{
    enum address_class class = address_class_of(address);
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    if (address_class_with_own(class, true) != ADDRESS_OWN_HOST)
        return class; /* loopback says it already */
    bool own = is_own(policy, own_host, address);
    unsigned count = address_class_leads_to(address, led);
    for (unsigned i = 0; i < count && !own; i++)
        own = is_own(policy, own_host, &led[i]);
    return address_class_with_own(class, own);
}
