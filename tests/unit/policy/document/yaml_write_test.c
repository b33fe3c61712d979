/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written parses back to the same tree, and looks as a person would have written it. */
#include <criterion/criterion.h>

#include "policy/document/yaml_edit.h"
#include "policy/document/yaml_write.h"

static struct yaml_tree_node *parse(struct arena *arena, struct slice text)
{
    struct policy_messages errors = {NULL, 0, 0};
    struct yaml_tree_node *root = NULL;
    bool good = yaml_tree_parse(arena, text.ptr, text.len, "test.yaml", &errors, &root);
    cr_assert(good, "%s in %.*s", errors.count > 0 ? errors.items[0].error.text : "", (int)text.len,
              text.ptr);
    policy_messages_free(&errors);
    return root;
}

/* Places differ; kinds, texts and what a lone word means must not. */
static bool same(const struct yaml_tree_node *a, const struct yaml_tree_node *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind)
        return a == b;
    if (a->kind == YAML_TREE_SCALAR && !slice_equal(a->text, b->text))
        return false;
    bool words = a->kind == YAML_TREE_SCALAR && a->text.len <= 5;
    if (words && a->quoted != b->quoted && !a->quoted && yaml_write_is_plain(a->text))
        return false;
    const struct yaml_tree_node *other = b->first;
    for (const struct yaml_tree_node *item = a->first; item != NULL; item = item->next) {
        if (other == NULL || !slice_equal(item->text, other->text) ||
            !same(item->value, other->value) || (item->value == NULL && !same(item, other)))
            return false;
        other = other->next;
    }
    return other == NULL;
}

Test(yaml_write, texts_in_their_canonical_form)
{
    static const struct {
        const char *name, *text, *written;
    } rows[] = {
        {"flow becomes block", "{a: [x, {b: c, d: [e]}], f: {}}",
         "a:\n  - x\n  - b: c\n    d:\n      - e\nf: {}\n"},
        {"lists in lists", "[[a, [b]], [], c]", "- - a\n  - - b\n- []\n- c\n"},
        {"words that are no text stay plain", "{a: true, b: null, c: ~, d: , e: 1.5, f: yes}",
         "a: true\nb: null\nc: ~\nd:\ne: 1.5\nf: yes\n"},
        {"and quoted where they were quoted", "{a: 'true', b: \"null\", c: '~', d: '', e: '1'}",
         "a: \"true\"\nb: \"null\"\nc: \"~\"\nd: \"\"\ne: \"1\"\n"},
        {"hosts", "[api.example.com, '*.x', 'a:22', 10.0.0.0/8]",
         "- api.example.com\n- \"*.x\"\n- \"a:22\"\n- 10.0.0.0/8\n"},
        {"quotes and escapes", "['a\"b', 'c\\d', \"e\\tf\\ng\", \"\\u2028\\u202e\\ufeff\"]",
         "- \"a\\\"b\"\n- \"c\\\\d\"\n- \"e\\tf\\ng\"\n- \"\\u2028\\u202E\\uFEFF\"\n"},
        {"letters of all kinds", "[\"\\u00fc \\U0001f600\"]", "- \"\xc3\xbc \xf0\x9f\x98\x80\"\n"},
        {"a block", "a: |\n  x\n  y\n", "a: \"x\\ny\\n\"\n"},
        {"folded", "a: x\n  y\n", "a: \"x y\"\n"},
        {"comments are lost", "# a\nb: c # d\n", "b: c\n"},
        {"keys", "{'true': a, '*': b, '': c, 1: d}", "\"true\": a\n\"*\": b\n\"\": c\n\"1\": d\n"},
        {"a list alone that is empty", "[]", "--- []\n"},
        {"a text alone", "a b", "--- \"a b\"\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_free) struct arena arena = {NULL};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        struct yaml_tree_node *root = parse(&arena, slice_from_text(rows[i].text));
        yaml_write(root, 1, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i].written, "%s: %s", rows[i].name,
                         buffer_text(&out));
        cr_expect(same(root, parse(&arena, buffer_slice(&out))), "%s", rows[i].name);
    }
}

