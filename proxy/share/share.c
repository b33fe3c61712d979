/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting, the rule by which more may be taken, and the records of peers. */
#include "proxy/share/share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/slice.h"
#include "base/timestamp.h"
#include "proxy/share/share_internal.h"
#include "rules/reason.h"

/* The reason code of a refusal, and whether a client's own limit does not count those of another
 * kind among them (--max-client-connections does not count tunnels). */
static const struct {
    const char *reason;
    bool without_tunnels;
} kinds[SHARE_KINDS] = {
    [SHARE_CONNECTIONS] = {REASON_LIMIT_CONNECTIONS, true},
    [SHARE_TUNNELS] = {REASON_LIMIT_TUNNELS, false},
    [SHARE_OBJECTS] = {REASON_LIMIT_LOOKUPS, false},
    [SHARE_ANSWERS] = {REASON_LIMIT_LOOKUPS, false},
    [SHARE_NAMES] = {REASON_LIMIT_LOOKUPS, false},
    [SHARE_QUESTIONS] = {REASON_LIMIT_LOOKUPS, false},
    [SHARE_TOLD] = {REASON_LIMIT_CONNECTIONS, false},
    [SHARE_BYTES] = {REASON_LIMIT_MEMORY, false},
    [SHARE_LOG] = {REASON_LOG_FULL, false},
};

const char *share_reason(enum share_kind kind)
{
    return kinds[kind].reason;
}

const char *share_gate_name(enum share_gate loop)
{
    return loop == SHARE_DOCKER ? "docker" : "network";
}

const char *share_level_name(enum share_level level)
{
    switch (level) {
    case SHARE_PEER_FULL:
        return "this peer";
    case SHARE_CLIENT_FULL:
        return "this client";
    case SHARE_GATE_FULL:
    case SHARE_GRANTED:
        break;
    }
    return "the gate";
}

struct share *share_new(const struct share_limits *limits)
{
    struct share *share = calloc_or_abort(1, sizeof(*share));
    share->limits = *limits;
    if (getrandom(&share->seed, sizeof(share->seed), 0) < 0)
        share->seed = (uint64_t)timestamp_monotonic_us();
    TAILQ_INIT(&share->clients);
    TAILQ_INIT(&share->resting);
    for (int kind = 0; kind < SHARE_KINDS; kind++)
        TAILQ_INIT(&share->waiters[kind]);
    return share;
}

static void init_peer(struct share_peer *peer, struct share_client *client)
{
    peer->client = client;
    peer->denial_tokens = share_denials_kept(client->share);
    peer->tokens_at_us = timestamp_monotonic_us();
    TAILQ_INIT(&peer->seats);
}

struct share_client *share_client_new(struct share *share)
{
    struct share_client *client = calloc_or_abort(1, sizeof(*client));
    client->share = share;
    client->denial_tokens = 2.0 * share->limits.denial_rate;
    client->tokens_at_us = timestamp_monotonic_us();
    TAILQ_INIT(&client->peers);
    init_peer(&client->common, client);
    TAILQ_INSERT_TAIL(&share->clients, client, link);
    return client;
}

/* ---- peers ---- */

static void make_key(struct share_key *key, const struct endpoint *endpoint, uint32_t uid)
{
    enum { HOST_PREFIX = 8 }; /* bytes of a /64 */
    *key = (struct share_key){.is_unix = endpoint_is_unix(endpoint)};
    if (key->is_unix) {
        memcpy(key->bytes, &uid, sizeof(uid));
        return;
    }
    struct ip_address address = endpoint_ip(endpoint);
    bool v4 = ip_address_is_v4(&address);
    memcpy(key->bytes, address.bytes, v4 ? sizeof(key->bytes) : HOST_PREFIX);
}

static struct share_peer_bucket *find_bucket(struct share *share, const struct share_client *client,
                                             const struct share_key *key)
{
    uint64_t seed = share->seed ^ (uint64_t)(uintptr_t)client;
    uint64_t hash = slice_hash(slice_of((const char *)key, sizeof(*key)), seed);
    return &share->buckets[hash >> (64 - SHARE_BUCKET_BITS)];
}

