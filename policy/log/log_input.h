/* SPDX-License-Identifier: Apache-2.0
 *
 * A log that comes in on standard input, "-": what `docker logs`, `docker compose logs` or
 * `journalctl -o cat` have kept of a gate that writes its log to standard output. */
#pragma once

#include "base/error.h"
#include "policy/log/log_follow.h"
#include "policy/log/log_reader.h"

/* Whether the path stands for standard input. */
bool log_input_is_standard(const char *path);

/* As log_files_open(), and for "-" standard input: it is read to its end first, into a file without
 * a name where it is none itself, since the last records are looked for from behind. */
MUST_CHECK bool log_input_open(struct log_files *files, const char *path, struct error *error);

/* Gives out the lines of standard input as they come, until its end or until `take` ends it. False
 * with `error` when it cannot be read. */
MUST_CHECK bool log_input_follow(log_follow_take *take, void *context, struct error *error);
