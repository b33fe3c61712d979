/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock that commands which edit policy.d hold: on a file in that folder that nobody but its
 * owner can open, since whoever can open a file can lock it, and keep it locked. It ends with its
 * holder, however that ends; the file stays. */
#pragma once

#include "base/error.h"

/* Not a name of a drop-in; a gate does not read the folder anew for it. */
#define POLICY_LOCK_NAME ".90-cli.lock"

/* How long one holder is waited for. Each new holder, and each change, begins it anew: many
 * commands at once wait for each other. */
enum { POLICY_LOCK_TIMEOUT_MS = 10000 };

/* Locks the folder that is open as `folder_fd`. Says on standard error for whom it waits when that
 * takes longer than a second. The descriptor that holds the lock; -1 with `error` (code: an errno,
 * ETIMEDOUT when one held it for `timeout_ms`). Uses SIGALRM meanwhile. */
MUST_CHECK int policy_lock_take(int folder_fd, const char *folder, unsigned timeout_ms,
                                struct error *error);

/* Whether the file that is locked is still the one of that folder. */
bool policy_lock_is_in_place(int lock_fd, int folder_fd);
