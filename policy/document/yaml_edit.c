/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/document/yaml_edit.h"

#include "policy/document/yaml_write.h"

struct yaml_tree_node *yaml_edit_scalar(struct arena *arena, struct slice text)
{
    struct yaml_tree_node *node = arena_alloc(arena, sizeof(*node));
    node->kind = YAML_TREE_SCALAR;
    node->quoted = !yaml_write_is_plain(text);
    node->text = slice_of(arena_text(arena, text), text.len);
    return node;
}

struct yaml_tree_node *yaml_edit_collection(struct arena *arena, enum yaml_tree_kind kind)
{
    struct yaml_tree_node *node = arena_alloc(arena, sizeof(*node));
    node->kind = kind;
    return node;
}

struct yaml_tree_node *yaml_edit_texts(struct arena *arena, const struct slice *texts, size_t count)
{
    if (count == 1)
        return yaml_edit_scalar(arena, texts[0]);
    struct yaml_tree_node *list = yaml_edit_collection(arena, YAML_TREE_SEQUENCE);
    for (size_t i = 0; i < count; i++)
        yaml_edit_append(list, yaml_edit_scalar(arena, texts[i]));
    return list;
}

static struct yaml_tree_node *find_key(const struct yaml_tree_node *map, struct slice key)
{
    if (map == NULL || map->kind != YAML_TREE_MAPPING)
        return NULL;
    for (struct yaml_tree_node *found = map->first; found != NULL; found = found->next) {
        if (slice_equal(found->text, key))
            return found;
    }
    return NULL;
}

struct yaml_tree_node *yaml_edit_get(const struct yaml_tree_node *map, const char *key)
{
    struct yaml_tree_node *found = find_key(map, slice_from_text(key));
    return found == NULL ? NULL : found->value;
}

void yaml_edit_set(struct arena *arena, struct yaml_tree_node *map, const char *key,
                   struct yaml_tree_node *value)
{
    struct yaml_tree_node *found = find_key(map, slice_from_text(key));
    if (found == NULL) {
        found = yaml_edit_scalar(arena, slice_from_text(key));
        yaml_edit_append(map, found);
    }
    found->value = value;
}

bool yaml_edit_unset(struct yaml_tree_node *map, const char *key)
{
    struct yaml_tree_node *found = find_key(map, slice_from_text(key));
    if (found == NULL)
        return false;
    yaml_edit_remove(map, found);
    return true;
}

static bool is_nothing(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_SCALAR && !node->quoted && node->text.len == 0;
}

struct yaml_tree_node *yaml_edit_ensure(struct arena *arena, struct yaml_tree_node *map,
                                        const char *key, enum yaml_tree_kind kind)
{
    struct yaml_tree_node *value = yaml_edit_get(map, key);
    if (value == NULL || is_nothing(value)) {
        value = yaml_edit_collection(arena, kind);
        yaml_edit_set(arena, map, key, value);
    }
    return value->kind == kind ? value : NULL;
}

void yaml_edit_append(struct yaml_tree_node *sequence, struct yaml_tree_node *item)
{
    struct yaml_tree_node **end = &sequence->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = item;
    item->next = NULL;
}

void yaml_edit_remove(struct yaml_tree_node *sequence, const struct yaml_tree_node *item)
{
    struct yaml_tree_node **place = &sequence->first;
    while (*place != item)
        place = &(*place)->next;
    *place = item->next;
}

static size_t count_items(const struct yaml_tree_node *node)
{
    size_t count = 0;
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        count++;
    return count;
}

bool yaml_edit_equal(const struct yaml_tree_node *a, const struct yaml_tree_node *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind)
        return a == b;
    if (a->kind == YAML_TREE_SCALAR)
        return slice_equal(a->text, b->text);
    if (count_items(a) != count_items(b))
        return false;
    const struct yaml_tree_node *other = b->first;
    for (const struct yaml_tree_node *item = a->first; item != NULL; item = item->next) {
        if (a->kind == YAML_TREE_MAPPING) {
            const struct yaml_tree_node *key = find_key(b, item->text);
            if (key == NULL || !yaml_edit_equal(item->value, key->value))
                return false;
        } else if (!yaml_edit_equal(item, other)) {
            return false;
        }
        other = other->next;
    }
    return true;
}
