/* SPDX-License-Identifier: Apache-2.0
 *
 * A table from texts to pointers: for what is collected from a log, where nobody knows beforehand
 * how many different things there are. Aborts when memory is out; for commands, not for the gate. */
#pragma once

#include <stddef.h>

#include "base/hash_index.h"
#include "base/slice.h"

struct text_map_entry {
    char *key; /* owned */
    size_t key_len;
    void *value; /* borrowed */
};
struct text_map {
    struct text_map_entry *entries; /* owned; taking one out moves the last one to its place */
    size_t count, capacity;
    struct hash_index index;
};

/* Where the value of that key stands, made with NULL when the key is new. Valid until the next
 * call. */
void **text_map_at(struct text_map *map, struct slice key);
/* The value; NULL when there is none. */
void *text_map_find(const struct text_map *map, struct slice key);
/* Takes the key out and returns its value; NULL when there was none. */
void *text_map_take(struct text_map *map, struct slice key);
/* Frees the keys; the values are the caller's. */
void text_map_free(struct text_map *map);
