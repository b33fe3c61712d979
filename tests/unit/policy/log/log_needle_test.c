/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/log/log_filter.h"
#include "policy/log/log_needle.h"

/* The lines that are proposed, joined by '|'. */
static const char *search(const struct log_needles *needles, const char *lines, struct buffer *out)
{
    struct log_search search;
    struct slice line;
    buffer_clear(out);
    log_search_begin(&search, needles, slice_from_text(lines));
    while (log_search_next(&search, &line)) {
        buffer_append_slice(out, line);
        buffer_append_byte(out, '|');
    }
    return buffer_text(out);
}

Test(log_needle, without_a_text_every_line_is_proposed)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct log_needles needles = {.group_count = 0};
    cr_assert_str_eq(search(&needles, "a\n\nb\n", &out), "a||b|");
    cr_assert_str_eq(search(&needles, "", &out), "");
}

Test(log_needle, a_line_needs_one_text_of_every_group)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    CLEANUP(log_needles_clear) struct log_needles needles = {.group_count = 0};
    log_needles_group(&needles);
    cr_assert(log_needles_add(&needles, "<", SLICE_LITERAL("a"), ">"));
    cr_assert(log_needles_add(&needles, "<", SLICE_LITERAL("b"), ">"));
    log_needles_group(&needles);
    cr_assert(log_needles_add(&needles, "", SLICE_LITERAL("x\"y"), ""));
    cr_assert_str_eq(search(&needles, "<a>x\\\"y\n<a>\nx\\\"y\n<c>x\\\"y\n1x\\\"y<b>2<b>\n", &out),
                     "<a>x\\\"y|1x\\\"y<b>2<b>|");
}

Test(log_needle, a_line_that_may_be_spelled_otherwise_is_always_proposed)
{
    static const struct {
        const char *line;
        bool proposed;
    } rows[] = {
        {"{\"client\":\"c\\u0069\"}", true},    {"{\"client\":\"a\\/b\"}", true},
        {"{\"client\": \"x\"}", true},          {"{\"client\" :\"x\"}", true},
        {"{\"client\":\"x\", \"a\":1}", false}, {"{\"client\":\"a b: c\"}", false},
        {"{\"rule\":\"~a\\\\.b\"}", false},     {"{\"rule\":\"a\\\\u0041\"}", false},
        {"{\"rule\":\"a\\nb\\\"c\"}", false},   {"{\"rule\":\"\\\\\\u0041\"}", true},
    };
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, lines = BUFFER_EMPTY;
    CLEANUP(log_needles_clear) struct log_needles needles = {.group_count = 0};
    log_needles_group(&needles);
    cr_assert(log_needles_add(&needles, "none such", SLICE_LITERAL(""), ""));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buffer_clear(&lines);
        buffer_printf(&lines, "{}\n%s\n{}\n", rows[i].line);
        search(&needles, buffer_text(&lines), &out);
        cr_assert_eq(out.len > 0, rows[i].proposed, "%s: %s", rows[i].line, buffer_text(&out));
    }
}

Test(log_needle, a_value_with_several_spellings_gives_its_group_up)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    CLEANUP(log_needles_clear) struct log_needles needles = {.group_count = 0};
    log_needles_group(&needles);
    cr_assert_not(log_needles_add(&needles, "", SLICE_LITERAL("a\tb"), ""));
    cr_assert_eq(needles.group_count, 0);
    cr_assert_str_eq(search(&needles, "a\\tb\na\\u0009b\n", &out), "a\\tb|a\\u0009b|");
}
