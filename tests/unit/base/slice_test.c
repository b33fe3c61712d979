/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/slice.h"

Test(slice, cut_visits_every_part_and_ends_with_a_null_rest)
{
    struct slice rest = SLICE_LITERAL("a,,b");
    cr_assert(slice_equal_text(slice_cut(&rest, ','), "a"));
    cr_assert(slice_equal_text(slice_cut(&rest, ','), ""));
    cr_assert(slice_equal_text(slice_cut(&rest, ','), "b"));
    cr_assert_null(rest.ptr);
}

Test(slice, numbers_are_digits_and_nothing_else)
{
    static const char *const refused[] = {
        "", "+1", "-1", " 1", "1 ", "0x1", "12345678901234567890"};
    uint64_t number;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        cr_assert_not(slice_to_u64(slice_from_text(refused[i]), &number), "%s", refused[i]);
    cr_assert(slice_to_u64(SLICE_LITERAL("0042"), &number));
    cr_assert_eq(number, 42);
}

Test(slice, case_is_folded_for_ascii_letters_only)
{
    cr_assert(slice_equal_nocase(SLICE_LITERAL("Content-LENGTH"), SLICE_LITERAL("content-length")));
    cr_assert_not(slice_equal_nocase(SLICE_LITERAL("a@"), SLICE_LITERAL("a`")));
}
