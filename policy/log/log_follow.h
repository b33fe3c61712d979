/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for what the gate appends to its log: `policy log --follow`. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

/* Takes one line without its line end. False ends the following. */
typedef bool log_follow_take(void *context, struct slice line);

struct log_follow;

/* Watches the folder of the log. To be called before the log is read, so that nothing falls between
 * reading and waiting. NULL with `error` (code 1). */
struct log_follow *log_follow_new(const char *path, struct error *error);

/* Gives out every line from `at` in the file `fd` (owned by the follower afterwards) on, through
 * rotations by renaming and through truncation, until `take` returns false, SIGINT or SIGTERM
 * arrives, or standard output is closed: true. False with `error`. */
MUST_CHECK bool log_follow_run(struct log_follow *follow, int fd, off_t at, log_follow_take *take,
                               void *context, struct error *error);

void log_follow_free(struct log_follow **follow);
#define AUTO_LOG_FOLLOW CLEANUP(log_follow_free)
