/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of guards: which are taken, as which number, and what is said of those that are not. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/policy/policy_fixture.h"

/* A policy of one client, `a`, with one guard. */
static bool load(struct policy_fixture *fixture, const char *guard)
{
    char text[400];
    snprintf(text, sizeof(text),
             "version: 1\nclients:\n  a:\n    listen: unix:/run/a.sock\nguard:\n  %s\n", guard);
    return policy_fixture_text(fixture, text);
}

Test(policy_guard_reader, limits_are_numbers_rounded_down)
{
    static const struct {
        const char *name, *text;
        enum guard guard;
        int64_t max; /* 0 = it is refused */
    } rows[] = {
        {"bytes", "memory: 4096", GUARD_MEMORY, 4096},
        {"a unit", "memory: 4g", GUARD_MEMORY, INT64_C(4) << 30},
        {"a part of one", "memory: 1.5m", GUARD_MEMORY, 1572864},
        {"rounded down", "memory: 0.0001k", GUARD_MEMORY, 0},
        {"the largest unit", "memory: 4194304t", GUARD_MEMORY, INT64_C(1) << 62},
        {"more than a number holds", "memory: 9999999t", GUARD_MEMORY, 0},
        {"more, by what would come out as 1t", "memory: 16777217t", GUARD_MEMORY, 0},
        {"a part finer than is counted", "memory: 0.123456789t", GUARD_MEMORY, 0},
        {"a unit in capitals", "memory: 4G", GUARD_MEMORY, 0},
        {"nothing before the unit", "memory: m", GUARD_MEMORY, 0},
        {"nothing behind the point", "memory: 1.m", GUARD_MEMORY, 0},
        {"below zero", "memory: -1", GUARD_MEMORY, 0},
        {"processors", "cpus: 2", GUARD_CPUS, INT64_C(2000000000)},
        {"half a one", "cpus: 0.5", GUARD_CPUS, 500000000},
        {"a billionth", "cpus: 1.000000001", GUARD_CPUS, 1000000001},
        {"less than that", "cpus: 0.0000000001", GUARD_CPUS, 0},
        {"processes", "pids: 512", GUARD_PIDS, 512},
        {"a part of one", "pids: 1.5", GUARD_PIDS, 0},
        {"none", "pids: 0", GUARD_PIDS, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy_fixture fixture;
        bool good = load(&fixture, rows[i].text);
        cr_expect_eq(good, rows[i].max > 0, "%s", rows[i].name);
        if (good) {
            const struct policy_client *client =
                policy_client_find(fixture.policy, SLICE_LITERAL("a"));
            cr_expect_eq(client->guard.values[rows[i].guard].max, rows[i].max, "%s: %lld",
                         rows[i].name, (long long)client->guard.values[rows[i].guard].max);
        }
        policy_fixture_clear(&fixture);
    }
}

Test(policy_guard_reader, what_can_permit_nothing_is_an_error)
{
    static const struct {
        const char *name, *text, *says; /* says NULL = it is taken */
    } rows[] = {
        {"a folder", "binds: [/srv/a]", NULL},
        {"what stands in it, read-only", "binds: [\"/srv/a/*:ro\"]", NULL},
        {"the root", "binds: [/]", "`binds` takes absolute folders"},
        {"what stands in the root", "binds: [\"/*\"]", "`binds` takes absolute folders"},
        {"dots", "binds: [/srv/../etc]", "`binds` takes absolute folders"},
        {"a slash at the end", "binds: [/srv/]", "`binds` takes absolute folders"},
        {"a target", "binds: [\"/srv:/x\"]", "`binds` takes absolute folders"},
        {"read-only twice", "binds: [\"/srv:ro:ro\"]", "`binds` takes absolute folders"},
        {"a star in the middle", "binds: [\"/srv/*/a\"]", "`binds` takes absolute folders"},
        {"a port", "publish: [8080]", NULL},
        {"ports of one address", "publish: [\"127.0.0.1:8000-8100,9000\"]", NULL},
        {"those that the engine chooses", "publish: [\"::1:*\"]", NULL},
        {"a name for an address", "publish: [\"localhost:80\"]", "`publish` takes ports"},
        {"no port", "publish: [\"127.0.0.1:\"]", "`publish` takes ports"},
        {"a range the wrong way round", "publish: [\"90-80\"]", "`publish` takes ports"},
        {"two stars", "publish: [\"**\"]", "`publish` takes ports"},
        {"a prefix", "capabilities: [CAP_NET_ADMIN]", "`capabilities` takes names in capitals"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy_fixture fixture;
        AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
        cr_expect_eq(load(&fixture, rows[i].text), rows[i].says == NULL, "%s", rows[i].name);
        const char *errors = policy_fixture_show(&fixture, &fixture.errors, &said);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(errors, rows[i].says), "%s: %s", rows[i].name, errors);
        policy_fixture_clear(&fixture);
    }
}
