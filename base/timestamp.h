/* SPDX-License-Identifier: Apache-2.0
 *
 * Wall-clock times as the log writes them, and durations as people write them. */
#ifndef DOCKREEVE_BASE_TIMESTAMP_H
#define DOCKREEVE_BASE_TIMESTAMP_H

#include <stdint.h>

#include "base/attributes.h"
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

/* RFC 3339 in UTC with microseconds, TIMESTAMP_LEN bytes. The slice is valid until the next call
 * with the same cache. A cache starts as zeros. */
struct slice timestamp_format(struct timestamp_cache *cache, int64_t time_us);

/* Reads RFC 3339 in UTC ("…Z", fraction optional) as microseconds since 1970. */
MUST_CHECK bool timestamp_parse(struct slice text, int64_t *time_us_out);

/* Reads "250ms", "10s", "5m", "2h", "1d" (whole numbers, one unit) as milliseconds; "0" needs no
 * unit. */
MUST_CHECK bool duration_parse_ms(struct slice text, uint64_t *duration_ms_out);

#endif
