/* SPDX-License-Identifier: Apache-2.0
 *
 * Who holds how much of what the gate has only so much of: connections, tunnels, lookups, bytes,
 * room in the log. It is counted for each client of the policy and, within a client, for each peer:
 * one listener often serves many containers, and one of them must not starve the others.
 *
 * Nobody has a fixed part, since most gates serve one or two peers that may well need nearly
 * everything. Instead a holder may take more as long as it holds no more than some times what is
 * still free (dynamic thresholds; Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998): a peer three times, all peers of a client together seven
 * times. Alone a peer gets three quarters and a client seven eighths; whoever comes later finds
 * room, and the more holders there are the less each may add. What is left of a limit of up to
 * 3 * SHARE_SLACK is too little to be divided: one may use it up.
 *
 * A gate has one struct share; a client's part lives as long; a peer's record is made on first use
 * and remembered for a moment after the last. Not thread-safe. Nothing here allocates but the first
 * use of a peer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "proxy/io/endpoint.h"

struct share;        /* opaque */
struct share_client; /* opaque */
struct share_peer;   /* opaque, counted */

/* What is shared out. */
enum share_kind {
    SHARE_CONNECTIONS, /* of clients, those that became tunnels too */
    SHARE_TUNNELS,     /* taken when it is decided that one may open */
    SHARE_OBJECTS,     /* lookups of objects at the engine */
    SHARE_ANSWERS,     /* long answers to them that are held until they are whole */
    SHARE_NAMES,       /* lookups of names at a name server */
    SHARE_QUESTIONS,   /* DNS questions under way */
    SHARE_TOLD,        /* connections that were refused and may still read that */
    SHARE_BYTES,       /* of heads and bodies that are kept until they are whole */
    SHARE_LOG,         /* bytes of records that wait for the log's reader */
    SHARE_KINDS
};

enum {
    SHARE_PEER_WEIGHT = 3,   /* a peer may hold so many times what is free */
    SHARE_CLIENT_WEIGHT = 7, /* and so may all peers of a client together */
    SHARE_SLACK = 8,         /* this much is taken for free beside what is */
    SHARE_PEERS_MAX = 4096,  /* of one client; beyond it new ones share one record */
    SHARE_REST_US = 2000000, /* so long a peer is remembered that holds nothing any more */
};

struct share_limit {
    uint64_t loop;   /* of all clients together; 0 = no limit, and no shares */
    uint64_t client; /* a limit of one client beside its share; 0 = none */
};

struct share_limits {
    struct share_limit kinds[SHARE_KINDS];
    unsigned denial_rate; /* denials a second and client that are logged one by one; 0 = all */
};

/* Who had no room for one more. */
enum share_level { SHARE_GRANTED, SHARE_PEER_FULL, SHARE_CLIENT_FULL, SHARE_GATE_FULL };

/* Why somebody was turned away without a record of its own. */
enum share_refusal {
    SHARE_REFUSED_DENIAL_RATE,
    SHARE_REFUSED_CONNECTIONS,
    SHARE_REFUSED_QUESTIONS, /* of DNS */
    SHARE_REFUSED_LOG_FULL,
    SHARE_REFUSED_FROM, /* not in `from` of its client */
    SHARE_REFUSALS
};

/* Which gate did it: `kind` of the record. */
enum share_gate { SHARE_DOCKER, SHARE_NETWORK, SHARE_GATES };

/* Aborts when memory is out (start-up). The limits are copied. */
struct share *share_new(const struct share_limits *limits);
void share_free(struct share **share);
/* A client's part; lives as long as the share. Aborts when memory is out (start-up, reload). */
struct share_client *share_client_new(struct share *share);

/* The peer's record: by IP address, an IPv6 one by its /64 since that is what one host is given;
 * `uid` of a unix peer. Never NULL: when memory or SHARE_PEERS_MAX is used up, a record that such
 * peers have in common. Give it back with share_peer_unuse(), which sets *peer to NULL. */
struct share_peer *share_peer_use(struct share_client *client, const struct endpoint *endpoint,
                                  uint32_t uid);
/* Uses it once more. */
struct share_peer *share_peer_again(struct share_peer *peer);
void share_peer_unuse(struct share_peer **peer);
/* Appends "192.0.2.1", "2001:db8:1:2::/64" or "uid=1000"; nothing for the common record. */
void share_peer_write(const struct share_peer *peer, struct buffer *out);

