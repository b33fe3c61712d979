/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML document as a small tree in which every node keeps its place. Read strictly: one document;
 * no anchors, aliases or tags; no key twice; keys are scalars; nesting to 32; no character that
 * ends or turns a line unseen, none in keys and values that does not show. Scalars stay text,
 * and keep whether they were quoted: nothing is turned into a number, a boolean or null here, so
 * `0660` and `yes` mean what the reader of that key decides. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/arena.h"
#include "policy/snapshot/policy_messages.h"

enum { YAML_TREE_DEPTH_MAX = 32, YAML_TREE_BYTES_MAX = 128 * 1024 * 1024 };

enum yaml_tree_kind { YAML_TREE_SCALAR, YAML_TREE_SEQUENCE, YAML_TREE_MAPPING };

struct yaml_tree_node {
    enum yaml_tree_kind kind;
    bool quoted;                  /* scalars: written in quotes or as a block */
    unsigned line, column;        /* from 1; columns count characters */
    struct slice text;            /* scalars; NUL behind it, none inside */
    struct yaml_tree_node *first; /* items of a sequence, keys of a mapping */
    struct yaml_tree_node *next;  /* the next item or key */
    struct yaml_tree_node *value; /* of a key */
};

/* Reads bytes[0..len). All errors but the first wrong character of the syntax are found at once.
 * False when there was one. *root_out is NULL for an empty document. The tree lives in `arena`;
 * `bytes` may go away. */
MUST_CHECK bool yaml_tree_parse(struct arena *arena, const char *bytes, size_t len,
                                const char *file, struct policy_messages *errors,
                                struct yaml_tree_node **root_out);

/* What to call the node in a message: "a list", "a map", "text". */
const char *yaml_tree_kind_name(const struct yaml_tree_node *node);