static struct share_peer *find_peer(struct share_peer_bucket *bucket,
                                    const struct share_client *client, const struct share_key *key)
{
    struct share_peer *peer;
    LIST_FOREACH(peer, bucket, bucket_link)
    {
        if (peer->client == client && memcmp(&peer->key, key, sizeof(*key)) == 0)
            return peer;
    }
    return NULL;
}

static struct share_peer *add_peer(struct share_peer_bucket *bucket, struct share_client *client,
                                   const struct share_key *key)
{
    struct share_peer *peer =
        client->peer_count < SHARE_PEERS_MAX ? calloc(1, sizeof(*peer)) : NULL;
    if (peer == NULL)
        return &client->common;
    init_peer(peer, client);
    peer->key = *key;
    LIST_INSERT_HEAD(bucket, peer, bucket_link);
    TAILQ_INSERT_TAIL(&client->peers, peer, link);
    client->peer_count++;
    return peer;
}

static void wake(struct share_peer *peer)
{
    if (peer->rests)
        TAILQ_REMOVE(&peer->client->share->resting, peer, rest_link);
    peer->rests = false;
}

struct share_peer *share_peer_use(struct share_client *client, const struct endpoint *endpoint,
                                  uint32_t uid)
{
    struct share_key key;
    make_key(&key, endpoint, uid);
    struct share_peer_bucket *bucket = find_bucket(client->share, client, &key);
    struct share_peer *peer = find_peer(bucket, client, &key);
    return share_peer_again(peer != NULL ? peer : add_peer(bucket, client, &key));
}

struct share_peer *share_peer_again(struct share_peer *peer)
{
    wake(peer);
    peer->uses++;
    return peer;
}

void share_peer_unuse(struct share_peer **peer)
{
    struct share_peer *left = steal_pointer(peer);
    if (left == NULL || --left->uses > 0 || left == &left->client->common)
        return;
    left->rests = true;
    left->rests_since_us = timestamp_monotonic_us();
    TAILQ_INSERT_TAIL(&left->client->share->resting, left, rest_link);
}

static void free_peer(struct share_peer *peer)
{
    wake(peer);
    LIST_REMOVE(peer, bucket_link);
    TAILQ_REMOVE(&peer->client->peers, peer, link);
    peer->client->peer_count--;
    free(peer);
}

void share_sweep(struct share *share, int64_t now_us)
{
    struct share_peer *peer, *next;
    share->stale_seat = share->swept_seat;
    share->swept_seat = share->next_seat;
    for (peer = TAILQ_FIRST(&share->resting); peer != NULL; peer = next) {
        next = TAILQ_NEXT(peer, rest_link);
        if (now_us - peer->rests_since_us < SHARE_REST_US)
            return;
        if (!peer->has_refused) /* else it is still to be told of */
            free_peer(peer);
    }
}

void share_free(struct share **share)
{
    struct share *freed = steal_pointer(share);
    struct share_client *client;
    if (freed == NULL)
        return;
    while ((client = TAILQ_FIRST(&freed->clients)) != NULL) {
        while (!TAILQ_EMPTY(&client->peers))
            free_peer(TAILQ_FIRST(&client->peers));
        TAILQ_REMOVE(&freed->clients, client, link);
        free(client);
    }
    free(freed);
}

void share_peer_write(const struct share_peer *peer, struct buffer *out)
{
    if (peer == &peer->client->common)
        return;
    if (peer->key.is_unix) {
        uint32_t uid;
        memcpy(&uid, peer->key.bytes, sizeof(uid));
        buffer_append_literal(out, "uid=");
        buffer_append_u64(out, uid);
        return;
    }
    struct ip_address address;
    memcpy(address.bytes, peer->key.bytes, sizeof(address.bytes));
    ip_address_write(&address, out);
    if (!ip_address_is_v4(&address))
        buffer_append_literal(out, "/64");
}

