/* SPDX-License-Identifier: Apache-2.0
 *
 * Each width divides the next, and spans begin at multiples of their width: so that widening only
 * adds whole spans together and people find round times at the borders. */
#include "policy/log/log_timeline.h"

#include <string.h>

enum { US_PER_S = 1000000, DAY_S = 86400 };

static const int32_t widths[] = {1,    5,    10,    30,    60,    300,  600,
                                 1800, 3600, 10800, 21600, 43200, DAY_S};

static int64_t next_width(int64_t width_s)
{
    for (size_t i = 0; i + 1 < ARRAY_LEN(widths); i++) {
        if (width_s == widths[i])
            return widths[i + 1];
    }
    return width_s * 2;
}

/* Rounds down for times before 1970, too. */
static int64_t divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static void widen(struct log_timeline *timeline)
{
    uint64_t spans[LOG_TIMELINE_SPANS][LOG_DECISIONS] = {{0}};
    int64_t width = next_width(timeline->width_s), factor = width / timeline->width_s;
    int64_t first = divide(timeline->first, factor);
    size_t last = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        last = (size_t)(divide(timeline->first + (int64_t)i, factor) - first);
        for (size_t kind = 0; kind < LOG_DECISIONS; kind++)
            spans[last][kind] += timeline->spans[i][kind];
    }
    memcpy(timeline->spans, spans, sizeof(spans));
    timeline->width_s = width;
    timeline->first = first;
    timeline->count = last + 1;
}

/* Makes the spans begin at `first` or earlier and reach `last` or later. */
static void cover(struct log_timeline *timeline, int64_t at)
{
    int64_t end = timeline->first + (int64_t)timeline->count;
    if (at < timeline->first) {
        size_t shift = (size_t)(timeline->first - at);
        memmove(timeline->spans + shift, timeline->spans,
                timeline->count * sizeof(timeline->spans[0]));
        memset(timeline->spans, 0, shift * sizeof(timeline->spans[0]));
        timeline->first = at;
        timeline->count += shift;
    } else if (at >= end) {
        timeline->count += (size_t)(at - end + 1);
    }
}

static bool has_room(const struct log_timeline *timeline, int64_t at)
{
    int64_t first = at < timeline->first ? at : timeline->first;
    int64_t end = timeline->first + (int64_t)timeline->count;
    return (at >= end ? at + 1 : end) - first <= LOG_TIMELINE_SPANS;
}

void log_timeline_add(struct log_timeline *timeline, int64_t time_us, enum log_decision decision,
                      uint64_t count)
{
    int64_t second = divide(time_us, US_PER_S);
    if (timeline->count == 0) {
        timeline->width_s = widths[0];
        timeline->first = second;
        timeline->count = 1;
        timeline->first_us = timeline->last_us = time_us;
    }
    if (time_us < timeline->first_us)
        timeline->first_us = time_us;
    if (time_us > timeline->last_us)
        timeline->last_us = time_us;
    while (!has_room(timeline, divide(second, timeline->width_s)))
        widen(timeline);
    int64_t at = divide(second, timeline->width_s);
    cover(timeline, at);
    timeline->spans[at - timeline->first][decision] += count;
}

int64_t log_timeline_begin_us(const struct log_timeline *timeline, size_t index)
{
    return (timeline->first + (int64_t)index) * timeline->width_s * US_PER_S;
}

void log_timeline_write_width(const struct log_timeline *timeline, struct buffer *out)
{
    static const struct {
        int32_t seconds;
        const char *name;
    } units[] = {{DAY_S, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t unit = 0;
    while (timeline->width_s % units[unit].seconds != 0)
        unit++;
    int64_t number = timeline->width_s / units[unit].seconds;
    buffer_printf(out, "%lld %s%s", (long long)number, units[unit].name, number == 1 ? "" : "s");
}
