/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in a file of the log a time stands, found by halving: records are in the order of time,
 * except where the clock was stepped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"

/* So many bytes of records before and behind the bounds are looked at all the same, so that a clock
 * that went back a little hides nothing. */
enum { LOG_BISECT_MARGIN = 1024 * 1024 };

/* Narrows a file to [*begin_out, *end_out), both beginnings of lines, in which all records from
 * since_us to until_us (0 = no bound) are; *end_out is -1 where that is the file's end. */
MUST_CHECK bool log_bisect(int fd, int64_t since_us, int64_t until_us, off_t *begin_out,
                           off_t *end_out, struct error *error);
