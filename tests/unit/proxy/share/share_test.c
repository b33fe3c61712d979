/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "proxy/share/share.h"

#define AUTO_SHARE CLEANUP(share_free)

static struct share *new_share(enum share_kind kind, uint64_t loop, uint64_t client)
{
    struct share_limits limits = {0};
    limits.kinds[kind] = (struct share_limit){loop, client};
    return share_new(&limits);
}

static struct endpoint endpoint_of(const char *text)
{
    struct endpoint endpoint;
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    endpoint_from_ip(&endpoint, &address, 4711);
    return endpoint;
}

static struct share_peer *peer_at(struct share_client *client, const char *text)
{
    struct endpoint endpoint = endpoint_of(text);
    return share_peer_use(client, &endpoint, 0);
}

static struct share_peer *peer_of_uid(struct share_client *client, uint32_t uid)
{
    struct endpoint endpoint;
    cr_assert(endpoint_from_path(&endpoint, SLICE_LITERAL("/run/x.sock")));
    return share_peer_use(client, &endpoint, uid);
}

/* How much it can take one by one, and who is full then. */
static uint64_t take_all(struct share_peer *peer, enum share_kind kind, enum share_level *level_out)
{
    uint64_t count = 0;
    while ((*level_out = share_take(peer, kind, 1)) == SHARE_GRANTED)
        count++;
    return count;
}

Test(share, a_peer_leaves_a_quarter_for_others)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 8192, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *peer = peer_at(client, "192.0.2.1");
    enum share_level level;
    uint64_t taken = take_all(peer, SHARE_CONNECTIONS, &level);
    cr_assert_eq(level, SHARE_PEER_FULL);
    cr_assert(taken > 6140 && taken < 6160, "%lu", (unsigned long)taken);
    cr_assert_eq(share_held(share, SHARE_CONNECTIONS), taken);
    cr_assert_eq(share_client_held(client, SHARE_CONNECTIONS), taken);
    share_give_back(peer, SHARE_CONNECTIONS, taken);
    cr_assert_eq(share_held(share, SHARE_CONNECTIONS), 0);
    cr_assert_eq(share_peer_held(peer, SHARE_CONNECTIONS), 0);
    share_peer_unuse(&peer);
}

Test(share, a_client_of_many_peers_leaves_an_eighth_for_other_clients)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 8192, 0);
    struct share_client *hostile = share_client_new(share), *other = share_client_new(share);
    enum share_level level;
    for (unsigned i = 1; i < 255; i++) {
        char text[32];
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        struct share_peer *peer = peer_at(hostile, text);
        (void)take_all(peer, SHARE_CONNECTIONS, &level);
        share_peer_unuse(&peer);
    }
    cr_assert_eq(level, SHARE_CLIENT_FULL);
    cr_assert(share_held(share, SHARE_CONNECTIONS) < 7200);
    struct share_peer *peer = peer_at(other, "192.0.2.1");
    cr_assert(take_all(peer, SHARE_CONNECTIONS, &level) > 700);
    share_peer_unuse(&peer);
}

Test(share, every_one_of_many_peers_finds_room_behind_a_greedy_one)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 8192, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *greedy = peer_at(client, "192.0.2.1");
    enum share_level level;
    (void)take_all(greedy, SHARE_CONNECTIONS, &level);
    for (unsigned i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof(text), "10.0.%u.%u", i / 250, i % 250 + 1);
        struct share_peer *peer = peer_at(client, text);
        cr_assert_eq(share_take(peer, SHARE_CONNECTIONS, 1), SHARE_GRANTED, "peer %u", i);
        share_peer_unuse(&peer);
    }
    share_peer_unuse(&greedy);
}

