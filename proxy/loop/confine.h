/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gate gives up once it is started: the user it began as, every capability, and every
 * system call that serving does not need. Whoever finds a hole in the parsers then holds a process
 * that can start no program and gain no privilege. Called once, in the order below, after
 * listeners, log and policy are open and before other threads exist (users and capabilities belong
 * to a thread; only the filter reaches threads that run already).
 *
 * It does not contain what the gate must keep: its connection to the engine, which is root on the
 * host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Who that is: "NAME", "UID", "NAME:GROUP", "UID:GID" and mixtures; the user's first group without
 * one. False with `error` (code 2). */
MUST_CHECK bool confine_find_user(const char *user, uid_t *uid_out, gid_t *gid_out,
                                  struct error *error);

/* Becomes `user`: "NAME", "UID", "NAME:GROUP", "UID:GID" and mixtures. Without a group it is the
 * user's first group, and a UID that /etc/passwd does not know needs one. `groups` become all
 * supplementary groups: the one that owns the engine's socket. Also drops the bounding set, which
 * only the old user may do. Does nothing when the process is that user with that group and holds
 * those groups. False with `error` (code 2: no such user; else an errno) otherwise: do not start. */
MUST_CHECK bool confine_drop_user(const char *user, const gid_t *groups, size_t group_count,
                                  struct error *error);

/* Drops the bounding, ambient, inheritable, permitted and effective sets. A process that may not
 * touch its bounding set (not root) keeps it: it is of no use without a program that grants, and
 * confine_lock() ends that. */
MUST_CHECK bool confine_capabilities(struct error *error);

/* No new privileges, no core dumps and no ptrace by the same user (memory holds clients' secrets),
 * and, when `enabled`, the system call filter (proxy/loop/confine_filter.h) over all threads. True with
 * a text in `error`: a note for the diagnostics, the filter was left out as asked or because a
 * sanitizer's runtime needs more calls; otherwise error->text is empty. */
MUST_CHECK bool confine_lock(bool enabled, struct error *error);
