/* SPDX-License-Identifier: Apache-2.0
 *
 * One lookup stands for one name that is being asked for; every query for that name waits on it.
 * Its states:
 *
 *   state     waits for                          ends with
 *   WAITING   both families, 50 ms for the       both answered: OVER; one has addresses and the
 *             second once the first has          other is late: PARTIAL, with a TTL of 0 OVER; the
 *             addresses                          time for the name is up: OVER
 *   PARTIAL   the late family; queries are       it answered, or the time is up: OVER
 *             answered with what is there
 *   OVER      c-ares, which holds a pointer      freed when c-ares has called back for both and
 *             until it has called back           every query was told
 *
 * Queries are told by an event of their own, never from within c-ares or resolver_ask(): whoever is
 * told may ask again, cancel, or free the resolver. */
#include "proxy/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event_struct.h>

#include "proxy/address_cache.h"
#include "proxy/dns_channel.h"
#include "proxy/hosts_table.h"

enum {
    LOOKUPS_MAX = 1024, /* at one time; an asker that does not stop shall not have all memory */
    LOOKUP_CHAINS = 256,
    NEGATIVE_TTL_S = 5,
};

/* RFC 8305 section 8: Resolution Delay. */
static const struct timeval resolution_delay = {.tv_usec = 50000};

enum family_index { FAMILY_V6, FAMILY_V4, FAMILIES };

static const int family_types[FAMILIES] = {[FAMILY_V6] = 28 /* AAAA */, [FAMILY_V4] = 1 /* A */};

enum lookup_state { LOOKUP_WAITING, LOOKUP_PARTIAL, LOOKUP_OVER };

/* What one family's question came to. */
struct family {
    struct lookup *lookup;
    bool answered;
    enum dns_outcome outcome;
    uint32_t ttl_s;
    unsigned count;
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX];
};

TAILQ_HEAD(query_list, resolver_query);

struct lookup {
    struct resolver *resolver;
    struct host_name host;
    enum lookup_state state;
    unsigned holders; /* calls that c-ares owes us, and resolver_ask() while it begins */
    bool timed_out;
    struct family families[FAMILIES];
    struct query_list queries; /* borrowed from their askers */
    struct event delay;
    struct event deadline;
    LIST_ENTRY(lookup) chain; /* while not OVER */
    TAILQ_ENTRY(lookup) link; /* in resolver->lookups */
    TAILQ_ENTRY(lookup) told; /* in resolver->untold while is_untold */
    bool is_untold;
};

LIST_HEAD(lookup_chain, lookup);
TAILQ_HEAD(lookup_list, lookup);

struct resolver {
    struct event_base *base;     /* borrowed */
    struct dns_channel *channel; /* owned */
    struct hosts_table *hosts;   /* owned; NULL = none */
    struct address_cache *cache; /* owned */
    struct timeval timeout;
    uint32_t ttl_max_s;
    struct event telling; /* active while a lookup of `untold` waits */
    struct lookup_chain chains[LOOKUP_CHAINS];
    struct lookup_list lookups; /* owned: all there are */
    struct lookup_list untold;
    unsigned lookup_count;
    bool *freed_out; /* set by resolver_free() for who tells at that moment */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now); /* answers grow old while the machine sleeps */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- answers --- */

static const struct {
    int code;
    const char *reason;
    const char *before; /* the name */
    const char *behind;
} refusals[] = {
    [DNS_FOUND] = {0, NULL, "", ""},
    [DNS_NOT_FOUND] = {502, "dns.not-found", "the name ", " does not exist (NXDOMAIN)"},
    [DNS_NO_ADDRESS] = {502, "dns.no-address", "the name ", " has no address"},
    [DNS_FAILED] = {502, "dns.failed", "the name servers did not resolve ", ""},
    [DNS_TIMED_OUT] = {504, "dns.timeout", "the name servers did not answer in time for ", ""},
};

static void answer_refuse(struct resolver_answer *answer, enum dns_outcome outcome,
                          const struct host_name *host)
{
    error_set_reason(&answer->error, refusals[outcome].code, refusals[outcome].reason, "%s%s%s",
                     refusals[outcome].before, host->text, refusals[outcome].behind);
}

/* Families take turns, IPv6 first (RFC 8305 section 4); what one does not have the other may use.
 */
static unsigned interleave(const struct ip_address *v6, unsigned v6_count,
                           const struct ip_address *v4, unsigned v4_count,
                           struct ip_address *addresses_out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < v6_count || i < v4_count; i++) {
        if (i < v6_count && count < RESOLVER_ADDRESSES_MAX)
            addresses_out[count++] = v6[i];
        if (i < v4_count && count < RESOLVER_ADDRESSES_MAX)
            addresses_out[count++] = v4[i];
    }
    return count;
}

