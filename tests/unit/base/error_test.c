/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/error.h"

Test(error, filling_returns_false_and_leaves_nothing_of_the_last_error)
{
    struct error error = {.line = 7, .column = 8, .reason = "old"};
    cr_assert_not(error_set(&error, 2, "line %d", 5));
    cr_assert_str_eq(error.text, "line 5");
    cr_assert_eq(error.exit_code, 2);
    cr_assert_eq(error.line + error.column, 0);
    cr_assert_null(error.reason);
    cr_assert_not(error_set_reason(&error, 400, "malformed.x", "no"));
    cr_assert_str_eq(error.reason, "malformed.x");
}

Test(error, a_long_text_is_cut)
{
    struct error error;
    char text[2000];
    memset(text, 'x', sizeof(text));
    cr_assert_not(error_set(&error, 1, "%.*s", (int)sizeof(text), text));
    cr_assert_eq(strlen(error.text), sizeof(error.text) - 1);
}

Test(error, quoted_bytes_are_safe_to_show)
{
    char quoted[32];
    cr_assert_str_eq(error_quote(SLICE_LITERAL("a b"), quoted, sizeof(quoted)), "`a b`");
    cr_assert_str_eq(error_quote(SLICE_LITERAL("\x1b\n\\\xff"), quoted, sizeof(quoted)),
                     "`\\x1b\\x0a\\x5c\\xff`");
    cr_assert_str_eq(error_quote(slice_of("\0", 1), quoted, sizeof(quoted)), "`\\x00`");
}

Test(error, quotes_fit_any_size)
{
    static const char bytes[] = "abc\x01\x02\x03 and much more than fits in there";
    for (size_t size = 1; size < sizeof(bytes) + 16; size++) {
        char quoted[128];
        memset(quoted, '#', sizeof(quoted));
        error_quote(slice_from_text(bytes), quoted, size);
        cr_expect_lt(strlen(quoted), size, "%zu", size);
        cr_expect_eq(quoted[size], '#', "%zu", size);
    }
}
