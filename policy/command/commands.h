/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that work on policies and the log alone, without a running gate (docs/design.md 6). Each has
 * one function and one option table; dockreeve.c lists them, and help and completion are made from
 * the tables. argv holds what stands behind the command's name; the result is the exit code. */
#pragma once

#include "base/cli/option.h"

extern const struct option_table policy_allow_option_table;
extern const struct option_table policy_check_option_table;
extern const struct option_table policy_deny_option_table;
extern const struct option_table policy_explain_option_table;
extern const struct option_table policy_import_option_table;
extern const struct option_table policy_init_option_table;
extern const struct option_table policy_inspect_option_table;
extern const struct option_table policy_log_option_table;
extern const struct option_table policy_ls_option_table;
extern const struct option_table policy_reset_option_table;
extern const struct option_table policy_rm_option_table;
extern const struct option_table policy_schema_option_table;
extern const struct option_table policy_set_default_option_table;
extern const struct option_table policy_suggest_option_table;
extern const struct option_table policy_test_option_table;
extern const struct option_table policy_validate_option_table;

/* Those that change a policy tell the gate. */
struct policy_gate;
int command_policy_allow(int argc, char **argv, const struct policy_gate *gate);
int command_policy_deny(int argc, char **argv, const struct policy_gate *gate);
int command_policy_init(int argc, char **argv, const struct policy_gate *gate);
int command_policy_reset(int argc, char **argv, const struct policy_gate *gate);
int command_policy_rm(int argc, char **argv, const struct policy_gate *gate);
int command_policy_set_default(int argc, char **argv, const struct policy_gate *gate);

int command_policy_import(int argc, char **argv);
int command_policy_inspect(int argc, char **argv);
int command_policy_log(int argc, char **argv);
int command_policy_ls(int argc, char **argv);
int command_policy_schema(int argc, char **argv);
int command_policy_suggest(int argc, char **argv);
int command_policy_test(int argc, char **argv);
int command_policy_validate(int argc, char **argv);
