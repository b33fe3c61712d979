/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/buffer.h"

Test(buffer, grows_over_many_appends_and_keeps_what_was_there)
{
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    for (int i = 0; i < 10000; i++)
        buffer_append_byte(&buffer, (char)('a' + i % 26));
    cr_assert_eq(buffer.len, 10000);
    for (size_t i = 0; i < buffer.len; i++)
        cr_assert_eq(buffer.data[i], (char)('a' + i % 26));
    cr_assert_eq(strlen(buffer_text(&buffer)), 10000);
    cr_assert_eq(buffer.len, 10000, "the NUL does not count");
}

Test(buffer, numbers_are_written_whole)
{
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    buffer_append_u64(&buffer, 0);
    buffer_append_byte(&buffer, ' ');
    buffer_append_u64(&buffer, UINT64_MAX);
    buffer_append_byte(&buffer, ' ');
    buffer_append_hex(&buffer, UINT64_MAX);
    buffer_append_byte(&buffer, ' ');
    buffer_append_hex(&buffer, 0);
    buffer_printf(&buffer, " %s-%d", "x", -1);
    cr_assert_str_eq(buffer_text(&buffer), "0 18446744073709551615 ffffffffffffffff 0 x--1");
}

Test(buffer, a_failure_is_remembered_until_it_is_cleared)
{
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    buffer_append_literal(&buffer, "abc");
    cr_assert_not(buffer_reserve(&buffer, SIZE_MAX));
    cr_assert(buffer.failed);
    cr_assert_not(buffer_reserve(&buffer, 10000));
    cr_assert_str_empty(buffer_text(&(struct buffer){NULL, 0, 0, true}));
    char *data = buffer.data;
    buffer_clear(&buffer);
    cr_assert_not(buffer.failed);
    cr_assert_eq(buffer.data, data, "the memory is kept");
    buffer_append_literal(&buffer, "d");
    cr_assert_str_eq(buffer_text(&buffer), "d");
}

Test(buffer, nothing_may_be_appended_from_nowhere)
{
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    buffer_append_slice(&buffer, slice_of(NULL, 0));
    cr_assert_null(buffer.data);
    cr_assert_str_empty(buffer_text(&buffer));
}
