/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnels between sockets of the test: bytes, ends and resets pass from one side to the other,
 * limits and counters hold, and each tunnel leaves one closing record. */
#include "proxy/egress/egress_options.h"
#include "tests/unit/proxy/egress_fixture.h"

enum { TURNS_MAX = 2000 };

static const char rules[] = "  - allow: \"127.0.0.1:*\"\n  - {allow: a.test, addresses: "
                            "[127.0.0.0/8]}\n";

struct world {
    struct gate_fixture fixture;
    int client, origin; /* our ends */
};

static void world_free(struct world *world)
{
    if (world->client >= 0)
        close(world->client);
    if (world->origin >= 0)
        close(world->origin);
    fixture_free(&world->fixture);
}
#define AUTO_WORLD CLEANUP(world_free)

static void world_init(struct world *world)
{
    fixture_init(&world->fixture);
    world->client = world->origin = -1;
}

/* A peer with a place among connections and one among tunnels. */
static struct share_peer *take_places(const struct gate_fixture *fixture)
{
    struct endpoint endpoint;
    endpoint_from_ip(&endpoint, &ip_loopback[0], 1);
    struct share_peer *peer =
        share_peer_use(listener_client(egress_fixture_listener(fixture))->share, &endpoint, 0);
    cr_assert_eq(share_take(peer, SHARE_CONNECTIONS, 1), SHARE_GRANTED);
    cr_assert_eq(share_take(peer, SHARE_TUNNELS, 1), SHARE_GRANTED);
    return peer;
}

/* Opens a tunnel to `host`; `early` is what the client sent behind its request. */
static void start(struct world *world, const char *host_text, uint16_t port, bool peek,
                  const char *early)
{
    struct gate_fixture *fixture = &world->fixture;
    struct host_name host;
    struct error error = {0};
    int client[2], origin[2];
    if (fixture->loop == NULL)
        egress_fixture_start(fixture, "tcp:127.0.0.1:0", rules);
    struct egress_exchange exchange = {.method = HTTP_METHOD_CONNECT, .common.reason = "rule"};
    struct ip_address address;
    cr_assert(ip_address_parse(SLICE_LITERAL("127.0.0.1"), &address));
    if (strcmp(host_text, "127.0.0.1") == 0)
        host_name_from_address(&host, &address);
    else
        cr_assert(host_name_parse(slice_from_text(host_text), &host, &error));
    tcp_pair(client);
    tcp_pair(origin);
    world->client = client[0];
    world->origin = origin[0];
    exchange_number(&exchange.common, fixture->loop);
    egress_exchange_set_target(&exchange, SLICE_LITERAL("192.0.2.9:1"), &host, port,
                               SLICE_LITERAL(""));
    exchange.address = address;
    exchange.has_address = true;
    (void)egress_log_open(&exchange, fixture->loop, egress_fixture_listener(fixture));
    struct tunnel_plan plan = {
        .egress = fixture->loop->egress,
        .listener = egress_fixture_listener(fixture),
        .peer = take_places(fixture),
        .streams[TUNNEL_CLIENT] = stream_of_socket(client[1]),
        .streams[TUNNEL_ORIGIN] = stream_of_socket(origin[1]),
        .exchange = &exchange,
        .peek = peek,
    };
    cr_assert(io_buffer_append(fixture->loop->blocks, &plan.to_client, "200!", 4));
    cr_assert(io_buffer_append(fixture->loop->blocks, &plan.to_origin, early, strlen(early)));
    cr_assert(tunnel_start(&plan));
}

static struct tunnel *the_tunnel(const struct world *world)
{
    return (struct tunnel *)TAILQ_FIRST(&world->fixture.loop->conns); /* its first member */
}

/* Turns the loop until `fd` has something (bytes, an end or a reset) to be read. */
static ssize_t read_some(const struct world *world, int fd, char *bytes, size_t len)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        egress_fixture_turn(&world->fixture);
        ssize_t got = recv(fd, bytes, len, MSG_DONTWAIT);
        if (got >= 0 || errno != EAGAIN)
            return got;
    }
    errno = EAGAIN;
    return -1;
}

static void expect_bytes(const struct world *world, int fd, const char *expected)
{
    char bytes[256];
    size_t have = 0, len = strlen(expected);
    while (have < len) {
        ssize_t got = read_some(world, fd, bytes + have, len - have);
        cr_assert_gt(got, 0, "waiting for %s: %s", expected, strerror(errno));
        have += (size_t)got;
    }
    cr_assert_eq(memcmp(bytes, expected, len), 0, "%.*s", (int)len, bytes);
}

