/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/json_token.h"
#include "base/json_write.h"

Test(json_write, strings_are_escaped_and_free_of_terminal_controls)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *expected;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"\"\\", 2, "\"\\\"\\\\\""},
        {"\n\r\t", 3, "\"\\n\\r\\t\""},
        {"\0\x01\x1b\x7f", 4, "\"\\u0000\\u0001\\u001b\\u007f\""},
        {"\xc2\x9b\xc2\xa0", 4, "\"\\u009b\xc2\xa0\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff\xc3", 2, "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc0\x80", 2, "\"\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        json_write_string(&out, slice_of(rows[i].bytes, rows[i].len));
        cr_expect_str_eq(buffer_text(&out), rows[i].expected);
    }
}

Test(json_write, every_byte_pair_gives_one_valid_string)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char bytes[2] = {(char)(pair >> 8), (char)(pair & 0xff)};
        struct json_reader reader;
        buffer_clear(&out);
        json_write_string(&out, slice_of(bytes, 2));
        json_reader_init(&reader, buffer_slice(&out));
        cr_assert_eq(json_next(&reader).kind, JSON_STRING, "%04x", pair);
        cr_assert_eq(json_next(&reader).kind, JSON_END, "%04x", pair);
    }
}

Test(json_write, keys_set_their_commas)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    buffer_append_byte(&out, '{');
    json_write_key_text(&out, "a", "x");
    json_write_key_u64(&out, "b", UINT64_MAX);
    json_write_key_bool(&out, "c", false);
    json_write_key(&out, "d");
    buffer_append_byte(&out, '{');
    json_write_key_string(&out, "e", SLICE_LITERAL("{"));
    json_write_key_bool(&out, "f", true);
    buffer_append_literal(&out, "}}");
    cr_assert_str_eq(buffer_text(&out), "{\"a\":\"x\",\"b\":18446744073709551615,\"c\":false,"
                                        "\"d\":{\"e\":\"{\",\"f\":true}}");
}
