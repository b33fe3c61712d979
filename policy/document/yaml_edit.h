/* SPDX-License-Identifier: Apache-2.0
 *
 * Changing a tree of yaml_tree.h: nodes that were not in the text, keys and items put in and taken
 * out. What a change does not name stays as it is. Nodes live in the arena that is given. */
#pragma once

#include "policy/document/yaml_tree.h"

/* New nodes. A scalar's text is copied, and quoted where it needs it. */
struct yaml_tree_node *yaml_edit_scalar(struct arena *arena, struct slice text);
struct yaml_tree_node *yaml_edit_collection(struct arena *arena, enum yaml_tree_kind kind);
/* A scalar, or of several texts a sequence. */
struct yaml_tree_node *yaml_edit_texts(struct arena *arena, const struct slice *texts,
                                       size_t count);

/* The value of `key`; NULL when there is none or `map` is NULL or no map. */
struct yaml_tree_node *yaml_edit_get(const struct yaml_tree_node *map, const char *key);

/* Sets or replaces the value of `key`. */
void yaml_edit_set(struct arena *arena, struct yaml_tree_node *map, const char *key,
                   struct yaml_tree_node *value);
/* Takes the key out. False when it is not there. */
bool yaml_edit_unset(struct yaml_tree_node *map, const char *key);

/* The value of `key`, which is made, empty, where it is missing or has none (`docker:` alone).
 * NULL when it is of another kind: nothing can be put there. */
struct yaml_tree_node *yaml_edit_ensure(struct arena *arena, struct yaml_tree_node *map,
                                        const char *key, enum yaml_tree_kind kind);

void yaml_edit_append(struct yaml_tree_node *sequence, struct yaml_tree_node *item);
/* `item` is in `sequence`. */
void yaml_edit_remove(struct yaml_tree_node *sequence, const struct yaml_tree_node *item);

/* Whether both say the same: texts and order count, keys' order, quotes and places do not. */
bool yaml_edit_equal(const struct yaml_tree_node *a, const struct yaml_tree_node *b);
