/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a path below a folder means the place that it says. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* Opens `path`, which is `folder` or begins with it and a slash, without following a link (openat2(2),
 * RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS), and the folder likewise. False when something on the way is a
 * link or is not there, with *why_out in static text. A guard_host_path; `context` is not used. */
bool path_beneath(void *context, struct slice folder, struct slice path, const char **why_out);

