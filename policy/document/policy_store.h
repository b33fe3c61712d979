/* SPDX-License-Identifier: Apache-2.0
 *
 * policy.d/90-cli.yaml, the one file that the command line edits (docs/design.md 4). Two commands at once
 * wait for each other (policy/document/policy_lock.h), and whatever happens in between, the file is the old
 * one or the new one: the new one is written beside it, synced, and renamed over it. Keys that no command writes stay; comments do not. */
#pragma once

#include "base/arena.h"
#include "policy/document/policy_load.h"
#include "policy/document/yaml_tree.h"

struct policy_store; /* opaque; holds the lock */

/* Makes the folder of `config_path` and its policy.d where they are missing (0755), waits for the
 * lock and removes what writers that died have left. NULL with a message in `errors`. */
struct policy_store *policy_store_open(const char *config_path, struct policy_messages *errors);
/* Lets go of the lock. */
void policy_store_close(struct policy_store **store);

/* Reads the file, with the checks of policy_file_read(); one that is not there is `version: 1`.
 * False with what is wrong in `errors`. */
MUST_CHECK bool policy_store_read(struct policy_store *store, struct policy_messages *errors);

/* The document's map, for yaml_edit.h, with the arena that its nodes live in. */
struct yaml_tree_node *policy_store_root(const struct policy_store *store);
struct arena *policy_store_arena(struct policy_store *store);

/* The file's full name, as policy_load() has it in its messages. Lives as long as the store. */
const char *policy_store_path(const struct policy_store *store);
/* Whether there is such a file. */
bool policy_store_exists(const struct policy_store *store);

/* Appends the text that the tree makes, and sets the nodes' lines to those in it. */
void policy_store_text(struct policy_store *store, struct buffer *out);

/* Puts the text in the file's place, and returns when that is on the disk. False with `error` (code
 * errno); then the file is the old one, unless only the folder could not be synced. */
MUST_CHECK bool policy_store_write(struct policy_store *store, struct slice text,
                                   struct error *error);
/* Removes the file, if it is there. */
MUST_CHECK bool policy_store_remove(struct policy_store *store, struct error *error);
