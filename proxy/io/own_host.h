/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are this machine's, public ones and those added since the start too: the kernel is
 * asked each time where a packet for an address would go. It sees the network namespace of this
 * process and no other; a container's host is behind a router like any other machine. */
#pragma once

#include <stdbool.h>

#include "rules/network/network_rule.h"

struct own_host; /* opaque */

/* Opens what is needed to ask, which a confined process could not. Aborts when memory is out. */
struct own_host *own_host_open(void);
void own_host_close(struct own_host **own_host);

/* Whether a connection to the address stays on this machine. Two system calls; for one thread. */
bool own_host_holds(struct own_host *own_host, const struct ip_address *address);

/* The same for whoever judges addresses; borrowed, lives as long as `own_host`. */
const struct network_own_host *own_host_asked(const struct own_host *own_host);

/* Whether this process seems to run in a container, mostly with a network namespace of its own. */
bool own_host_is_container(void);

/* What is said then, as long as the policy does not say which addresses the host has. */
extern const char own_host_container_note[];
