/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "policy/log/log_record.h"
#include "policy/log/log_scan.h"

/* A file without a name that holds `text`. */
static int make_file(const char *text, size_t len)
{
    char path[] = "/tmp/dockreeve-scan-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    return fd;
}

/* Collects the clients of the records it is given, joined by '|', up to `most` of them. */
struct taken {
    struct buffer joined; /* owned */
    unsigned count, most;
};

static bool take(void *context, const struct log_line *line, struct slice text)
{
    struct taken *taken = context;
    cr_assert_eq(text.ptr[text.len - 1], '}');
    buffer_append_slice(&taken->joined, line->fields[LOG_FIELD_CLIENT]);
    buffer_append_byte(&taken->joined, '|');
    return ++taken->count < taken->most;
}

static const char *newest = "{\"client\":\"c\",\"decision\":\"deny\"}\n\nlistening\n"
                            "{\"client\":\"d\",\"decision\":\"allow\"}\n{\"client\":\"to";
static const char *oldest = "{\"client\":\"a\",\"decision\":\"deny\"}\n"
                            "{\"client\":\"b\",\"decision\":\"allow\"}\n";

static void check(const struct log_filter *filter, unsigned most, const char *expected,
                  struct log_scan_notes *notes_out)
{
    CLEANUP(log_files_close) struct log_files files = {.count = 2};
    struct taken taken = {.most = most};
    struct error error = {0};
    files.fds[0] = make_file(newest, strlen(newest));
    files.fds[1] = make_file(oldest, strlen(oldest));
    cr_assert(log_scan(&files, filter, take, &taken, notes_out, &error), "%s", error.text);
    cr_assert_str_eq(buffer_text(&taken.joined), expected);
    buffer_free(&taken.joined);
}

Test(log_scan, everything_is_read_the_oldest_first)
{
    struct log_scan_notes notes;
    check(&(struct log_filter){0}, 99, "a|b|c|d|", &notes);
    cr_assert_eq(notes.unreadable, 1);
    cr_assert(notes.torn);
    cr_assert_eq(notes.end, (off_t)(strrchr(newest, '\n') + 1 - newest));
}

Test(log_scan, only_what_the_filter_wants_is_taken)
{
    struct log_scan_notes notes;
    check(&(struct log_filter){.denied = true}, 99, "a|c|", &notes);
    cr_assert_eq(notes.end, (off_t)(strrchr(newest, '\n') + 1 - newest));
}

Test(log_scan, the_taker_may_end_it)
{
    struct log_scan_notes notes;
    check(&(struct log_filter){0}, 3, "a|b|c|", &notes);
    check(&(struct log_filter){0}, 1, "a|", &notes);
}

/* --- a scan finds what reading every line finds --- */

static unsigned random_below(unsigned *seed, unsigned bound)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % bound;
}

#define ONE_OF(seed, ...)                                                                          \
    slice_from_text(((const char *const[]){                                                        \
        __VA_ARGS__})[random_below(seed, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))])

/* As the gate writes it. */
static void append_record(struct buffer *out, unsigned *seed, int64_t time_us)
{
    struct timestamp_cache cache = {0};
    struct log_record record = {
        .time_us = time_us,
        .id = SLICE_LITERAL("1f2e3d4c-00000000002a"),
        .event = (enum log_event)random_below(seed, LOG_SUPPRESSED + 1),
        .kind = ONE_OF(seed, "docker", "network"),
        .client = ONE_OF(seed, "ci", "agents", "default", "a \"b\"", "c/d", "caf\xc3\xa9"),
        .peer = ONE_OF(seed, "uid=0 pid=1", "10.0.0.7:5000"),
        .via = ONE_OF(seed, "docker", "forward", "dns"),
        .has_decision = random_below(seed, 8) > 0,
        .allowed = random_below(seed, 2) > 0,
        .rule = ONE_OF(seed, "look at them", "~a\\.b", "default", "policy.yaml"),
        .source = ONE_OF(seed, "/etc/d/policy.yaml:14", "policy.yaml:1", "default", "preset/x:2"),
        .policy = SLICE_LITERAL("3f2a91c0"),
    };
    if (random_below(seed, 2) == 0) {
        record.operation = ONE_OF(seed, "ContainerList", "ContainerCreate", "ImageList");
    } else {
        record.host = ONE_OF(seed, "a.test", "b.a.test", "ba.test", "10.0.0.7", "2001:db8::1");
        record.port = random_below(seed, 2) == 0 ? 443 : 4430;
        record.address = ONE_OF(seed, "10.0.0.7", "10.0.0.70,192.0.2.1");
    }
    if (random_below(seed, 6) == 0)
        record.would_deny = SLICE_LITERAL("default");
    log_record_write(&record, &cache, out);
}

static void append_log(struct buffer *out, unsigned *seed, int64_t *time_us, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        *time_us += random_below(seed, 3000) * 1000;
        if (random_below(seed, 20) == 0)
            buffer_append_text(out, "no record\n");
        append_record(out, seed, *time_us);
    }
}

