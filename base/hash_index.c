/* SPDX-License-Identifier: Apache-2.0
 *
 * Linear probing. A slot keeps half of the hash, so that growing asks nobody for the items and most
 * items that only share the slot are not looked at. */
#include "base/hash_index.h"

#include <string.h>

enum { CAPACITY_FIRST = 16 };

/* FNV leaves little in the high bits of short texts, and keys are other people's hashes. */
static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

struct hash_index_search hash_index_search(const struct hash_index *index, uint64_t hash)
{
    uint32_t tag = tag_of(hash);
    return (struct hash_index_search){index, tag, tag};
}

bool hash_index_next(struct hash_index_search *search, size_t *number_out)
{
    const struct hash_index *index = search->index;
    while (index->capacity > 0) {
        const struct hash_index_slot *slot = &index->slots[search->at & (index->capacity - 1)];
        if (slot->place == 0)
            return false;
        search->at++;
        if (slot->tag == search->tag) {
            *number_out = slot->place - 1;
            return true;
        }
    }
    return false;
}

/* There is a free slot. */
static void put(struct hash_index *index, struct hash_index_slot slot)
{
    size_t at = slot.tag & (index->capacity - 1);
    while (index->slots[at].place != 0)
        at = (at + 1) & (index->capacity - 1);
    index->slots[at] = slot;
}

bool hash_index_reserve(struct hash_index *index, size_t count)
{
    struct hash_index larger = {NULL, index->count,
                                index->capacity == 0 ? CAPACITY_FIRST : index->capacity};
    while (larger.capacity / 2 < count)
        larger.capacity *= 2;
    if (larger.capacity == index->capacity)
        return true;
    larger.slots = calloc(larger.capacity, sizeof(larger.slots[0]));
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].place != 0)
            put(&larger, index->slots[i]);
    }
    free(index->slots);
    *index = larger;
    return true;
}

bool hash_index_add(struct hash_index *index, uint64_t hash, size_t number)
{
    if (!hash_index_reserve(index, index->count + 1))
        return false;
    put(index, (struct hash_index_slot){tag_of(hash), (uint32_t)number + 1});
    index->count++;
    return true;
}

void hash_index_remove(struct hash_index *index, uint64_t hash, size_t number)
{
    const size_t mask = index->capacity - 1;
    struct hash_index_slot *slots = index->slots;
    size_t hole = tag_of(hash) & mask;
    while (slots[hole].place != number + 1)
        hole = (hole + 1) & mask;
    /* What was pushed past the hole moves up, so that no search ends at it too early. */
    for (size_t at = (hole + 1) & mask; slots[at].place != 0; at = (at + 1) & mask) {
        if (((at - slots[at].tag) & mask) < ((at - hole) & mask))
            continue;
        slots[hole] = slots[at];
        hole = at;
    }
    slots[hole] = (struct hash_index_slot){0, 0};
    index->count--;
}

void hash_index_clear(struct hash_index *index)
{
    if (index->capacity > 0)
        memset(index->slots, 0, index->capacity * sizeof(index->slots[0]));
    index->count = 0;
}

void hash_index_free(struct hash_index *index)
{
    free(index->slots);
    *index = (struct hash_index){NULL, 0, 0};
}
