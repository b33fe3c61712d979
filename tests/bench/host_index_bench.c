/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to find a host's rules, from ten of them to a million: nanoseconds a lookup for
 * names that rules speak of and for names that none does, all of them drawn at random, so that the
 * memory a lookup touches is in no cache unless the whole index is. Every lookup waits for the one
 * before it, as decisions of a gate do; copying the name to where a parsed request would have it is
 * part of the figure. docs/design.md 8 asks for at most 100 ns at 10,000 rules and 400 ns at a million. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "rules/network/host_index.h"

enum { QUERIES = 200000, RUNS = 5, NAME_MAX_LEN = 48 };

struct name {
    char text[NAME_MAX_LEN - 1];
    uint8_t len;
};

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *allocate(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL)
        abort();
    return block;
}

static void append_label(struct name *name, uint64_t *state, unsigned shortest, unsigned longest)
{
    unsigned len = shortest + (unsigned)(next_random(state) % (longest - shortest + 1));
    for (unsigned i = 0; i < len; i++)
        name->text[name->len++] = (char)('a' + next_random(state) % 26);
    name->text[name->len++] = '.';
}

/* "kqzvhwe.test", or with another label in front. */
static struct name random_name(uint64_t *state)
{
    static const char *const tops[] = {"test", "example", "invalid", "example.org"};
    struct name name = {.len = 0};
    if (next_random(state) % 2 == 0)
        append_label(&name, state, 2, 8);
    append_label(&name, state, 5, 14);
    const char *top = tops[next_random(state) % ARRAY_LEN(tops)];
    memcpy(name.text + name.len, top, strlen(top));
    name.len = (uint8_t)(name.len + strlen(top));
    return name;
}

/* Every other rule is for subdomains. */
static void fill_rules(struct host_index_entry *entries, struct name *names, size_t count)
{
    uint64_t state = 20261121;
    for (size_t i = 0; i < count; i++) {
        names[i] = random_name(&state);
        entries[i].kind = i % 2 == 0 ? HOST_PATTERN_EXACT : HOST_PATTERN_SUBDOMAINS;
        entries[i].id = (uint32_t)i;
        entries[i].name = slice_of(names[i].text, names[i].len);
    }
}

static void fill_queries(struct name *queries, const struct name *rules, size_t count, bool hits)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < QUERIES; i++) {
        if (!hits) {
            queries[i] = random_name(&state);
            continue;
        }
        size_t rule = (size_t)(next_random(&state) % count);
        queries[i].len = 0;
        if (rule % 2 == 1)
            append_label(&queries[i], &state, 2, 8);
        memcpy(queries[i].text + queries[i].len, rules[rule].text, rules[rule].len);
        queries[i].len = (uint8_t)(queries[i].len + rules[rule].len);
    }
}

/* The fastest of some runs; the number of ids found is the proof that the queries are what they
 * are said to be. */
static double lookup_ns(const struct host_index *index, const struct name *queries, double *found)
{
    volatile uint32_t zero_source = 0;
    const uint32_t zero = zero_source;
    double best = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        struct host_name host = {.len = 0};
        size_t ids = 0;
        uint32_t last = 0;
        double from = now_ns();
        for (size_t i = 0; i < QUERIES; i++) {
            const struct name *query = &queries[i + (last & zero)];
            memcpy(host.text, query->text, sizeof(query->text));
            host.len = query->len;
            struct host_index_cursor cursor;
            host_index_begin(index, &host, &cursor);
            for (uint32_t id; (id = host_index_next(&cursor)) != HOST_INDEX_END; ids++)
                last = id;
            last ^= (uint32_t)(uintptr_t)cursor.run;
        }
        double each = (now_ns() - from) / QUERIES;
        if (run == 0 || each < best)
            best = each;
        *found = (double)ids / QUERIES;
    }
    return best;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void measure(size_t count)
{
    struct host_index_entry *entries = allocate(count, sizeof(*entries));
    struct name *names = allocate(count, sizeof(*names));
    struct name *queries = allocate(QUERIES, sizeof(*queries));
    fill_rules(entries, names, count);
    double build_ms = 0, hit_found, miss_found;
    struct host_index *index = NULL;
    size_t before = heap_bytes();
    for (unsigned run = 0; run < RUNS; run++) {
        host_index_free(&index);
        double from = now_ns();
        index = host_index_build(entries, count);
        double took = (now_ns() - from) / 1e6;
        if (run == 0 || took < build_ms)
            build_ms = took;
    }
    size_t bytes = heap_bytes() - before;
    fill_queries(queries, names, count, true);
    double hit_ns = lookup_ns(index, queries, &hit_found);
    fill_queries(queries, names, count, false);
    double miss_ns = lookup_ns(index, queries, &miss_found);
    printf("%8zu rules  hit %5.0f ns (%.2f rules)  miss %5.0f ns (%.2f rules)  "
           "build %7.2f ms  %5.0f bytes a rule\n",
           count, hit_ns, hit_found, miss_ns, miss_found, build_ms, (double)bytes / (double)count);
    host_index_free(&index);
    free(queries);
    free(names);
    free(entries);
}

int main(void)
{
    static const size_t counts[] = {10, 1000, 10000, 100000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        measure(counts[i]);
    return 0;
}
