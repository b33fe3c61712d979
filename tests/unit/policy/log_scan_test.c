/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "policy/log_scan.h"

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
    struct log_files files = {.count = 2};
    struct taken taken = {.most = most};
    struct error error = {0};
    files.fds[0] = make_file(newest, strlen(newest));
    files.fds[1] = make_file(oldest, strlen(oldest));
    cr_assert(log_scan(&files, filter, take, &taken, notes_out, &error), "%s", error.text);
    cr_assert_str_eq(buffer_text(&taken.joined), expected);
    buffer_free(&taken.joined);
    log_files_close(&files);
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
