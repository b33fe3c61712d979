/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands and how one is found: names of one or more words ("serve", "policy log"), each with its
 * option table. What is unknown is answered with the nearest name. dockreeve.c holds the one table. */
#pragma once

#include "base/attributes.h"
#include "base/cli/option.h"
#include "base/error.h"
#include "base/slice.h"

struct command {
    const struct option_table *options; /* name, summary, options, and what it does */
    const void *context;                /* what its run() needs to know of others; NULL = nothing */
};

/* One run of a command. */
struct command_call {
    const struct option_table *table;
    const struct option_value *values; /* one an option; NULL where it reads itself */
    int argc;
    char **argv; /* plain arguments; what stands behind the name where it reads itself */
    const void *context;
};

struct command_table {
    const char *program; /* "dockreeve" */
    const char *summary; /* one sentence */
    const struct command *commands;
    unsigned count;
};

/* Runs the command that argv (as main() has it) names, or prints help: `help [COMMAND]`, `--help`,
 * and a first word of several commands alone lists them; `--version` runs the command "version".
 * Returns the exit code: COMMAND_FAILED, and said, when standard output did not take all of it. */
int command_main(const struct command_table *table, int argc, char **argv);

/* Runs the command with what stands behind its name. Returns the exit code; help was printed, or an error
 * written to stderr, where the words are not for run(). */
int command_run(const struct command *command, int argc, char **argv);

/* Says "dockreeve COMMAND: …" on standard error. Returns `code`. */
int command_fail(const char *command, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Cuts the first word off a command's name: for `while (name.ptr != NULL)`. */
static inline struct slice command_next_word(struct slice *name)
{
    return slice_cut(name, ' ');
}
