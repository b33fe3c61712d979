/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command writes to a file that the user names: all of it or nothing. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

/* Writes the bytes to a new file beside `path`, which then takes its place, with `mode` less the
 * umask. What is no regular file (a link, a FIFO, a terminal) is written to as it is. False with
 * `error` (code 1); an old regular file is then untouched. */
MUST_CHECK bool output_file_write(const char *path, struct slice bytes, mode_t mode,
                                  struct error *error);
