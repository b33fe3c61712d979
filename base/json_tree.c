/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes stand in blocks and stay where they are. Repeated keys are found by comparing the members
 * of small objects, and by sorting those of large ones, so that no text takes quadratic time. */
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

enum { BLOCK_NODES = 64, SMALL_OBJECT = 16 };

struct json_tree_block {
    struct json_tree_block *older;
    size_t used;
    struct json_tree_node nodes[BLOCK_NODES];
};

static struct slice meaning(struct json_tree *tree, struct json_token token)
{
    if (!token.has_escapes)
        return token.text;
    size_t start = tree->unescaped.len;
    json_unescape(token, &tree->unescaped);
    return slice_of(tree->unescaped.data + start, tree->unescaped.len - start);
}

static struct json_tree_node *new_node(struct json_tree *tree)
{
    struct json_tree_block *block = tree->newest;
    if (block == NULL || block->used == BLOCK_NODES) {
        block = malloc(sizeof(*block));
        if (block == NULL)
            return NULL;
        block->older = tree->newest;
        block->used = 0;
        tree->newest = block;
    }
    tree->count++;
    return &block->nodes[block->used++];
}

static bool refuse_key(struct slice key, struct error *error)
{
    return error_set_system(error, EINVAL, "the key %s comes twice in one object", quote(key).text);
}

/* Whether the last member of a small object is one of the earlier ones. */
static bool is_repeated(const struct json_tree_node *object, const struct json_tree_node *last)
{
    const struct json_tree_node *earlier = object->first;
    while (earlier != last && !slice_equal(earlier->key, last->key))
        earlier = earlier->next;
    return earlier != last;
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

/* Looks for repeated keys in the objects that are not small. */
static bool check_large_objects(const struct json_tree *tree, struct error *error)
{
    size_t count = 0;
    AUTO_FREE const struct json_tree_node **members = calloc(tree->count, sizeof(*members));
    if (members == NULL)
        return error_set_system(error, ENOMEM, "out of memory");
    for (const struct json_tree_block *block = tree->newest; block != NULL; block = block->older) {
        for (size_t i = 0; i < block->used; i++) {
            const struct json_tree_node *node = &block->nodes[i];
            if (node->key.ptr != NULL && node->parent->count > SMALL_OBJECT)
                members[count++] = node;
        }
    }
    qsort(members, count, sizeof(*members), compare_members);
    for (size_t i = 1; i < count; i++) {
        if (compare_members(&members[i - 1], &members[i]) == 0)
            return refuse_key(members[i]->key, error);
    }
    return true;
}

bool json_tree_read(struct json_tree *tree, struct slice text, size_t count_max,
                    struct error *error)
{
    struct json_reader reader;
    struct json_token token;
    struct json_tree_node *open = NULL;
    const struct json_tree_node **link = &tree->root;
    struct slice key = {NULL, 0};
    bool large = false;
    *tree = (struct json_tree){.root = NULL};
    /* A string's meaning is never longer than its text, so that what is unescaped never moves. */
    if (text.len > 0 && memchr(text.ptr, '\\', text.len) != NULL &&
        !buffer_reserve(&tree->unescaped, text.len))
        return error_set_system(error, ENOMEM, "out of memory");
    json_reader_init(&reader, text);
    while ((token = json_next(&reader)).kind != JSON_END) {
        int kind = kind_of(token.kind);
        if (token.kind == JSON_BAD)
            return error_set_system(error, EINVAL, "it is not JSON at byte %zu", reader.offset + 1);
        if (token.kind == JSON_KEY) {
            key = meaning(tree, token);
            continue;
        }
        if (kind < 0) { /* the end of what is open */
            link = &open->next;
            open = (struct json_tree_node *)open->parent;
            continue;
        }
        struct json_tree_node *node = tree->count < count_max ? new_node(tree) : NULL;
        if (node == NULL)
            return tree->count < count_max
                       ? error_set_system(error, ENOMEM, "out of memory")
                       : error_set_system(error, E2BIG, "it has more than %zu values", count_max);
        *node = (struct json_tree_node){(enum json_tree_kind)kind, key, meaning(tree, token),
                                        .parent = open};
        *link = node;
        link = kind >= JSON_TREE_ARRAY ? &node->first : &node->next;
        if (open != NULL && ++open->count > SMALL_OBJECT)
            large = large || key.ptr != NULL;
        else if (key.ptr != NULL && is_repeated(open, node))
            return refuse_key(key, error);
        if (kind >= JSON_TREE_ARRAY)
            open = node;
        key.ptr = NULL;
    }
    return !large || check_large_objects(tree, error);
}

void json_tree_free(struct json_tree *tree)
{
    for (struct json_tree_block *block = tree->newest, *older; block != NULL; block = older) {
        older = block->older;
        free(block);
    }
    buffer_free(&tree->source);
    buffer_free(&tree->unescaped);
    *tree = (struct json_tree){.root = NULL};
}

const struct json_tree_node *json_tree_member(const struct json_tree_node *object, struct slice key)
{
    const struct json_tree_node *member = object == NULL ? NULL : object->first;
    while (member != NULL && (member->key.ptr == NULL || !slice_equal(member->key, key)))
        member = member->next;
    return member;
}

const struct json_tree_node *json_tree_at(const struct json_tree_node *node, const char *path)
{
    struct slice rest = slice_from_text(path);
    while (node != NULL && rest.ptr != NULL)
        node = json_tree_member(node, slice_cut(&rest, '.'));
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