/* A name that does not exist has neither family; a family that is not known may have addresses, so
 * "no address" is said only when both said it. A refused datagram is often told to one question
 * only, and the other waits in vain: that is a failure, no timeout. */
static enum dns_outcome lookup_outcome(const struct lookup *lookup)
{
    static const enum dns_outcome order[] = {DNS_FOUND, DNS_NOT_FOUND, DNS_FAILED, DNS_TIMED_OUT};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (unsigned f = 0; f < FAMILIES; f++) {
            const struct family *family = &lookup->families[f];
            enum dns_outcome outcome = family->answered ? family->outcome : DNS_TIMED_OUT;
            if (outcome == order[i] && (family->answered || lookup->timed_out))
                return order[i];
        }
    }
    return DNS_NO_ADDRESS;
}

static void lookup_answer(const struct lookup *lookup, struct resolver_answer *answer)
{
    const struct family *v6 = &lookup->families[FAMILY_V6], *v4 = &lookup->families[FAMILY_V4];
    memset(answer, 0, sizeof(*answer));
    enum dns_outcome outcome = lookup_outcome(lookup);
    if (outcome != DNS_FOUND) {
        answer_refuse(answer, outcome, &lookup->host);
        return;
    }
    answer->count =
        interleave(v6->addresses, v6->count, v4->addresses, v4->count, answer->addresses);
    answer->ttl_s = UINT32_MAX;
    for (unsigned f = 0; f < FAMILIES; f++) {
        const struct family *family = &lookup->families[f];
        if (family->count > 0 && family->ttl_s < answer->ttl_s)
            answer->ttl_s = family->ttl_s;
    }
    if (answer->ttl_s > lookup->resolver->ttl_max_s)
        answer->ttl_s = lookup->resolver->ttl_max_s;
}

static void cached_answer(const struct cached_addresses *found, const struct host_name *host,
                          struct resolver_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    if (found->outcome != DNS_FOUND) {
        answer_refuse(answer, found->outcome, host);
        return;
    }
    memcpy(answer->addresses, found->addresses, found->count * sizeof(*found->addresses));
    answer->count = found->count;
    answer->ttl_s = found->ttl_s;
}

static bool hosts_answer(const struct resolver *resolver, const struct host_name *host,
                         struct resolver_answer *answer)
{
    struct ip_address all[HOSTS_TABLE_ADDRESSES_MAX], v6[HOSTS_TABLE_ADDRESSES_MAX],
        v4[HOSTS_TABLE_ADDRESSES_MAX];
    unsigned v6_count = 0, v4_count = 0;
    unsigned count = resolver->hosts == NULL ? 0 : hosts_table_find(resolver->hosts, host, all);
    for (unsigned i = 0; i < count; i++) {
        if (ip_address_is_v4(&all[i]))
            v4[v4_count++] = all[i];
        else
            v6[v6_count++] = all[i];
    }
    memset(answer, 0, sizeof(*answer));
    answer->count = interleave(v6, v6_count, v4, v4_count, answer->addresses);
    return count > 0;
}

/* --- lookups --- */

static struct lookup_chain *chain_of(struct resolver *resolver, const struct host_name *host)
{
    uint64_t hash = slice_hash(host_name_slice(host), SLICE_HASH_SEED);
    return &resolver->chains[(hash ^ hash >> 32) % LOOKUP_CHAINS];
}

static struct lookup *lookup_find(struct resolver *resolver, const struct host_name *host)
{
    struct lookup *lookup;
    LIST_FOREACH(lookup, chain_of(resolver, host), chain)
    {
        if (host_name_equal(&lookup->host, host))
            return lookup;
    }
    return NULL;
}

static void lookup_free(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    event_del(&lookup->delay);
    event_del(&lookup->deadline);
    TAILQ_REMOVE(&resolver->lookups, lookup, link);
    resolver->lookup_count--;
    free(lookup);
}

static void lookup_release_if_done(struct lookup *lookup)
{
    if (lookup->state == LOOKUP_OVER && lookup->holders == 0 && !lookup->is_untold)
        lookup_free(lookup);
}

/* Has the waiting queries told in a turn of their own. */
static void lookup_tell(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    if (lookup->is_untold || TAILQ_EMPTY(&lookup->queries))
        return;
    lookup->is_untold = true;
    TAILQ_INSERT_TAIL(&resolver->untold, lookup, told);
    event_active(&resolver->telling, EV_TIMEOUT, 0);
}

static void lookup_keep(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    struct resolver_answer answer;
    lookup_answer(lookup, &answer);
    struct cached_addresses known = {lookup_outcome(lookup), answer.addresses, answer.count,
                                     answer.ttl_s};
    if (known.outcome == DNS_FAILED || known.outcome == DNS_TIMED_OUT)
        return; /* the next one who asks may have more luck */
    if (known.outcome != DNS_FOUND)
        known.ttl_s = resolver->ttl_max_s < NEGATIVE_TTL_S ? resolver->ttl_max_s : NEGATIVE_TTL_S;
    address_cache_keep(resolver->cache, &lookup->host, now_ms(), &known);
}

