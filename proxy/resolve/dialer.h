/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting to one of several checked addresses, as RFC 8305 says: the next attempt begins when
 * the one before has failed or 250 ms have passed, and the first that connects wins. Dials just
 * what it is given. A socket that ends up connected to itself (own and peer address equal) is
 * closed and counts as refused. */
#pragma once

#include <stdint.h>

#include <event2/event.h>

#include "base/error.h"
#include "proxy/resolve/resolver.h"

struct dial; /* opaque: one dialling under way */

struct dial_result {
    int fd; /* connected, non-blocking, TCP_NODELAY; the callback's to close; -1 = failed */
    struct ip_address address; /* the one that was reached, or the last that failed */
    /* fd -1: code 502 ("connect.refused", "connect.unreachable", "connect.self", …), 503
     * ("limit.descriptors") or 504 ("connect.timeout") */
    struct error error;
};

/* Begins to dial `addresses` (1 to RESOLVER_ADDRESSES_MAX, copied) at `port`. A socket whose number
 * would be `descriptor_limit` or a higher one is not made. `done` is called once, never from within
 * this call. NULL with `error` when memory is out. */
struct dial *dial_start(struct event_base *base, const struct ip_address *addresses, unsigned count,
                        uint16_t port, int descriptor_limit, uint64_t timeout_ms,
                        void (*done)(void *context, const struct dial_result *result),
                        void *context, struct error *error);
/* Ends it without a callback. After the callback the dial is gone by itself. NULL-safe, sets NULL. */
void dial_cancel(struct dial **dial);
