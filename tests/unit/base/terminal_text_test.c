/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/terminal_text.h"

Test(terminal_text, only_visible_text_passes_as_it_is)
{
    static const struct {
        const char *name, *text, *shown;
        size_t columns;
    } rows[] = {
        {"plain", "/containers/json?a=b\\", "/containers/json?a=b\\", 21},
        {"umlaut", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 4},
        {"four bytes", "\xf0\x9f\x90\xb3", "\xf0\x9f\x90\xb3", 1},
        {"escape", "\x1b[31m", "\\x1b[31m", 8},
        {"line end and tab", "a\n\r\t", "a\\x0a\\x0d\\x09", 13},
        {"delete", "\x7f", "\\x7f", 4},
        {"C1 control", "\xc2\x9b", "\\xc2\\x9b", 8},
        {"bare C1 byte", "\x9b", "\\x9b", 4},
        {"direction override", "\xe2\x80\xae", "\\xe2\\x80\\xae", 12},
        {"isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6", 12},
        {"zero width space", "\xe2\x80\x8b", "\\xe2\\x80\\x8b", 12},
        {"byte order mark", "\xef\xbb\xbf", "\\xef\\xbb\\xbf", 12},
        {"no-break space", "a\xc2\xa0", "a\\xc2\\xa0", 9},
        {"ideographic space", "\xe3\x80\x80", "\\xe3\\x80\\x80", 12},
        {"Hangul filler", "\xe3\x85\xa4", "\\xe3\\x85\\xa4", 12},
        {"tag", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81", 16},
        {"overlong slash", "\xc0\xaf", "\\xc0\\xaf", 8},
        {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", 12},
        {"above Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 16},
        {"cut sequence", "\xe2\x82", "\\xe2\\x82", 8},
        {"broken sequence", "\xe2\x28", "\\xe2(", 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        terminal_text_append(&out, slice_from_text(rows[i].text));
        cr_assert_str_eq(buffer_text(&out), rows[i].shown);
        cr_assert_eq(terminal_text_columns(buffer_slice(&out)), rows[i].columns, "%s",
                     rows[i].name);
    }
}
