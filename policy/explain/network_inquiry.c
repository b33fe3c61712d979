/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/explain/network_inquiry.h"

enum network_step network_inquiry_next(const struct network_inquiry *inquiry)
{
    const struct network_request *request = &inquiry->request;
    if (request->address == NULL && inquiry->way == NETWORK_WAY_UNKNOWN)
        return NETWORK_STEP_ADDRESSES;
    if (request->address == NULL && inquiry->way == NETWORK_WAY_NOWHERE)
        return NETWORK_STEP_NOWHERE;
    return request->sight == NETWORK_OPAQUE && request->tunnel == NULL ? NETWORK_STEP_FIRST_BYTES
                                                                       : NETWORK_STEP_OPEN;
}

enum network_step network_inquiry_ask(struct network_inquiry *inquiry)
{
    policy_decide_network(inquiry->policy, inquiry->client, &inquiry->request, NULL,
                          &inquiry->verdict);
    return inquiry->verdict.result == VERDICT_ALLOW ? network_inquiry_next(inquiry)
                                                    : NETWORK_STEP_DENIED;
}

enum network_step network_inquiry_lead(struct network_inquiry *inquiry,
                                       const struct ip_address *addresses, unsigned count,
                                       uint32_t own, struct network_verdict *verdicts)
{
    unsigned first = count;
    for (unsigned i = 0; i < count; i++) {
        inquiry->request.address = &addresses[i];
        bool may_pass = network_inquiry_ask(inquiry) != NETWORK_STEP_DENIED;
        verdicts[i] = inquiry->verdict;
        if (may_pass && (own >> i & 1) == 0 && first == count)
            first = i;
    }
    unsigned decisive = first == count ? 0 : first;
    inquiry->request.address = &addresses[decisive];
    inquiry->verdict = verdicts[decisive];
    return first == count ? NETWORK_STEP_DENIED : network_inquiry_next(inquiry);
}

const struct ip_address *network_inquiry_stands_for(const struct host_name *host,
                                                    unsigned *count_out)
{
    bool is_local = host_name_is_local(host);
    *count_out = host->is_address ? 1 : is_local ? IP_LOOPBACK_COUNT : 0;
    return host->is_address ? &host->address : is_local ? ip_loopback : NULL;
}
