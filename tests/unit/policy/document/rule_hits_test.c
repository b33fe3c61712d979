/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/document/rule_hits.h"

#define HEADER "dockreeve hits 1\n"
#define AUTO_HITS CLEANUP(rule_hits_free) struct rule_hits

static void count(struct rule_hits *hits, uint64_t key, int64_t now_us)
{
    uint32_t number;
    cr_assert(rule_hits_number(hits, key, &number));
    rule_hits_count(hits, number, now_us);
}

static void expect(const struct rule_hits *hits, uint64_t key, uint64_t times, int64_t last_us)
{
    const struct rule_hit *hit = rule_hits_find(hits, key);
    cr_assert_not_null(hit);
    cr_expect_eq(hit->key, key);
    cr_expect_eq(hit->count, times);
    cr_expect_eq(hit->last_us, last_us);
}

Test(rule_hits, counts_how_often_and_when_last)
{
    AUTO_HITS *hits = rule_hits_new();
    count(hits, 7, 1000);
    count(hits, 7, 2000);
    count(hits, RULE_HITS_DEFAULT_DOCKER, 1500);
    expect(hits, 7, 2, 2000);
    expect(hits, RULE_HITS_DEFAULT_DOCKER, 1, 1500);
    cr_expect_null(rule_hits_find(hits, RULE_HITS_DEFAULT_NETWORK));
    cr_expect_eq(rule_hits_len(hits), 2u);
}

Test(rule_hits, a_numbered_rule_that_never_decided_has_no_hit)
{
    AUTO_HITS *hits = rule_hits_new();
    uint32_t number, again;
    cr_assert(rule_hits_number(hits, 9, &number));
    cr_assert(rule_hits_number(hits, 9, &again));
    cr_expect_eq(number, again);
    cr_expect_null(rule_hits_find(hits, 9));
}

Test(rule_hits, numbers_stay_while_the_table_grows)
{
    enum { MANY = 50000 };
    AUTO_HITS *hits = rule_hits_new();
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t number;
        cr_assert(rule_hits_number(hits, (uint64_t)i << 40, &number));
        cr_assert_eq(number, i);
        rule_hits_count(hits, number, i);
    }
    rule_hits_count(hits, 3, 77);
    expect(hits, (uint64_t)3 << 40, 2, 77);
    for (uint32_t i = 4; i < MANY; i++)
        expect(hits, (uint64_t)i << 40, 1, i);
    cr_expect_null(rule_hits_find(hits, (uint64_t)MANY << 40));
}

Test(rule_hits, room_that_was_made_changes_nothing)
{
    AUTO_HITS *hits = rule_hits_new();
    count(hits, 5, 10);
    rule_hits_reserve(hits, 100000);
    rule_hits_reserve(hits, SIZE_MAX / 2); /* no more than it can ever hold */
    expect(hits, 5, 1, 10);
    for (uint64_t key = 6; key < 3000; key++)
        count(hits, key, (int64_t)key);
    expect(hits, 5, 1, 10);
    expect(hits, 2999, 1, 2999);
    cr_expect_eq(rule_hits_len(hits), 2995u);
}

static void *serialize_often(void *context)
{
    const struct rule_hits *hits = context;
    for (int round = 0; round < 200; round++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        AUTO_HITS *read = rule_hits_new();
        struct error error;
        rule_hits_serialize(hits, &text);
        if (!rule_hits_parse(read, buffer_slice(&text), &error))
            return context;
    }
    return NULL;
}

Test(rule_hits, one_thread_writes_while_the_other_counts)
{
    AUTO_HITS *hits = rule_hits_new();
    pthread_t writer;
    void *failed;
    cr_assert_eq(pthread_create(&writer, NULL, serialize_often, hits), 0);
    for (uint64_t i = 1; i <= 200000; i++)
        count(hits, i % 5000 + 10, (int64_t)i);
    cr_assert_eq(pthread_join(writer, &failed), 0);
    cr_expect_null(failed);
    expect(hits, 10, 40, 200000);
}

/* ---- text ---- */

static void serialize_sample(struct buffer *out)
{
    AUTO_HITS *hits = rule_hits_new();
    uint32_t unused;
    count(hits, UINT64_C(0x0123456789abcdef), 1766304000000000);
    count(hits, UINT64_MAX, 1);
    count(hits, UINT64_MAX, 2);
    cr_assert(rule_hits_number(hits, 99, &unused));
    count(hits, RULE_HITS_DEFAULT_NETWORK, INT64_MAX);
    rule_hits_serialize(hits, out);
    cr_assert(!out->failed);
}

