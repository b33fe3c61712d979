/* SPDX-License-Identifier: Apache-2.0
 *
 * One event for a descriptor, whatever of it is waited for: half the memory of an event for reading
 * and one for writing, and a system call only when the interest changes. */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

struct fd_watch {
    struct event event;
    short interest; /* EV_READ, EV_WRITE, both or 0 */
};

static inline void fd_watch_init(struct fd_watch *watch, struct event_base *base, int fd,
                                 event_callback_fn called, void *context)
{
    event_assign(&watch->event, base, fd, EV_PERSIST, called, context);
    watch->interest = 0;
}

/* What is waited for now. */
static inline short fd_watch_interest(const struct fd_watch *watch)
{
    return watch->interest;
}

static inline void fd_watch_set(struct fd_watch *watch, short interest)
{
    struct event *event = &watch->event;
    if (watch->interest == interest)
        return;
    if (watch->interest != 0)
        event_del(event);
    watch->interest = interest;
    if (interest == 0)
        return;
    event_assign(event, event_get_base(event), event_get_fd(event), (short)(interest | EV_PERSIST),
                 event_get_callback(event), event_get_callback_arg(event));
    event_add(event, NULL);
}
