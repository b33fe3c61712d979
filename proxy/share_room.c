/* SPDX-License-Identifier: Apache-2.0
 *
 * Which connection goes when there is no room for one more: one that has not sent a whole request,
 * of the peer that stands in the way. */
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
