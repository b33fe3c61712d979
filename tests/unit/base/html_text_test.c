/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/html_text.h"

Test(html_text, nothing_foreign_becomes_markup_or_hides)
{
    static const struct {
        const char *name, *text, *html;
    } rows[] = {
        {"a tag", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"quotes", "a\"b'c", "a&quot;b&#39;c"},
        {"an entity", "&lt;", "&amp;lt;"},
        {"controls", "a\x1b[2J\nb\tc\x7f", "a\\x1b[2J\\x0ab\\x09c\\x7f"},
        {"C1 controls", "\xc2\x9b", "\\xc2\\x9b"},
        {"right to left", "a\xe2\x80\xae.txt", "a\\xe2\\x80\\xae.txt"},
        {"line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
        {"zero width", "a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"},
        {"not UTF-8", "\xff<\xc0\xaf", "\\xff&lt;\\xc0\\xaf"},
        {"letters", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"nothing", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        html_text_append(&out, slice_from_text(rows[i].text));
        cr_expect_str_eq(buffer_text(&out), rows[i].html, "%s", rows[i].name);
    }
}

Test(html_text, a_cut_text_says_how_much_is_missing)
{
    static const struct {
        const char *text, *html;
    } rows[] = {
        {"abcd", "abcd"},
        {"abcde", "abcd<span class=\"more\">… and 1 bytes</span>"},
        {"<<<<<<", "&lt;&lt;&lt;&lt;<span class=\"more\">… and 2 bytes</span>"},
        {"abc\xc3\xbc", "abc<span class=\"more\">… and 2 bytes</span>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        html_text_append_cut(&out, slice_from_text(rows[i].text), 4);
        cr_expect_str_eq(buffer_text(&out), rows[i].html);
    }
}

Test(html_text, numbers_are_grouped_and_bytes_have_units)
{
    static const struct {
        uint64_t number;
        const char *grouped, *bytes;
    } rows[] = {
        {0, "0",
         "0\xc2\xa0"
         "B"},
        {999, "999",
         "999\xc2\xa0"
         "B"},
        {1000, "1,000",
         "1.0\xc2\xa0"
         "kB"},
        {9999, "9,999",
         "9.9\xc2\xa0"
         "kB"},
        {123456, "123,456",
         "123\xc2\xa0"
         "kB"},
        {7654321, "7,654,321",
         "7.6\xc2\xa0"
         "MB"},
        {UINT64_MAX, "18,446,744,073,709,551,615",
         "18\xc2\xa0"
         "EB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer grouped = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
        html_text_append_number(&grouped, rows[i].number);
        html_text_append_bytes(&bytes, rows[i].number);
        cr_expect_str_eq(buffer_text(&grouped), rows[i].grouped);
        cr_expect_str_eq(buffer_text(&bytes), rows[i].bytes);
    }
}

static void write_slot(void *, unsigned index, struct buffer *out)
{
    buffer_append_text(out, index == 0 ? "{{b}}" : "two");
}

Test(html_text, a_template_is_filled_once_and_its_places_must_be_known)
{
    static const char *const names[] = {"a", "b"};
    static const struct {
        const char *text, *filled;
    } rows[] = {
        {"", ""},
        {"plain { } text", "plain { } text"},
        {"{{a}}{{b}}.", "{{b}}two."},
        {"x {{c}}", NULL},
        {"x {{a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        bool good = html_template_append(&out, rows[i].text, names, 2, write_slot, NULL);
        cr_expect_eq(good, rows[i].filled != NULL, "%s", rows[i].text);
        if (rows[i].filled != NULL)
            cr_expect_str_eq(buffer_text(&out), rows[i].filled);
    }
}
