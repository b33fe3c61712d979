/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that work on policies and the log alone, without a running gate (DESIGN 6). Each has
 * one function and one option table; dockreeve.c lists them, and help and completion are made from
 * the tables. argv holds what stands behind the command's name; the result is the exit code. */
#ifndef DOCKREEVE_POLICY_COMMANDS_H
#define DOCKREEVE_POLICY_COMMANDS_H

#include "base/option.h"

extern const struct option_table policy_check_option_table;
extern const struct option_table policy_explain_option_table;
extern const struct option_table policy_import_option_table;
extern const struct option_table policy_log_option_table;
extern const struct option_table policy_ls_option_table;
extern const struct option_table policy_test_option_table;
extern const struct option_table policy_validate_option_table;

int command_policy_import(int argc, char **argv);
int command_policy_log(int argc, char **argv);
int command_policy_ls(int argc, char **argv);
int command_policy_test(int argc, char **argv);
int command_policy_validate(int argc, char **argv);

#endif
