/* SPDX-License-Identifier: Apache-2.0
 *
 * How many requests there were when: a bounded row of equally wide spans of time that become wider
 * as the log turns out to be longer, so that one pass over a log of any length is enough. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/log/log_line.h"

enum { LOG_TIMELINE_SPANS = 120 };

/* Zeroed = nothing counted yet. */
struct log_timeline {
    int64_t width_s; /* of one span; 1 s, 5 s, … 1 day, then twice that again and again */
    int64_t first;   /* the first span begins at first * width_s, Unix time */
    size_t count;    /* spans in use */
    int64_t first_us, last_us; /* of what was added */
    uint64_t spans[LOG_TIMELINE_SPANS][LOG_DECISIONS];
};

/* Times may come in any order. */
void log_timeline_add(struct log_timeline *timeline, int64_t time_us, enum log_decision decision,
                      uint64_t count);

/* When the span begins (index `count`: when the last one ends), in microseconds of Unix time. */
int64_t log_timeline_begin_us(const struct log_timeline *timeline, size_t index);

/* "5 minutes", "1 day". */
void log_timeline_write_width(const struct log_timeline *timeline, struct buffer *out);
