/* SPDX-License-Identifier: Apache-2.0
 *
 * What was learnt about names, for as long as it holds. Within bounds: the least recently used name
 * goes when a new one needs its place. Knows no clock and asks nobody: the resolver says what time
 * it is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/resolve/dns_answer.h"

struct address_cache; /* opaque */

struct cached_addresses {
    enum dns_outcome outcome;
    const struct ip_address *addresses; /* borrowed from the cache until it is changed */
    unsigned count;
    struct slice cnames; /* a name_chain's text; borrowed likewise */
    uint32_t ttl_s;      /* what is left of it, rounded up */
};

/* A cache of at most `entries` names; 0 keeps nothing. Aborts when memory is out. */
struct address_cache *address_cache_new(unsigned entries);
void address_cache_free(struct address_cache **cache);

/* True with *found filled when the name is known at `now_ms`. Counts as a use. */
bool address_cache_find(struct address_cache *cache, const struct host_name *host, uint64_t now_ms,
                        struct cached_addresses *found);

/* Keeps `known` (addresses and names are copied) for known->ttl_s from now on, in the place of what was known
 * before. Nothing is kept with a TTL of 0, or when memory is out: a cache may forget. */
void address_cache_keep(struct address_cache *cache, const struct host_name *host, uint64_t now_ms,
                        const struct cached_addresses *known);

/* How many names are kept, those that have run out and were not looked for since included. */
unsigned address_cache_count(const struct address_cache *cache);
