/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/log/log_timeline.h"

enum { US = 1000000 };

static uint64_t total(const struct log_timeline *timeline, enum log_decision decision)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < timeline->count; i++)
        sum += timeline->spans[i][decision];
    return sum;
}

Test(log_timeline, spans_grow_with_the_log_and_lose_nothing)
{
    static const struct {
        const char *name;
        int64_t begin_s, end_s;
        int64_t width_s;
        const char *width;
    } rows[] = {
        {"one moment", 1000, 1000, 1, "1 second"},
        {"two minutes", 1000, 1119, 1, "1 second"},
        {"one second more", 1000, 1120, 5, "5 seconds"},
        {"an hour", 3600, 7199, 30, "30 seconds"},
        {"a day", 86400 * 20000LL, 86400 * 20001LL - 1, 1800, "30 minutes"},
        {"a month", 86400 * 20000LL, 86400 * 20030LL - 1, 21600, "6 hours"},
        {"a year", 86400 * 20000LL, 86400 * 20365LL, 86400 * 4, "4 days"},
        {"before 1970", -100, 19, 1, "1 second"},
        {"forged times", -62135596800LL, 253402300799LL, 86400LL * 32768, "32768 days"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            struct log_timeline timeline = {0};
            AUTO_BUFFER struct buffer width = BUFFER_EMPTY;
            log_timeline_add(&timeline, (backwards ? rows[i].end_s : rows[i].begin_s) * US,
                             LOG_DENIED, 2);
            log_timeline_add(&timeline, (backwards ? rows[i].begin_s : rows[i].end_s) * US + 999999,
                             LOG_ALLOWED, 3);
            log_timeline_write_width(&timeline, &width);
            cr_expect_eq(timeline.width_s, rows[i].width_s, "%s: %lld", rows[i].name,
                         (long long)timeline.width_s);
            cr_expect_str_eq(buffer_text(&width), rows[i].width, "%s", rows[i].name);
            cr_expect_leq(log_timeline_begin_us(&timeline, 0), rows[i].begin_s * US);
            cr_expect_gt(log_timeline_begin_us(&timeline, timeline.count), rows[i].end_s * US);
            cr_expect_eq(total(&timeline, LOG_DENIED), 2);
            cr_expect_eq(total(&timeline, LOG_ALLOWED), 3);
        }
    }
}

/* Whatever the order, each count stands in the span that its time lies in. */
Test(log_timeline, times_in_any_order_find_their_span)
{
    enum { TIMES = 500 };
    unsigned seed = 5;
    int64_t times[TIMES];
    struct log_timeline timeline = {0};
    for (size_t i = 0; i < TIMES; i++) {
        times[i] = ((int64_t)rand_r(&seed) % 200000 - 50000) * US + rand_r(&seed) % US;
        log_timeline_add(&timeline, times[i], LOG_WOULD_DENY, 1);
    }
    for (size_t span = 0; span < timeline.count; span++) {
        uint64_t expected = 0;
        for (size_t i = 0; i < TIMES; i++)
            expected += times[i] >= log_timeline_begin_us(&timeline, span) &&
                        times[i] < log_timeline_begin_us(&timeline, span + 1);
        cr_expect_eq(timeline.spans[span][LOG_WOULD_DENY], expected, "span %zu", span);
    }
    cr_expect_eq(total(&timeline, LOG_WOULD_DENY), TIMES);
    cr_expect_leq(timeline.count, LOG_TIMELINE_SPANS);
}
