/* SPDX-License-Identifier: Apache-2.0
 *
 * One question to the name servers, for the addresses of one family. Each has a socket, a port and
 * an id of its own, drawn when it is asked: whoever wants to answer in a server's place has to hit
 * both at once (RFC 5452). The socket is connected, so datagrams of others do not get in. The
 * servers are asked in their order, three rounds with growing patience; an answer that does not fit
 * a datagram is fetched over TCP. */
#pragma once

#include <event2/event.h>

#include "base/error.h"
#include "proxy/resolve/dns_answer.h"
#include "proxy/resolve/resolver.h"

/* So many datagrams that are no answer to the question are borne; then it fails (DNS_FORGED). An
 * honest server sends none. */
enum { DNS_QUERY_FOREIGN_MAX = 16 };

struct dns_asker; /* opaque: the servers, and how they are asked */
struct dns_query; /* opaque */

typedef void dns_query_answered(void *context, const struct dns_answer *answer);

/* `base` is borrowed. NULL with `error` when c-ares cannot be set up or there is no server. */
struct dns_asker *dns_asker_new(struct event_base *base, const struct resolver_options *options,
                                struct error *error);
/* Not while a query is under way. */
void dns_asker_free(struct dns_asker **asker);

/* Asks. `answered` is called once, never from within this call; the query is gone then. NULL when
 * memory is out. */
struct dns_query *dns_query_start(struct dns_asker *asker, const struct host_name *name,
                                  uint16_t type, dns_query_answered *answered, void *context);
/* Nothing is called any more; its socket is closed. NULL does nothing. */
void dns_query_cancel(struct dns_query **query);
