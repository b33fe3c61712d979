/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/timestamp.h"

Test(timestamp, times_are_written_and_read_back)
{
    static const struct {
        int64_t time_us;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1795225412123456, "2026-11-21T01:43:32.123456Z"},
        {1795225412000001, "2026-11-21T01:43:32.000001Z"},
        {951782399999999, "2000-02-28T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00.000000Z"},
    };
    struct timestamp_cache cache = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_us;
        cr_expect(slice_equal_text(timestamp_format(&cache, rows[i].time_us), rows[i].text), "%s",
                  rows[i].text);
        cr_expect(timestamp_parse(slice_from_text(rows[i].text), &time_us));
        cr_expect_eq(time_us, rows[i].time_us, "%s", rows[i].text);
    }
}

Test(timestamp, fractions_of_any_length_are_read)
{
    int64_t time_us;
    cr_assert(timestamp_parse(SLICE_LITERAL("1970-01-01T00:00:01Z"), &time_us));
    cr_assert_eq(time_us, 1000000);
    cr_assert(timestamp_parse(SLICE_LITERAL("1970-01-01T00:00:01.5Z"), &time_us));
    cr_assert_eq(time_us, 1500000);
    cr_assert(timestamp_parse(SLICE_LITERAL("1970-01-01T00:00:01.123456789Z"), &time_us));
    cr_assert_eq(time_us, 1123456);
}

Test(timestamp, what_is_no_time_is_refused)
{
    static const char *const rows[] = {
        "",
        "2026-11-21",
        "2026-11-21T01:43:32",
        "2026-11-21 01:43:32Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00Zx",
        "2026-1-01T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00.Z",
    };
    int64_t time_us;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_not(timestamp_parse(slice_from_text(rows[i]), &time_us), "%s", rows[i]);
}

Test(timestamp, durations_have_one_unit)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        {"250ms", 250},   {"10s", 10000}, {"5m", 300000}, {"2h", 7200000},
        {"1d", 86400000}, {"0", 0},       {"0s", 0},      {"999999999d", 86399999913600000}};
    static const char *const refused[] = {"",    "10",   "s",  "1.5s", "-1s",
                                          "1 s", "1s1s", "1w", "1S",   "1000000000s"};
    uint64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(duration_parse_ms(slice_from_text(rows[i].text), &ms), "%s", rows[i].text);
        cr_expect_eq(ms, rows[i].ms, "%s", rows[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        cr_expect_not(duration_parse_ms(slice_from_text(refused[i]), &ms), "%s", refused[i]);
}

Test(timestamp, a_duration_is_spelled_in_its_largest_unit_without_a_remainder)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {{0, "0"},       {1, "1ms"},      {1500, "1500ms"}, {90000, "90s"},
                {300000, "5m"}, {7200000, "2h"}, {86400000, "1d"}};
    char spelled[24];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        duration_spell_ms(rows[i].ms, spelled, sizeof(spelled));
        cr_expect_str_eq(spelled, rows[i].text);
    }
}

Test(timestamp, every_day_of_the_calendar_is_where_the_c_library_has_it)
{
    struct timestamp_cache cache = {0};
    for (int64_t day = -100 * 366; day < 400 * 366; day++) {
        int64_t written_us = (day * 86400 + 3600) * INT64_C(1000000), read_us = 0;
        if (written_us < 0)
            continue;
        cr_assert(timestamp_parse(timestamp_format(&cache, written_us), &read_us));
        cr_assert_eq(read_us, written_us, "day %lld", (long long)day);
    }
}

Test(timestamp, people_name_times_in_many_ways)
{
    static const struct {
        const char *text, *meant;
    } rows[] = {
        {"now", "2026-11-21T12:30:15.250000Z"},
        {"today", "2026-11-21T00:00:00.000000Z"},
        {"yesterday", "2026-11-20T00:00:00.000000Z"},
        {"2h", "2026-11-21T10:30:15.250000Z"},
        {"30m", "2026-11-21T12:00:15.250000Z"},
        {"1d", "2026-11-20T12:30:15.250000Z"},
        {"999999999d", "1970-01-01T00:00:00.000001Z"},
        {"2026-11-20", "2026-11-20T00:00:00.000000Z"},
        {"2026-11-20T10:00", "2026-11-20T10:00:00.000000Z"},
        {"2026-11-20T10:00Z", "2026-11-20T10:00:00.000000Z"},
        {"2026-11-20T10:00:30", "2026-11-20T10:00:30.000000Z"},
        {"2026-11-20 10:00", "2026-11-20T10:00:00.000000Z"},
        {"2026-11-20 10:00:30.123456Z", "2026-11-20T10:00:30.123456Z"},
        {"2026-11-20T10:00+01:00", "2026-11-20T09:00:00.000000Z"},
        {"2026-11-20T23:00:00-05:30", "2026-11-21T04:30:00.000000Z"},
    };
    static const char *const refused[] = {"",
                                          "soon",
                                          "2h30m",
                                          "2026-11",
                                          "2026-02-29",
                                          "2026-11-20T",
                                          "2026-11-20T10",
                                          "2026-11-20T24:00",
                                          "2026-11-20X10:00",
                                          "2026-11-20T10:00:",
                                          "2026-11-20Z",
                                          "2026-11-20T10:00+1:00",
                                          "2026-11-20T10:00+01:60",
                                          "2026-11-20T10:00ZZ",
                                          "2026-11-20T10:00:00.",
                                          "-2h",
                                          "2026-11-20T10:00 "};
    int64_t now_us = 0, time_us = 0;
    struct timestamp_cache cache = {0};
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-21T12:30:15.25Z"), &now_us));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert(timestamp_parse_named(slice_from_text(rows[i].text), now_us, &time_us), "%s",
                  rows[i].text);
        cr_assert(slice_equal_text(timestamp_format(&cache, time_us), rows[i].meant), "%s",
                  rows[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        cr_assert_not(timestamp_parse_named(slice_from_text(refused[i]), now_us, &time_us), "%s",
                      refused[i]);
}
