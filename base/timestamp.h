/* SPDX-License-Identifier: Apache-2.0
 *
 * Wall-clock times as the log writes them, and durations as people write them. */
#pragma once

#include <stdint.h>
#include <sys/time.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

enum { TIMESTAMP_LEN = 27 }; /* 2026-11-21T01:43:32.123456Z */

/* Keeps the date of the last second formatted, since a busy log asks for the same second thousands
 * of times. */
struct timestamp_cache {
    int64_t second;
    char text[TIMESTAMP_LEN + 1];
};

/* Microseconds since 1970 (CLOCK_REALTIME) and since some start (CLOCK_MONOTONIC). */
int64_t timestamp_now_us(void);
int64_t timestamp_monotonic_us(void);

/* A duration, not negative, as select(2) and its like take it. */
static inline struct timeval duration_timeval(int64_t duration_us)
{
    return (struct timeval){(time_t)(duration_us / 1000000), (suseconds_t)(duration_us % 1000000)};
}
static inline struct timeval duration_timeval_ms(uint64_t duration_ms)
{
    return duration_timeval((int64_t)duration_ms * 1000);
}

/* RFC 3339 in UTC with microseconds, TIMESTAMP_LEN bytes. The slice is valid until the next call
 * with the same cache. A cache starts as zeros. */
struct slice timestamp_format(struct timestamp_cache *cache, int64_t time_us);

/* Appends RFC 3339 in UTC in whole seconds: "2026-11-21T01:43:32Z". */
void timestamp_write_seconds(int64_t time_us, struct buffer *out);

/* Reads RFC 3339 in UTC ("…Z", fraction optional) as microseconds since 1970. */
MUST_CHECK bool timestamp_parse(struct slice text, int64_t *time_us_out);

/* Reads a time as people name one: "2h", "30m" or "1d" (so long before now_us), "now", "today",
 * "yesterday" (their beginning), "2026-11-20", "2026-11-20T10:00", "2026-11-20 10:00:30.5", with
 * "Z" or an offset as "+01:00" behind a time of day. Without an offset it is UTC, as in the log, so
 * that the same words mean the same on every machine. */
MUST_CHECK bool timestamp_parse_named(struct slice text, int64_t now_us, int64_t *time_us_out);

/* Reads "250ms", "10s", "5m", "2h", "1d" (whole numbers, one unit) as milliseconds; "0" needs no
 * unit. */
MUST_CHECK bool duration_parse_ms(struct slice text, uint64_t *duration_ms_out);
/* Writes it in the largest unit without a remainder, as duration_parse_ms() reads it: "90s", "0". */
void duration_spell_ms(uint64_t duration_ms, char *spelled, size_t size);