/* The only writer of lookup->state. */
static void lookup_set_state(struct lookup *lookup, enum lookup_state state)
{
    lookup->state = state;
    event_del(&lookup->delay);
    if (state == LOOKUP_OVER) {
        event_del(&lookup->deadline);
        LIST_REMOVE(lookup, chain);
        lookup_keep(lookup);
    }
    lookup_tell(lookup);
}

static void on_delay(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct lookup *lookup = context;
    struct resolver_answer answer;
    lookup_answer(lookup, &answer);
    /* What has no TTL is for those who wait for it, not for those who come. */
    lookup_set_state(lookup, answer.ttl_s > 0 ? LOOKUP_PARTIAL : LOOKUP_OVER);
    lookup_release_if_done(lookup);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct lookup *lookup = context;
    lookup->timed_out = true;
    lookup_set_state(lookup, LOOKUP_OVER);
    lookup_release_if_done(lookup);
}

static void family_answered(struct family *family)
{
    struct lookup *lookup = family->lookup;
    family->answered = true;
    if (lookup->families[FAMILY_V4].answered && lookup->families[FAMILY_V6].answered)
        lookup_set_state(lookup, LOOKUP_OVER);
    else if (family->count > 0)
        event_add(&lookup->delay, &resolution_delay);
}

static uint32_t lower_ttl(uint32_t ttl_s, int record_ttl)
{
    if (record_ttl < 0)
        return 0; /* RFC 2181 section 8: the top bit set means zero */
    return (uint32_t)record_ttl < ttl_s ? (uint32_t)record_ttl : ttl_s;
}

static int read_v4(struct family *family, const unsigned char *bytes, int len)
{
    struct ares_addrttl records[RESOLVER_ADDRESSES_MAX];
    int count = RESOLVER_ADDRESSES_MAX;
    int status = ares_parse_a_reply(bytes, len, NULL, records, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        family->addresses[family->count++] = ip_address_from_v4(&records[i].ipaddr);
        family->ttl_s = lower_ttl(family->ttl_s, records[i].ttl);
    }
    return status;
}

static int read_v6(struct family *family, const unsigned char *bytes, int len)
{
    struct ares_addr6ttl records[RESOLVER_ADDRESSES_MAX];
    int count = RESOLVER_ADDRESSES_MAX;
    int status = ares_parse_aaaa_reply(bytes, len, NULL, records, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        memcpy(family->addresses[family->count++].bytes, &records[i].ip6addr, 16);
        family->ttl_s = lower_ttl(family->ttl_s, records[i].ttl);
    }
    return status;
}

static enum dns_outcome outcome_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return DNS_FOUND;
    case ARES_ENOTFOUND:
        return DNS_NOT_FOUND;
    case ARES_ENODATA:
        return DNS_NO_ADDRESS;
    case ARES_ETIMEOUT:
        return DNS_TIMED_OUT;
    default:
        return DNS_FAILED;
    }
}

/* c-ares' own call back: comes once for each question, at the latest from
 * dns_channel_free(). */
static void on_family(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct family *family = context;
    struct lookup *lookup = family->lookup;
    lookup->holders--;
    if (lookup->state != LOOKUP_OVER) {
        family->ttl_s = UINT32_MAX;
        if (status == ARES_SUCCESS)
            status = family == &lookup->families[FAMILY_V4] ? read_v4(family, bytes, len)
                                                            : read_v6(family, bytes, len);
        if (status == ARES_SUCCESS && family->count == 0)
            status = ARES_ENODATA;
        family->outcome = outcome_of(status);
        family_answered(family);
    }
    lookup_release_if_done(lookup);
}

static struct lookup *lookup_new(struct resolver *resolver, const struct host_name *host)
{
    struct lookup *lookup =
        resolver->lookup_count < LOOKUPS_MAX ? calloc(1, sizeof(*lookup)) : NULL;
    if (lookup == NULL)
        return NULL;
    lookup->resolver = resolver;
    lookup->host = *host;
    lookup->state = LOOKUP_WAITING;
    TAILQ_INIT(&lookup->queries);
    for (unsigned f = 0; f < FAMILIES; f++)
        lookup->families[f].lookup = lookup;
    event_assign(&lookup->delay, resolver->base, -1, 0, on_delay, lookup);
    event_assign(&lookup->deadline, resolver->base, -1, 0, on_deadline, lookup);
    if (event_add(&lookup->deadline, &resolver->timeout) != 0) {
        free(lookup);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&resolver->lookups, lookup, link);
    LIST_INSERT_HEAD(chain_of(resolver, host), lookup, chain);
    resolver->lookup_count++;
    return lookup;
}

