/* SPDX-License-Identifier: Apache-2.0
 *
 * Two passes of the tokenizer: one counts, one fills. Repeated keys are found by sorting, whose
 * time no text can make quadratic. */
#include "base/json_tree.h"

#include <errno.h>

#include "base/json_token.h"

/* What a token begins; -1 = no value. */
static int kind_of(enum json_token_kind token)
{
    switch (token) {
    case JSON_OBJECT_BEGIN:
        return JSON_TREE_OBJECT;
    case JSON_ARRAY_BEGIN:
        return JSON_TREE_ARRAY;
    case JSON_STRING:
        return JSON_TREE_STRING;
    case JSON_NUMBER:
        return JSON_TREE_NUMBER;
    case JSON_TRUE:
        return JSON_TREE_TRUE;
    case JSON_FALSE:
        return JSON_TREE_FALSE;
    case JSON_NULL:
        return JSON_TREE_NULL;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_END:
    case JSON_BAD:
        break;
    }
    return -1;
}

/* Counts the values and the bytes of strings with escapes, whose meaning is never longer. */
static bool measure(struct slice text, size_t *count_out, size_t *bytes_out, size_t *bad_at_out)
{
    struct json_reader reader;
    *count_out = *bytes_out = 0;
    json_reader_init(&reader, text);
    for (;;) {
        struct json_token token = json_next(&reader);
        *bad_at_out = reader.offset;
        if (token.kind == JSON_END || token.kind == JSON_BAD)
            return token.kind == JSON_END;
        *count_out += kind_of(token.kind) >= 0;
        *bytes_out += token.has_escapes ? token.text.len : 0;
    }
}

static struct slice meaning(struct json_tree *tree, struct json_token token)
{
    if (!token.has_escapes)
        return token.text;
    size_t start = tree->unescaped.len;
    json_unescape(token, &tree->unescaped);
    return slice_of(tree->unescaped.data + start, tree->unescaped.len - start);
}

/* The text is JSON and there is room for all of it. */
static void fill(struct json_tree *tree, struct slice text)
{
    struct json_reader reader;
    struct json_token token;
    struct json_tree_node *node = tree->root, *open = NULL;
    const struct json_tree_node *unlinked = NULL, **link = &unlinked;
    struct slice key = {NULL, 0};
    json_reader_init(&reader, text);
    while ((token = json_next(&reader)).kind != JSON_END && token.kind != JSON_BAD) {
        int kind = kind_of(token.kind);
        if (token.kind == JSON_KEY) {
            key = meaning(tree, token);
        } else if (kind < 0) {
            link = &open->next;
            open = (struct json_tree_node *)open->parent;
        } else {
            *node = (struct json_tree_node){(enum json_tree_kind)kind, key, meaning(tree, token),
                                            .parent = open};
            *link = node;
            link = &node->next;
            if (kind >= JSON_TREE_ARRAY) {
                open = node;
                link = &node->first;
            }
            node++;
            key.ptr = NULL;
        }
    }
}

/* By object, then by key. */
static int compare_members(const void *left, const void *right)
{
    const struct json_tree_node *a = *(const struct json_tree_node *const *)left;
    const struct json_tree_node *b = *(const struct json_tree_node *const *)right;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->key.len != b->key.len)
        return a->key.len < b->key.len ? -1 : 1;
    return a->key.len == 0 ? 0 : memcmp(a->key.ptr, b->key.ptr, a->key.len);
}

static bool check_keys(const struct json_tree *tree, struct error *error)
{
    size_t count = 0;
    AUTO_FREE const struct json_tree_node **members = calloc(tree->count, sizeof(*members));
    if (members == NULL)
        return error_set(error, ENOMEM, "out of memory");
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->root[i].key.ptr != NULL)
            members[count++] = &tree->root[i];
    }
    qsort(members, count, sizeof(*members), compare_members);
    for (size_t i = 1; i < count; i++) {
        char quoted[160];
        if (compare_members(&members[i - 1], &members[i]) == 0)
            return error_set(error, EINVAL, "the key %s comes twice in one object",
                             error_quote(members[i]->key, quoted, sizeof(quoted)));
    }
    return true;
}

bool json_tree_read(struct json_tree *tree, struct slice text, size_t count_max,
                    struct error *error)
{
    size_t bytes, bad_at;
    *tree = (struct json_tree){.root = NULL};
    if (!measure(text, &tree->count, &bytes, &bad_at))
        return error_set(error, EINVAL, "it is not JSON at byte %zu", bad_at + 1);
    if (tree->count > count_max)
        return error_set(error, E2BIG, "it has more than %zu values", count_max);
    tree->root = calloc(tree->count, sizeof(tree->root[0]));
    if (tree->root == NULL || !buffer_reserve(&tree->unescaped, bytes + 1))
        return error_set(error, ENOMEM, "out of memory");
    fill(tree, text);
    return check_keys(tree, error);
}

void json_tree_free(struct json_tree *tree)
{
    free(tree->root);
    buffer_free(&tree->source);
    buffer_free(&tree->unescaped);
    *tree = (struct json_tree){.root = NULL};
}

const struct json_tree_node *json_tree_at(const struct json_tree_node *node, const char *path)
{
    struct slice rest = slice_from_text(path);
    while (node != NULL && rest.ptr != NULL) {
        struct slice key = slice_cut(&rest, '.');
        node = node->first;
        while (node != NULL && (node->key.ptr == NULL || !slice_equal(node->key, key)))
            node = node->next;
    }
    return node;
}

struct slice json_tree_text(const struct json_tree_node *node, const char *path)
{
    node = json_tree_at(node, path);
    return node == NULL ? slice_of("", 0) : node->text;
}

bool json_tree_is(const struct json_tree_node *node, const char *path, enum json_tree_kind kind)
{
    node = json_tree_at(node, path);
    return node != NULL && node->kind == kind;
}

uint64_t json_tree_u64(const struct json_tree_node *node, const char *path)
{
    uint64_t number;
    return slice_to_u64(json_tree_text(node, path), &number) ? number : 0;
}

const struct json_tree_node *json_tree_first(const struct json_tree_node *node, const char *path)
{
    node = json_tree_at(node, path);
    return node == NULL ? NULL : node->first;
}
