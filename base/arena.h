/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is given back as a whole: the many small texts and nodes of a document and of a
 * compiled policy. Used while loading only; aborts when memory is out, which at a reload is the
 * loader thread's process-wide end as at the start. */
#pragma once

#include <stddef.h>

#include "base/attributes.h"
#include "base/slice.h"

struct arena_block;
struct arena {
    struct arena_block *newest; /* owned */
};

/* `size` zeroed bytes, aligned for anything. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
char *arena_text(struct arena *arena, struct slice text);
char *arena_printf(struct arena *arena, const char *text, ...) PRINTF_LIKE(2, 3);
void arena_free(struct arena *arena);

/* Doubles `items` (of `size` bytes each) when `count` has reached *capacity. Aborts when memory is
 * out. */
void *array_grow(void *items, size_t count, size_t *capacity, size_t size);