Test(share, small_limits_are_not_divided)
{
    static const struct {
        const char *name;
        uint64_t loop, client, taken;
        enum share_level level;
    } rows[] = {
        {"one connection of the gate", 1, 0, 1, SHARE_GATE_FULL},
        {"two dozen of the gate", 24, 0, 24, SHARE_GATE_FULL},
        {"five of the client", 0, 5, 5, SHARE_CLIENT_FULL},
        {"five of the client in a large gate", 8192, 5, 5, SHARE_CLIENT_FULL},
        {"hundred of the client", 8192, 100, 81, SHARE_PEER_FULL},
        {"no limit", 0, 0, 0, SHARE_GRANTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_SHARE struct share *share = new_share(SHARE_NAMES, rows[i].loop, rows[i].client);
        struct share_peer *peer = peer_at(share_client_new(share), "192.0.2.1");
        enum share_level level = SHARE_GRANTED;
        if (rows[i].taken > 0)
            cr_assert_eq(take_all(peer, SHARE_NAMES, &level), rows[i].taken, "%s", rows[i].name);
        else
            cr_assert_eq(share_take(peer, SHARE_NAMES, UINT32_MAX), SHARE_GRANTED);
        cr_assert_eq(level, rows[i].level, "%s", rows[i].name);
        share_peer_unuse(&peer);
    }
}

Test(share, a_clients_own_limit_of_connections_does_not_count_its_tunnels)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 2);
    struct share_peer *peer = peer_at(share_client_new(share), "192.0.2.1");
    enum share_level level;
    cr_assert_eq(take_all(peer, SHARE_CONNECTIONS, &level), 2);
    cr_assert_eq(share_take(peer, SHARE_TUNNELS, 1), SHARE_GRANTED);
    cr_assert_eq(take_all(peer, SHARE_CONNECTIONS, &level), 1);
    cr_assert_eq(level, SHARE_CLIENT_FULL);
    share_peer_unuse(&peer);
}

Test(share, a_large_amount_is_measured_by_what_it_leaves)
{
    AUTO_SHARE struct share *share = new_share(SHARE_BYTES, 64 << 20, 0);
    struct share_peer *peer = peer_at(share_client_new(share), "192.0.2.1");
    cr_assert_eq(share_take(peer, SHARE_BYTES, 65 << 20), SHARE_GATE_FULL);
    cr_assert_eq(share_take(peer, SHARE_BYTES, 60 << 20), SHARE_PEER_FULL);
    cr_assert_eq(share_take(peer, SHARE_BYTES, 40 << 20), SHARE_GRANTED);
    cr_assert_eq(share_peer_held(peer, SHARE_BYTES), 40 << 20);
    share_overdraw(peer, SHARE_BYTES, 60 << 20);
    cr_assert_eq(share_held(share, SHARE_BYTES), 100 << 20);
    cr_assert_eq(share_take(peer, SHARE_BYTES, 1), SHARE_GATE_FULL);
    share_peer_unuse(&peer);
}

