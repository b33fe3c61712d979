/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked once for every address that is about to be dialled. */
#include "proxy/loop/own_address.h"

#include <string.h>

#include "policy/snapshot/policy_network.h"
#include "proxy/operator/admin.h"
#include "proxy/loop/gate.h"
#include "proxy/loop/listener.h"
#include "proxy/io/own_host.h"
#include "rules/network/address_class.h"

static bool is_at(const struct endpoint *endpoint, const struct ip_address *address, uint16_t port)
{
    if (endpoint == NULL || endpoint_is_unix(endpoint) || endpoint_port(endpoint) != port)
        return false;
    struct ip_address own = endpoint_ip(endpoint);
    return memcmp(&own, address, sizeof(own)) == 0 ||
           (endpoint_is_loopback(endpoint) && address_class_of(address) == ADDRESS_LOOPBACK);
}

static bool is_of_host(const struct gate *gate, const struct ip_address *address)
{
    return own_host_holds(gate->own_host, address) ||
           policy_lists_own_address(gate->policy, address);
}

bool own_address_same_machine(const struct gate *gate, const struct ip_address *a,
                              const struct ip_address *b)
{
    return is_of_host(gate, a) && is_of_host(gate, b);
}

/* An engine on this host mostly listens at each of its addresses. */
static bool is_engine(const struct gate *gate, const struct ip_address *address, uint16_t port)
{
    const struct endpoint *engine = engine_endpoint(gate->engine);
    if (is_at(engine, address, port))
        return true;
    if (engine == NULL || endpoint_is_unix(engine) || endpoint_port(engine) != port)
        return false;
    struct ip_address own = endpoint_ip(engine);
    return own_address_same_machine(gate, &own, address);
}

static bool is_own(const struct gate *gate, const struct ip_address *address, uint16_t port)
{
    return listener_any_at(gate, address, port) || is_engine(gate, address, port) ||
           is_at(admin_endpoint(gate->admin), address, port);
}

bool own_address_is(const struct gate *gate, const struct ip_address *address, uint16_t port)
{
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    unsigned count = address_class_leads_to(address, led);
    bool own = is_own(gate, address, port);
    for (unsigned i = 0; i < count && !own; i++)
        own = is_own(gate, &led[i], port);
    return own;
}
