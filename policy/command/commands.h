/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that work on policies and the log alone, without a running gate (docs/design.md 6). Each is its
 * option table; dockreeve.c lists them, and help and completion are made from the tables. The context
 * of those that change a policy is a struct policy_gate, that of check and explain a struct
 * command_lookup. */
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
