/* SPDX-License-Identifier: Apache-2.0
 *
 * Arming and disarming an event only when that changes something: each change costs a system call. */
#pragma once

#include <stdbool.h>

#include <event2/event.h>

static inline void event_switch(struct event *event, bool *armed, bool on)
{
    if (*armed == on)
        return;
    *armed = on;
    if (on)
        event_add(event, NULL);
    else
        event_del(event);
}
