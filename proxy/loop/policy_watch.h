/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches the folders of a policy's files (policy/document/policy_files.h) by inotify(7). The event loop's
 * alone. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "policy/document/policy_files.h"

struct policy_watch; /* opaque */

/* Never NULL; where there is no inotify nothing can be watched, which policy_watch_set() says. */
struct policy_watch *policy_watch_new(void);
void policy_watch_free(struct policy_watch **watch);

/* Readable when something has changed; -1 = there is none. */
int policy_watch_fd(const struct policy_watch *watch);

/* Watches what the plan has and nothing else from now on; takes it over. *fresh_out: a folder is
 * among it that was not watched before, so that what happened in it until now was not seen. False
 * with `error` when not all can be watched. */
MUST_CHECK bool policy_watch_set(struct policy_watch *watch, struct policy_files_plan *plan,
                                 bool *fresh_out, struct error *error);

/* Reads all events; whether one of them matters. */
bool policy_watch_read(struct policy_watch *watch);
