/* SPDX-License-Identifier: Apache-2.0
 *
 * Hot reload: the folders of the policy's files are watched (proxy/loop/policy_watch.h), changes are let settle, the new policy is read and
 * compiled by the worker and put in place between two turns of the loop. What is wrong
 * with it goes to the log, to standard error and to whoever waits for it; then the old one stays. */
#pragma once

#include "base/error.h"
#include "proxy/loop/loop.h"
#include "proxy/loop/revocation.h"

struct reload; /* opaque; owns the watch */

/* What became of one reading of the policy. */
struct reload_report {
    bool ok;
    bool unchanged;                /* ok, and it decides as the one before did */
    struct revocation revoked;     /* what was ended by it, with `cut_on_revoke` */
    int64_t at_us;                 /* Unix time */
    size_t error_count;            /* all of them */
    struct buffer errors, notices; /* JSON arrays of {"file","line","column","text"}; of a great
                                      many the first */
};

/* Somebody who waits for a reading that begins after they asked. */
struct reload_waiter {
    /* `report` NULL: the gate is stopping, and there is none. Valid during the call. */
    void (*finished)(struct reload_waiter *waiter, const struct reload_report *report);
    uint64_t ticket;
    bool waiting;
    TAILQ_ENTRY(reload_waiter) link;
};

/* Makes loop->reload, which uses loop->worker, and starts the watch of what loop->options->inputs.files
 * has, which must be what the policy in force was made of and is the worker's from now on. */
void reload_start(struct loop *loop);

/* Reads the policy again (SIGHUP), changed or not. */
void reload_now(struct reload *reload);

/* The same, and calls waiter->finished with what became of it. */
void reload_wait(struct reload *reload, struct reload_waiter *waiter);
void reload_forget(struct reload *reload, struct reload_waiter *waiter);
/* The gate begins to stop: whoever waits is told so. */
void reload_end_waiting(struct reload *reload);

/* The last one; NULL = none since the start. */
const struct reload_report *reload_last(const struct reload *reload);

/* The worker has been stopped. */
void reload_stop(struct reload **reload);
