/* SPDX-License-Identifier: Apache-2.0
 *
 * What share.c, share_room.c and share_refusal.c know of each other's records. For them alone. */
#pragma once

#include "proxy/share/share.h"

enum { SHARE_BUCKET_BITS = 10, SHARE_BUCKETS = 1 << SHARE_BUCKET_BITS };

/* No padding: it is hashed and compared as bytes. */
struct share_key {
    uint32_t is_unix;
    uint8_t bytes[16];
};

LIST_HEAD(share_peer_bucket, share_peer);
TAILQ_HEAD(share_peer_list, share_peer);
TAILQ_HEAD(share_client_list, share_client);
TAILQ_HEAD(share_seat_list, share_seat);
TAILQ_HEAD(share_waiter_list, share_waiter);

struct share_peer {
    struct share_client *client; /* borrowed: owns us */
    struct share_key key;
    unsigned uses;
    bool rests;       /* nobody uses it; in share->resting since rests_since_us */
    bool has_refused; /* some number of `refused` is not 0 */
    int64_t rests_since_us;
    uint64_t held[SHARE_KINDS];
    uint64_t refused[SHARE_REFUSALS][SHARE_GATES]; /* not told yet */
    double denial_tokens;                          /* of the client's reserve */
    int64_t tokens_at_us;
    struct share_seat_list seats; /* the oldest first */
    unsigned seat_count;
    LIST_ENTRY(share_peer) bucket_link;
    TAILQ_ENTRY(share_peer) link, rest_link;
};

struct share_client {
    struct share *share; /* borrowed: owns us */
    uint64_t held[SHARE_KINDS];
    double denial_tokens;
    int64_t tokens_at_us;
    struct share_peer common;     /* of peers that have no record of their own */
    struct share_peer_list peers; /* owned */
    unsigned peer_count;
    TAILQ_ENTRY(share_client) link;
};

struct share {
    struct share_limits limits;
    uint64_t seed; /* random: nobody chooses addresses that fall into one bucket */
    uint64_t held[SHARE_KINDS];
    uint64_t next_seat;  /* order of the next seat */
    uint64_t stale_seat; /* those before it waited at the last sweep but one already */
    uint64_t swept_seat; /* and at the last */
    uint32_t freed; /* a bit for each kind of which something was given back while others wait */
    struct share_waiter_list waiters[SHARE_KINDS];
    struct share_client_list clients; /* owned */
    struct share_peer_list resting;   /* the longest at rest first */
    struct share_peer_bucket buckets[SHARE_BUCKETS];
};

/* Of the denials that a client may have logged at once, those that one peer cannot use up for the
 * others. */
unsigned share_denials_kept(const struct share *share);
