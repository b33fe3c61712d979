/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/json_token.h"

/* One letter a token: what a whole text is read as. */
static const char *letters(struct slice text, struct buffer *out)
{
    static const char names[] = "{}[]ksntf0E!";
    struct json_reader reader;
    json_reader_init(&reader, text);
    buffer_clear(out);
    for (;;) {
        struct json_token token = json_next(&reader);
        buffer_append_byte(out, names[token.kind]);
        if (token.kind == JSON_END || token.kind == JSON_BAD) {
            cr_assert_eq(json_next(&reader).kind, token.kind, "it is said again");
            return buffer_text(out);
        }
    }
}

Test(json_token, valid_texts_are_read_token_by_token)
{
    static const char *const rows[][2] = {
        {"null", "0E"},
        {" true ", "tE"},
        {"\t\r\nfalse\n", "fE"},
        {"{}", "{}E"},
        {"[]", "[]E"},
        {"[[],{}]", "[[]{}]E"},
        {"{\"a\":1,\"b\":[\"c\",null]}", "{knk[s0]}E"},
        {"{ \"a\" : { \"b\" : -0.10e+5 } }", "{k{kn}}E"},
        {"-0", "nE"},
        {"1E5", "nE"},
        {"\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "sE"},
        {"\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \x7f\"", "sE"},
    };
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_str_eq(letters(slice_from_text(rows[i][0]), &out), rows[i][1], "%s", rows[i][0]);
}

Test(json_token, what_is_not_json_ends_in_bad)
{
    static const char *const rows[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "'a'",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1]",
        "{\"a\":}",
        "1 2",
        "{}{}",
        "{} x",
        "\xef\xbb\xbf{}",
        "/* */1",
        "[1,2",
        "\f1",
    };
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = letters(slice_from_text(rows[i]), &out);
        cr_expect_eq(got[strlen(got) - 1], '!', "%s gave %s", rows[i], got);
    }
    cr_expect_eq(letters(slice_of("1\0", 2), &out)[1], '!');
}

Test(json_token, no_cut_of_a_text_is_complete)
{
    static const char text[] =
        "{\"a\\u00e9\":[true,false,null,-1.5e3,\"\\ud83d\\ude00\"],\"b\":{}}";
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        const char *got = letters(slice_of(text, len), &out);
        cr_expect_eq(got[strlen(got) - 1], '!', "%zu bytes gave %s", len, got);
    }
    cr_expect_str_eq(letters(slice_of(text, sizeof(text) - 1), &out), "{k[tf0ns]k{}}E");
}

Test(json_token, nesting_is_bounded)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY, out = BUFFER_EMPTY;
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buffer_append_text(&text, i % 2 == 0 ? "[" : "{\"k\":");
    buffer_append_literal(&text, "1");
    for (int i = JSON_DEPTH_MAX - 1; i >= 0; i--)
        buffer_append_text(&text, i % 2 == 0 ? "]" : "}");
    const char *got = letters(buffer_slice(&text), &out);
    cr_expect_eq(got[strlen(got) - 1], 'E');
    buffer_clear(&text);
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        buffer_append_byte(&text, '[');
    got = letters(buffer_slice(&text), &out);
    cr_expect_eq(got[JSON_DEPTH_MAX], '!');
}

Test(json_token, numbers_and_strings_keep_their_text)
{
    struct json_reader reader;
    json_reader_init(&reader, SLICE_LITERAL("[1.10,-0,12345678901234567890,\"a\\u0062\"]"));
    static const char *const texts[] = {"1.10", "-0", "12345678901234567890", "a\\u0062"};
    cr_assert_eq(json_next(&reader).kind, JSON_ARRAY_BEGIN);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        cr_expect(slice_equal_text(json_next(&reader).text, texts[i]), "%s", texts[i]);
}

Test(json_token, escapes_mean_their_bytes)
{
    static const char *const rows[][2] = {
        {"\"plain\"", "plain"},
        {"\"\\u0061\\u00e9\\u20ac\\ud83d\\ude00\"", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"x\\\"\\\\\\/\\b\\f\\n\\r\\ty\"", "x\"\\/\b\f\n\r\ty"},
        {"\"\"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_reader reader;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        json_reader_init(&reader, slice_from_text(rows[i][0]));
        struct json_token token = json_next(&reader);
        json_unescape(token, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i][1]);
        cr_expect(json_token_equal(token, slice_from_text(rows[i][1])));
        cr_expect_not(json_token_equal(token, SLICE_LITERAL("x\"")), "%s", rows[i][0]);
        cr_expect_not(json_token_equal(token, SLICE_LITERAL("plain text")), "%s", rows[i][0]);
    }
}

Test(json_token, skipping_goes_past_one_value)
{
    struct json_reader reader;
    json_reader_init(&reader, SLICE_LITERAL("[{\"a\":[1,{}]},2]"));
    cr_assert_eq(json_next(&reader).kind, JSON_ARRAY_BEGIN);
    cr_assert(json_skip(&reader, json_next(&reader)));
    struct json_token token = json_next(&reader);
    cr_assert(slice_equal_text(token.text, "2"));
    cr_assert(json_skip(&reader, token));
    token = json_next(&reader);
    cr_assert_eq(token.kind, JSON_ARRAY_END);
    cr_assert_not(json_skip(&reader, token), "an end is no value");
    json_reader_init(&reader, SLICE_LITERAL("[[1,x]]"));
    cr_assert_eq(json_next(&reader).kind, JSON_ARRAY_BEGIN);
    cr_assert_not(json_skip(&reader, json_next(&reader)));
}
