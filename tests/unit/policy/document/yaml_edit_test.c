/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/document/yaml_edit.h"
#include "policy/document/yaml_write.h"

static struct yaml_tree_node *parse(struct arena *arena, const char *text)
{
    struct policy_messages errors = {NULL, 0, 0};
    struct yaml_tree_node *root = NULL;
    cr_assert(yaml_tree_parse(arena, text, strlen(text), "test.yaml", &errors, &root), "%s", text);
    return root;
}

static void expect_text(struct yaml_tree_node *root, const char *text)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    yaml_write(root, 1, &out);
    cr_expect_str_eq(buffer_text(&out), text, "%s", buffer_text(&out));
}

Test(yaml_edit, keys_are_set_replaced_and_taken_out)
{
    CLEANUP(arena_free) struct arena arena = {NULL};
    struct yaml_tree_node *root = parse(&arena, "{a: 1, b: 2, c: 3}");
    yaml_edit_set(&arena, root, "b", yaml_edit_scalar(&arena, SLICE_LITERAL("x: y")));
    yaml_edit_set(&arena, root, "d", yaml_edit_scalar(&arena, SLICE_LITERAL("z")));
    cr_expect(yaml_edit_unset(root, "a"));
    cr_expect_not(yaml_edit_unset(root, "a"));
    cr_expect_null(yaml_edit_get(root, "a"));
    cr_expect_null(yaml_edit_get(NULL, "a"));
    cr_expect_null(yaml_edit_get(yaml_edit_get(root, "d"), "a"));
    expect_text(root, "b: \"x: y\"\nc: 3\nd: z\n");
}

Test(yaml_edit, what_is_missing_is_made_and_what_is_something_else_is_left)
{
    CLEANUP(arena_free) struct arena arena = {NULL};
    struct yaml_tree_node *root = parse(&arena, "{a: , b: [x], c: text}");
    cr_expect_not_null(yaml_edit_ensure(&arena, root, "a", YAML_TREE_MAPPING));
    cr_expect_eq(yaml_edit_ensure(&arena, root, "b", YAML_TREE_SEQUENCE), yaml_edit_get(root, "b"));
    cr_expect_null(yaml_edit_ensure(&arena, root, "c", YAML_TREE_SEQUENCE));
    cr_expect_not_null(yaml_edit_ensure(&arena, root, "d", YAML_TREE_SEQUENCE));
    expect_text(root, "a: {}\nb:\n  - x\nc: text\nd: []\n");
}

Test(yaml_edit, items_are_added_at_the_end_and_removed_anywhere)
{
    CLEANUP(arena_free) struct arena arena = {NULL};
    const struct slice texts[] = {SLICE_LITERAL("a"), SLICE_LITERAL("b"), SLICE_LITERAL("c")};
    struct yaml_tree_node *list = yaml_edit_texts(&arena, texts, 3);
    cr_expect_eq(yaml_edit_texts(&arena, texts, 1)->kind, YAML_TREE_SCALAR);
    yaml_edit_remove(list, list->first->next);
    yaml_edit_append(list, yaml_edit_scalar(&arena, SLICE_LITERAL("d")));
    expect_text(list, "- a\n- c\n- d\n");
    yaml_edit_remove(list, list->first);
    yaml_edit_remove(list, list->first->next);
    expect_text(list, "- c\n");
}

Test(yaml_edit, equal_is_what_says_the_same)
{
    static const struct {
        const char *name, *a, *b;
        bool equal;
    } rows[] = {
        {"quotes", "{a: x}", "{a: 'x'}", true},
        {"order of keys", "{a: x, b: y}", "{b: y, a: x}", true},
        {"order of items", "[a, b]", "[b, a]", false},
        {"one more key", "{a: x}", "{a: x, b: y}", false},
        {"one less item", "[a, b]", "[a]", false},
        {"another value", "{a: [x, {b: c}]}", "{a: [x, {b: d}]}", false},
        {"the same value", "{a: [x, {b: c}]}", "{a: [x, {b: c}]}", true},
        {"another kind", "[a]", "a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_free) struct arena arena = {NULL};
        const struct yaml_tree_node *a = parse(&arena, rows[i].a), *b = parse(&arena, rows[i].b);
        cr_expect_eq(yaml_edit_equal(a, b), rows[i].equal, "%s", rows[i].name);
        cr_expect_eq(yaml_edit_equal(b, a), rows[i].equal, "%s, the other way", rows[i].name);
    }
    cr_expect(yaml_edit_equal(NULL, NULL));
}
