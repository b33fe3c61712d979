/* SPDX-License-Identifier: Apache-2.0
 *
 * One lookup stands for one name that is being asked for; every query for that name waits on it.
 * Its states:
 *
 *   state     waits for                          ends with
 *   WAITING   both families, 50 ms for the       both answered: OVER; one has addresses and the
 *             second once the first has          other is late: PARTIAL, with a TTL of 0 OVER; the
 *             addresses                          time for the name is up: OVER; the last query was
 *                                                cancelled: freed
 *   PARTIAL   the late family; queries are       it answered, the time is up, or its place is
 *             answered with what is there        needed: OVER
 *   OVER      every query to be told             freed
 *
 * Queries are told by an event of their own, never from within resolver_ask(): whoever is told may
 * ask again, cancel, or free the resolver. */
#include "proxy/resolve/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <event2/event_struct.h>

#include "base/timestamp.h"
#include "proxy/resolve/address_cache.h"
#include "proxy/resolve/dns_message.h"
#include "proxy/resolve/dns_query.h"
#include "proxy/resolve/hosts_table.h"
#include "rules/reason.h"

enum {
    LOOKUPS_MAX = 1024, /* at one time; an asker that does not stop shall not have all memory */
    DESCRIPTORS_A_LOOKUP = 8, /* two are used: a quarter of all, at most, waits for name servers */
    LOOKUP_CHAINS = 256,
    NEGATIVE_TTL_S = 5,
};

/* RFC 8305 section 8: Resolution Delay. */
static const struct timeval resolution_delay = {.tv_usec = 50000};

enum family_index { FAMILY_V6, FAMILY_V4, FAMILIES };

static const uint16_t family_types[FAMILIES] = {
    [FAMILY_V6] = DNS_TYPE_AAAA, [FAMILY_V4] = DNS_TYPE_A};

enum lookup_state { LOOKUP_WAITING, LOOKUP_PARTIAL, LOOKUP_OVER };

/* What one family's question came to. */
struct family {
    struct lookup *lookup;
    struct dns_query *query; /* owned: under way; NULL = none */
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
    bool timed_out;
    struct family families[FAMILIES];
    struct name_chain chain;   /* of both families, as far as they answered */
    struct query_list queries; /* borrowed from their askers */
    struct event delay;
    struct event deadline;
    LIST_ENTRY(lookup) chain_link; /* while not OVER */
    TAILQ_ENTRY(lookup) link;      /* in resolver->lookups, or ->partial while PARTIAL */
    TAILQ_ENTRY(lookup) told;      /* in resolver->untold while is_untold */
    bool is_untold;
};

LIST_HEAD(lookup_chain, lookup);
TAILQ_HEAD(lookup_list, lookup);

struct resolver {
    struct event_base *base;     /* borrowed */
    struct dns_asker *asker;     /* owned */
    struct hosts_table *hosts;   /* owned; NULL = none */
    struct address_cache *cache; /* owned */
    struct timeval timeout;
    uint32_t ttl_max_s;
    struct event telling; /* active while a lookup of `untold` waits */
    struct lookup_chain chains[LOOKUP_CHAINS];
    struct lookup_list lookups; /* owned: all there are, but for those of `partial` */
    struct lookup_list partial; /* owned: PARTIAL, the oldest first */
    struct lookup_list untold;
    unsigned lookup_count, lookups_max;
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
    [DNS_NOT_FOUND] = {502, REASON_DNS_NOT_FOUND, "the name ", " does not exist (NXDOMAIN)"},
    [DNS_NO_ADDRESS] = {502, REASON_DNS_NO_ADDRESS, "the name ", " has no address"},
    [DNS_FAILED] = {502, REASON_DNS_FAILED, "the name servers did not resolve ", ""},
    [DNS_TIMED_OUT] = {504, REASON_DNS_TIMEOUT, "the name servers did not answer in time for ", ""},
    [DNS_BAD_CHAIN] = {502, REASON_DNS_CNAME, "the aliases (CNAME) of ",
                       " lead in a circle, too far, or to what is no host name"},
    [DNS_FORGED] = {502, REASON_DNS_FORGED, "too many answers to other questions came while ",
                    " was asked for: somebody may be forging them"},
};

static void answer_clear(struct resolver_answer *answer)
{
    answer->count = 0;
    answer->ttl_s = 0;
    name_chain_clear(&answer->chain);
    answer->error = (struct error){0};
}

static void answer_refuse(struct resolver_answer *answer, enum dns_outcome outcome,
                          const struct host_name *host)
{
    error_set_reason(&answer->error, refusals[outcome].code, refusals[outcome].reason, "%s%s%s",
                     refusals[outcome].before, host->text, refusals[outcome].behind);
}

