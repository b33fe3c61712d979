/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a container reaches besides, and who reaches it: its networks and how it stands in them, names
 * that it is given, and ports of the host. */
#include "rules/guard/guard_case.h"

#include <stdio.h>

#include "base/attributes.h"
#include "rules/network/port_set.h"

static bool has_option(const struct guard_case *c, enum guard_option option)
{
    const struct guard_value *value = &c->set->values[GUARD_NETWORKS];
    return value->any || (value->options & (unsigned)option) != 0;
}

static void need(struct guard_case *c, enum guard_option option, const struct json_tree_node *node,
                 const char *what, const char *permit)
{
    if (!has_option(c, option))
        guard_case_refuse(c, GUARD_NETWORKS, node, what, permit);
}

static const char host_gateway_line[] = "networks: {host_gateway: true}";
static const char addresses_line[] = "networks: {addresses: true}";
static const char driver_options_line[] = "networks: {driver_options: true}";

/* `network=host` under its other name is judged by the guard of namespaces. */
static void judge_mode(struct guard_case *c, const struct json_tree_node *node)
{
    struct slice mode = node->text;
    bool joins = slice_equal_text(mode, "host") ||
                 slice_starts_with(mode, SLICE_LITERAL("container:")) ||
                 slice_starts_with(mode, SLICE_LITERAL("ns:"));
    bool usual = slice_equal_text(mode, "default") || slice_equal_text(mode, "bridge") ||
                 slice_equal_text(mode, "none");
    if (joins)
        guard_host_namespaces(c, node);
    else if (!usual && c->set->values[GUARD_NETWORKS].count > 0 &&
             !guard_set_permits(c->set, GUARD_NETWORKS, mode))
        guard_case_refuse(c, GUARD_NETWORKS, node, "the network %s is not listed",
                          "networks: [%s]");
}

static void judge_names(struct guard_case *c, const struct json_tree_node *map)
{
    for (const struct json_tree_node *each = map->first; each != NULL; each = each->next) {
        struct slice name = each->key;
        if (slice_equal_text(name, "host"))
            guard_case_refuse_text(c, GUARD_HOST_NAMESPACES, each, name,
                                   "it would share a namespace with the host (network %s)",
                                   "host_namespaces: [network]");
        else if (c->set->values[GUARD_NETWORKS].count > 0 &&
                 !guard_set_permits(c->set, GUARD_NETWORKS, name))
            guard_case_refuse_text(c, GUARD_NETWORKS, each, name, "the network %s is not listed",
                                   "networks: [%s]");
    }
}

static void judge_extra_hosts(struct guard_case *c, const struct json_tree_node *list)
{
    for (const struct json_tree_node *each = list->first; each != NULL; each = each->next) {
        if (slice_ends_with(each->text, SLICE_LITERAL("host-gateway")))
            need(c, GUARD_OPTION_HOST_GATEWAY, each, "%s leads to the host", host_gateway_line);
    }
}

/* Options of a network that change who reaches whom; what is harmless of them passes. */
static void judge_driver_options(struct guard_case *c, const struct json_tree_node *map)
{
    static const char *const harmless[] = {
        "com.docker.network.bridge.enable_icc",
        "com.docker.network.bridge.enable_ip_masquerade",
        "com.docker.network.bridge.inhibit_ipv4",
        "com.docker.network.driver.mtu",
    };
    for (const struct json_tree_node *each = map->first; each != NULL; each = each->next) {
        if (slice_find(each->key, harmless, ARRAY_LEN(harmless)) == ARRAY_LEN(harmless) &&
            !has_option(c, GUARD_OPTION_DRIVER_OPTIONS))
            guard_case_refuse_text(c, GUARD_NETWORKS, each, each->key,
                                   "the option %s of a network reaches the host",
                                   driver_options_line);
    }
}

