/* SPDX-License-Identifier: Apache-2.0
 *
 * The system call filter of the serving gate: a closed list of what the loop, a reload and a log
 * rotation need. Written for 64-bit processors: the older ones spell the calls for time and files
 * differently, and would find them refused. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Puts the filter on every thread of the process, for good. Needs no-new-privileges or
 * CAP_SYS_ADMIN. False with `error` (code: an errno) where the kernel has no seccomp filters or
 * another thread cannot be reached. */
MUST_CHECK bool confine_filter_load(struct error *error);
