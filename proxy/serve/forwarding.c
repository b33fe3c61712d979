/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's settings stand in /proc/sys of the namespace that reads them. What cannot be read is
 * taken for off: there is no such file where a family is not there. */
#include "proxy/serve/forwarding.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "proxy/io/endpoint.h"

static bool is_on(const char *path)
{
    AUTO_FCLOSE FILE *setting = fopen(path, "re");
    return setting != NULL && fgetc(setting) == '1';
}

static bool is_on_some_network(const struct ifaddrs *at)
{
    if (at->ifa_addr == NULL || (at->ifa_flags & IFF_UP) == 0 ||
        (at->ifa_flags & IFF_LOOPBACK) != 0)
        return false;
    return at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6;
}

/* What comes in by an interface is forwarded where the interface's own setting says so; ip_forward
 * only sets them all. For IPv6 the common one decides. */
static bool forwards_v4(const char *interface)
{
    char path[64 + IF_NAMESIZE];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%.*s/forwarding", IF_NAMESIZE, interface);
    return is_on(path);
}

struct networks {
    bool two;         /* two interfaces that are up have addresses */
    bool forwards_v4; /* one of them forwards */
};

static struct networks look_at_networks(void)
{
    struct ifaddrs *all;
    struct networks networks = {false, false};
    const char *first = NULL;
    if (getifaddrs(&all) != 0)
        return networks;
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        if (!is_on_some_network(at))
            continue;
        networks.two = networks.two || (first != NULL && strcmp(first, at->ifa_name) != 0);
        networks.forwards_v4 = networks.forwards_v4 || forwards_v4(at->ifa_name);
        first = at->ifa_name;
    }
    freeifaddrs(all);
    return networks;
}

/* For the internet, and within reach of others. */
static bool serves_a_network(const struct policy_listen *listen_at)
{
    struct endpoint endpoint;
    if (listen_at->role == POLICY_ROLE_DOCKER || listen_at->kind != POLICY_LISTEN_TCP)
        return false;
    endpoint_from_ip(&endpoint, &listen_at->address, listen_at->port);
    return !endpoint_is_loopback(&endpoint);
}

static bool has_such_a_listener(const struct policy *policy)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        if (serves_a_network(walk.listen))
            return true;
    }
    return false;
}

const char *forwarding_warning(const struct policy *policy)
{
    if (!has_such_a_listener(policy))
        return NULL;
    struct networks networks = look_at_networks();
    if (!networks.two)
        return NULL;
    if (is_on("/proc/sys/net/ipv4/ip_forward"))
        return "this is a router (net.ipv4.ip_forward is 1) on more than one network: whoever "
               "shares one with a listener can send packets for other places through it, past the "
               "gate; set net.ipv4.ip_forward to 0 where the gate runs (compose: `sysctls:`), or "
               "filter what it forwards";
    if (networks.forwards_v4)
        return "this is a router (net.ipv4.conf.*.forwarding is 1 for an interface, though "
               "net.ipv4.ip_forward is not) on more than one network: whoever shares one with a "
               "listener can send packets for other places through it, past the gate; set all of "
               "them to 0 where the gate runs";
    if (is_on("/proc/sys/net/ipv6/conf/all/forwarding"))
        return "this is a router (net.ipv6.conf.all.forwarding is 1) on more than one network: "
               "whoever shares one with a listener can send packets for other places through it, "
               "past the gate; set net.ipv6.conf.all.forwarding to 0 where the gate runs (compose: "
               "`sysctls:`), or filter what it forwards";
    return NULL;
}
