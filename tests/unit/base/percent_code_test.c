/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include <criterion/criterion.h>

#include "base/percent_code.h"

Test(percent_code, every_byte_is_written_so_that_it_reads_back)
{
    for (int byte = 0; byte < 256; byte++) {
        char plain = (char)byte;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        percent_encode(&out, slice_of(&plain, 1), "");
        if (out.len == 1)
            cr_expect(byte == out.data[0] && (isalnum(byte) || strchr("-._~", byte) != NULL));
        else
            cr_expect_eq(percent_decode_at(buffer_slice(&out), 0), byte);
    }
}

Test(percent_code, what_is_no_escape_is_told)
{
    cr_expect_eq(percent_decode_at(SLICE_LITERAL("%4"), 0), -1);
    cr_expect_eq(percent_decode_at(SLICE_LITERAL("%"), 0), -1);
    cr_expect_eq(percent_decode_at(SLICE_LITERAL("%g1"), 0), -1);
    cr_expect_eq(percent_decode_at(SLICE_LITERAL("%1G"), 0), -1);
    cr_expect_eq(percent_decode_at(SLICE_LITERAL("x%aF"), 1), 0xaf);
}

Test(percent_code, bytes_between_escapes_are_kept)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    percent_encode(&out, SLICE_LITERAL("a/b c:\xff"), "/");
    cr_assert_str_eq(buffer_text(&out), "a/b%20c%3A%FF");
}