/* --- the resolver --- */

/* Tells one query after the other. Whoever is told may do anything, so each round looks anew. */
static void on_telling(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct resolver *resolver = context;
    bool freed = false;
    resolver->freed_out = &freed;
    struct lookup *lookup;
    while ((lookup = TAILQ_FIRST(&resolver->untold)) != NULL) {
        struct resolver_query *query = TAILQ_FIRST(&lookup->queries);
        if (query == NULL) {
            TAILQ_REMOVE(&resolver->untold, lookup, told);
            lookup->is_untold = false;
            lookup_release_if_done(lookup);
            continue;
        }
        struct resolver_answer answer;
        lookup_answer(lookup, &answer);
        resolver_cancel(query);
        query->answered(query, &answer);
        if (freed)
            return;
    }
    resolver->freed_out = NULL;
}

struct resolver *resolver_new(struct event_base *base, const struct resolver_options *options,
                              struct error *error)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL)
        abort();
    resolver->base = base;
    resolver->timeout.tv_sec = (time_t)(options->timeout_ms / 1000);
    resolver->timeout.tv_usec = (suseconds_t)(options->timeout_ms % 1000 * 1000);
    resolver->ttl_max_s = options->ttl_max_s;
    resolver->cache = address_cache_new(options->cache_entries);
    TAILQ_INIT(&resolver->lookups);
    TAILQ_INIT(&resolver->untold);
    event_assign(&resolver->telling, base, -1, 0, on_telling, resolver);
    bool made = options->hosts_path == NULL ||
                (resolver->hosts = hosts_table_load(options->hosts_path, error)) != NULL;
    if (!made || (resolver->channel = dns_channel_new(base, options, error)) == NULL)
        resolver_free(&resolver);
    return resolver;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *left = steal_pointer(resolver);
    if (left == NULL)
        return;
    if (left->freed_out != NULL)
        *left->freed_out = true;
    struct lookup *lookup;
    TAILQ_FOREACH(lookup, &left->lookups, link)
    {
        while (!TAILQ_EMPTY(&lookup->queries))
            resolver_cancel(TAILQ_FIRST(&lookup->queries));
    }
    dns_channel_free(&left->channel); /* calls back for all that is under way, which frees it */
    /* Left are those that were about to be told. */
    while ((lookup = TAILQ_FIRST(&left->lookups)) != NULL)
        lookup_free(lookup);
    event_del(&left->telling);
    address_cache_free(&left->cache);
    hosts_table_free(&left->hosts);
    free(left);
}

/* --- asking --- */

/* Asks for both families. c-ares may call back at once, when no server can be reached. */
static void lookup_begin(struct lookup *lookup)
{
    struct dns_channel *channel = lookup->resolver->channel;
    char absolute[HOST_NAME_LEN_MAX + 2];
    snprintf(absolute, sizeof(absolute), "%s.", lookup->host.text);
    lookup->holders++;
    for (unsigned f = 0; f < FAMILIES; f++) {
        lookup->holders++;
        dns_channel_ask(channel, absolute, family_types[f], on_family, &lookup->families[f]);
    }
    lookup->holders--;
}

static bool known_already(struct resolver *resolver, const struct host_name *host,
                          struct resolver_answer *answer)
{
    struct cached_addresses found;
    if (hosts_answer(resolver, host, answer))
        return true;
    if (!address_cache_find(resolver->cache, host, now_ms(), &found))
        return false;
    cached_answer(&found, host, answer);
    return true;
}

bool resolver_ask(struct resolver *resolver, struct resolver_query *query,
                  const struct host_name *host, struct resolver_answer *answer)
{
    query->resolver = NULL;
    query->pending = NULL;
    if (known_already(resolver, host, answer))
        return true;
    struct lookup *lookup = lookup_find(resolver, host);
    bool begins = lookup == NULL;
    if (begins && (lookup = lookup_new(resolver, host)) == NULL) {
        memset(answer, 0, sizeof(*answer));
        error_set_reason(&answer->error, 503, "limit.lookups",
                         "too many names are being resolved; try again later");
        return true;
    }
    if (begins)
        lookup_begin(lookup);
    if (lookup->state != LOOKUP_WAITING) {
        lookup_answer(lookup, answer);
        lookup_release_if_done(lookup);
        return true;
    }
    query->resolver = resolver;
    query->pending = lookup;
    TAILQ_INSERT_TAIL(&lookup->queries, query, link);
    return false;
}

void resolver_cancel(struct resolver_query *query)
{
    if (query->resolver == NULL)
        return;
    struct lookup *lookup = query->pending;
    TAILQ_REMOVE(&lookup->queries, query, link);
    query->resolver = NULL;
    query->pending = NULL;
}
