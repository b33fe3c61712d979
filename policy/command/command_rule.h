/* SPDX-License-Identifier: Apache-2.0
 *
 * What `policy ls` and `policy inspect` share: how often rules decided, and a rule in JSON. */
#pragma once

#include "base/cli/option.h"
#include "policy/explain/rule_row.h"

#define COMMAND_RULE_STATE                                                                         \
    OPTION_TEXT_ROW(OPTION_TEXT, "state", "DIR",                                                   \
                    "the state folder of the gate, as given to serve: its counts are read",        \
                    .environment = "DOCKREEVE_STATE")

/* The counts of the gate, or NULL where there are none; a file that cannot be read is said on
 * stderr. Owned by the caller. */
struct rule_hits *command_rule_hits(const char *command, const struct option_value *state);

/* The count of the row; false when it is not known (no file, or nobody counts). */
MUST_CHECK bool command_rule_count(const struct rule_row *row, const struct rule_hits *hits,
                                   struct rule_hit *hit_out);

/* Appends how long ago `then_us` was, in one unit: "3 min ago". */
void command_rule_write_age(int64_t then_us, int64_t now_us, struct buffer *out);

/* Appends the members of the row's JSON object, without braces. `hits` may be NULL. */
void command_rule_write_json(const struct rule_row *row, const struct rule_hits *hits,
                             const struct policy_cover *cover, struct buffer *out);