static void expect_end(const struct world *world, int fd)
{
    char byte;
    cr_assert_eq(read_some(world, fd, &byte, 1), 0, "%s", strerror(errno));
}

static void expect_reset(const struct world *world, int fd)
{
    char byte;
    cr_assert_lt(read_some(world, fd, &byte, 1), 0);
    cr_assert_eq(errno, ECONNRESET);
}

static void turn_a_while(const struct world *world)
{
    for (int i = 0; i < 20; i++)
        egress_fixture_turn(&world->fixture);
}

static void expect_nothing(const struct world *world, int fd)
{
    char byte;
    turn_a_while(world);
    cr_assert_lt(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    cr_assert_eq(errno, EAGAIN);
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void reset(int *fd)
{
    struct linger at_once = {1, 0};
    cr_assert_eq(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(*fd);
    *fd = -1;
}

/* It is gone, with one closing record of that kind, and every counter is back. */
static void expect_closed(const struct world *world, const char *reason)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    char close_text[64];
    const struct loop *loop = world->fixture.loop;
    for (int i = 0; i < TURNS_MAX && the_tunnel(world) != NULL; i++)
        egress_fixture_turn(&world->fixture);
    cr_assert_null(the_tunnel(world), "the tunnel is still there");
    cr_expect_eq(share_held(loop->share, SHARE_CONNECTIONS), 0);
    cr_expect_eq(share_held(loop->share, SHARE_TUNNELS), 0);
    cr_expect_eq(metrics_totals(loop->metrics)->open_streams, 0);
    egress_fixture_read_log(&world->fixture, &text);
    snprintf(close_text, sizeof(close_text), "\"close\":\"%s\"", reason);
    const char *first = strstr(buffer_text(&text), "\"event\":\"close\"");
    cr_assert_not_null(first, "%s", buffer_text(&text));
    cr_expect_null(strstr(first + 1, "\"event\":\"close\""), "%s", buffer_text(&text));
    cr_expect_not_null(strstr(buffer_text(&text), close_text), "%s is not in %s", close_text,
                       buffer_text(&text));
}

Test(tunnel, bytes_pass_both_ways_behind_what_comes_first)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "early");
    cr_expect_eq(share_held(world.fixture.loop->share, SHARE_TUNNELS), 1);
    cr_expect_eq(metrics_totals(world.fixture.loop->metrics)->open_streams, 1);
    expect_bytes(&world, world.client, "200!");
    say(world.client, " bird");
    expect_bytes(&world, world.origin, "early bird");
    say(world.origin, "worm");
    expect_bytes(&world, world.client, "worm");
    cr_expect_eq(the_tunnel(&world)->exchange.bytes_in, 10);
    cr_expect_eq(the_tunnel(&world)->exchange.bytes_out, 4);
}

Test(tunnel, the_clients_end_reaches_the_origin_which_may_go_on)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "");
    expect_bytes(&world, world.client, "200!");
    say(world.client, "ask");
    shutdown(world.client, SHUT_WR);
    expect_bytes(&world, world.origin, "ask");
    expect_end(&world, world.origin);
    say(world.origin, "answer");
    expect_bytes(&world, world.client, "answer");
    shutdown(world.origin, SHUT_WR);
    expect_end(&world, world.client);
    expect_closed(&world, "done");
}

Test(tunnel, the_origins_end_reaches_the_client_which_may_go_on)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "");
    expect_bytes(&world, world.client, "200!");
    say(world.origin, "bye");
    shutdown(world.origin, SHUT_WR);
    expect_bytes(&world, world.client, "bye");
    expect_end(&world, world.client);
    say(world.client, "more");
    expect_bytes(&world, world.origin, "more");
    shutdown(world.client, SHUT_WR);
    expect_end(&world, world.origin);
    expect_closed(&world, "done");
}

Test(tunnel, a_reset_is_carried_over_as_a_reset)
{
    for (int from_client = 0; from_client < 2; from_client++) {
        AUTO_WORLD struct world world;
        world_init(&world);
        start(&world, "127.0.0.1", 9000, false, "");
        expect_bytes(&world, world.client, "200!");
        reset(from_client ? &world.client : &world.origin);
        expect_reset(&world, from_client ? world.origin : world.client);
        expect_closed(&world, from_client ? "client-reset" : "origin-reset");
    }
}

Test(tunnel, a_reset_behind_an_end_is_found_by_the_clock)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "");
    expect_bytes(&world, world.client, "200!");
    shutdown(world.client, SHUT_WR);
    expect_end(&world, world.origin);
    reset(&world.client);
    turn_a_while(&world);
    cr_assert_not_null(the_tunnel(&world), "nothing watches that end");
    client_conn_tick_all(world.fixture.loop);
    expect_closed(&world, "client-reset");
}

