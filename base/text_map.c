/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries in an array without gaps, found by a hash index. */
#include "base/text_map.h"

#include "base/arena.h"

static uint64_t hash_of(struct slice key)
{
    return slice_hash(key, SLICE_HASH_SEED);
}

static struct slice key_of(const struct text_map_entry *entry)
{
    return slice_of(entry->key, entry->key_len);
}

static struct text_map_entry *find(const struct text_map *map, struct slice key)
{
    size_t number;
    struct hash_index_search search = hash_index_search(&map->index, hash_of(key));
    while (hash_index_next(&search, &number)) {
        if (slice_equal(key_of(&map->entries[number]), key))
            return &map->entries[number];
    }
    return NULL;
}

static void add_to_index(struct text_map *map, size_t number)
{
    if (!hash_index_add(&map->index, hash_of(key_of(&map->entries[number])), number))
        abort();
}

void **text_map_at(struct text_map *map, struct slice key)
{
    struct text_map_entry *entry = find(map, key);
    if (entry == NULL) {
        map->entries =
            array_grow(map->entries, map->count, &map->capacity, sizeof(map->entries[0]));
        entry = &map->entries[map->count];
        *entry = (struct text_map_entry){slice_to_text(key), key.len, NULL};
        add_to_index(map, map->count++);
    }
    return &entry->value;
}

void *text_map_find(const struct text_map *map, struct slice key)
{
    const struct text_map_entry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

void *text_map_take(struct text_map *map, struct slice key)
{
    struct text_map_entry *entry = find(map, key);
    if (entry == NULL)
        return NULL;
    void *value = entry->value;
    struct text_map_entry *last = &map->entries[--map->count];
    hash_index_remove(&map->index, hash_of(key), (size_t)(entry - map->entries));
    free(entry->key);
    if (entry != last) {
        hash_index_remove(&map->index, hash_of(key_of(last)), map->count);
        *entry = *last;
        add_to_index(map, (size_t)(entry - map->entries));
    }
    return value;
}

void text_map_free(struct text_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i].key);
    free(map->entries);
    hash_index_free(&map->index);
    *map = (struct text_map){.entries = NULL};
}
