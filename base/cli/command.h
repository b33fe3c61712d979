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
    const struct option_table *options; /* name, summary and options */
    int (*run)(int argc,
               char **argv); /* argv: what stands behind the name; returns the exit code */
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

/* What every command begins with: reads its options into values[0..option_count) and leaves the
 * plain arguments in argv[0..*argc). Returns -1 to go on, or the exit code: help was printed, or an
 * error was written to stderr. */
MUST_CHECK int command_begin(const struct option_table *table, struct option_value *values,
                             int *argc, char **argv);

/* Cuts the first word off a command's name: for `while (name.ptr != NULL)`. */
static inline struct slice command_next_word(struct slice *name)
{
    return slice_cut(name, ' ');
}