Test(rule_hits, the_text_names_each_rule_that_decided)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    serialize_sample(&text);
    cr_expect_str_eq(buffer_text(&text), HEADER "0123456789abcdef 1 1766304000000000\n"
                                                "ffffffffffffffff 2 2\n"
                                                "0000000000000002 1 9223372036854775807\n"
                                                "end 3\n");
}

Test(rule_hits, what_is_serialized_parses_back_to_the_same)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY, again = BUFFER_EMPTY;
    AUTO_HITS *hits = rule_hits_new();
    struct error error;
    serialize_sample(&text);
    cr_assert(rule_hits_parse(hits, buffer_slice(&text), &error), "%s", error.text);
    expect(hits, UINT64_MAX, 2, 2);
    rule_hits_serialize(hits, &again);
    cr_expect_str_eq(buffer_text(&again), buffer_text(&text));
}

Test(rule_hits, a_text_cut_anywhere_is_refused_whole)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    serialize_sample(&text);
    for (size_t len = 0; len < text.len; len++) {
        AUTO_HITS *hits = rule_hits_new();
        struct error error;
        cr_expect(!rule_hits_parse(hits, slice_of(text.data, len), &error), "%zu bytes", len);
        cr_expect_eq(error.exit_code, 1);
        cr_expect_eq(rule_hits_len(hits), 0u);
    }
}

Test(rule_hits, damaged_texts_are_refused_with_their_line)
{
    static const struct {
        const char *name, *text, *error;
    } rows[] = {
        {"empty", "", "does not begin"},
        {"another version", "dockreeve hits 2\nend 0\n", "does not begin"},
        {"no end", HEADER, "cut off"},
        {"end without line end", HEADER "end 0", "cut off"},
        {"end counts wrongly", HEADER "0000000000000007 1 5\nend 2\n", "line 3"},
        {"end without count", HEADER "end\n", "line 2"},
        {"something behind the end", HEADER "end 0\n\n", "line 2"},
        {"short key", HEADER "7 1 5\nend 1\n", "line 2"},
        {"key is no number", HEADER "000000000000000g 1 5\nend 1\n", "line 2"},
        {"count of zero", HEADER "0000000000000007 0 5\nend 1\n", "line 2"},
        {"negative count", HEADER "0000000000000007 -1 5\nend 1\n", "line 2"},
        {"count too large", HEADER "0000000000000007 99999999999999999999 5\nend 1\n", "line 2"},
        {"time too large", HEADER "0000000000000007 1 9223372036854775808\nend 1\n", "line 2"},
        {"no time", HEADER "0000000000000007 1\nend 1\n", "line 2"},
        {"more behind the time", HEADER "0000000000000007 1 5 6\nend 1\n", "line 2"},
        {"the same rule twice", HEADER "0000000000000007 1 5\n0000000000000007 1 5\nend 2\n",
         "line 3"},
        {"empty line", HEADER "\nend 0\n", "line 2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_HITS *hits = rule_hits_new();
        struct error error = {0};
        cr_expect(!rule_hits_parse(hits, slice_from_text(rows[i].text), &error), "%s",
                  rows[i].name);
        cr_expect(strstr(error.text, rows[i].error) != NULL, "%s: %s", rows[i].name, error.text);
        cr_expect_eq(rule_hits_len(hits), 0u, "%s", rows[i].name);
        count(hits, 7, 1); /* a refused text leaves a table that works */
        expect(hits, 7, 1, 1);
    }
}

/* Any byte of a good text may become any other: what is accepted must then serialize to itself, but
 * for the case of hexadecimal digits and leading zeros. */
Test(rule_hits, random_damage_is_refused_or_means_what_it_says)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    uint64_t state = 88172645463325252u;
    serialize_sample(&text);
    for (int round = 0; round < 20000; round++) {
        AUTO_BUFFER struct buffer damaged = BUFFER_EMPTY, again = BUFFER_EMPTY;
        AUTO_HITS *hits = rule_hits_new();
        AUTO_HITS *same = rule_hits_new();
        struct error error;
        buffer_append_slice(&damaged, buffer_slice(&text));
        for (int i = 0; i <= round % 3; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            damaged.data[(state >> 8) % damaged.len] = (char)(state >> 40);
        }
        if (!rule_hits_parse(hits, buffer_slice(&damaged), &error)) {
            cr_assert_eq(rule_hits_len(hits), 0u);
            continue;
        }
        rule_hits_serialize(hits, &again);
        cr_assert(rule_hits_parse(same, buffer_slice(&again), &error), "%s", error.text);
        cr_assert_eq(rule_hits_len(same), rule_hits_len(hits));
    }
}

