/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/json_tree.h"

static const char sample[] =
    "{\"a\":1.50,\"b\":{\"c\":\"x\\ny\",\"\\u0064\":7} , \"d\" : [ 1,\"two\", {\"e\":null},[3] "
    ",false],\"t\":true,\"z\":0}";

static bool read_text(struct json_tree *tree, const char *text, struct error *error)
{
    return json_tree_read(tree, slice_from_text(text), 32, error);
}

Test(json_tree, a_path_of_keys_leads_to_a_value)
{
    static const struct {
        const char *path, *text;
        int kind; /* -1 = not there */
    } rows[] = {
        {"a", "1.50", JSON_TREE_NUMBER},
        {"b", "", JSON_TREE_OBJECT},
        {"b.c", "x\ny", JSON_TREE_STRING},
        {"b.d", "7", JSON_TREE_NUMBER},
        {"d", "", JSON_TREE_ARRAY},
        {"t", "", JSON_TREE_TRUE},
        {"y", "", -1},
        {"y.z", "", -1},
        {"a.y", "", -1},
        {"d.e", "", -1},
    };
    AUTO_JSON_TREE struct json_tree tree;
    struct error error;
    cr_assert(read_text(&tree, sample, &error), "%s", error.text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct json_tree_node *node = json_tree_at(tree.root, rows[i].path);
        cr_expect_eq(node == NULL ? -1 : (int)node->kind, rows[i].kind, "%s", rows[i].path);
        cr_expect(slice_equal_text(json_tree_text(tree.root, rows[i].path), rows[i].text), "%s",
                  rows[i].path);
    }
    cr_expect(json_tree_is(tree.root, "t", JSON_TREE_TRUE));
    cr_expect(!json_tree_is(tree.root, "y", JSON_TREE_TRUE));
    cr_expect_eq(json_tree_u64(tree.root, "b.d"), 7);
    cr_expect_eq(json_tree_u64(tree.root, "a"), 0);
}

Test(json_tree, values_stand_in_the_texts_order_and_know_what_holds_them)
{
    static const int kinds[] = {JSON_TREE_NUMBER, JSON_TREE_STRING, JSON_TREE_OBJECT,
                                JSON_TREE_ARRAY, JSON_TREE_FALSE};
    AUTO_JSON_TREE struct json_tree tree;
    struct error error;
    size_t count = 0;
    cr_assert(read_text(&tree, sample, &error), "%s", error.text);
    const struct json_tree_node *node = json_tree_first(tree.root, "d");
    for (; node != NULL && count < ARRAY_LEN(kinds); node = node->next, count++) {
        cr_expect_eq((int)node->kind, kinds[count], "%zu", count);
        cr_expect_null(node->key.ptr);
        cr_expect_eq(node->parent, json_tree_at(tree.root, "d"));
    }
    cr_expect_null(node);
    cr_expect_eq(count, ARRAY_LEN(kinds));
    cr_expect_null(json_tree_first(tree.root, "a"));
    cr_expect_null(json_tree_first(tree.root, "y"));
}

Test(json_tree, what_readers_would_differ_about_is_refused)
{
    static const struct {
        const char *name, *text, *message;
        int code; /* 0 = taken */
    } rows[] = {
        {"empty", "", "it is not JSON at byte 1", EINVAL},
        {"cut", "{\"a\":[1,2", "it is not JSON at byte 10", EINVAL},
        {"text behind it", "{} {}", "it is not JSON at byte 4", EINVAL},
        {"repeated key", "{\"a\":1,\"b\":2,\"a\":3}", "the key `a` comes twice in one object",
         EINVAL},
        {"repeated by an escape", "{\"a\":1,\"\\u0061\":3}",
         "the key `a` comes twice in one object", EINVAL},
        {"repeated deep inside", "[{\"a\":{\"\":1,\"\":2}}]",
         "the key `` comes twice in one object", EINVAL},
        {"the same key in two objects", "[{\"a\":1},{\"a\":{\"a\":2}}]", "", 0},
        {"another case", "{\"a\":1,\"A\":2}", "", 0},
        {"too many values", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
         "it has more than 32 values", E2BIG},
        {"as many as may be", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", "",
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON_TREE struct json_tree tree;
        struct error error = {0};
        cr_expect_eq(read_text(&tree, rows[i].text, &error), rows[i].code == 0, "%s", rows[i].name);
        cr_expect_str_eq(error.text, rows[i].message, "%s", rows[i].name);
        cr_expect_eq(error.system_error, rows[i].code, "%s", rows[i].name);
    }
}

Test(json_tree, a_repeated_key_is_found_in_a_large_object)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_literal(&text, "{\"a\":[0,{}]");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&text, ",\"k%d\":{\"k0\":1}", i);
    buffer_append_byte(&text, '}');
    AUTO_JSON_TREE struct json_tree good, bad;
    struct error error;
    cr_assert(json_tree_read(&good, buffer_slice(&text), 5000, &error), "%s", error.text);
    cr_expect_eq(json_tree_u64(good.root, "k999.k0"), 1);
    cr_expect_eq(good.count, 2004);
    text.len--;
    buffer_append_literal(&text, ",\"k500\":0}");
    cr_assert_not(json_tree_read(&bad, buffer_slice(&text), 5000, &error));
    cr_expect_str_eq(error.text, "the key `k500` comes twice in one object");
}
