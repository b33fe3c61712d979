/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolver against a name server that lies, loses and holds back. Nothing here waits for a
 * clock: what never comes is never sent, and what must not be waited for has a timeout far beyond
 * the guard that fails a test that hangs. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "proxy/loop/confine_filter.h"
#include "proxy/resolve/resolver.h"
#include "tests/unit/proxy/resolve/name_server.h"

enum { LONG_MS = 600000, SHORT_MS = 300, GUARD_S = 60 };

struct world {
    struct event_base *base;
    struct event *guard;
    struct name_server server;
    struct resolver *resolver;
};

/* One who asks. */
struct asker {
    struct world *world;
    struct resolver_query query;
    struct resolver_answer answer;
    unsigned told;
    void (*then)(struct asker *asker); /* what it does when it is told */
    struct asker *other;
};

static void on_guard(evutil_socket_t, short, void *)
{
    cr_assert_fail("the answer never came");
}

static void world_open_with(struct world *world, const struct zone_row *rows,
                            struct resolver_options options)
{
    struct error error;
    struct ip_address loopback;
    static const struct timeval guard = {.tv_sec = GUARD_S};
    *world = (struct world){.base = event_base_new()};
    world->guard = event_new(world->base, -1, 0, on_guard, NULL);
    event_add(world->guard, &guard);
    name_server_open(&world->server, world->base, rows);
    cr_assert(ip_address_parse(SLICE_LITERAL("127.0.0.1"), &loopback));
    endpoint_from_ip(&options.servers[0], &loopback, world->server.port);
    options.server_count = 1;
    world->resolver = resolver_new(world->base, &options, &error);
    cr_assert_not_null(world->resolver, "%s", error.text);
}

static void world_open(struct world *world, const struct zone_row *rows, uint64_t timeout_ms)
{
    world_open_with(world, rows,
                    (struct resolver_options){
                        .timeout_ms = timeout_ms, .cache_entries = 100, .ttl_max_s = 3600});
}

static void world_close(struct world *world)
{
    resolver_free(&world->resolver);
    name_server_close(&world->server);
    event_free(world->guard);
    event_base_free(world->base);
}
#define AUTO_WORLD CLEANUP(world_close)

static void on_answer(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct asker *asker = query->context;
    cr_assert_null(query->resolver, "a query that was told is not under way");
    asker->answer = *answer;
    asker->told++;
    if (asker->then != NULL)
        asker->then(asker);
}

/* True when the answer was known already. */
static bool begin(struct world *world, struct asker *asker, const char *name)
{
    struct host_name host;
    struct error error;
    cr_assert(host_name_parse_dns(slice_from_text(name), &host, &error), "%s", error.text);
    asker->world = world;
    asker->query = (struct resolver_query){.answered = on_answer, .context = asker};
    return resolver_ask(world->resolver, &asker->query, &host, &asker->answer);
}

static void run_until_told(struct world *world, const struct asker *asker)
{
    while (asker->told == 0)
        cr_assert_eq(event_base_loop(world->base, EVLOOP_ONCE), 0);
}

static void ask(struct world *world, struct asker *asker, const char *name)
{
    *asker = (struct asker){.told = 0};
    if (!begin(world, asker, name))
        run_until_told(world, asker);
}

/* "2001:db8::1 192.0.2.1", or the reason. */
static const char *outcome(const struct asker *asker)
{
    static char text[1024];
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    const struct resolver_answer *answer = &asker->answer;
    if (answer->count == 0)
        buffer_printf(&out, "%d %s", answer->error.status, answer->error.reason);
    for (unsigned i = 0; i < answer->count; i++) {
        if (i > 0)
            buffer_append_byte(&out, ' ');
        ip_address_write(&answer->addresses[i], &out);
    }
    snprintf(text, sizeof(text), "%s", buffer_text(&out));
    return text;
}

struct answer_row {
    const char *what;
    struct zone_row v4, v6;
    const char *outcome;
};

#define RECORDS(n)                                                                                 \
    {                                                                                              \
        .kind = ZONE_RECORDS, .count = (n), .ttl = 60                                              \
    }
#define LIE(lie)                                                                                   \
    {                                                                                              \
        .kind = (lie), .count = 1, .ttl = 60                                                       \
    }

