/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines: one timer for whatever is waited for, of so many milliseconds. */
#pragma once

#include <stdint.h>

#include <event2/event.h>

#include "base/timestamp.h"

/* Starts it anew; 0 = nothing is to end the waiting, and it stays as it is. */
static inline void event_timer_start(struct event *timer, uint64_t timeout_ms)
{
    struct timeval wait = duration_timeval_ms(timeout_ms);
    if (timeout_ms > 0)
        event_add(timer, &wait);
}

static inline void event_timer_stop(struct event *timer)
{
    if (event_pending(timer, EV_TIMEOUT, NULL))
        event_del(timer);
}
