/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands on policies share: loading with --config, and telling what was wrong. */
#pragma once

#include <stdbool.h>

#include "base/cli/command.h"
#include "base/near_word.h"
#include "policy/snapshot/policy.h"
#include "policy/document/policy_load.h"

/* The option that all of them have; keep it first in the tables. */
#define COMMAND_POLICY_CONFIG                                                                      \
    OPTION_TEXT_ROW(OPTION_TEXT, "config", "FILE", "policy file, instead of the default one",      \
                    .letter = 'c', .environment = "DOCKREEVE_CONFIG")

/* Loads the policy that `config` names, or the default one. NULL after errors were written to
 * stderr. `notices` may be NULL. */
struct policy *command_policy_load(const char *command, const struct option_value *config,
                                   struct policy_messages *notices);

/* "; did you mean …" with the client whose name is nearest; "" when none is near. */
struct near_word_hint command_policy_near_client(const struct policy *policy, const char *name);

/* The client of that name. NULL with `error` (code 2, "did you mean") when the policy has none. */
const struct policy_client *command_policy_client(const struct policy *policy, const char *name,
                                                  struct error *error);

/* Writes the messages as a JSON array of {"file","line","column","text"}. */
void command_policy_write_json(const struct policy_messages *messages, struct buffer *out);

/* Writes `out` to standard output; false when that fails, of which command_main() speaks. */
MUST_CHECK bool command_policy_print(struct buffer *out);

/* Writes `document` to the file `path`, all of it or nothing: the new file takes the old one's
 * place when it is complete, and nobody but its owner can write it. False (and said on stderr) when
 * that fails. */
MUST_CHECK bool command_policy_write_file(const char *command, const char *path,
                                          const struct buffer *document);
