/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits until there is room, and which connection goes when there is none for one more: one that
 * has not sent a whole request, of the peer that stands in the way. */
#include "proxy/share/share_internal.h"

void share_seat_wait(struct share_seat *seat, struct share_peer *peer)
{
    share_seat_leave(seat);
    seat->peer = peer;
    seat->waits = true;
    seat->order = peer->client->share->next_seat++;
    TAILQ_INSERT_TAIL(&peer->seats, seat, link);
    peer->seat_count++;
}

void share_seat_leave(struct share_seat *seat)
{
    if (!seat->waits)
        return;
    seat->waits = false;
    TAILQ_REMOVE(&seat->peer->seats, seat, link);
    seat->peer->seat_count--;
}

/* Who may have to give a seat, and the best of them so far. */
struct search {
    uint64_t above; /* those that hold more connections than this */
    bool oldest;    /* the one that waits longest, whosever it is */
    struct share_peer *best;
};

static void consider(struct search *search, struct share_peer *peer)
{
    const struct share_peer *best = search->best;
    if (peer->seat_count == 0 || peer->held[SHARE_CONNECTIONS] <= search->above)
        return;
    if (best == NULL || (!search->oldest && peer->seat_count > best->seat_count) ||
        ((search->oldest || peer->seat_count == best->seat_count) &&
         TAILQ_FIRST(&peer->seats)->order < TAILQ_FIRST(&best->seats)->order))
        search->best = peer;
}

static void search_client(struct search *search, struct share_client *client)
{
    struct share_peer *peer;
    TAILQ_FOREACH(peer, &client->peers, link)
    consider(search, peer);
    consider(search, &client->common);
}

/* Among those that stand in the way of `peer`. */
static struct share_peer *search(struct share *share, struct share_peer *peer,
                                 enum share_level level, uint64_t above, bool oldest)
{
    struct search search = {above, oldest, NULL};
    struct share_client *client;
    switch (level) {
    case SHARE_GRANTED:
    case SHARE_PEER_FULL:
        break;
    case SHARE_CLIENT_FULL:
        search_client(&search, peer->client);
        break;
    case SHARE_GATE_FULL:
        TAILQ_FOREACH(client, &share->clients, link)
        search_client(&search, client);
        break;
    }
    return search.best;
}

static struct share_peer *who_gives(struct share *share, struct share_peer *peer,
                                    enum share_level level)
{
    struct share_peer *giver =
        search(share, peer, level, peer == NULL ? 0 : peer->held[SHARE_CONNECTIONS], false);
    if (giver != NULL || peer == NULL)
        return giver;
    if (peer->seat_count > 0)
        return peer;
    giver = search(share, peer, level, 0, true);
    return giver != NULL && TAILQ_FIRST(&giver->seats)->order < share->stale_seat ? giver : NULL;
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
