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

/* Reads `count` digits at *at, followed by `end` (0 = nothing), and steps behind them. */
static bool read_digits(struct slice text, size_t *at, size_t count, char end, int *number_out)
{
    if (text.len < *at + count + (end != '\0' ? 1 : 0))
        return false;
    uint64_t number;
    if (!slice_to_u64(slice_of(text.ptr + *at, count), &number))
        return false;
    *at += count;
    if (end != '\0' && text.ptr[(*at)++] != end)
        return false;
    *number_out = (int)number;
    return true;
}

bool timestamp_parse(struct slice text, int64_t *time_us_out)
{
    struct tm parts = {0};
    size_t at = 0;
    if (!read_digits(text, &at, 4, '-', &parts.tm_year) ||
        !read_digits(text, &at, 2, '-', &parts.tm_mon) ||
        !read_digits(text, &at, 2, 'T', &parts.tm_mday) ||
        !read_digits(text, &at, 2, ':', &parts.tm_hour) ||
        !read_digits(text, &at, 2, ':', &parts.tm_min) ||
        !read_digits(text, &at, 2, '\0', &parts.tm_sec))
        return false;
    if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
        parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60)
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    int64_t fraction = 0, unit = 100000;
    if (at < text.len && text.ptr[at] == '.') {
        if (at + 1 >= text.len || text.ptr[at + 1] == 'Z')
            return false;
        for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++) {
            fraction += (text.ptr[at] - '0') * unit;
            unit /= 10;
        }
    }
    if (at + 1 != text.len || text.ptr[at] != 'Z')
        return false;
    int second = parts.tm_sec, day = parts.tm_mday;
    parts.tm_sec = 0; /* so that a leap second does not change the day that is compared below */
    int64_t minute = (int64_t)timegm(&parts);
    if (parts.tm_mday != day)
        return false; /* the month has no such day: timegm() went on to the next */
    *time_us_out = (minute + second) * 1000000 + fraction;
    return true;
}

bool duration_parse_ms(struct slice text, uint64_t *duration_ms_out)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
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
        if (slice_equal_text(unit, units[i].unit)) {
            *duration_ms_out = number * units[i].ms;
            return true;
        }
    }
    return false;
}