/* Families take turns, IPv6 first (RFC 8305 section 4); what one does not have the other may use. */
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
 * only, and the other waits in vain: that is a failure, no timeout. What is wrong with one family's
 * answer is wrong with the name. */
static enum dns_outcome lookup_outcome(const struct lookup *lookup)
{
    static const enum dns_outcome order[] = {DNS_FORGED,    DNS_BAD_CHAIN, DNS_FOUND,
                                             DNS_NOT_FOUND, DNS_FAILED,    DNS_TIMED_OUT};
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
    answer_clear(answer);
    enum dns_outcome outcome = lookup_outcome(lookup);
    memcpy(answer->chain.text, lookup->chain.text, lookup->chain.len);
    answer->chain.len = lookup->chain.len;
    answer->chain.count = lookup->chain.count;
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
    answer_clear(answer);
    if (!name_chain_from_slice(&answer->chain, found->cnames)) /* not what was kept */
        abort();
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
    answer_clear(answer);
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
    LIST_FOREACH(lookup, chain_of(resolver, host), chain_link)
    {
        if (host_name_equal(&lookup->host, host))
            return lookup;
    }
    return NULL;
}

static struct lookup_list *list_of(struct lookup *lookup)
{
    return lookup->state == LOOKUP_PARTIAL ? &lookup->resolver->partial
                                           : &lookup->resolver->lookups;
}

static void lookup_free(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    for (unsigned f = 0; f < FAMILIES; f++)
        dns_query_cancel(&lookup->families[f].query);
    event_del(&lookup->delay);
    event_del(&lookup->deadline);
    if (lookup->state != LOOKUP_OVER)
        LIST_REMOVE(lookup, chain_link);
    TAILQ_REMOVE(list_of(lookup), lookup, link);
    resolver->lookup_count--;
    free(lookup);
}

static void lookup_release_if_done(struct lookup *lookup)
{
    if (lookup->state == LOOKUP_OVER && !lookup->is_untold)
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
                                     name_chain_slice(&answer.chain), answer.ttl_s};
    bool lasts = known.outcome == DNS_FOUND || known.outcome == DNS_NOT_FOUND ||
                 known.outcome == DNS_NO_ADDRESS;
    if (!lasts)
        return; /* the next one who asks may have more luck */
    if (known.outcome != DNS_FOUND)
        known.ttl_s = resolver->ttl_max_s < NEGATIVE_TTL_S ? resolver->ttl_max_s : NEGATIVE_TTL_S;
    address_cache_keep(resolver->cache, &lookup->host, now_ms(), &known);
}

/* The only writer of lookup->state. */
static void lookup_set_state(struct lookup *lookup, enum lookup_state state)
{
    TAILQ_REMOVE(list_of(lookup), lookup, link);
    lookup->state = state;
    TAILQ_INSERT_TAIL(list_of(lookup), lookup, link);
    event_del(&lookup->delay);
    if (state == LOOKUP_OVER) {
        for (unsigned f = 0; f < FAMILIES; f++)
            dns_query_cancel(&lookup->families[f].query);
        event_del(&lookup->deadline);
        LIST_REMOVE(lookup, chain_link);
        lookup_keep(lookup);
    }
    lookup_tell(lookup);
}

static void on_delay(evutil_socket_t, short, void *context)
{
    struct lookup *lookup = context;
    struct resolver_answer answer;
    lookup_answer(lookup, &answer);
    /* What has no TTL is for those who wait for it, not for those who come. */
    lookup_set_state(lookup, answer.ttl_s > 0 ? LOOKUP_PARTIAL : LOOKUP_OVER);
    lookup_release_if_done(lookup);
}

static void on_deadline(evutil_socket_t, short, void *context)
{
    struct lookup *lookup = context;
    lookup->timed_out = true;
    lookup_set_state(lookup, LOOKUP_OVER);
    lookup_release_if_done(lookup);
}

static void on_family(void *context, const struct dns_answer *answer)
{
    struct family *family = context;
    struct lookup *lookup = family->lookup;
    family->query = NULL;
    family->answered = true;
    family->outcome = answer->outcome;
    family->count = answer->count;
    family->ttl_s = answer->ttl_s;
    memcpy(family->addresses, answer->addresses, answer->count * sizeof(answer->addresses[0]));
    if (!name_chain_merge(&lookup->chain, &answer->chain))
        family->outcome = DNS_BAD_CHAIN;
    bool spoilt = family->outcome == DNS_FORGED || family->outcome == DNS_BAD_CHAIN;
    if (spoilt || (lookup->families[FAMILY_V4].answered && lookup->families[FAMILY_V6].answered))
        lookup_set_state(lookup, LOOKUP_OVER);
    else if (family->count > 0)
        event_add(&lookup->delay, &resolution_delay);
    lookup_release_if_done(lookup);
}

