/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/hash_index.h"

enum { ITEMS = 1000, STEPS = 30000 };

static bool finds(const struct hash_index *index, uint64_t hash, size_t wanted)
{
    size_t number;
    struct hash_index_search search = hash_index_search(index, hash);
    while (hash_index_next(&search, &number)) {
        if (number == wanted)
            return true;
    }
    return false;
}

/* Seven items have each hash, so that all ways of meeting on the way to a slot happen. */
static uint64_t hash_of(size_t number)
{
    return number / 7;
}

Test(hash_index, it_finds_what_was_added_and_not_removed)
{
    CLEANUP(hash_index_free) struct hash_index index = {.count = 0};
    bool held[ITEMS] = {false};
    uint64_t state = 7;
    size_t count = 0;
    cr_assert_not(finds(&index, 1, 1));
    for (unsigned step = 0; step < STEPS; step++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t number = (size_t)(state >> 33) % ITEMS;
        cr_assert_eq(finds(&index, hash_of(number), number), held[number], "%zu", number);
        if (held[number])
            hash_index_remove(&index, hash_of(number), number);
        else
            cr_assert(hash_index_add(&index, hash_of(number), number));
        held[number] = !held[number];
        count += held[number] ? 1 : (size_t)-1;
        cr_assert_eq(index.count, count);
    }
    for (size_t number = 0; number < ITEMS; number++)
        cr_assert_eq(finds(&index, hash_of(number), number), held[number], "%zu", number);
    hash_index_clear(&index);
    cr_assert_not(finds(&index, hash_of(1), 1));
}
