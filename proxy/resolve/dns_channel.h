/* SPDX-License-Identifier: Apache-2.0
 *
 * c-ares on the event loop: reads who the name servers are, and asks them over TCP what was too long
 * for a datagram; no search list, no /etc/hosts. Called by dns_query.c only, which asks over UDP and
 * reads the answers. */
#pragma once

#include <event2/event.h>

/* Version 1.34 marks the calls that version 1.18 has as old; what is new there does not exist here. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include "base/error.h"
#include "proxy/resolve/resolver.h"

struct dns_channel; /* opaque */

/* `base` is borrowed. NULL with `error` when c-ares cannot be set up or there is no server. */
struct dns_channel *dns_channel_new(struct event_base *base, const struct resolver_options *options,
                                    uint64_t try_ms, struct error *error);
/* Calls back for every question that is under way, with ARES_EDESTRUCTION. */
void dns_channel_free(struct dns_channel **channel);

/* The servers in their order, at least one: at most RESOLVER_SERVERS_MAX. Returns how many. */
unsigned dns_channel_servers(const struct dns_channel *channel, struct endpoint *servers_out);

/* Asks for the records of one type. `name` ends with a dot. `answered` is called once, from within
 * this call when no server can be reached. */
void dns_channel_ask(struct dns_channel *channel, const char *name, int type,
                     ares_callback answered, void *context);
