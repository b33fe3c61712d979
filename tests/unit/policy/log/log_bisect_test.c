/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <unistd.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "policy/log/log_bisect.h"

enum { SECONDS = 60000 };

/* A log of one record a second, about 10 MB, whose first record is of `begin_us`. */
static int make_log(int64_t begin_us, struct buffer *text)
{
    char path[] = "/tmp/dockreeve-bisect-XXXXXX";
    struct timestamp_cache cache = {0};
    for (int64_t i = 0; i < SECONDS; i++) {
        buffer_append_literal(text, "{\"ts\":\"");
        buffer_append_slice(text, timestamp_format(&cache, begin_us + i * 1000000));
        buffer_printf(text, "\",\"text\":\"%0120d\"}\n", (int)i);
        if (i % 1000 == 0)
            buffer_append_literal(text, "this is no record\n\n");
    }
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    cr_assert_eq(write(fd, text->data, text->len), (ssize_t)text->len);
    return fd;
}

/* Where the first record at or behind that time begins. */
static off_t place_of(const struct buffer *text, int64_t time_us)
{
    struct slice rest = buffer_slice(text);
    while (rest.len > 0) {
        off_t at = (off_t)text->len - (off_t)rest.len;
        struct slice line = slice_cut(&rest, '\n');
        int64_t found_us;
        if (line.len > 40 && timestamp_parse(slice_of(line.ptr + 7, TIMESTAMP_LEN), &found_us) &&
            found_us >= time_us)
            return at;
    }
    return (off_t)text->len;
}

Test(log_bisect, the_range_holds_all_that_is_wanted_and_little_else)
{
    enum { MOST = 4 * LOG_BISECT_MARGIN };
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    int64_t begin_us = 0;
    struct error error = {0};
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-20T10:00:00Z"), &begin_us));
    AUTO_CLOSE int fd = make_log(begin_us, &text);
    for (int64_t second = -100; second < SECONDS + 100; second += 3333) {
        int64_t since_us = begin_us + second * 1000000, until_us = since_us + 5000000;
        off_t begin = 0, end = 0;
        cr_assert(log_bisect(fd, since_us, until_us, &begin, &end, &error), "%s", error.text);
        if (end < 0)
            end = (off_t)text.len;
        cr_assert_leq(begin, place_of(&text, since_us), "second %lld", (long long)second);
        cr_assert_geq(end, place_of(&text, until_us), "second %lld", (long long)second);
        cr_assert_leq(end - begin, MOST, "second %lld", (long long)second);
        cr_assert(begin == 0 || text.data[begin - 1] == '\n');
        cr_assert_eq(text.data[end - 1], '\n');
    }
}

Test(log_bisect, without_bounds_it_is_the_whole_file)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error error = {0};
    AUTO_CLOSE int fd = make_log(INT64_C(1795000000000000), &text);
    off_t begin = 5, end = 5;
    cr_assert(log_bisect(fd, 0, 0, &begin, &end, &error));
    cr_assert(begin == 0 && end == -1);
    cr_assert(log_bisect(fd, 1, 0, &begin, &end, &error));
    cr_assert(begin == 0 && end == -1);
    cr_assert(log_bisect(fd, 0, INT64_MAX, &begin, &end, &error));
    cr_assert(begin == 0 && end == -1);
}
