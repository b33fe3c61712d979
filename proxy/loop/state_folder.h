/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder in which a gate keeps its control socket and its counts (docs/design.md 4). It is open for
 * reading (0755), since `policy ls` of any user may show counts; what is secret in it has a mode of
 * its own. A gate can live without: an image from scratch is often read-only. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* What --state says when nothing is to be kept. */
#define STATE_FOLDER_NONE "none"

/* Makes the folder and those above it when they are missing. One that was made is given to `user`
 * (as confine_drop_user() reads it; NULL = nobody else). False with `error` (code 1). */
MUST_CHECK bool state_folder_make(const char *path, const char *user, struct error *error);

/* Whether it is a folder that only root and this process's user can write: whoever else can could
 * put a socket of their own there. False with `error` (code 1). */
MUST_CHECK bool state_folder_check(const char *path, struct error *error);