/* Takes `amount` for the peer, or says who has no room for it and takes nothing. */
MUST_CHECK enum share_level share_take(struct share_peer *peer, enum share_kind kind,
                                       uint64_t amount);
/* What share_take() would say. */
enum share_level share_check(const struct share_peer *peer, enum share_kind kind, uint64_t amount);
/* Takes what is not to be refused any more; limits are overdrawn. */
void share_overdraw(struct share_peer *peer, enum share_kind kind, uint64_t amount);
void share_give_back(struct share_peer *peer, enum share_kind kind, uint64_t amount);
/* Makes the bytes that are held *held those of `len` kept ones, by pages, which is how a block of
 * memory is touched: takes or gives back the difference. When there is no room for more nothing
 * changes. */
MUST_CHECK enum share_level share_keep(struct share_peer *peer, uint64_t *held, size_t len);
void share_keep_nothing(struct share_peer *peer, uint64_t *held);

/* "limit.connections": the reason code of a refusal. */
const char *share_reason(enum share_kind kind);
/* "docker" or "network": `kind` of a record. */
const char *share_gate_name(enum share_gate loop);
/* "this peer", "this client" or "the gate", for the refusal's sentence. */
const char *share_level_name(enum share_level level);

uint64_t share_held(const struct share *share, enum share_kind kind);
uint64_t share_client_held(const struct share_client *client, enum share_kind kind);
uint64_t share_peer_held(const struct share_peer *peer, enum share_kind kind);

/* ---- waiting ---- */

/* Waits until one of a kind may be taken. Zeroed waits for nothing. */
struct share_waiter {
    void (*granted)(struct share_waiter *waiter); /* one was taken for it */
    struct share_peer *peer;                      /* borrowed */
    bool waits;
    enum share_kind kind;
    TAILQ_ENTRY(share_waiter) link;
};

void share_wait(struct share_waiter *waiter, struct share_peer *peer, enum share_kind kind);
/* Does nothing when it does not wait. */
void share_forget_waiter(struct share_waiter *waiter);
/* Grants what has become free, in the order in which it was asked for, past those whose share is
 * used up. Nothing is granted but from here: call at the end of each turn of the loop. True when
 * somebody was granted something. */
bool share_serve_waiters(struct share *share);

/* ---- making room ---- */

/* A connection that could make room, since it has not sent a whole request: between requests, or
 * within a head. Zeroed is one that cannot. */
struct share_seat {
    void (*evict)(struct share_seat *seat); /* closes it; has to leave the seat */
    struct share_peer *peer;                /* borrowed from the connection */
    bool waits;
    uint64_t order; /* the smaller, the longer it waits */
    TAILQ_ENTRY(share_seat) link;
};

/* The seat may be taken from now on, behind those that wait already. */
void share_seat_wait(struct share_seat *seat, struct share_peer *peer);
/* It may not; does nothing when it could not. */
void share_seat_leave(struct share_seat *seat);

/* Closes one waiting connection so that `peer` can have another, the oldest of the holder that
 * stands in the way: its own, or that of the peer with the most waiting ones, of its client or of
 * the gate; of as many, the one that waits longest, so that a thousand peers with one each do not
 * drive out who has just come. A peer makes no room for one that holds more, unless with a
 * connection that has waited for more than a second already. With NULL room is needed for the gate
 * itself. False when there is none. */
bool share_make_room(struct share *share, struct share_peer *peer, enum share_level level);

/* ---- who was turned away ---- */

/* Whether a denial may be logged on its own: a client that floods gets denial_rate a second, and so
 * much in reserve that a flood of one peer leaves others a part. The rest is to be counted with
 * share_count_refused(). */
bool share_may_log_denial(struct share_peer *peer, int64_t now_us);

void share_count_refused(struct share_peer *peer, enum share_refusal why, enum share_gate loop);

struct share_refused {
    const struct share_client *client;
    const struct share_peer *peer; /* NULL = peers that are too many to be named */
    enum share_gate loop;
    const char *reason; /* "limit.denial-rate" */
    uint64_t count;
};

/* Tells what was counted since the last call, at most `named_max` peers of a client by themselves,
 * the others together. */
void share_report_refused(struct share *share, unsigned named_max,
                          void (*tell)(void *context, const struct share_refused *refused),
                          void *context);

/* Forgets the peers that have held nothing for SHARE_REST_US, and notes who waits. Call once a
 * second. */
void share_sweep(struct share *share, int64_t now_us);