Test(rule_hits, the_longest_unused_are_forgotten_beyond_the_maximum)
{
    enum { MORE = 10 };
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_HITS *hits = rule_hits_new();
    AUTO_HITS *read = rule_hits_new();
    struct error error;
    for (uint64_t key = 1; key <= RULE_HITS_MAX + MORE; key++)
        count(hits, key, (int64_t)(RULE_HITS_MAX + MORE - key + 1)); /* the first is the newest */
    rule_hits_serialize(hits, &text);
    cr_assert(rule_hits_parse(read, buffer_slice(&text), &error), "%s", error.text);
    cr_expect_eq(rule_hits_len(read), (size_t)RULE_HITS_MAX);
    expect(read, RULE_HITS_MAX, 1, MORE + 1);
    cr_expect_null(rule_hits_find(read, RULE_HITS_MAX + 1));
}

/* ---- file ---- */

struct place {
    char folder[64], path[96], fresh[104];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/dockreeve-hits-XXXXXX"};
    cr_assert_not_null(mkdtemp(place.folder));
    snprintf(place.path, sizeof(place.path), "%s/hits", place.folder);
    snprintf(place.fresh, sizeof(place.fresh), "%s.new", place.path);
    return place;
}

static void remove_place(const struct place *place)
{
    unlink(place->path);
    unlink(place->fresh);
    rmdir(place->path);
    cr_expect_eq(rmdir(place->folder), 0);
}

Test(rule_hits, a_file_is_written_read_and_replaced)
{
    CLEANUP(remove_place) struct place place = make_place();
    struct error error;
    for (int round = 1; round <= 2; round++) {
        AUTO_HITS *hits = rule_hits_new();
        struct stat status;
        cr_assert(rule_hits_read(hits, place.path, &error), "%s", error.text);
        count(hits, 7, round * 10);
        mode_t before = umask(0077); /* as a service may have it */
        cr_assert(rule_hits_write(hits, place.path, &error), "%s", error.text);
        umask(before);
        cr_assert_eq(stat(place.path, &status), 0);
        cr_expect_eq(status.st_mode & 07777, 0644u);
        cr_expect_eq(access(place.fresh, F_OK), -1);
    }
    AUTO_HITS *read = rule_hits_new();
    cr_assert(rule_hits_read(read, place.path, &error), "%s", error.text);
    expect(read, 7, 2, 20);
}

Test(rule_hits, what_is_no_readable_file_is_an_error_that_names_it)
{
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_HITS *hits = rule_hits_new();
    struct error error = {0};
    cr_assert_eq(mkfifo(place.path, 0600), 0);
    cr_expect(!rule_hits_read(hits, place.path, &error)); /* and does not wait for a writer */
    cr_expect(strstr(error.text, "is not a regular file") != NULL, "%s", error.text);
    unlink(place.path);
    cr_assert_eq(symlink("/etc/passwd", place.path), 0);
    cr_expect(!rule_hits_read(hits, place.path, &error));
    cr_expect(strstr(error.text, place.path) != NULL, "%s", error.text);
    unlink(place.path);
    cr_assert_eq(mkdir(place.path, 0700), 0);
    cr_expect(!rule_hits_read(hits, place.path, &error));
    cr_expect(!rule_hits_write(hits, place.path, &error));
    cr_expect(strstr(error.text, "cannot be replaced") != NULL, "%s", error.text);
}

Test(rule_hits, a_link_in_place_of_the_new_file_is_not_followed)
{
    CLEANUP(remove_place) struct place place = make_place();
    char target[128];
    AUTO_HITS *hits = rule_hits_new();
    struct error error;
    snprintf(target, sizeof(target), "%s/target", place.folder);
    cr_assert_eq(symlink(target, place.fresh), 0);
    cr_expect(!rule_hits_write(hits, place.path, &error));
    cr_expect_eq(access(target, F_OK), -1);
}