/* A field, and what has to be permitted for it. Those that are missing say nothing dangerous. */
static const struct {
    const char *field;
    enum guard_option option;
    const char *what, *permit;
} fields[] = {
    {"GwPriority", GUARD_OPTION_ADDRESSES, "it moves the container's default route",
     addresses_line},
    {"IPv4Address", GUARD_OPTION_ADDRESSES, "it takes the address %s", addresses_line},
    {"IPv6Address", GUARD_OPTION_ADDRESSES, "it takes the address %s", addresses_line},
    {"LinkLocalIPs", GUARD_OPTION_ADDRESSES, "it takes link-local addresses", addresses_line},
    {"MacAddress", GUARD_OPTION_ADDRESSES, "it takes the address %s", addresses_line},
    {"Links", GUARD_OPTION_ADDRESSES, "links take over names and variables of other containers",
     addresses_line},
    {"Subnet", GUARD_OPTION_ADDRESSES, "the subnet %s may take the host's routes over",
     addresses_line},
    {"Gateway", GUARD_OPTION_ADDRESSES, "it takes the address %s", addresses_line},
    {"IPRange", GUARD_OPTION_ADDRESSES, "it takes addresses of the client's choice",
     addresses_line},
    {"AuxiliaryAddresses", GUARD_OPTION_ADDRESSES, "it takes addresses of the client's choice",
     addresses_line},
    {"Ingress", GUARD_OPTION_DRIVER_OPTIONS, "it is the swarm's own network", driver_options_line},
    {"ConfigOnly", GUARD_OPTION_DRIVER_OPTIONS, "it is a template of networks",
     driver_options_line},
    {"ConfigFrom", GUARD_OPTION_DRIVER_OPTIONS, "it takes its options from another network",
     driver_options_line},
};

void guard_networks(struct guard_case *c, const struct json_tree_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (guard_key_is(node, fields[i].field)) {
            need(c, fields[i].option, node, fields[i].what, fields[i].permit);
            return;
        }
    }
    if (guard_key_is(node, "NetworkMode"))
        judge_mode(c, node);
    else if (guard_key_is(node, "EndpointsConfig"))
        judge_names(c, node);
    else if (guard_key_is(node, "ExtraHosts"))
        judge_extra_hosts(c, node);
    else if (guard_key_is(node, "DriverOpts") || guard_key_is(node, "Options"))
        judge_driver_options(c, node);
    else if (guard_key_is(node, "Driver") && !slice_equal_text(node->text, "bridge") &&
             !slice_equal_text(node->text, "default"))
        need(c, GUARD_OPTION_DRIVER_OPTIONS, node, "the driver %s stands in networks of the host",
             driver_options_line);
}

/* ---- ports ---- */

/* Whether "ADDRESS:PORTS", ":PORTS" or "PORTS" of the policy has that port of that address; without an
 * address it is every one, and `*` is every port, those that the engine chooses among them. */
static bool entry_publishes(struct slice entry, struct slice address, struct slice port)
{
    struct port_set ports;
    struct error ignored;
    uint16_t number = 0;
    size_t at = entry.len;
    while (at > 0 && entry.ptr[at - 1] != ':')
        at--;
    struct slice of = slice_of(entry.ptr, at > 0 ? at - 1 : 0);
    struct slice list = slice_of(entry.ptr + at, entry.len - at);
    if (of.len > 0 && !slice_equal(of, address))
        return false;
    if (slice_equal_text(list, "*") || slice_equal_text(list, "**")) /* as a pattern has it alone */
        return true;
    return port_set_parse_port(port, &number) && port_set_parse(list, &ports, &ignored) &&
           port_set_has(&ports, number);
}

static void publish(struct guard_case *c, const struct json_tree_node *node, struct slice address,
                    struct slice port)
{
    const struct guard_value *value = &c->set->values[GUARD_PUBLISH];
    char text[120], permit[160];
    bool permitted = value->any;
    for (size_t i = 0; i < value->count && !permitted; i++)
        permitted = entry_publishes(value->items[i].text, address, port);
    if (permitted)
        return;
    bool chosen = port.len > 0 && !slice_equal_text(port, "0");
    snprintf(text, sizeof(text), "%.*s:%.*s", (int)(address.len < 60 ? address.len : 60),
             address.ptr == NULL ? "" : address.ptr,
             chosen ? (int)(port.len < 20 ? port.len : 20) : 1, chosen ? port.ptr : "*");
    struct slice shown = slice_from_text(text[0] == ':' ? text + 1 : text);
    snprintf(permit, sizeof(permit), "publish: [%%s]");
    guard_case_refuse_text(
        c, GUARD_PUBLISH, node, shown,
        "it publishes a port on the host (%s; without an address on all of them)", permit);
}

void guard_publish(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "PublishAllPorts")) {
        publish(c, node, slice_of(NULL, 0), slice_of(NULL, 0));
        return;
    }
    if (!guard_key_is(node, "PortBindings"))
        return;
    for (const struct json_tree_node *port = node->first; port != NULL; port = port->next) {
        if (port->first == NULL) /* null and []: a port that the engine chooses */
            publish(c, port, slice_of(NULL, 0), slice_of(NULL, 0));
        for (const struct json_tree_node *each = port->first; each != NULL; each = each->next)
            publish(c, each, json_tree_text(each, "HostIp"), json_tree_text(each, "HostPort"));
    }
}
