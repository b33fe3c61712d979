/* SPDX-License-Identifier: Apache-2.0
 *
 * One event for a descriptor, whatever of it is waited for: half the memory of an event for reading
 * and one for writing, and a system call only when the interest changes. */
#ifndef DOCKREEVE_PROXY_FD_WATCH_H
#define DOCKREEVE_PROXY_FD_WATCH_H

#include <event2/event.h>
#include <event2/event_struct.h>

struct fd_watch {
    struct event event;
};

static inline void fd_watch_init(struct fd_watch *watch, struct event_base *base, int fd,
                                 event_callback_fn called, void *context)
{
    event_assign(&watch->event, base, fd, EV_PERSIST, called, context);
}

/* What is waited for now: EV_READ, EV_WRITE, both or 0. */
static inline short fd_watch_interest(const struct fd_watch *watch)
{
    return event_pending(&watch->event, EV_READ | EV_WRITE, NULL) == 0
               ? 0
               : (short)(event_get_events(&watch->event) & (EV_READ | EV_WRITE));
}

static inline void fd_watch_set(struct fd_watch *watch, short interest)
{
    if (fd_watch_interest(watch) == interest)
        return;
    struct event *event = &watch->event;
    if (event_pending(event, EV_READ | EV_WRITE, NULL) != 0)
        event_del(event);
    if (interest == 0)
        return;
    event_assign(event, event_get_base(event), event_get_fd(event), (short)(interest | EV_PERSIST),
                 event_get_callback(event), event_get_callback_arg(event));
    event_add(event, NULL);
}

#endif
