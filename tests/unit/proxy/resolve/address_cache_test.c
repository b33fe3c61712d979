/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cache keeps, for how long, and what it forgets first. Time is what the test says. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "proxy/resolve/address_cache.h"

enum { START_MS = 1000000 };

static struct host_name name(const char *text)
{
    struct host_name host;
    struct error error;
    cr_assert(host_name_parse_dns(slice_from_text(text), &host, &error), "%s", error.text);
    return host;
}

static void keep(struct address_cache *cache, const char *text, uint64_t now_ms, unsigned count,
                 uint32_t ttl_s)
{
    struct host_name host = name(text);
    struct ip_address addresses[16] = {{{0}}};
    for (unsigned i = 0; i < count; i++)
        addresses[i].bytes[15] = (uint8_t)(i + 1);
    struct cached_addresses known = {.outcome = count > 0 ? DNS_FOUND : DNS_NOT_FOUND,
                                     .addresses = addresses,
                                     .count = count,
                                     .ttl_s = ttl_s};
    address_cache_keep(cache, &host, now_ms, &known);
}

static bool knows(struct address_cache *cache, const char *text, uint64_t now_ms)
{
    struct host_name host = name(text);
    struct cached_addresses found;
    return address_cache_find(cache, &host, now_ms, &found);
}

#define AUTO_CACHE CLEANUP(address_cache_free)

Test(address_cache, gives_back_what_it_was_given)
{
    AUTO_CACHE struct address_cache *cache = address_cache_new(4);
    struct host_name host = name("a.test"), none = name("none.test");
    struct cached_addresses found;
    keep(cache, "a.test", START_MS, 16, 60);
    keep(cache, "none.test", START_MS, 0, 5);
    cr_assert(address_cache_find(cache, &host, START_MS, &found));
    cr_expect_eq(found.outcome, DNS_FOUND);
    cr_assert_eq(found.count, 16);
    for (unsigned i = 0; i < 16; i++)
        cr_expect_eq(found.addresses[i].bytes[15], i + 1);
    cr_assert(address_cache_find(cache, &none, START_MS, &found));
    cr_expect_eq(found.outcome, DNS_NOT_FOUND);
    cr_expect_eq(found.count, 0);
    cr_expect_not(knows(cache, "b.test", START_MS));
    cr_expect_not(knows(cache, "a.tes", START_MS));
}

Test(address_cache, an_answer_ends_with_its_ttl)
{
    static const struct {
        uint64_t after_ms;
        uint32_t ttl_s; /* 0 = forgotten */
    } rows[] = {{0, 2}, {1, 2}, {999, 2}, {1000, 1}, {1999, 1}, {2000, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_CACHE struct address_cache *cache = address_cache_new(4);
        struct host_name host = name("a.test");
        struct cached_addresses found = {.ttl_s = 0};
        keep(cache, "a.test", START_MS, 1, 2);
        bool known = address_cache_find(cache, &host, START_MS + rows[i].after_ms, &found);
        cr_expect_eq(known, rows[i].ttl_s > 0, "after %u ms", (unsigned)rows[i].after_ms);
        cr_expect_eq(found.ttl_s, rows[i].ttl_s, "after %u ms", (unsigned)rows[i].after_ms);
        cr_expect_eq(address_cache_count(cache), rows[i].ttl_s > 0 ? 1 : 0);
    }
}

Test(address_cache, nothing_is_kept_without_a_ttl_and_what_was_kept_goes)
{
    AUTO_CACHE struct address_cache *cache = address_cache_new(4);
    keep(cache, "a.test", START_MS, 1, 60);
    keep(cache, "a.test", START_MS, 1, 0);
    cr_expect_not(knows(cache, "a.test", START_MS));
    cr_expect_eq(address_cache_count(cache), 0);
}

Test(address_cache, a_new_answer_takes_the_place_of_the_old_one)
{
    AUTO_CACHE struct address_cache *cache = address_cache_new(4);
    struct host_name host = name("a.test");
    struct cached_addresses found;
    keep(cache, "a.test", START_MS, 1, 60);
    keep(cache, "a.test", START_MS + 1000, 3, 10);
    cr_expect_eq(address_cache_count(cache), 1);
    cr_assert(address_cache_find(cache, &host, START_MS + 1000, &found));
    cr_expect_eq(found.count, 3);
    cr_expect_eq(found.ttl_s, 10);
}

Test(address_cache, the_least_recently_used_name_makes_room)
{
    AUTO_CACHE struct address_cache *cache = address_cache_new(3);
    keep(cache, "a.test", START_MS, 1, 60);
    keep(cache, "b.test", START_MS, 1, 60);
    keep(cache, "c.test", START_MS, 1, 60);
    cr_assert(knows(cache, "a.test", START_MS));
    keep(cache, "d.test", START_MS, 1, 60);
    cr_expect(knows(cache, "a.test", START_MS));
    cr_expect_not(knows(cache, "b.test", START_MS));
    cr_expect(knows(cache, "c.test", START_MS));
    cr_expect(knows(cache, "d.test", START_MS));
    cr_expect_eq(address_cache_count(cache), 3);
}

Test(address_cache, stays_within_its_bounds)
{
    static const unsigned sizes[] = {0, 1, 7, 100};
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        AUTO_CACHE struct address_cache *cache = address_cache_new(sizes[s]);
        char text[32];
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(text, sizeof(text), "n%u.test", i);
            keep(cache, text, START_MS, i % 4, 60);
            cr_assert_leq(address_cache_count(cache), sizes[s]);
            cr_expect_eq(knows(cache, text, START_MS), sizes[s] > 0);
        }
        cr_expect_eq(address_cache_count(cache), sizes[s]);
    }
}