static const struct answer_row answers[] = {
    {"both families", RECORDS(1), RECORDS(1), "2001:db8::1 192.0.2.1"},
    {"IPv6 comes first, families take turns", RECORDS(3), RECORDS(2),
     "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3"},
    {"only IPv4", RECORDS(2), RECORDS(0), "192.0.2.1 192.0.2.2"},
    {"only IPv6", RECORDS(0), RECORDS(1), "2001:db8::1"},
    {"no data", RECORDS(0), RECORDS(0), "502 dns.no-address"},
    {"no such name", LIE(ZONE_NXDOMAIN), LIE(ZONE_NXDOMAIN), "502 dns.not-found"},
    {"no such name says one family only", LIE(ZONE_NXDOMAIN), RECORDS(0), "502 dns.not-found"},
    {"an address counts more than what the other family says", RECORDS(1), LIE(ZONE_NXDOMAIN),
     "192.0.2.1"},
    {"the server has failed", LIE(ZONE_SERVFAIL), LIE(ZONE_SERVFAIL), "502 dns.failed"},
    {"failed for one family, without data for the other", LIE(ZONE_SERVFAIL), RECORDS(0),
     "502 dns.failed"},
    {"failed for one family", RECORDS(1), LIE(ZONE_SERVFAIL), "192.0.2.1"},
    {"another id is dropped", LIE(ZONE_WRONG_ID), LIE(ZONE_WRONG_ID), "2001:db8::1 192.0.2.1"},
    {"another sender is dropped", LIE(ZONE_WRONG_PEER), LIE(ZONE_WRONG_PEER),
     "2001:db8::1 192.0.2.1"},
    {"another name in the question is dropped", LIE(ZONE_WRONG_NAME), LIE(ZONE_WRONG_NAME),
     "2001:db8::1 192.0.2.1"},
    {"another type in the question is dropped", LIE(ZONE_WRONG_TYPE), LIE(ZONE_WRONG_TYPE),
     "2001:db8::1 192.0.2.1"},
    {"records of another name are not taken", LIE(ZONE_WRONG_OWNER), RECORDS(1), "2001:db8::1"},
    {"garbage is dropped", LIE(ZONE_GARBAGE), LIE(ZONE_GARBAGE), "2001:db8::1 192.0.2.1"},
    {"a datagram without bytes is dropped", LIE(ZONE_NO_BYTES), LIE(ZONE_NO_BYTES),
     "2001:db8::1 192.0.2.1"},
    {"a message that ends within its records", LIE(ZONE_CUT), RECORDS(1), "2001:db8::1"},
    {"a late family is not waited for", RECORDS(1), LIE(ZONE_SILENT), "192.0.2.1"},
    {"an early AAAA does not wait long for a late A", LIE(ZONE_SILENT), RECORDS(1), "2001:db8::1"},
    {"truncated over UDP, asked again over TCP",
     {.kind = ZONE_TRUNCATED, .count = 2, .ttl = 60},
     {.kind = ZONE_TRUNCATED, .count = 1, .ttl = 60},
     "2001:db8::1 192.0.2.1 192.0.2.2"},
    {"records of another name are not taken over TCP either",
     {.kind = ZONE_TCP_WRONG_OWNER, .count = 1, .ttl = 60},
     {.kind = ZONE_TRUNCATED, .count = 1, .ttl = 60},
     "2001:db8::1"},
    {"a hundred records are cut to sixteen", RECORDS(100), RECORDS(0),
     "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 "
     "192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16"},
    {"of many of both families each has eight", RECORDS(100), RECORDS(100),
     "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3 192.0.2.3 2001:db8::4 192.0.2.4 "
     "2001:db8::5 192.0.2.5 2001:db8::6 192.0.2.6 2001:db8::7 192.0.2.7 2001:db8::8 192.0.2.8"},
    {"an alias is followed",
     {.kind = ZONE_RECORDS, .count = 1, .ttl = 60, .alias = "else.where.test", .alias_ttl = 60},
     {.kind = ZONE_RECORDS, .count = 1, .ttl = 60, .alias = "else.where.test", .alias_ttl = 60},
     "2001:db8::1 192.0.2.1"},
    {"an alias without records",
     {.kind = ZONE_RECORDS, .alias = "else.where.test", .alias_ttl = 60},
     {.kind = ZONE_RECORDS, .alias = "else.where.test", .alias_ttl = 60},
     "502 dns.no-address"},
};

