/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to addresses, by DNS and nothing else: no search list, no /etc/hosts, no NSS. Both families
 * are asked; answers are kept for their TTL, within bounds; questions for one name that come at the
 * same time are asked once, and no longer than somebody waits for them. What the addresses are, and
 * which aliases led to them, is not judged here: every caller must judge each of them before it is
 * used. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "base/error.h"
#include "proxy/io/endpoint.h"
#include "proxy/share/share.h"
#include "rules/network/host_name.h"
#include "rules/network/name_chain.h"

enum { RESOLVER_ADDRESSES_MAX = 16, RESOLVER_SERVERS_MAX = 4 };

struct resolver; /* opaque */

struct resolver_options {
    struct endpoint servers[RESOLVER_SERVERS_MAX]; /* numeric; with their port */
    unsigned server_count;                         /* 0 = those of /etc/resolv.conf */
    const char *hosts_path; /* a static table in the form of /etc/hosts, read once at the start and
                               asked before DNS; NULL = none */
    uint64_t timeout_ms;    /* for one name, all tries together */
    unsigned cache_entries; /* the least recently used beyond it are forgotten */
    uint32_t ttl_max_s;     /* answers are never kept longer */
};

struct resolver_answer {
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* in the order of the answers, families
                                                            interleaved, IPv6 first (RFC 8305) */
    unsigned count;
    uint32_t ttl_s;          /* of the shortest-lived; 0 = for this request only */
    struct name_chain chain; /* the aliases by which the name has its addresses, or has none: those
                                of both families */
    struct error error;      /* count 0: code 502 or 504, reason "dns.not-found", "dns.no-address",
                           "dns.failed", "dns.cname", "dns.forged", "dns.timeout"; 503,
                           "limit.lookups" when too many names are being asked for, or this
                           peer or its client has no more of them */
};

/* One question. Belongs to the asker, who keeps it until the callback or resolver_cancel(). */
struct resolver_query {
    void (*answered)(struct resolver_query *query, const struct resolver_answer *answer);
    void *context;
    struct share_peer *peer;   /* whose share of lookups it takes while it waits (SHARE_NAMES);
                                  borrowed; NULL = nobody's */
    struct resolver *resolver; /* NULL = nothing under way */
    void *pending;             /* the resolver's own */
    TAILQ_ENTRY(resolver_query) link;
};

/* How many names can be asked for at one time, by the process' limit of descriptors. */
unsigned resolver_lookups_max(void);

/* `base` is borrowed. NULL with `error` when c-ares, or the hosts table, could not be set up. */
struct resolver *resolver_new(struct event_base *base, const struct resolver_options *options,
                              struct error *error);
/* Queries under way are forgotten without a callback. */
void resolver_free(struct resolver **resolver);

/* Asks for the addresses of a name (not an address, not a local name). The answer comes by
 * query->answered, never from within this call unless it is known already: then true is returned
 * with *answer filled and no callback follows. */
bool resolver_ask(struct resolver *resolver, struct resolver_query *query,
                  const struct host_name *host, struct resolver_answer *answer);
/* The query is forgotten; a name that nobody else waits for is asked for no longer. */
void resolver_cancel(struct resolver_query *query);