Test(share, a_peer_is_an_address_or_a_user)
{
    static const struct {
        const char *name, *one, *other;
        bool same;
    } rows[] = {
        {"an address", "192.0.2.1", "192.0.2.1", true},
        {"two IPv4 addresses", "192.0.2.1", "192.0.2.2", false},
        {"an IPv4 address and its mapped form", "192.0.2.1", "::ffff:192.0.2.1", true},
        {"one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true},
        {"two /64s", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
        struct share_client *client = share_client_new(share);
        struct share_peer *one = peer_at(client, rows[i].one);
        struct share_peer *other = peer_at(client, rows[i].other);
        cr_assert_eq(one == other, rows[i].same, "%s", rows[i].name);
        share_peer_unuse(&one);
        share_peer_unuse(&other);
    }
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *root = peer_of_uid(client, 0), *again = peer_of_uid(client, 0);
    struct share_peer *user = peer_of_uid(client, 1000);
    cr_assert_eq(root, again);
    cr_assert_neq(root, user);
    share_peer_unuse(&root);
    share_peer_unuse(&again);
    share_peer_unuse(&user);
    cr_assert_null(user);
}

Test(share, the_same_address_is_another_peer_of_another_client)
{
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
    struct share_peer *one = peer_at(share_client_new(share), "192.0.2.1");
    struct share_peer *other = peer_at(share_client_new(share), "192.0.2.1");
    cr_assert_neq(one, other);
    share_peer_unuse(&one);
    share_peer_unuse(&other);
}

Test(share, peers_are_written_as_the_log_shows_them)
{
    static const char *const rows[][2] = {{"192.0.2.1", "192.0.2.1"},
                                          {"2001:db8:1:2::5", "2001:db8:1:2::/64"}};
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
    struct share_client *client = share_client_new(share);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        struct share_peer *peer = peer_at(client, rows[i][0]);
        share_peer_write(peer, &text);
        cr_assert_str_eq(buffer_text(&text), rows[i][1]);
        share_peer_unuse(&peer);
    }
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct share_peer *peer = peer_of_uid(client, 1000);
    share_peer_write(peer, &text);
    cr_assert_str_eq(buffer_text(&text), "uid=1000");
    share_peer_unuse(&peer);
}

Test(share, peers_beyond_the_bound_have_one_record_in_common_until_others_are_forgotten)
{
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
    struct share_client *client = share_client_new(share);
    for (unsigned i = 0; i < SHARE_PEERS_MAX; i++) {
        struct share_peer *peer = peer_of_uid(client, i);
        share_peer_unuse(&peer);
    }
    struct share_peer *one = peer_at(client, "192.0.2.1"), *other = peer_at(client, "192.0.2.2");
    cr_assert_eq(one, other);
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    share_peer_write(one, &text);
    cr_assert_eq(text.len, 0);
    share_peer_unuse(&one);
    share_peer_unuse(&other);
    share_sweep(share, timestamp_monotonic_us() + SHARE_REST_US);
    one = peer_at(client, "192.0.2.1");
    other = peer_at(client, "192.0.2.2");
    cr_assert_neq(one, other);
    share_peer_unuse(&one);
    share_peer_unuse(&other);
}

Test(share, a_peer_in_use_is_never_forgotten)
{
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *peer = peer_at(client, "192.0.2.1"), *again = share_peer_again(peer);
    share_peer_unuse(&again);
    cr_assert_eq(share_take(peer, SHARE_NAMES, 3), SHARE_GRANTED);
    share_sweep(share, timestamp_monotonic_us() + 10 * SHARE_REST_US);
    cr_assert_eq(share_peer_held(peer, SHARE_NAMES), 3);
    share_give_back(peer, SHARE_NAMES, 3);
    share_peer_unuse(&peer);
}

/* ---- making room ---- */

struct connection {
    struct share_seat seat;
    bool evicted;
};

static void evict(struct share_seat *seat)
{
    struct connection *connection = (struct connection *)seat;
    share_seat_leave(seat);
    connection->evicted = true;
    share_give_back(seat->peer, SHARE_CONNECTIONS, 1);
}

static void connect_some(struct share_peer *peer, struct connection *connections, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        connections[i] = (struct connection){.seat = {.evict = evict}};
        share_overdraw(peer, SHARE_CONNECTIONS, 1);
        share_seat_wait(&connections[i].seat, peer);
    }
}

Test(share, a_peer_that_is_full_gives_up_its_own_oldest)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *small = peer_at(client, "192.0.2.1"), *large = peer_at(client, "192.0.2.2");
    struct connection of_small[2], of_large[3];
    connect_some(small, of_small, 2);
    connect_some(large, of_large, 3);
    cr_assert(share_make_room(share, small, SHARE_PEER_FULL));
    cr_assert(of_small[0].evicted);
    cr_assert_not(of_small[1].evicted);
    share_seat_leave(&of_small[1].seat); /* it has sent its request */
    cr_assert_not(share_make_room(share, small, SHARE_PEER_FULL));
    share_peer_unuse(&small);
    share_peer_unuse(&large);
}

