/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/attributes.h"
#include "base/slice.h"
#include "base/utf8.h"

Test(utf8, a_well_formed_beginning_is_one_code_point_and_anything_else_is_none)
{
    static const struct {
        const char *name, *text;
        size_t len;
        uint32_t point;
    } rows[] = {
        {"ASCII", "a\xc3", 1, 'a'},
        {"the last of one byte", "\x7f", 1, 0x7f},
        {"the first of two bytes", "\xc2\x80", 2, 0x80},
        {"the last of two bytes", "\xdf\xbf", 2, 0x7ff},
        {"the first of three bytes", "\xe0\xa0\x80", 3, 0x800},
        {"the last of three bytes", "\xef\xbf\xbf", 3, 0xffff},
        {"the first of four bytes", "\xf0\x90\x80\x80", 4, 0x10000},
        {"the last of all", "\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"above the last of all", "\xf4\x90\x80\x80", 0, 0xfffd},
        {"overlong in two bytes", "\xc1\x81", 0, 0xfffd},
        {"overlong in three bytes", "\xe0\x9f\xbf", 0, 0xfffd},
        {"overlong in four bytes", "\xf0\x8f\xbf\xbf", 0, 0xfffd},
        {"a surrogate", "\xed\xa0\x80", 0, 0xfffd},
        {"a continuation alone", "\x80", 0, 0xfffd},
        {"cut short", "\xe2\x82", 0, 0xfffd},
        {"another byte in the place of a continuation", "\xe2\x82(", 0, 0xfffd},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t point = 0;
        struct slice text = slice_from_text(rows[i].text);
        cr_expect_eq(utf8_decode(text.ptr, text.len, &point), rows[i].len, "%s", rows[i].name);
        cr_expect_eq(point, rows[i].point, "%s", rows[i].name);
    }
}
