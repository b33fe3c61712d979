/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked once for every address that is about to be dialled. */
#include "proxy/own_address.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/admin.h"
#include "proxy/gate.h"
#include "proxy/listener.h"
#include "rules/address_class.h"

bool own_address_is_local(const struct ip_address *address)
{
    struct endpoint endpoint;
    endpoint_from_ip(&endpoint, address, 0);
    int fd = socket(endpoint.address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* not known: the careful answer */
    bool bound = bind(fd, &endpoint.address.any, endpoint.len) == 0;
    close(fd);
    return bound;
}

/* The kernel takes a connection to the unspecified address of a family for one to its loopback
 * address. */
static struct ip_address where_it_leads(const struct ip_address *address)
{
    static const uint8_t none[16] = {0}, none_v4[16] = {[10] = 0xff, [11] = 0xff};
    struct ip_address led = *address;
    if (memcmp(address->bytes, none, sizeof(none)) == 0) {
        led.bytes[15] = 1;
    } else if (memcmp(address->bytes, none_v4, sizeof(none_v4)) == 0) {
        led.bytes[12] = 127;
        led.bytes[15] = 1;
    }
    return led;
}

static bool is_at(const struct endpoint *endpoint, const struct ip_address *address, uint16_t port)
{
    if (endpoint == NULL || endpoint_is_unix(endpoint) || endpoint_port(endpoint) != port)
        return false;
    struct ip_address own = endpoint_ip(endpoint);
    return memcmp(&own, address, sizeof(own)) == 0 ||
           (endpoint_is_loopback(endpoint) && address_class_of(address) == ADDRESS_LOOPBACK);
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
    return own_address_is_local(&own) && own_address_is_local(address);
}

bool own_address_is(const struct gate *gate, const struct ip_address *address, uint16_t port)
{
    struct ip_address led = where_it_leads(address);
    return listener_any_at(gate, &led, port) || is_engine(gate, &led, port) ||
           is_at(admin_endpoint(gate->admin), &led, port);
}
