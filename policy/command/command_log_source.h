/* SPDX-License-Identifier: Apache-2.0
 *
 * Which log the commands read that show one, or learn from one. */
#pragma once

#include "base/cli/option.h"

#define COMMAND_LOG_SOURCE                                                                         \
    OPTION_TEXT_ROW(OPTION_TEXT, "log", "FILE",                                                    \
                    "the log to read, - for standard input; without it "                           \
                    "/var/log/dockreeve/access.jsonl as root, else dockreeve/access.jsonl in "     \
                    "$XDG_STATE_HOME or ~/.local/state",                                           \
                    .environment = "DOCKREEVE_LOG")

/* The path that --log, the environment or the default names. NULL with `error` (code 3) when the
 * gate here writes its log to standard output: whoever keeps that has to be asked, and the error says
 * with which line. To be freed. */
char *command_log_source(const char *command, const struct option_value *log, struct error *error);