static void make_filter(struct log_filter *filter, unsigned *seed, int64_t begin_us, int64_t end_us)
{
    unsigned span = (unsigned)((end_us - begin_us) / 1000000);
    *filter = (struct log_filter){.denied = random_below(seed, 4) == 0};
    if (random_below(seed, 3) == 0)
        filter->client = ONE_OF(seed, "ci", "default", "a \"b\"", "none");
    if (random_below(seed, 4) == 0)
        filter->since_us = begin_us + (int64_t)random_below(seed, span) * 1000000;
    if (random_below(seed, 4) == 0)
        filter->until_us = begin_us + (int64_t)random_below(seed, span) * 1000000 + 1;
}

/* The wanted lines, one behind the other. */
static bool collect(void *context, const struct log_line *, struct slice text)
{
    buffer_append_slice(context, text);
    buffer_append_byte(context, '\n');
    return true;
}

static bool collect_in_front(void *context, const struct log_line *, struct slice text)
{
    struct buffer *out = context;
    for (size_t i = text.len; i > 0; i--)
        buffer_append_byte(out, text.ptr[i - 1]);
    buffer_append_byte(out, '\n');
    return true;
}

static unsigned read_plainly(const struct log_files *files, const struct log_filter *filter,
                             struct buffer *out)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    struct error error = {0};
    unsigned found = 0;
    for (unsigned i = files->count; i > 0; i--) {
        CLEANUP(log_forward_free) struct log_forward forward;
        struct slice text;
        log_forward_init(&forward, files->fds[i - 1], 0);
        while (log_forward_next(&forward, &text, &error) == LOG_READ_LINE) {
            if (!log_line_parse(&line, text) || !log_filter_wants(filter, &line))
                continue;
            collect(out, &line, text);
            found++;
        }
    }
    return found;
}

static void reverse(struct buffer *text)
{
    for (size_t i = 0, k = text->len; i + 1 < k; i++) {
        char byte = text->data[i];
        text->data[i] = text->data[--k];
        text->data[k] = byte;
    }
}

/* How many records the filter wanted. */
static unsigned compare(const struct log_files *files, const struct log_filter *filter)
{
    AUTO_BUFFER struct buffer plain = BUFFER_EMPTY, quick = BUFFER_EMPTY, back = BUFFER_EMPTY;
    struct log_scan_notes notes, back_notes;
    struct error error = {0};
    unsigned found = read_plainly(files, filter, &plain);
    cr_assert(log_scan(files, filter, collect, &quick, &notes, &error), "%s", error.text);
    cr_assert(slice_equal(buffer_slice(&quick), buffer_slice(&plain)));
    cr_assert(log_scan_backward(files, filter, collect_in_front, &back, &back_notes, &error));
    reverse(&back);
    /* Turned round, each line end stands before its line. */
    cr_assert_eq(back.len, plain.len);
    if (plain.len > 0)
        cr_assert_eq(memcmp(back.data + 1, plain.data, plain.len - 1), 0);
    cr_assert_eq(notes.end, back_notes.end);
    cr_assert_eq(notes.torn, back_notes.torn);
    return found;
}

Test(log_scan, both_directions_find_what_reading_every_line_finds)
{
    unsigned seed = 7, found = 0;
    int64_t begin_us = 0;
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-20T10:00:00Z"), &begin_us));
    for (unsigned round = 0; round < 60; round++) {
        AUTO_BUFFER struct buffer old = BUFFER_EMPTY, new = BUFFER_EMPTY;
        AUTO_LOG_FILES struct log_files files = {.count = 2};
        int64_t time_us = begin_us;
        append_log(&old, &seed, &time_us, random_below(&seed, 400));
        append_log(&new, &seed, &time_us, random_below(&seed, 400));
        if (round % 3 == 0)
            buffer_append_literal(&new, "{\"client\":\"ci\"");
        files.fds[1] = make_file(buffer_text(&old), old.len);
        files.fds[0] = make_file(buffer_text(&new), new.len);
        for (unsigned i = 0; i < 20; i++) {
            AUTO_LOG_FILTER struct log_filter filter;
            make_filter(&filter, &seed, begin_us, time_us + 1000000);
            found += compare(&files, &filter);
        }
    }
    cr_assert_gt(found, 1000);
}

/* Files of several blocks, whose parts out of time are not read. */
Test(log_scan, a_time_in_a_big_file_is_found_by_halving)
{
    unsigned seed = 3;
    int64_t begin_us = 0;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_LOG_FILES struct log_files files = {.count = 1};
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-20T10:00:00Z"), &begin_us));
    int64_t time_us = begin_us;
    append_log(&text, &seed, &time_us, 40000);
    cr_assert_gt(text.len, 9 * 1024 * 1024);
    files.fds[0] = make_file(text.data, text.len);
    for (unsigned i = 0; i < 12; i++) {
        struct log_filter filter = {.denied = i % 2 == 0};
        filter.since_us = begin_us + (time_us - begin_us) / 12 * i + 1;
        filter.until_us = i % 3 == 0 ? 0 : filter.since_us + (time_us - begin_us) / 100;
        cr_assert_gt(compare(&files, &filter), 0);
    }
    compare(&files, &(struct log_filter){.until_us = begin_us});
    compare(&files, &(struct log_filter){.since_us = time_us + 1});
}
