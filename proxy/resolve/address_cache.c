/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table with chains, and a list in the order of use. An entry is one piece of memory: the
 * addresses, the name and its aliases stand behind it. */
#include "proxy/resolve/address_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/attributes.h"
#include "base/slice.h"

struct cache_entry {
    TAILQ_ENTRY(cache_entry) use;
    LIST_ENTRY(cache_entry) chain;
    uint64_t hash;
    uint64_t expires_ms;
    enum dns_outcome outcome;
    uint8_t count;
    uint8_t name_len;
    uint16_t cnames_len;
    struct ip_address addresses[]; /* count of them, then the name, then its aliases */
};

LIST_HEAD(cache_chain, cache_entry);
TAILQ_HEAD(cache_uses, cache_entry);

struct address_cache {
    unsigned entries_max;
    unsigned count;
    uint64_t seed;
    struct cache_uses uses; /* the least recently used comes first */
    size_t mask;
    struct cache_chain *chains; /* owned: mask + 1 of them */
};

struct address_cache *address_cache_new(unsigned entries)
{
    struct address_cache *cache = calloc_or_abort(1, sizeof(*cache));
    cache->entries_max = entries;
    TAILQ_INIT(&cache->uses);
    size_t chains = 1;
    while (chains < entries)
        chains *= 2;
    cache->mask = chains - 1;
    cache->chains = calloc_or_abort(chains, sizeof(*cache->chains));
    /* Who chooses names shall not choose their chain. Without random bytes the table is slower
     * under attack, not wrong. */
    if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) != sizeof(cache->seed))
        cache->seed = SLICE_HASH_SEED;
    return cache;
}

static void forget(struct address_cache *cache, struct cache_entry *entry)
{
    TAILQ_REMOVE(&cache->uses, entry, use);
    LIST_REMOVE(entry, chain);
    free(entry);
    cache->count--;
}

void address_cache_free(struct address_cache **cache)
{
    struct address_cache *left = steal_pointer(cache);
    if (left == NULL)
        return;
    while (!TAILQ_EMPTY(&left->uses))
        forget(left, TAILQ_FIRST(&left->uses));
    free(left->chains);
    free(left);
}

static struct slice entry_name(const struct cache_entry *entry)
{
    return slice_of((const char *)&entry->addresses[entry->count], entry->name_len);
}

static struct cache_entry *find(struct address_cache *cache, const struct host_name *host,
                                uint64_t hash)
{
    struct cache_entry *entry;
    LIST_FOREACH(entry, &cache->chains[hash & cache->mask], chain)
    {
        if (entry->hash == hash && slice_equal(entry_name(entry), host_name_slice(host)))
            return entry;
    }
    return NULL;
}

bool address_cache_find(struct address_cache *cache, const struct host_name *host, uint64_t now_ms,
                        struct cached_addresses *found)
{
    struct cache_entry *entry = find(cache, host, slice_hash(host_name_slice(host), cache->seed));
    if (entry == NULL)
        return false;
    if (entry->expires_ms <= now_ms) {
        forget(cache, entry);
        return false;
    }
    TAILQ_REMOVE(&cache->uses, entry, use);
    TAILQ_INSERT_TAIL(&cache->uses, entry, use);
    *found = (struct cached_addresses){
        .outcome = entry->outcome,
        .addresses = entry->addresses,
        .count = entry->count,
        .cnames = slice_of(entry_name(entry).ptr + entry->name_len, entry->cnames_len),
        .ttl_s = (uint32_t)((entry->expires_ms - now_ms + 999) / 1000),
    };
    return true;
}

void address_cache_keep(struct address_cache *cache, const struct host_name *host, uint64_t now_ms,
                        const struct cached_addresses *known)
{
    uint64_t hash = slice_hash(host_name_slice(host), cache->seed);
    struct cache_entry *entry = find(cache, host, hash);
    if (entry != NULL)
        forget(cache, entry);
    if (known->ttl_s == 0 || cache->entries_max == 0)
        return;
    if (cache->count == cache->entries_max)
        forget(cache, TAILQ_FIRST(&cache->uses));
    size_t addresses_len = known->count * sizeof(struct ip_address);
    entry = malloc(sizeof(*entry) + addresses_len + host->len + known->cnames.len);
    if (entry == NULL)
        return;
    entry->hash = hash;
    entry->expires_ms = now_ms + (uint64_t)known->ttl_s * 1000;
    entry->outcome = known->outcome;
    entry->count = (uint8_t)known->count;
    entry->name_len = host->len;
    if (addresses_len > 0)
        memcpy(entry->addresses, known->addresses, addresses_len);
    entry->cnames_len = (uint16_t)known->cnames.len;
    char *texts = (char *)entry->addresses + addresses_len;
    memcpy(texts, host->text, host->len);
    if (known->cnames.len > 0)
        memcpy(texts + host->len, known->cnames.ptr, known->cnames.len);
    TAILQ_INSERT_TAIL(&cache->uses, entry, use);
    LIST_INSERT_HEAD(&cache->chains[hash & cache->mask], entry, chain);
    cache->count++;
}

unsigned address_cache_count(const struct address_cache *cache)
{
    return cache->count;
}