/* ---- taking ---- */

/* Whether a holder that will hold `held` leaves enough of what is free afterwards. */
static bool leaves_enough(uint64_t held, uint64_t free_after, unsigned weight)
{
    return held <= weight * (free_after + SHARE_SLACK);
}

/* What counts against a client's own limit. */
static uint64_t counted(const uint64_t held[static SHARE_KINDS], enum share_kind kind)
{
    uint64_t tunnels = kinds[kind].without_tunnels ? held[SHARE_TUNNELS] : 0;
    return held[kind] > tunnels ? held[kind] - tunnels : 0;
}

/* A client's own limit, and the peer's part of it. */
static enum share_level check_own_limit(const struct share_peer *peer, enum share_kind kind,
                                        uint64_t amount)
{
    uint64_t limit = peer->client->share->limits.kinds[kind].client;
    uint64_t held = counted(peer->client->held, kind) + amount;
    if (limit == 0)
        return SHARE_GRANTED;
    if (held > limit)
        return SHARE_CLIENT_FULL;
    uint64_t of_peer = counted(peer->held, kind) + amount;
    return leaves_enough(of_peer, limit - held, SHARE_PEER_WEIGHT) ? SHARE_GRANTED
                                                                   : SHARE_PEER_FULL;
}

enum share_level share_check(const struct share_peer *peer, enum share_kind kind, uint64_t amount)
{
    const struct share_client *client = peer->client;
    const struct share *share = client->share;
    uint64_t limit = share->limits.kinds[kind].loop;
    uint64_t held = share->held[kind] + amount;
    if (limit > 0) {
        if (held > limit)
            return SHARE_GATE_FULL;
        if (!leaves_enough(peer->held[kind] + amount, limit - held, SHARE_PEER_WEIGHT))
            return SHARE_PEER_FULL;
        if (!leaves_enough(client->held[kind] + amount, limit - held, SHARE_CLIENT_WEIGHT))
            return SHARE_CLIENT_FULL;
    }
    return check_own_limit(peer, kind, amount);
}

void share_overdraw(struct share_peer *peer, enum share_kind kind, uint64_t amount)
{
    peer->held[kind] += amount;
    peer->client->held[kind] += amount;
    peer->client->share->held[kind] += amount;
}

enum share_level share_take(struct share_peer *peer, enum share_kind kind, uint64_t amount)
{
    enum share_level level = share_check(peer, kind, amount);
    if (level == SHARE_GRANTED)
        share_overdraw(peer, kind, amount);
    return level;
}

void share_give_back(struct share_peer *peer, enum share_kind kind, uint64_t amount)
{
    peer->held[kind] -= amount;
    peer->client->held[kind] -= amount;
    peer->client->share->held[kind] -= amount;
    if (!TAILQ_EMPTY(&peer->client->share->waiters[kind]))
        peer->client->share->freed |= 1u << kind;
}

enum { PAGE = 4096 };

enum share_level share_keep(struct share_peer *peer, uint64_t *held, size_t len)
{
    enum share_level level = SHARE_GRANTED;
    uint64_t wanted = (len + PAGE - 1) / PAGE * PAGE;
    if (wanted > *held)
        level = share_take(peer, SHARE_BYTES, wanted - *held);
    else if (wanted < *held)
        share_give_back(peer, SHARE_BYTES, *held - wanted);
    if (level == SHARE_GRANTED)
        *held = wanted;
    return level;
}

void share_keep_nothing(struct share_peer *peer, uint64_t *held)
{
    if (*held > 0)
        share_give_back(peer, SHARE_BYTES, *held);
    *held = 0;
}

uint64_t share_held(const struct share *share, enum share_kind kind)
{
    return share->held[kind];
}

uint64_t share_client_held(const struct share_client *client, enum share_kind kind)
{
    return client->held[kind];
}

uint64_t share_peer_held(const struct share_peer *peer, enum share_kind kind)
{
    return peer->held[kind];
}
