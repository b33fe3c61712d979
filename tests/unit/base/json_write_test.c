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

Test(json_write, commas_stand_between_what_is_in_one_container)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    json_write_object_begin(&out);
    json_write_key_text(&out, "a", "x");
    json_write_key_u64(&out, "b", UINT64_MAX);
    json_write_key_bool(&out, "c", false);
    json_write_key_object(&out, "d");
    json_write_key_string(&out, "e", SLICE_LITERAL("{"));
    json_write_key_bool(&out, "f", true);
    json_write_object_end(&out);
    json_write_key_array(&out, "g");
    json_write_object_begin(&out);
    json_write_object_end(&out);
    json_write_array_begin(&out);
    json_write_array_end(&out);
    json_write_string(&out, SLICE_LITERAL("["));
    json_write_string(&out, SLICE_LITERAL(":"));
    json_write_raw(&out, SLICE_LITERAL("1,2"));
    json_write_raw(&out, SLICE_LITERAL("3"));
    json_write_array_end(&out);
    json_write_key_raw(&out, "h", SLICE_LITERAL("null"));
    json_write_key_time(&out, "i", 1);
    json_write_key_list(&out, "j", SLICE_LITERAL("k\nl\n"), '\n');
    json_write_key_list(&out, "m", SLICE_LITERAL(""), '\n');
    json_write_line_end(&out);
    cr_assert_str_eq(buffer_text(&out),
                     "{\"a\":\"x\",\"b\":18446744073709551615,\"c\":false,"
                     "\"d\":{\"e\":\"{\",\"f\":true},\"g\":[{},[],\"[\",\":\",1,2,3],\"h\":null,"
                     "\"i\":\"1970-01-01T00:00:00.000001Z\",\"j\":[\"k\",\"l\"],\"m\":[]}\n");
}

Test(json_write, a_text_begins_on_a_new_line_and_goes_on_there)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    buffer_append_literal(&out, "HTTP\r\n\r\n");
    json_write_array_begin(&out);
    json_write_string(&out, SLICE_LITERAL("a"));
    json_write_next_line(&out);
    json_write_string(&out, SLICE_LITERAL("b"));
    json_write_array_end(&out);
    cr_assert_str_eq(buffer_text(&out), "HTTP\r\n\r\n[\"a\",\n\"b\"]");
}

/* Runs of plain bytes are looked at eight at a time: a byte that needs an escape is found wherever
 * it stands. */
Test(json_write, a_byte_is_seen_at_every_place_of_a_run)
{
    char text[20];
    AUTO_BUFFER struct buffer alone = BUFFER_EMPTY, whole = BUFFER_EMPTY, expected = BUFFER_EMPTY;
    for (unsigned byte = 0; byte < 0x80; byte++) {
        const char one = (char)byte;
        buffer_clear(&alone);
        json_write_string(&alone, slice_of(&one, 1));
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'a', sizeof(text));
            text[at] = one;
            buffer_clear(&whole);
            json_write_string(&whole, slice_of(text, sizeof(text)));
            buffer_clear(&expected);
            buffer_printf(&expected, "\"%.*s%.*s%.*s\"", (int)at, "aaaaaaaaaaaaaaaaaaaa",
                          (int)alone.len - 2, alone.data + 1, (int)(sizeof(text) - at - 1),
                          "aaaaaaaaaaaaaaaaaaaa");
            cr_assert(slice_equal(buffer_slice(&whole), buffer_slice(&expected)), "byte %u at %zu",
                      byte, at);
        }
    }
}