Test(share, a_full_client_takes_from_its_largest_peer_and_from_no_other_client)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *small = peer_at(client, "192.0.2.1"), *large = peer_at(client, "192.0.2.2");
    struct share_peer *foreign = peer_at(share_client_new(share), "192.0.2.1");
    struct connection of_small[1], of_large[3], of_foreign[9];
    connect_some(small, of_small, 1);
    connect_some(large, of_large, 3);
    connect_some(foreign, of_foreign, 9);
    cr_assert(share_make_room(share, small, SHARE_CLIENT_FULL));
    cr_assert(of_large[0].evicted);
    cr_assert(share_make_room(share, small, SHARE_GATE_FULL));
    cr_assert(of_foreign[0].evicted);
    cr_assert_not(of_small[0].evicted);
    share_peer_unuse(&small);
    share_peer_unuse(&large);
    share_peer_unuse(&foreign);
}

Test(share, the_largest_peer_is_given_no_room_by_smaller_ones)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *small = peer_at(client, "192.0.2.1"), *large = peer_at(client, "192.0.2.2");
    struct connection of_small[2];
    connect_some(small, of_small, 2);
    share_overdraw(large, SHARE_CONNECTIONS, 50); /* busy ones */
    cr_assert_not(share_make_room(share, large, SHARE_CLIENT_FULL));
    cr_assert_not(share_make_room(share, large, SHARE_GATE_FULL));
    cr_assert(share_make_room(share, NULL, SHARE_GATE_FULL));
    cr_assert(of_small[0].evicted);
    share_peer_unuse(&small);
    share_peer_unuse(&large);
}

Test(share, of_many_peers_with_one_each_the_one_that_waits_longest_gives)
{
    enum { MANY = 50 };
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *known = peer_at(client, "192.0.2.1"), *many[MANY];
    struct connection of_known[1], of_many[MANY];
    share_overdraw(known, SHARE_CONNECTIONS, 3); /* busy ones */
    for (unsigned i = 0; i < MANY; i++) {
        char text[40];
        snprintf(text, sizeof(text), "2001:db8:0:%x::1", i);
        many[i] = peer_at(client, text);
        connect_some(many[i], &of_many[i], 1);
    }
    connect_some(known, of_known, 1);
    struct share_peer *fresh = peer_at(client, "2001:db8:1::1");
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert(share_make_room(share, fresh, i % 2 ? SHARE_CLIENT_FULL : SHARE_GATE_FULL));
        cr_assert(of_many[i].evicted, "%u", i);
        cr_assert_not(of_known[0].evicted);
    }
    for (unsigned i = 0; i < MANY; i++)
        share_peer_unuse(&many[i]);
    share_peer_unuse(&known);
    share_peer_unuse(&fresh);
}

