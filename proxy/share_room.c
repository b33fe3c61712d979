/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits until there is room, and which connection goes when there is none for one more: one that
 * has not sent a whole request, of the peer that stands in the way. */
#include "proxy/share_internal.h"

void share_seat_wait(struct share_seat *seat, struct share_peer *peer)
{
    share_seat_leave(seat);
    seat->peer = peer;
    seat->waits = true;
    TAILQ_INSERT_TAIL(&peer->seats, seat, link);
}

void share_seat_leave(struct share_seat *seat)
{
    if (!seat->waits)
        return;
    seat->waits = false;
    TAILQ_REMOVE(&seat->peer->seats, seat, link);
}

static uint64_t size_of(const struct share_peer *peer)
{
    return peer->held[SHARE_CONNECTIONS];
}

/* The larger of two, of those that can give something; the first may be NULL. */
static struct share_peer *larger(struct share_peer *best, struct share_peer *peer)
{
    if (TAILQ_EMPTY(&peer->seats) || (best != NULL && size_of(best) >= size_of(peer)))
        return best;
    return peer;
}

static struct share_peer *largest_of_client(struct share_client *client, struct share_peer *best)
{
    struct share_peer *peer;
    TAILQ_FOREACH(peer, &client->peers, link)
    best = larger(best, peer);
    return larger(best, &client->common);
}

static struct share_peer *largest_of_gate(struct share *share)
{
    struct share_client *client;
    struct share_peer *best = NULL;
    TAILQ_FOREACH(client, &share->clients, link)
    best = largest_of_client(client, best);
    return best;
}

static struct share_peer *who_gives(struct share *share, struct share_peer *peer,
                                    enum share_level level)
{
    struct share_peer *best = NULL;
    switch (level) {
    case SHARE_GRANTED:
    case SHARE_PEER_FULL:
        break;
    case SHARE_CLIENT_FULL:
        best = largest_of_client(peer->client, NULL);
        break;
    case SHARE_GATE_FULL:
        best = largest_of_gate(share);
        break;
    }
    bool smaller = peer != NULL && (best == NULL || size_of(best) <= size_of(peer));
    return smaller ? larger(NULL, peer) : best;
}

bool share_make_room(struct share *share, struct share_peer *peer, enum share_level level)
{
    struct share_peer *giver = who_gives(share, peer, level);
    struct share_seat *seat = giver == NULL ? NULL : TAILQ_FIRST(&giver->seats);
    if (seat == NULL)
        return false;
    seat->evict(seat);
    return true;
}

void share_wait(struct share_waiter *waiter, struct share_peer *peer, enum share_kind kind)
{
    share_forget_waiter(waiter);
    waiter->peer = peer;
    waiter->kind = kind;
    waiter->waits = true;
    TAILQ_INSERT_TAIL(&peer->client->share->waiters[kind], waiter, link);
}

void share_forget_waiter(struct share_waiter *waiter)
{
    if (!waiter->waits)
        return;
    waiter->waits = false;
    TAILQ_REMOVE(&waiter->peer->client->share->waiters[waiter->kind], waiter, link);
}

/* The first that may have what it waits for; one was taken for it. */
static struct share_waiter *next_granted(struct share *share, enum share_kind kind)
{
    const struct share_peer *full = NULL; /* most often the others are of the same peer */
    struct share_waiter *waiter;
    TAILQ_FOREACH(waiter, &share->waiters[kind], link)
    {
        if (waiter->peer == full)
            continue;
        switch (share_take(waiter->peer, kind, 1)) {
        case SHARE_GRANTED:
            return waiter;
        case SHARE_GATE_FULL:
            return NULL;
        case SHARE_PEER_FULL:
        case SHARE_CLIENT_FULL:
            full = waiter->peer;
            break;
        }
    }
    return NULL;
}

bool share_serve_waiters(struct share *share)
{
    bool served = false;
    if (share->freed == 0)
        return false;
    for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++) {
        struct share_waiter *waiter;
        if ((share->freed & 1u << kind) == 0)
            continue;
        share->freed &= ~(1u << kind);
        while ((waiter = next_granted(share, kind)) != NULL) {
            share_forget_waiter(waiter);
            waiter->granted(waiter);
            served = true;
        }
    }
    return served;
}
