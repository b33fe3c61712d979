/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked once for every address that is about to be dialled. */
#include "proxy/loop/own_address.h"

#include <assert.h>
#include <string.h>

#include "policy/snapshot/policy_network.h"
#include "proxy/loop/loop.h"
#include "proxy/loop/listener.h"
#include "proxy/io/own_host.h"
#include "rules/network/address_class.h"

static bool is_at(const struct endpoint *endpoint, const struct ip_address *address)
{
    struct ip_address own = endpoint_ip(endpoint);
    return memcmp(&own, address, sizeof(own)) == 0 ||
           (endpoint_is_loopback(endpoint) && address_class_of(address) == ADDRESS_LOOPBACK);
}

static bool is_of_host(const struct loop *loop, const struct ip_address *address)
{
    return own_host_holds(loop->own_host, address) ||
           policy_lists_own_address(loop->policy, address);
}

bool own_address_same_machine(const struct loop *loop, const struct ip_address *a,
                              const struct ip_address *b)
{
    return is_of_host(loop, a) && is_of_host(loop, b);
}

void own_address_add(struct loop *loop, const struct endpoint *endpoint, bool at_each_address)
{
    if (endpoint == NULL || endpoint_is_unix(endpoint))
        return;
    assert(loop->own_place_count < OWN_PLACES_MAX);
    loop->own_places[loop->own_place_count++] = (struct own_place){endpoint, at_each_address};
}

static bool is_own(const struct loop *loop, const struct ip_address *address, uint16_t port)
{
    bool own = listener_any_at(loop, address, port);
    for (unsigned i = 0; i < loop->own_place_count && !own; i++) {
        const struct own_place *place = &loop->own_places[i];
        struct ip_address its = endpoint_ip(place->endpoint);
        own = endpoint_port(place->endpoint) == port &&
              (is_at(place->endpoint, address) ||
               (place->at_each_address && own_address_same_machine(loop, &its, address)));
    }
    return own;
}

bool own_address_is(const struct loop *loop, const struct ip_address *address, uint16_t port)
{
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    unsigned count = address_class_leads_to(address, led);
    bool own = is_own(loop, address, port);
    for (unsigned i = 0; i < count && !own; i++)
        own = is_own(loop, &led[i], port);
    return own;
}
