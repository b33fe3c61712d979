/* SPDX-License-Identifier: Apache-2.0
 *
 * What `use` brings into the present policy.yaml beside what it permits: denies. A suggestion names
 * no files, so the denies of those that it would leave behind become rules of its own. */
#pragma once

#include "policy/document/yaml_tree.h"

/* Appends the denies of all files that `root`, its clients and these files themselves `use` to the
 * lists of whoever uses them. `file` is the path of `root`; nodes live in `arena`. Call it for a
 * policy that loaded. False with a message in `errors` when a file has changed since and cannot be
 * read. */
MUST_CHECK bool suggest_take_used_denies(struct arena *arena, struct yaml_tree_node *root,
                                         const char *file, struct policy_messages *errors);
