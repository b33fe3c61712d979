/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the gate itself can be reached. No rule makes these a destination (docs/design.md 6): through its
 * own listeners, or the engine's TCP port behind it, a client could ask as somebody else. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/io/endpoint.h"
#include "rules/network/ip_range.h"

struct loop;

enum { OWN_PLACES_MAX = 4 };

/* Where something listens that is no listener of the policy and never a destination. */
struct own_place {
    const struct endpoint *endpoint; /* borrowed: lives as long as the gate runs */
    bool at_each_address;            /* it mostly listens at each address of its machine */
};

/* Adds a place; one of a unix socket is none, NULL neither. */
void own_address_add(struct loop *loop, const struct endpoint *endpoint, bool at_each_address);

/* Whether a connection to address:port would reach a TCP listener of this gate (of any client) or
 * one of its own places. A listener at every address is reached by each address of this host, and so
 * may an engine on this host be. That goes for whatever the address leads to, too (0.0.0.0, forms
 * that carry an IPv4 address). */
bool own_address_is(const struct loop *loop, const struct ip_address *address, uint16_t port);

/* Whether both are addresses of this machine (of the host that a container is on, as far as the
 * policy lists them): what listens at one mostly listens at each. */
bool own_address_same_machine(const struct loop *loop, const struct ip_address *a,
                              const struct ip_address *b);
