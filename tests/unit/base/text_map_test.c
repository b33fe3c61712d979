/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/text_map.h"

enum { KEYS = 3000, STEPS = 60000 };

Test(text_map, it_holds_what_was_put_and_not_taken)
{
    CLEANUP(text_map_free) struct text_map map = {.count = 0};
    static int values[KEYS];
    bool held[KEYS] = {false};
    uint64_t state = 7;
    size_t count = 0;
    cr_assert_null(text_map_find(&map, SLICE_LITERAL("x")));
    cr_assert_null(text_map_take(&map, SLICE_LITERAL("x")));
    for (unsigned step = 0; step < STEPS; step++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned which = (unsigned)(state >> 33) % KEYS;
        char key[16];
        snprintf(key, sizeof(key), "key%u", which);
        void *found = text_map_find(&map, slice_from_text(key));
        cr_assert_eq(found, held[which] ? &values[which] : NULL, "%s", key);
        if (step % 3 == 0) {
            cr_assert_eq(text_map_take(&map, slice_from_text(key)), found);
            count -= held[which];
            held[which] = false;
        } else {
            *text_map_at(&map, slice_from_text(key)) = &values[which];
            count += !held[which];
            held[which] = true;
        }
        cr_assert_eq(map.count, count);
    }
}