Test(resolver, answers_only_what_was_asked_and_says_why_there_is_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_WORLD struct world world;
        struct asker asker;
        struct zone_row rows[] = {answers[i].v4, answers[i].v6, {.name = NULL}};
        rows[0].name = rows[1].name = "a.test";
        rows[0].type = TYPE_A;
        rows[1].type = TYPE_AAAA;
        world_open(&world, rows, LONG_MS);
        ask(&world, &asker, "a.test");
        cr_expect_str_eq(outcome(&asker), answers[i].outcome, "%s: %s", answers[i].what,
                         outcome(&asker));
    }
}

Test(resolver, a_name_has_one_timeout_for_all_tries)
{
    static const struct zone_row rows[] = {
        {.name = "silent.test", .kind = ZONE_SILENT},
        {.name = "half.test", .type = TYPE_A, .kind = ZONE_RECORDS},
        {.name = "half.test", .type = TYPE_AAAA, .kind = ZONE_SILENT},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    world_open(&world, rows, SHORT_MS);
    ask(&world, &asker, "silent.test");
    cr_expect_str_eq(outcome(&asker), "504 dns.timeout");
    ask(&world, &asker, "half.test");
    cr_expect_str_eq(outcome(&asker), "504 dns.timeout");
    cr_expect(strstr(asker.answer.error.text, "half.test") != NULL);
}

Test(resolver, a_server_that_is_not_there_is_a_failure)
{
    static const struct zone_row rows[] = {{.name = NULL}};
    AUTO_WORLD struct world world;
    struct asker asker;
    world_open(&world, rows, LONG_MS);
    event_del(world.server.udp_event);
    close(world.server.udp);
    world.server.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ask(&world, &asker, "a.test");
    cr_expect_str_eq(outcome(&asker), "502 dns.failed");
}

Test(resolver, another_server_is_asked_when_one_fails)
{
    static const struct zone_row failing[] = {
        {.name = "a.test", .kind = ZONE_SERVFAIL},
        {.name = NULL},
    };
    static const struct zone_row working[] = {
        {.name = "a.test", .count = 1, .ttl = 60},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    CLEANUP(name_server_close) struct name_server second;
    struct asker asker;
    struct error error;
    struct resolver_options options = {.server_count = 2, .timeout_ms = LONG_MS};
    struct ip_address loopback;
    world_open(&world, failing, LONG_MS);
    name_server_open(&second, world.base, working);
    cr_assert(ip_address_parse(SLICE_LITERAL("127.0.0.1"), &loopback));
    endpoint_from_ip(&options.servers[0], &loopback, world.server.port);
    endpoint_from_ip(&options.servers[1], &loopback, second.port);
    resolver_free(&world.resolver);
    world.resolver = resolver_new(world.base, &options, &error);
    cr_assert_not_null(world.resolver, "%s", error.text);
    ask(&world, &asker, "a.test");
    cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1");
    cr_expect_eq(world.server.questions, 2);
    cr_expect_eq(second.questions, 2);
}

Test(resolver, names_are_asked_as_they_are)
{
    static const struct zone_row rows[] = {
        {.name = "_dmarc.under_score.test", .count = 1, .ttl = 60},
        {.name = "single", .count = 1, .ttl = 60},
        {.name = "xn--bcher-kva.test", .count = 1, .ttl = 60},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    setenv("LOCALDOMAIN", "search.test", 1);
    setenv("RES_OPTIONS", "ndots:5 rotate", 1);
    world_open(&world, rows, LONG_MS);
    for (size_t i = 0; rows[i].name != NULL; i++) {
        ask(&world, &asker, rows[i].name);
        cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1", "%s", rows[i].name);
    }
    cr_expect_eq(world.server.questions, 6);
}

Test(resolver, an_answer_is_kept_for_the_shortest_of_its_lives)
{
    static const struct zone_row rows[] = {
        {.name = "both.test", .type = TYPE_A, .count = 1, .ttl = 90},
        {.name = "both.test", .type = TYPE_AAAA, .count = 1, .ttl = 70},
        {.name = "alias.test", .count = 1, .ttl = 90, .alias = "b.test", .alias_ttl = 40},
        {.name = "long.test", .count = 1, .ttl = 4000000},
        {.name = "top-bit.test", .count = 1, .ttl = 0x80000001},
        {.name = "gone.test", .kind = ZONE_NXDOMAIN},
        {.name = "tcp-top-bit.test", .kind = ZONE_TRUNCATED, .count = 1, .ttl = 0x80000001},
        {.name = "tcp.test",
         .kind = ZONE_TRUNCATED,
         .count = 1,
         .ttl = 70,
         .alias = "b.test",
         .alias_ttl = 50},
        {.name = NULL},
    };
    static const struct {
        const char *name;
        uint32_t ttl_s;
        unsigned questions; /* of two who ask one after the other */
    } expected[] = {
        {"both.test", 70, 2},   {"alias.test", 40, 2}, {"long.test", 3600, 2},
        {"top-bit.test", 0, 4}, {"gone.test", 0, 2},   {"tcp-top-bit.test", 0, 4},
        {"tcp.test", 50, 2},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    world_open(&world, rows, LONG_MS);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        world.server.questions = 0;
        ask(&world, &asker, expected[i].name);
        cr_expect_eq(asker.answer.ttl_s, expected[i].ttl_s, "%s: %u", expected[i].name,
                     asker.answer.ttl_s);
        ask(&world, &asker, expected[i].name);
        cr_expect_eq(world.server.questions, expected[i].questions, "%s: %u", expected[i].name,
                     world.server.questions);
    }
}

Test(resolver, a_failure_and_a_ttl_of_zero_are_not_kept)
{
    static const struct zone_row rows[] = {
        {.name = "zero.test", .count = 1, .ttl = 0},
        {.name = "silent.test", .kind = ZONE_SILENT},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    world_open(&world, rows, SHORT_MS);
    for (unsigned i = 1; i <= 3; i++) {
        ask(&world, &asker, "zero.test");
        cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1");
        cr_expect_eq(world.server.questions, 2 * i);
        cr_expect_eq(asker.told, 1, "an answer that is not known comes later");
    }
    ask(&world, &asker, "silent.test");
    unsigned before = world.server.questions;
    ask(&world, &asker, "silent.test");
    cr_expect_gt(world.server.questions, before);
}

Test(resolver, those_who_ask_at_the_same_time_share_one_question)
{
    static const struct zone_row rows[] = {
        {.name = "a.test", .kind = ZONE_HELD, .count = 1, .ttl = 0},
        {.name = "b.test", .count = 2, .ttl = 0},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker a[3] = {{.told = 0}}, b = {.told = 0};
    world_open(&world, rows, LONG_MS);
    for (unsigned i = 0; i < ARRAY_LEN(a); i++)
        cr_assert_not(begin(&world, &a[i], "A.test"));
    cr_assert_not(begin(&world, &b, "b.test"));
    run_until_told(&world, &b);
    cr_expect_str_eq(outcome(&b), "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2");
    while (world.server.held_count < 2)
        event_base_loop(world.base, EVLOOP_ONCE);
    name_server_release(&world.server);
    for (unsigned i = 0; i < ARRAY_LEN(a); i++) {
        run_until_told(&world, &a[i]);
        cr_expect_str_eq(outcome(&a[i]), "2001:db8::1 192.0.2.1");
        cr_expect_eq(a[i].told, 1);
    }
    cr_expect_eq(world.server.questions, 4, "two for each name");
}

Test(resolver, a_late_family_is_there_for_those_who_ask_next)
{
    static const struct zone_row rows[] = {
        {.name = "a.test", .type = TYPE_A, .count = 1, .ttl = 60},
        {.name = "a.test", .type = TYPE_AAAA, .kind = ZONE_HELD, .count = 1, .ttl = 60},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    world_open(&world, rows, LONG_MS);
    ask(&world, &asker, "a.test");
    cr_expect_str_eq(outcome(&asker), "192.0.2.1");
    ask(&world, &asker, "a.test");
    cr_expect_str_eq(outcome(&asker), "192.0.2.1");
    cr_expect_eq(asker.told, 0, "what is there is known");
    name_server_release(&world.server);
    while (asker.answer.count < 2) {
        event_base_loop(world.base, EVLOOP_ONCE);
        ask(&world, &asker, "a.test");
    }
    cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1");
    cr_expect_eq(world.server.questions, 2);
}

static const struct zone_row held_rows[] = {
    {.name = "a.test", .kind = ZONE_HELD, .count = 1, .ttl = 60},
    {.name = "b.test", .count = 1, .ttl = 60},
    {.name = "silent.test", .kind = ZONE_SILENT},
    {.name = NULL},
};

Test(resolver, whoever_cancels_is_not_told)
{
    AUTO_WORLD struct world world;
    struct asker first = {.told = 0}, second = {.told = 0}, third = {.told = 0};
    world_open(&world, held_rows, LONG_MS);
    cr_assert_not(begin(&world, &first, "a.test"));
    cr_assert_not(begin(&world, &second, "a.test"));
    resolver_cancel(&first.query);
    resolver_cancel(&first.query); /* twice does nothing */
    while (world.server.held_count < 2)
        event_base_loop(world.base, EVLOOP_ONCE);
    cr_assert_not(begin(&world, &third, "a.test"));
    resolver_cancel(&third.query);
    name_server_release(&world.server);
    run_until_told(&world, &second);
    cr_expect_eq(first.told + third.told, 0);
}

Test(resolver, a_name_that_nobody_waits_for_any_more_is_asked_for_no_longer)
{
    AUTO_WORLD struct world world;
    struct asker asker = {.told = 0}, other = {.told = 0};
    world_open(&world, held_rows, LONG_MS);
    cr_assert_not(begin(&world, &asker, "a.test"));
    cr_assert_not(begin(&world, &other, "a.test"));
    resolver_cancel(&asker.query);
    while (world.server.held_count < 2)
        event_base_loop(world.base, EVLOOP_ONCE);
    resolver_cancel(&other.query);
    name_server_release(&world.server); /* nobody is there to read it */
    cr_assert_not(begin(&world, &asker, "a.test"), "it was not kept");
    while (world.server.held_count < 2)
        event_base_loop(world.base, EVLOOP_ONCE);
    cr_expect_eq(world.server.questions, 4, "it is asked for anew");
    name_server_release(&world.server);
    run_until_told(&world, &asker);
    cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1");
}

static void cancel_other(struct asker *asker)
{
    resolver_cancel(&asker->other->query);
}

Test(resolver, one_who_is_told_may_cancel_another)
{
    AUTO_WORLD struct world world;
    struct asker first = {.then = cancel_other}, second = {.then = cancel_other};
    first.other = &second;
    second.other = &first;
    world_open(&world, held_rows, LONG_MS);
    cr_assert_not(begin(&world, &first, "b.test"));
    cr_assert_not(begin(&world, &second, "b.test"));
    run_until_told(&world, &first);
    for (int i = 0; i < 10; i++)
        event_base_loop(world.base, EVLOOP_NONBLOCK);
    cr_expect_eq(second.told, 0);
}

static void ask_again(struct asker *asker)
{
    asker->then = NULL;
    cr_assert(begin(asker->world, asker, "b.test"), "it is known now");
    cr_assert_not(begin(asker->world, asker->other, "a.test"));
}

Test(resolver, one_who_is_told_may_ask_again)
{
    AUTO_WORLD struct world world;
    struct asker first = {.then = ask_again}, second = {.told = 0};
    first.other = &second;
    world_open(&world, held_rows, LONG_MS);
    cr_assert_not(begin(&world, &first, "b.test"));
    run_until_told(&world, &first);
    cr_expect_str_eq(outcome(&first), "2001:db8::1 192.0.2.1");
    while (world.server.held_count < 2)
        event_base_loop(world.base, EVLOOP_ONCE);
    name_server_release(&world.server);
    run_until_told(&world, &second);
}

static void free_resolver(struct asker *asker)
{
    resolver_free(&asker->world->resolver);
}

Test(resolver, one_who_is_told_may_free_the_resolver)
{
    AUTO_WORLD struct world world;
    struct asker first = {.then = free_resolver}, second = {.told = 0}, third = {.told = 0};
    world_open(&world, held_rows, LONG_MS);
    cr_assert_not(begin(&world, &first, "b.test"));
    cr_assert_not(begin(&world, &second, "b.test"));
    cr_assert_not(begin(&world, &third, "silent.test"));
    run_until_told(&world, &first);
    for (int i = 0; i < 10; i++)
        event_base_loop(world.base, EVLOOP_NONBLOCK);
    cr_expect_eq(second.told + third.told, 0);
    cr_expect_null(third.query.resolver);
}

Test(resolver, is_freed_with_questions_at_every_stage)
{
    for (int turns = 0; turns < 8; turns++) {
        AUTO_WORLD struct world world;
        struct asker a = {.told = 0}, b = {.told = 0}, c = {.told = 0};
        world_open(&world, held_rows, LONG_MS);
        cr_assert_not(begin(&world, &a, "a.test"));
        cr_assert_not(begin(&world, &b, "b.test"));
        cr_assert_not(begin(&world, &c, "silent.test"));
        for (int i = 0; i < turns; i++)
            event_base_loop(world.base, EVLOOP_NONBLOCK);
        resolver_free(&world.resolver);
        cr_expect_null(a.query.resolver);
        resolver_cancel(&a.query);
    }
}

Test(resolver, does_not_hold_more_than_so_many_names_at_a_time)
{
    AUTO_WORLD struct world world;
    static struct zone_row rows[1101];
    static char names[1100][24];
    static struct asker askers[1100];
    unsigned refused = 0;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(names[i], sizeof(names[i]), "n%u.test", i);
        rows[i] = (struct zone_row){.name = names[i], .kind = ZONE_SILENT};
    }
    world_open(&world, rows, LONG_MS);
    for (unsigned i = 0; i < ARRAY_LEN(askers); i++) {
        if (!begin(&world, &askers[i], names[i]))
            continue;
        refused++;
        cr_expect_str_eq(outcome(&askers[i]), "503 limit.lookups");
    }
    cr_expect_eq(refused, ARRAY_LEN(askers) - 1024);
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

Test(resolver, asks_the_table_of_hosts_first)
{
    static const struct zone_row rows[] = {
        {.name = "other.test", .count = 1, .ttl = 60},
        {.name = NULL},
    };
    AUTO_WORLD struct world world;
    struct asker asker;
    char path[] = "/tmp/dockreeve-hosts-XXXXXX";
    write_file(path, "10.0.0.1 db.test\n10.0.0.2 db.test\nfd00::1 db.test\n");
    world_open_with(
        &world, rows,
        (struct resolver_options){
            .hosts_path = path, .timeout_ms = LONG_MS, .cache_entries = 10, .ttl_max_s = 60});
    unlink(path);
    ask(&world, &asker, "DB.test.");
    cr_expect_str_eq(outcome(&asker), "fd00::1 10.0.0.1 10.0.0.2");
    cr_expect_eq(asker.answer.ttl_s, 0);
    cr_expect_eq(world.server.questions, 0);
    ask(&world, &asker, "other.test");
    cr_expect_str_eq(outcome(&asker), "2001:db8::1 192.0.2.1");
}

Test(resolver, is_not_made_with_a_table_of_hosts_that_cannot_be_read)
{
    struct event_base *base = event_base_new();
    struct error error;
    struct resolver_options options = {
        .server_count = 1, .hosts_path = "/nonexistent/hosts", .timeout_ms = 1000};
    struct ip_address loopback;
    cr_assert(ip_address_parse(SLICE_LITERAL("127.0.0.1"), &loopback));
    endpoint_from_ip(&options.servers[0], &loopback, 53);
    cr_expect_null(resolver_new(base, &options, &error));
    cr_expect(strstr(error.text, "/nonexistent/hosts") != NULL, "%s", error.text);
    event_base_free(base);
}

/* In a child, for the filter cannot be taken off: 0, or what went wrong. */
static int resolve_confined(void)
{
    static const struct zone_row rows[] = {
        {.name = "a.test", .kind = ZONE_TRUNCATED, .count = 1, .ttl = 60},
        {.name = "gone.test", .kind = ZONE_NXDOMAIN},
        {.name = "silent.test", .kind = ZONE_SILENT},
        {.name = NULL},
    };
    struct world world;
    struct asker asker;
    struct error error;
    world_open(&world, rows, SHORT_MS);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !confine_filter_load(&error))
        return 1;
    ask(&world, &asker, "a.test");
    if (strcmp(outcome(&asker), "2001:db8::1 192.0.2.1") != 0)
        return 2;
    ask(&world, &asker, "gone.test");
    if (strcmp(outcome(&asker), "502 dns.not-found") != 0)
        return 3;
    ask(&world, &asker, "silent.test");
    if (strcmp(outcome(&asker), "504 dns.timeout") != 0)
        return 4;
    resolver_free(&world.resolver);
    return 0;
}

Test(resolver, works_within_the_system_call_filter)
{
    int status;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(resolve_confined());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}
