/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that need the event loop or the engine (docs/design.md 6). Each is its option
 * table; dockreeve.c lists them, and help and completion are made from the tables. */
#pragma once

#include "base/cli/option.h"

extern const struct option_table serve_option_table;
extern const struct option_table healthcheck_option_table;
extern const struct option_table doctor_option_table;
extern const struct option_table policy_reload_option_table;
extern const struct option_table policy_status_option_table;
extern const struct option_table version_option_table;

/* The context of `policy check` and `policy explain`: only --resolve needs the loop. */
struct command_lookup;
extern const struct command_lookup command_lookup_live;