Test(share, who_has_waited_for_long_gives_to_a_larger_one_too)
{
    AUTO_SHARE struct share *share = new_share(SHARE_CONNECTIONS, 100, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *small = peer_at(client, "192.0.2.1"), *large = peer_at(client, "192.0.2.2");
    struct connection of_small[2];
    int64_t now_us = timestamp_monotonic_us();
    share_overdraw(large, SHARE_CONNECTIONS, 5);
    connect_some(small, of_small, 1);
    share_sweep(share, now_us);
    cr_assert_not(share_make_room(share, large, SHARE_CLIENT_FULL));
    connect_some(small, of_small + 1, 1);
    share_sweep(share, now_us + 1000000);
    cr_assert(share_make_room(share, large, SHARE_CLIENT_FULL));
    cr_assert(of_small[0].evicted);
    cr_assert_not(share_make_room(share, large, SHARE_CLIENT_FULL), "the other came later");
    cr_assert_not(share_make_room(share, large, SHARE_PEER_FULL));
    share_peer_unuse(&small);
    share_peer_unuse(&large);
}

/* ---- waiting ---- */

struct asker {
    struct share_waiter waiter;
    bool granted;
};

static void note_granted(struct share_waiter *waiter)
{
    ((struct asker *)waiter)->granted = true;
}

static void ask(struct asker *asker, struct share_peer *peer)
{
    *asker = (struct asker){.waiter.granted = note_granted};
    share_wait(&asker->waiter, peer, SHARE_OBJECTS);
}

Test(share, who_waits_is_served_in_turn_past_those_whose_share_is_used_up)
{
    AUTO_SHARE struct share *share = new_share(SHARE_OBJECTS, 64, 0);
    struct share_client *client = share_client_new(share);
    struct share_peer *greedy = peer_at(client, "192.0.2.1"), *other = peer_at(client, "192.0.2.2");
    struct asker first, second, late, gone;
    enum share_level level;
    (void)take_all(greedy, SHARE_OBJECTS, &level);
    ask(&first, greedy);
    ask(&gone, greedy);
    ask(&second, greedy);
    ask(&late, other);
    share_forget_waiter(&gone.waiter);
    cr_assert_not(share_serve_waiters(share), "nothing was given back");
    share_give_back(greedy, SHARE_OBJECTS, 1);
    cr_assert(share_serve_waiters(share));
    cr_assert(first.granted);
    cr_assert_not(second.granted);
    cr_assert(late.granted);
    cr_assert_not(gone.granted);
    share_give_back(greedy, SHARE_OBJECTS, 2);
    (void)share_serve_waiters(share);
    cr_assert(second.granted);
    share_peer_unuse(&greedy);
    share_peer_unuse(&other);
}

Test(share, what_is_kept_is_counted_by_pages_or_stays)
{
    AUTO_SHARE struct share *share = new_share(SHARE_BYTES, 10 * 4096, 0);
    struct share_peer *peer = peer_at(share_client_new(share), "192.0.2.1");
    uint64_t held = 0;
    cr_assert_eq(share_keep(peer, &held, 4 * 4096 + 1), SHARE_GRANTED);
    cr_assert_eq(share_keep(peer, &held, 9 * 4096), SHARE_PEER_FULL);
    cr_assert_eq(held, 5 * 4096);
    cr_assert_eq(share_keep(peer, &held, 1), SHARE_GRANTED);
    cr_assert_eq(share_held(share, SHARE_BYTES), 4096);
    share_keep_nothing(peer, &held);
    cr_assert_eq(share_held(share, SHARE_BYTES), 0);
    share_peer_unuse(&peer);
}

/* ---- who was turned away ---- */

static unsigned log_denials(struct share_peer *peer, int64_t now_us, unsigned tries)
{
    unsigned logged = 0;
    for (unsigned i = 0; i < tries; i++)
        logged += share_may_log_denial(peer, now_us) ? 1 : 0;
    return logged;
}

Test(share, a_single_peer_has_all_denials_of_its_client)
{
    static const unsigned rates[] = {1, 2, 5, 1000};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct share_limits limits = {.denial_rate = rates[i]};
        AUTO_SHARE struct share *share = share_new(&limits);
        struct share_peer *peer = peer_at(share_client_new(share), "192.0.2.1");
        int64_t now_us = timestamp_monotonic_us();
        cr_assert_eq(log_denials(peer, now_us, 5000), 2 * rates[i]);
        unsigned later = 0;
        for (unsigned second = 1; second <= 10; second++)
            later += log_denials(peer, now_us + second * 1000000, 5000);
        cr_assert_geq(later, 9 * rates[i], "%u of %u", later, rates[i]);
        share_peer_unuse(&peer);
    }
}

