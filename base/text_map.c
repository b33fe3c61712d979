/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with linear probing, at most three quarters full. */
#include "base/text_map.h"

#include <stdlib.h>

static size_t first_slot(const struct text_map *map, struct slice key)
{
    uint64_t hash = slice_hash(key, SLICE_HASH_SEED);
    return (size_t)(hash ^ hash >> 32) & (map->capacity - 1);
}

/* The slot of the key, or the free one where it would be put. */
static size_t find_slot(const struct text_map *map, struct slice key)
{
    size_t at = first_slot(map, key);
    while (map->slots[at].key != NULL &&
           !slice_equal(slice_of(map->slots[at].key, map->slots[at].key_len), key))
        at = (at + 1) & (map->capacity - 1);
    return at;
}

static void grow(struct text_map *map)
{
    struct text_map larger = {NULL, map->count, map->capacity == 0 ? 64 : map->capacity * 2};
    larger.slots = calloc(larger.capacity, sizeof(larger.slots[0]));
    if (larger.slots == NULL)
        abort();
    for (size_t i = 0; i < map->capacity; i++) {
        const struct text_map_slot *slot = &map->slots[i];
        if (slot->key != NULL)
            larger.slots[find_slot(&larger, slice_of(slot->key, slot->key_len))] = *slot;
    }
    free(map->slots);
    *map = larger;
}

void **text_map_at(struct text_map *map, struct slice key)
{
    if (map->count >= map->capacity / 4 * 3)
        grow(map);
    struct text_map_slot *slot = &map->slots[find_slot(map, key)];
    if (slot->key == NULL) {
        *slot = (struct text_map_slot){slice_to_text(key), key.len, NULL};
        map->count++;
    }
    return &slot->value;
}

void *text_map_find(const struct text_map *map, struct slice key)
{
    return map->capacity == 0 ? NULL : map->slots[find_slot(map, key)].value;
}

void *text_map_take(struct text_map *map, struct slice key)
{
    if (map->capacity == 0)
        return NULL;
    size_t hole = find_slot(map, key);
    void *value = map->slots[hole].value;
    if (map->slots[hole].key == NULL)
        return NULL;
    free(map->slots[hole].key);
    map->slots[hole] = (struct text_map_slot){NULL, 0, NULL};
    map->count--;
    /* What was pushed past the hole moves up, so that no search ends at it too early. */
    for (size_t at = (hole + 1) & (map->capacity - 1); map->slots[at].key != NULL;
         at = (at + 1) & (map->capacity - 1)) {
        size_t home = first_slot(map, slice_of(map->slots[at].key, map->slots[at].key_len));
        if (((at - home) & (map->capacity - 1)) < ((at - hole) & (map->capacity - 1)))
            continue;
        map->slots[hole] = map->slots[at];
        map->slots[at] = (struct text_map_slot){NULL, 0, NULL};
        hole = at;
    }
    return value;
}

void text_map_free(struct text_map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct text_map){NULL, 0, 0};
}
