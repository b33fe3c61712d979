/* SPDX-License-Identifier: Apache-2.0
 *
 * What `--help` prints, from the tables. */
#pragma once

#include <stdio.h>

#include "base/cli/option.h"
#include "base/slice.h"

/* Prints usage, summary, options with defaults and environment, and examples. */
void help_print_command(const struct option_table *table, FILE *out);

/* Prints `text` from `column` on with a line end, broken at spaces where lines end: by the variable
 * COLUMNS, from 40 to 100, else 80. The cursor stands at `at`; what is already behind `column` has a
 * line to itself. */
void help_print_wrapped(struct slice text, size_t at, size_t column, FILE *out);
