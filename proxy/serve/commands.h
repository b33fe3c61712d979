/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that need the event loop or the engine (docs/design.md 6). Each has one function and one
 * option table; dockreeve.c lists them, and help and completion are made from the tables. argv
 * holds what stands behind the command's name; the result is the exit code. */
#pragma once

#include "base/cli/option.h"

extern const struct option_table serve_option_table;
extern const struct option_table healthcheck_option_table;
extern const struct option_table doctor_option_table;
extern const struct option_table policy_reload_option_table;
extern const struct option_table policy_status_option_table;
extern const struct option_table version_option_table;

/* Their tables are in policy/command/commands.h: only --resolve needs the loop. */
int command_policy_check(int argc, char **argv);
int command_policy_explain(int argc, char **argv);
/* So are those of these: only the way to the gate is here. */
int command_change_allow(int argc, char **argv);
int command_change_deny(int argc, char **argv);
int command_change_init(int argc, char **argv);
int command_change_reset(int argc, char **argv);
int command_change_rm(int argc, char **argv);
int command_change_set_default(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_healthcheck(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_policy_reload(int argc, char **argv);
int command_policy_status(int argc, char **argv);
int command_version(int argc, char **argv);