Test(tunnel, limits_of_silence_and_of_life)
{
    static const struct {
        const char *name;
        uint64_t idle_ms, lifetime_ms;
        int64_t moved_s, age_s; /* ago */
        const char *close;      /* NULL = it stays */
    } rows[] = {
        {"no limits", 0, 0, 100000, 100000, NULL},
        {"silent for too long", 10000, 0, 11, 11, "limit.idle"},
        {"not silent for so long", 10000, 0, 9, 100, NULL},
        {"too old, although busy", 0, 10000, 0, 11, "limit.lifetime"},
        {"young", 0, 10000, 9, 9, NULL},
        {"both", 10000, 10000, 11, 11, "limit.lifetime"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_WORLD struct world world;
        world_init(&world);
        world.fixture.options.egress.tunnel_idle_ms = rows[i].idle_ms;
        world.fixture.options.egress.tunnel_lifetime_ms = rows[i].lifetime_ms;
        start(&world, "127.0.0.1", 9000, false, "");
        struct tunnel *tunnel = the_tunnel(&world);
        int64_t now_us = timestamp_monotonic_us();
        tunnel->moved_us = now_us - rows[i].moved_s * 1000000;
        tunnel->exchange.common.started_us = now_us - rows[i].age_s * 1000000;
        tunnel->client.kind->tick(&tunnel->client, now_us);
        cr_expect_eq(the_tunnel(&world) == NULL, rows[i].close != NULL, "%s", rows[i].name);
        if (rows[i].close != NULL)
            expect_closed(&world, rows[i].close);
    }
}

Test(tunnel, a_rate_that_is_used_up_holds_everything_back_until_it_is_resumed)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    world.fixture.options.egress.tunnel_rate = 1000;
    start(&world, "127.0.0.1", 9000, false, "");
    expect_bytes(&world, world.client, "200!");
    struct tunnel *tunnel = the_tunnel(&world);
    tunnel->allowance_us = timestamp_monotonic_us() + INT64_C(3600) * 1000000;
    say(world.client, "held");
    expect_nothing(&world, world.origin);
    cr_expect(tunnel->throttled);
    tunnel->allowance_us = 0;
    tunnel_resume(tunnel);
    expect_bytes(&world, world.origin, "held");
    cr_expect_gt(tunnel->allowance_us, 0, "what was moved was paid for");
}

Test(tunnel, tls_is_waited_for_where_only_tls_is_admitted)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "a.test", 443, true, "");
    cr_assert_eq(the_tunnel(&world)->state, TUNNEL_PEEK);
    expect_bytes(&world, world.client, "200!");
    say(world.origin, "220 hello");
    expect_nothing(&world, world.client);
    say(world.client, "SSH-2.0-x\r\n");
    expect_end(&world, world.client);
}

Test(tunnel, what_is_refused_never_reaches_the_origin)
{
    AUTO_WORLD struct world world;
    char bytes[64];
    world_init(&world);
    start(&world, "a.test", 443, true, "GET / HTTP/1.1\r\n\r\n");
    expect_bytes(&world, world.client, "200!");
    cr_assert_leq(read_some(&world, world.origin, bytes, sizeof(bytes)), 0);
    cr_assert_eq(the_tunnel(&world)->state, TUNNEL_ENDING);
    cr_expect_eq(metrics_totals(world.fixture.loop->metrics)->open_streams, 0);
}

Test(tunnel, an_ending_one_reads_the_client_over_and_goes_after_a_moment)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "");
    expect_bytes(&world, world.client, "200!");
    struct tunnel *tunnel = the_tunnel(&world);
    tunnel_end(tunnel, "because");
    expect_end(&world, world.client);
    say(world.client, "still here");
    turn_a_while(&world);
    cr_assert_eq(the_tunnel(&world), tunnel);
    tunnel->client.kind->tick(&tunnel->client, tunnel->moved_us + 1000000);
    cr_assert_eq(the_tunnel(&world), tunnel, "its moment is not over");
    tunnel->client.kind->tick(&tunnel->client, tunnel->moved_us + 3000000);
    expect_closed(&world, "because");
}

Test(tunnel, an_ending_one_goes_with_the_clients_end)
{
    AUTO_WORLD struct world world;
    world_init(&world);
    start(&world, "127.0.0.1", 9000, false, "");
    tunnel_end(the_tunnel(&world), "because");
    shutdown(world.client, SHUT_WR);
    expect_closed(&world, "because");
}
