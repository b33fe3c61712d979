/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the tokens of an accepted text, written again without spaces and with every string
 * unescaped and escaped anew, read back as the same tokens with the same meaning; and the tree of
 * it, which refuses repeated keys only, is written as the same text. */
#include "base/json_token.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "tests/fuzz/fuzz.h"

static void write_text(struct json_token token, struct buffer *out)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    json_unescape(token, &text);
    require(json_token_equal(token, buffer_slice(&text)));
    json_write_string(out, buffer_slice(&text));
}

/* Writes all tokens of `text` anew. False when it is not JSON. */
static bool rewrite(struct slice text, struct buffer *out)
{
    struct json_reader reader;
    json_reader_init(&reader, text);
    for (;;) {
        struct json_token token = json_next(&reader);
        switch (token.kind) {
        case JSON_OBJECT_BEGIN:
            json_write_object_begin(out);
            break;
        case JSON_OBJECT_END:
            json_write_object_end(out);
            break;
        case JSON_ARRAY_BEGIN:
            json_write_array_begin(out);
            break;
        case JSON_ARRAY_END:
            json_write_array_end(out);
            break;
        case JSON_KEY:
            write_text(token, out);
            buffer_append_byte(out, ':');
            break;
        case JSON_STRING:
            write_text(token, out);
            break;
        case JSON_NUMBER:
            json_write_raw(out, token.text);
            break;
        case JSON_TRUE:
            json_write_raw(out, SLICE_LITERAL("true"));
            break;
        case JSON_FALSE:
            json_write_raw(out, SLICE_LITERAL("false"));
            break;
        case JSON_NULL:
            json_write_raw(out, SLICE_LITERAL("null"));
            break;
        case JSON_END:
            return true;
        case JSON_BAD:
            require(json_next(&reader).kind == JSON_BAD);
            return false;
        }
    }
}

static void write_node(const struct json_tree_node *node, struct buffer *out)
{
    static const char *const words[] = {
        [JSON_TREE_NULL] = "null", [JSON_TREE_FALSE] = "false", [JSON_TREE_TRUE] = "true"};
    if (node->key.ptr != NULL)
        json_write_foreign_key(out, node->key);
    if (node->kind == JSON_TREE_STRING) {
        json_write_string(out, node->text);
    } else if (node->kind == JSON_TREE_OBJECT || node->kind == JSON_TREE_ARRAY) {
        bool object = node->kind == JSON_TREE_OBJECT;
        (object ? json_write_object_begin : json_write_array_begin)(out);
        for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
            write_node(each, out);
        (object ? json_write_object_end : json_write_array_end)(out);
    } else {
        bool number = node->kind == JSON_TREE_NUMBER;
        json_write_raw(out, number ? node->text : slice_from_text(words[node->kind]));
    }
}

static void require_tree(struct slice text, struct slice written)
{
    AUTO_BUFFER struct buffer again = BUFFER_EMPTY;
    AUTO_JSON_TREE struct json_tree tree;
    struct error error = {0};
    if (json_tree_read(&tree, text, SIZE_MAX, &error)) {
        write_node(tree.root, &again);
        require(slice_equal(buffer_slice(&again), written));
    } else {
        require(strstr(error.text, "comes twice") != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    AUTO_BUFFER struct buffer first = BUFFER_EMPTY, second = BUFFER_EMPTY;
    if (!rewrite(text, &first))
        return 0;
    require_tree(text, buffer_slice(&first));
    require(rewrite(buffer_slice(&first), &second));
    require(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    return 0;
}
