/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/json_value.h"

static const char sample[] =
    "{\"a\":1.50,\"b\":{\"c\":\"x\\ny\"} , \"d\" : [ 1,\"two\", {\"e\":null},[3] ,false],"
    "\"t\":true,\"b\":0}";

/* Follows names with dots from one member to the next. */
static struct slice look(const char *text, const char *path)
{
    struct slice value = slice_from_text(text), rest = slice_from_text(path);
    while (rest.ptr != NULL) {
        AUTO_FREE char *name = slice_to_text(slice_cut(&rest, '.'));
        value = json_value_member(value, name);
    }
    return value;
}

Test(json_value, members_are_pieces_of_the_text)
{
    static const struct {
        const char *name, *text, *path, *value;
    } rows[] = {
        {"number as written", sample, "a", "1.50"},
        {"object", sample, "b", "{\"c\":\"x\\ny\"}"},
        {"member of a member", sample, "b.c", "\"x\\ny\""},
        {"array", sample, "d", "[ 1,\"two\", {\"e\":null},[3] ,false]"},
        {"true", sample, "t", "true"},
        {"null", "{\"n\":null}", "n", "null"},
        {"false", "{\"n\":false}", "n", "false"},
        {"not there", sample, "z", NULL},
        {"below what is not there", sample, "z.y", NULL},
        {"below a number", sample, "a.y", NULL},
        {"of an array", "[1]", "a", NULL},
        {"behind what is no JSON", "{\"a\":01,\"b\":2}", "b", NULL},
        {"cut", "{\"a\":[1,2", "a", NULL},
        {"empty", "", "a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice value = look(rows[i].text, rows[i].path);
        if (rows[i].value == NULL)
            cr_expect_null(value.ptr, "%s", rows[i].name);
        else
            cr_expect(slice_equal_text(value, rows[i].value), "%s: %.*s", rows[i].name,
                      (int)value.len, value.ptr);
    }
}

Test(json_value, elements_come_in_their_order)
{
    static const char *const expected[] = {"1", "\"two\"", "{\"e\":null}", "[3]", "false"};
    struct json_reader elements = json_value_elements(look(sample, "d"));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct slice value = json_value_next(&elements);
        cr_expect(slice_equal_text(value, expected[i]), "%zu: %.*s", i, (int)value.len, value.ptr);
    }
    cr_expect_null(json_value_next(&elements).ptr);
    cr_expect_null(json_value_next(&elements).ptr);
    struct json_reader none = json_value_elements(look(sample, "z"));
    cr_expect_null(json_value_next(&none).ptr);
}

Test(json_value, a_string_is_appended_as_what_it_means)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    json_value_append(look(sample, "b.c"), &out);
    json_value_append(look(sample, "a"), &out);
    json_value_append(look(sample, "z"), &out);
    cr_expect_str_eq(buffer_text(&out), "x\ny1.50");
    cr_expect(json_value_is_true(look(sample, "t")));
    cr_expect(!json_value_is_true(look(sample, "z")));
}
