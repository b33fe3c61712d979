/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread beside the loop for what takes long. It does jobs one after the other, in the order in which
 * they were given; an eventfd brings them back. A job belongs to the thread while it is out and to the
 * loop otherwise, so that jobs need no lock of their own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "base/attributes.h"
#include "base/error.h"

struct worker; /* opaque */

/* To be embedded in what the work needs. */
struct worker_job {
    void (*work)(struct worker_job *job); /* on the thread: touches nothing but what the job has */
    void (*done)(struct worker_job *job); /* in the loop, once for each time it was given */
    bool out;                             /* given, and done() has not been called */
    bool worked;                          /* in done(): false = the worker was stopped before */
    TAILQ_ENTRY(worker_job) link;
};

/* Starts the thread, before the system call filter forbids that. On a busy processor it has the given
 * nice value; 0 = the loop's. `purpose` ("loads policies") is for the error. */
struct worker *worker_start(struct event_base *base, int nice, const char *purpose,
                            struct error *error);

/* Gives a job that is not out. */
void worker_give(struct worker *worker, struct worker_job *job);

/* Waits until the job is not out any more, but not beyond that monotonic time; false when it still is. */
MUST_CHECK bool worker_wait(struct worker *worker, const struct worker_job *job, int64_t until_us);

/* Lets the thread end with the job it is at, and calls done() for all that are out, which must not
 * give anything then. */
void worker_stop(struct worker **worker);
/* The thread hangs in a system call: what it uses stays until the program ends. */
void worker_abandon(struct worker **worker);
