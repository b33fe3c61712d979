/* SPDX-License-Identifier: Apache-2.0
 *
 * Shell completion, written from the table of commands and their option tables, so that it can
 * never lag behind them. */
#ifndef DOCKREEVE_BASE_COMPLETION_H
#define DOCKREEVE_BASE_COMPLETION_H

#include "base/buffer.h"
#include "base/command.h"

extern const struct option_table completion_option_table;

/* Appends the script for bash or zsh. Values are completed as files where an option's argument is
 * FILE, FOLDER or PATH; plain arguments offer the lower-case words of `arguments`, and files where
 * it says FILE. */
void completion_write_bash(const struct command_table *table, struct buffer *out);
void completion_write_zsh(const struct command_table *table, struct buffer *out);

/* `completion bash|zsh`: prints the script. Returns the exit code. */
int completion_run(const struct command_table *table, int argc, char **argv);

#endif
