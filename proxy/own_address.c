/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked once for every address that is about to be dialled. */
#include "proxy/own_address.h"

#include <string.h>

#include "proxy/admin.h"
#include "proxy/gate.h"
#include "proxy/listener.h"
#include "rules/address_class.h"

static bool is_at(const struct endpoint *endpoint, const struct ip_address *address, uint16_t port)
{
    if (endpoint == NULL || endpoint_is_unix(endpoint) || endpoint_port(endpoint) != port)
        return false;
    struct ip_address own = endpoint_ip(endpoint);
    return memcmp(&own, address, sizeof(own)) == 0 ||
           (endpoint_is_loopback(endpoint) && address_class_of(address) == ADDRESS_LOOPBACK);
}

bool own_address_is(const struct gate *gate, const struct ip_address *address, uint16_t port)
{
    return listener_any_at(gate, address, port) ||
           is_at(engine_endpoint(gate->engine), address, port) ||
           is_at(admin_endpoint(gate->admin), address, port);
}