Test(yaml_write, plain_is_what_is_text_for_every_reader)
{
    static const char *const plain[] = {"a", "api.example.com", "ContainerStart", "preset/npm",
                                        "a-b_c"};
    static const char *const not_plain[] = {
        "",     "true", "Yes", "NO", "on", "off", "null", "~",    "y",    "N",  "1", "1.5",
        "0x10", "-a",   "a b", "a:", "*",  "@a",  "a#b",  "a\nb", ".inf", "<<", "=", "/a"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        cr_expect(yaml_write_is_plain(slice_from_text(plain[i])), "%s", plain[i]);
    for (size_t i = 0; i < ARRAY_LEN(not_plain); i++)
        cr_expect_not(yaml_write_is_plain(slice_from_text(not_plain[i])), "%s", not_plain[i]);
}

Test(yaml_write, nodes_get_the_lines_where_they_were_written)
{
    CLEANUP(arena_free) struct arena arena = {NULL};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct yaml_tree_node *root =
        parse(&arena, SLICE_LITERAL("{a: 1, b: [x, {c: [y, z]}, w], d: {}}"));
    yaml_write(root, 10, &out);
    const struct yaml_tree_node *b = yaml_edit_get(root, "b");
    const struct yaml_tree_node *map = b->first->next, *c = yaml_edit_get(map, "c");
    cr_expect_eq(root->line, 10);
    cr_expect_eq(yaml_edit_get(root, "a")->line, 10);
    cr_expect_eq(root->first->next->line, 11); /* the key b */
    cr_expect_eq(b->first->line, 12);
    cr_expect_eq(map->line, 13);
    cr_expect_eq(c->first->line, 14);
    cr_expect_eq(c->first->next->line, 15);
    cr_expect_eq(map->next->line, 16);
    cr_expect_eq(yaml_edit_get(root, "d")->line, 17);
}

/* ---- any tree ---- */

static unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1103515245u + 12345u;
    return (*state >> 16) % below;
}

static struct slice draw_text(struct arena *arena, unsigned *state)
{
    static const char *const parts[] = {"a",
                                        "1",
                                        " ",
                                        "\n",
                                        "\t",
                                        ":",
                                        "#",
                                        "-",
                                        "*",
                                        "&",
                                        "!",
                                        "\"",
                                        "'",
                                        "\\",
                                        "{",
                                        "]",
                                        ",",
                                        "?",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "~",
                                        "true",
                                        "null",
                                        "",
                                        "\x01",
                                        "\xc2\x85",
                                        "\x7f",
                                        "\xc3\xbc",
                                        "\xe2\x80\xa8",
                                        "\xef\xbb\xbf",
                                        "\xef\xbf\xbf",
                                        "\xf0\x9f\x98\x80",
                                        "---",
                                        "\r"};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    for (unsigned count = draw(state, 6); count > 0; count--)
        buffer_append_text(&text, parts[draw(state, ARRAY_LEN(parts))]);
    for (unsigned count = draw(state, 200) == 0 ? 1200 : 0; count > 0; count--)
        buffer_append_byte(&text, 'k');
    return slice_of(arena_text(arena, buffer_slice(&text)), text.len);
}

static struct yaml_tree_node *draw_tree(struct arena *arena, unsigned *state, unsigned depth)
{
    static const enum yaml_tree_kind kinds[] = {YAML_TREE_SCALAR, YAML_TREE_SEQUENCE,
                                                YAML_TREE_MAPPING};
    enum yaml_tree_kind kind = depth == 0 ? YAML_TREE_SCALAR : kinds[draw(state, 3)];
    struct yaml_tree_node *node = yaml_edit_collection(arena, kind);
    if (kind == YAML_TREE_SCALAR) {
        node->text = draw_text(arena, state);
        node->quoted = draw(state, 2) == 0 || !yaml_write_is_plain(node->text);
        return node;
    }
    for (unsigned count = draw(state, 4); count > 0; count--) {
        struct yaml_tree_node *inner = draw_tree(arena, state, depth - 1);
        if (kind == YAML_TREE_MAPPING)
            yaml_edit_set(arena, node, draw_text(arena, state).ptr, inner);
        else
            yaml_edit_append(node, inner);
    }
    return node;
}

Test(yaml_write, any_tree_parses_back_to_itself)
{
    unsigned state = 7;
    for (unsigned round = 0; round < 20000; round++) {
        CLEANUP(arena_free) struct arena arena = {NULL};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY, again = BUFFER_EMPTY;
        struct yaml_tree_node *root = draw_tree(&arena, &state, 4);
        yaml_write(root, 1, &out);
        struct yaml_tree_node *read = parse(&arena, buffer_slice(&out));
        cr_assert(same(root, read), "round %u: %s", round, buffer_text(&out));
        yaml_write(read, 1, &again);
        cr_assert_str_eq(buffer_text(&again), buffer_text(&out), "round %u", round);
    }
}