Test(share, a_flood_of_denials_leaves_some_for_other_peers)
{
    struct share_limits limits = {.denial_rate = 1000};
    AUTO_SHARE struct share *share = share_new(&limits);
    struct share_client *client = share_client_new(share);
    struct share_peer *hostile = peer_at(client, "192.0.2.1");
    int64_t now_us = timestamp_monotonic_us();
    (void)log_denials(hostile, now_us, 5000);
    for (unsigned i = 0; i < 500; i++) {
        now_us += 10000;
        (void)log_denials(hostile, now_us, 1000);
    }
    struct share_peer *other = peer_at(client, "192.0.2.2");
    cr_assert_geq(log_denials(other, now_us, 100), 100);
    share_peer_unuse(&hostile);
    share_peer_unuse(&other);
}

Test(share, a_peer_that_comes_back_at_once_has_no_fresh_denials)
{
    struct share_limits limits = {.denial_rate = 10};
    AUTO_SHARE struct share *share = share_new(&limits);
    struct share_client *client = share_client_new(share);
    struct share_peer *peer = peer_at(client, "192.0.2.1");
    int64_t now_us = timestamp_monotonic_us();
    cr_assert_eq(log_denials(peer, now_us, 100), 20);
    share_peer_unuse(&peer);
    share_sweep(share, now_us + 1000);
    peer = peer_at(client, "192.0.2.1");
    cr_assert_eq(log_denials(peer, now_us, 100), 0);
    share_peer_unuse(&peer);
}

struct told {
    struct {
        char peer[40];
        char reason[32];
        uint64_t count;
        enum share_gate loop;
    } rows[8];
    unsigned count;
};

static void note(void *context, const struct share_refused *refused)
{
    struct told *told = context;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (refused->peer != NULL)
        share_peer_write(refused->peer, &text);
    cr_assert_lt(told->count, ARRAY_LEN(told->rows));
    snprintf(told->rows[told->count].peer, 40, "%s", buffer_text(&text));
    snprintf(told->rows[told->count].reason, 32, "%s", refused->reason);
    told->rows[told->count].count = refused->count;
    told->rows[told->count].loop = refused->loop;
    told->count++;
}

Test(share, who_was_turned_away_is_told_once_a_few_by_name)
{
    AUTO_SHARE struct share *share = new_share(SHARE_NAMES, 0, 0);
    struct share_client *client = share_client_new(share);
    struct told told = {0};
    for (unsigned i = 1; i <= 4; i++) {
        char text[32];
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        struct share_peer *peer = peer_at(client, text);
        for (unsigned j = 0; j < i; j++)
            share_count_refused(peer, SHARE_REFUSED_CONNECTIONS, SHARE_NETWORK);
        share_peer_unuse(&peer);
    }
    share_sweep(share, timestamp_monotonic_us() + 10 * SHARE_REST_US); /* forgets no number */
    share_report_refused(share, 2, note, &told);
    cr_assert_eq(told.count, 3);
    cr_assert_str_eq(told.rows[0].peer, "192.0.2.1");
    cr_assert_eq(told.rows[0].count, 1);
    cr_assert_str_eq(told.rows[1].peer, "192.0.2.2");
    cr_assert_eq(told.rows[1].count, 2);
    cr_assert_str_eq(told.rows[2].peer, "");
    cr_assert_eq(told.rows[2].count, 7);
    cr_assert_str_eq(told.rows[2].reason, "limit.connections");
    cr_assert_eq(told.rows[2].loop, SHARE_NETWORK);
    share_report_refused(share, 2, note, &told);
    cr_assert_eq(told.count, 3);
}

Test(share, reasons_and_levels_have_words)
{
    cr_assert_str_eq(share_reason(SHARE_CONNECTIONS), "limit.connections");
    cr_assert_str_eq(share_reason(SHARE_TUNNELS), "limit.tunnels");
    cr_assert_str_eq(share_level_name(SHARE_PEER_FULL), "this peer");
    cr_assert_str_eq(share_level_name(SHARE_CLIENT_FULL), "this client");
    cr_assert_str_eq(share_level_name(SHARE_GATE_FULL), "the gate");
}
