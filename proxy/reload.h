/* SPDX-License-Identifier: Apache-2.0
 *
 * Hot reload: the policy's folders are watched, changes are let settle, the new policy is read and
 * compiled on a thread of its own and put in place between two turns of the loop. What is wrong
 * with it goes to the log and to standard error; then the old one stays. */
#ifndef DOCKREEVE_PROXY_RELOAD_H
#define DOCKREEVE_PROXY_RELOAD_H

#include "base/error.h"
#include "proxy/gate.h"

struct reload; /* opaque; owns the loader thread and the watch */

/* Starts the thread (before the system call filter forbids making threads) and the watch. NULL with
 * `error`. */
struct reload *reload_start(struct gate *gate, struct error *error);

/* Reads the policy again (SIGHUP), changed or not. */
void reload_now(struct reload *reload);

void reload_stop(struct reload **reload);

#endif