/* Makes room by giving up what nobody waits for. */
static void make_room(struct resolver *resolver)
{
    struct lookup *oldest = TAILQ_FIRST(&resolver->partial);
    if (resolver->lookup_count < resolver->lookups_max || oldest == NULL)
        return;
    lookup_set_state(oldest, LOOKUP_OVER);
    lookup_release_if_done(oldest);
}

static struct lookup *lookup_new(struct resolver *resolver, const struct host_name *host)
{
    make_room(resolver);
    struct lookup *lookup =
        resolver->lookup_count < resolver->lookups_max ? calloc(1, sizeof(*lookup)) : NULL;
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
    LIST_INSERT_HEAD(chain_of(resolver, host), lookup, chain_link);
    resolver->lookup_count++;
    for (unsigned f = 0; f < FAMILIES; f++) {
        struct family *family = &lookup->families[f];
        family->query = dns_query_start(resolver->asker, host, family_types[f], on_family, family);
        if (family->query == NULL) {
            lookup_free(lookup);
            return NULL;
        }
    }
    return lookup;
}

/* --- the resolver --- */

/* Tells one query after the other. Whoever is told may do anything, so each round looks anew. */
static void on_telling(evutil_socket_t, short, void *context)
{
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

unsigned resolver_lookups_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur / DESCRIPTORS_A_LOOKUP >= LOOKUPS_MAX)
        return LOOKUPS_MAX;
    return (unsigned)limit.rlim_cur / DESCRIPTORS_A_LOOKUP;
}

struct resolver *resolver_new(struct event_base *base, const struct resolver_options *options,
                              struct error *error)
{
    struct resolver *resolver = calloc_or_abort(1, sizeof(*resolver));
    resolver->base = base;
    resolver->timeout = duration_timeval_ms(options->timeout_ms);
    resolver->ttl_max_s = options->ttl_max_s;
    resolver->cache = address_cache_new(options->cache_entries);
    resolver->lookups_max = resolver_lookups_max();
    TAILQ_INIT(&resolver->lookups);
    TAILQ_INIT(&resolver->partial);
    TAILQ_INIT(&resolver->untold);
    event_assign(&resolver->telling, base, -1, 0, on_telling, resolver);
    bool made = options->hosts_path == NULL ||
                (resolver->hosts = hosts_table_load(options->hosts_path, error)) != NULL;
    if (!made || (resolver->asker = dns_asker_new(base, options, error)) == NULL)
        resolver_free(&resolver);
    return resolver;
}

static void give_back(struct resolver_query *query)
{
    if (query->peer != NULL)
        share_give_back(query->peer, SHARE_NAMES, 1);
}

static void free_all(struct lookup_list *lookups)
{
    struct lookup *lookup;
    struct resolver_query *query;
    while ((lookup = TAILQ_FIRST(lookups)) != NULL) {
        TAILQ_FOREACH(query, &lookup->queries, link)
        {
            query->resolver = NULL;
            query->pending = NULL;
            give_back(query);
        }
        lookup_free(lookup);
    }
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *left = steal_pointer(resolver);
    if (left == NULL)
        return;
    if (left->freed_out != NULL)
        *left->freed_out = true;
    free_all(&left->lookups);
    free_all(&left->partial);
    dns_asker_free(&left->asker);
    event_del(&left->telling);
    address_cache_free(&left->cache);
    hosts_table_free(&left->hosts);
    free(left);
}

/* --- asking --- */

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

/* True: the answer is known at once. */
static bool refuse_lookup(struct resolver_answer *answer, const char *who)
{
    answer_clear(answer);
    error_set_reason(&answer->error, 503, share_reason(SHARE_NAMES),
                     "%s asks for too many names at a time; try again later", who);
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
    if (lookup != NULL && lookup->state != LOOKUP_WAITING) {
        lookup_answer(lookup, answer);
        return true;
    }
    enum share_level level =
        query->peer == NULL ? SHARE_GRANTED : share_take(query->peer, SHARE_NAMES, 1);
    if (level != SHARE_GRANTED)
        return refuse_lookup(answer, share_level_name(level));
    if (lookup == NULL && (lookup = lookup_new(resolver, host)) == NULL) {
        give_back(query);
        return refuse_lookup(answer, share_level_name(SHARE_GATE_FULL));
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
    give_back(query);
    if (lookup->state == LOOKUP_WAITING && TAILQ_EMPTY(&lookup->queries))
        lookup_free(lookup);
}
