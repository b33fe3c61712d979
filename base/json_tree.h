/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON text as a tree, read with the strict tokenizer (json_token.h), for what has to be looked at
 * from several sides: members stand in the text's order, numbers as they were written, and the
 * depth is bounded. A key that comes twice in one object is refused, since readers differ in which
 * one holds. Lookups take NULL for a value that is not there, so that a chain of them needs no test
 * in between. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum json_tree_kind {
    JSON_TREE_NULL,
    JSON_TREE_FALSE,
    JSON_TREE_TRUE,
    JSON_TREE_NUMBER,
    JSON_TREE_STRING,
    JSON_TREE_ARRAY,
    JSON_TREE_OBJECT,
};

struct json_tree_node {
    enum json_tree_kind kind;
    struct slice key;  /* of a member, escapes replaced; ptr NULL in an array */
    struct slice text; /* of a string what it means, of a number its digits; else empty */
    unsigned count;    /* of what it holds */
    const struct json_tree_node *parent, *first, *next;
};

struct json_tree_block;

struct json_tree {
    const struct json_tree_node *root; /* NULL = not read */
    struct json_tree_block *newest;    /* owned: the nodes */
    size_t count;                      /* of nodes */
    struct buffer unescaped;           /* owned: strings that had escapes */
    struct buffer source; /* owned: the text, where the reader leaves it here; else empty */
};

/* Reads a text, which is borrowed as long as the tree is used. False with `error` (code: an errno)
 * when it is not JSON or repeats a key (EINVAL), has more than `count_max` values (E2BIG), or memory
 * is out (ENOMEM). The tree is to be freed in any case. */
MUST_CHECK bool json_tree_read(struct json_tree *tree, struct slice text, size_t count_max,
                               struct error *error);
void json_tree_free(struct json_tree *tree);
#define AUTO_JSON_TREE CLEANUP(json_tree_free)

/* The member of that name. */
const struct json_tree_node *json_tree_member(const struct json_tree_node *object,
                                              struct slice key);

/* The member that a path of keys with dots between them leads to: "policy.hash". NULL when there is
 * none. */
const struct json_tree_node *json_tree_at(const struct json_tree_node *node, const char *path);

/* The text of the string or number there; empty where neither is. */
struct slice json_tree_text(const struct json_tree_node *node, const char *path);
bool json_tree_is(const struct json_tree_node *node, const char *path, enum json_tree_kind kind);
/* The whole number there; 0 where none is. */
uint64_t json_tree_u64(const struct json_tree_node *node, const char *path);

/* The first value in the array or object there, from which `next` goes on; NULL where none is. */
const struct json_tree_node *json_tree_first(const struct json_tree_node *node, const char *path);
