/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table from hashes to the numbers of items that the caller keeps in an array: open
 * addressing, at most half full. The index says which items have a hash; whether one of them is the
 * wanted one is for the caller to compare. All zeros is an empty index. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

struct hash_index_slot {
    uint32_t tag;   /* bits of the mixed hash */
    uint32_t place; /* 1 + an item's number, 0 = free */
};
struct hash_index {
    struct hash_index_slot *slots; /* owned */
    size_t count, capacity;        /* capacity is 0 or a power of two */
};

/* The walk over the items that may have a hash. */
struct hash_index_search {
    const struct hash_index *index; /* borrowed */
    uint32_t tag;
    size_t at;
};

struct hash_index_search hash_index_search(const struct hash_index *index, uint64_t hash);
/* The number of the next item; false when there is none any more. Nothing may be added or taken out
 * in between. */
bool hash_index_next(struct hash_index_search *search, size_t *number_out);

/* Makes room for `count` items in all. False when memory is out; the index is as it was. */
bool hash_index_reserve(struct hash_index *index, size_t count);
/* Adds an item, which is not there yet; its number is below 2^32 - 1. False when memory is out. */
MUST_CHECK bool hash_index_add(struct hash_index *index, uint64_t hash, size_t number);
/* Takes an item out that is there. */
void hash_index_remove(struct hash_index *index, uint64_t hash, size_t number);
/* Takes all out and keeps the room. */
void hash_index_clear(struct hash_index *index);
void hash_index_free(struct hash_index *index);
