/* SPDX-License-Identifier: Apache-2.0
 *
 * Formatting and reading of times. */
#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t timestamp_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t timestamp_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

struct slice timestamp_format(struct timestamp_cache *cache, int64_t time_us)
{
    int64_t second = time_us / 1000000;
    unsigned fraction = (unsigned)(time_us % 1000000);
    if (cache->second != second || cache->text[0] == '\0') {
        time_t whole = (time_t)second;
        struct tm parts;
        gmtime_r(&whole, &parts);
        strftime(cache->text, sizeof(cache->text), "%Y-%m-%dT%H:%M:%S.000000Z", &parts);
        cache->second = second;
    }
    for (size_t at = TIMESTAMP_LEN - 2; at > TIMESTAMP_LEN - 8; at--) {
        cache->text[at] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    return slice_of(cache->text, TIMESTAMP_LEN);
}

void timestamp_write_seconds(int64_t time_us, struct buffer *out)
{
    enum { SECONDS_LEN = 19 };
    struct timestamp_cache cache = {0};
    buffer_append(out, timestamp_format(&cache, time_us).ptr, SECONDS_LEN);
    buffer_append_byte(out, 'Z');
}

/* The number that the `count` digits at text[at] are; -1 when one is no digit or missing. */
static int digits_at(struct slice text, size_t at, size_t count)
{
    int number = 0;
    if (text.len < at + count)
        return -1;
    for (size_t i = at; i < at + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

static bool is_at(struct slice text, size_t at, char byte)
{
    return at < text.len && text.ptr[at] == byte;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar. The year is counted from March, so that
 * the leap day is its last: a year of 400 has 146097 days, and the months from March on have
 * 31 30 31 30 31, twice, then 31 and the rest. Log lines are read by the million: timegm() takes
 * ten times as long. */
static int64_t days_since_1970(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    int64_t marches = month > 2 ? year : year - 1;
    return marches * 365 + marches / 4 - marches / 100 + marches / 400 +
           (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static int days_in_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads "2026-11-20" at the beginning of the text: seconds since 1970. */
static bool read_date(struct slice text, int64_t *second_out)
{
    int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        !is_at(text, 4, '-') || !is_at(text, 7, '-'))
        return false;
    *second_out = days_since_1970(year, month, day) * 86400;
    return true;
}

/* Reads "10:00", with needs_seconds "10:00:30", and a fraction of seconds, from *at on. */
static bool read_time_of_day(struct slice text, bool needs_seconds, size_t *at,
                             int64_t *time_us_out)
{
    int hour = digits_at(text, *at, 2), minute = digits_at(text, *at + 3, 2), second = 0;
    int64_t fraction = 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !is_at(text, *at + 2, ':'))
        return false;
    *at += 5;
    if (needs_seconds || is_at(text, *at, ':')) {
        second = digits_at(text, *at + 1, 2);
        if (!is_at(text, *at, ':') || second < 0 || second > 60)
            return false;
        *at += 3;
        if (is_at(text, *at, '.')) {
            if (digits_at(text, ++*at, 1) < 0)
                return false;
            for (int64_t unit = 100000; digits_at(text, *at, 1) >= 0; unit /= 10)
                fraction += digits_at(text, (*at)++, 1) * unit;
        }
    }
    *time_us_out = ((hour * 60 + minute) * 60 + second) * INT64_C(1000000) + fraction;
    return true;
}

bool timestamp_parse(struct slice text, int64_t *time_us_out)
{
    int64_t second, time_us;
    size_t at = sizeof("2026-11-20T") - 1;
    if (!read_date(text, &second) || !is_at(text, at - 1, 'T') ||
        !read_time_of_day(text, true, &at, &time_us) || at + 1 != text.len || !is_at(text, at, 'Z'))
        return false;
    *time_us_out = second * 1000000 + time_us;
    return true;
}

/* Reads nothing, "Z", or "+01:00" at the end of the text. */
static bool read_offset(struct slice text, size_t at, int64_t *offset_us_out)
{
    *offset_us_out = 0;
    if (at == text.len || (is_at(text, at, 'Z') && at + 1 == text.len))
        return true;
    int hours = digits_at(text, at + 1, 2), minutes = digits_at(text, at + 4, 2);
    if (at + 6 != text.len || hours < 0 || hours > 14 || minutes < 0 || minutes > 59 ||
        !is_at(text, at + 3, ':') || (!is_at(text, at, '+') && !is_at(text, at, '-')))
        return false;
    *offset_us_out = (hours * 60 + minutes) * INT64_C(60000000);
    if (is_at(text, at, '-'))
        *offset_us_out = -*offset_us_out;
    return true;
}

bool timestamp_parse_named(struct slice text, int64_t now_us, int64_t *time_us_out)
{
    const int64_t day_us = INT64_C(86400000000);
    uint64_t ago_ms;
    int64_t second, time_us, offset_us;
    size_t at = sizeof("2026-11-20T") - 1;
    if (slice_equal_text(text, "now")) {
        *time_us_out = now_us;
    } else if (slice_equal_text(text, "today")) {
        *time_us_out = now_us - now_us % day_us;
    } else if (slice_equal_text(text, "yesterday")) {
        *time_us_out = now_us - now_us % day_us - day_us;
    } else if (duration_parse_ms(text, &ago_ms)) {
        bool long_ago = ago_ms >= (uint64_t)now_us / 1000; /* before 1970 there is no log */
        *time_us_out = long_ago ? 1 : now_us - (int64_t)ago_ms * 1000;
    } else if (!read_date(text, &second)) {
        return false;
    } else if (text.len == at - 1) {
        *time_us_out = second * 1000000;
    } else {
        if ((!is_at(text, at - 1, 'T') && !is_at(text, at - 1, ' ')) ||
            !read_time_of_day(text, false, &at, &time_us) || !read_offset(text, at, &offset_us))
            return false;
        *time_us_out = second * 1000000 + time_us - offset_us;
    }
    return true;
}

static const struct {
    const char *name;
    uint64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool duration_parse_ms(struct slice text, uint64_t *duration_ms_out)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    uint64_t number;
    if (digits > 9 || !slice_to_u64(slice_of(text.ptr, digits), &number))
        return false;
    struct slice unit = slice_of(text.ptr + digits, text.len - digits);
    if (unit.len == 0 && number == 0) {
        *duration_ms_out = 0;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (slice_equal_text(unit, units[i].name)) {
            *duration_ms_out = number * units[i].ms;
            return true;
        }
    }
    return false;
}

void duration_spell_ms(uint64_t duration_ms, char *spelled, size_t size)
{
    size_t i = 0;
    while (duration_ms % units[i].ms != 0)
        i++;
    snprintf(spelled, size, "%llu%s", (unsigned long long)(duration_ms / units[i].ms),
             duration_ms == 0 ? "" : units[i].name);
}
