/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Quoted text has double quotes always, with the escapes of YAML 1.1, since that is
 * the one style in which every character can be written and no line is ever folded. libyaml's emitter
 * does not serve: it writes `on` and `1e3` without quotes, which YAML 1.1 takes for something else,
 * it escapes either every letter that is no ASCII or none of the characters that do not show, and it
 * does not say in which line a node came to stand. */
#include "policy/document/yaml_write.h"

#include "base/utf8.h"
#include "base/hidden_character.h"

enum {
    INDENT = 2,
    SIMPLE_KEY_MAX = 1000, /* a longer key needs a `?` in front (libyaml: 1024 characters) */
};

struct writing {
    struct buffer *out;
    unsigned line;
};

static void end_line(struct writing *writing)
{
    buffer_append_byte(writing->out, '\n');
    writing->line++;
}

static void indent(struct writing *writing, unsigned columns)
{
    for (unsigned i = 0; i < columns; i++)
        buffer_append_byte(writing->out, ' ');
}

/* ---- scalars ---- */

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Bytes that are no syntax wherever they stand in a plain text, but for its ends. */
static bool has_plain_bytes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (!is_letter(byte) && !(byte >= '0' && byte <= '9') && byte != '.' && byte != '_' &&
            byte != '-' && byte != '/')
            return false;
    }
    return true;
}

/* Words that are no text for YAML 1.1 or 1.2. */
static bool is_reserved(struct slice text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "y",   "n"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_equal_nocase(text, slice_from_text(words[i])))
            return true;
    }
    return false;
}

bool yaml_write_is_plain(struct slice text)
{
    return text.len > 0 && is_letter(text.ptr[0]) && has_plain_bytes(text) && !is_reserved(text);
}

/* What was plain and means something as such (a number, null, a boolean) stays plain. */
static bool stays_plain(const struct yaml_tree_node *node)
{
    struct slice text = node->text;
    if (node->quoted)
        return false;
    if (text.len == 0 || slice_equal_text(text, "~"))
        return true;
    bool begins =
        is_letter(text.ptr[0]) || text.ptr[0] == '/' || (text.ptr[0] >= '0' && text.ptr[0] <= '9');
    return begins && has_plain_bytes(text);
}

/* Characters that libyaml refuses, that end a line for it, or that show a person another text than
 * the one that stands there. */
static bool must_escape(uint32_t point)
{
    bool is_control = point <= 0x1f || (point >= 0x7f && point <= 0x9f);
    return is_control || point == 0xfffe || point == 0xffff || point == '"' || point == '\\' ||
           hidden_character_kind(point) != HIDDEN_CHARACTER_NONE;
}

static void write_escape(uint32_t point, struct buffer *out)
{
    if (point == '"' || point == '\\')
        buffer_printf(out, "\\%c", (char)point);
    else if (point == '\n')
        buffer_append_literal(out, "\\n");
    else if (point == '\t')
        buffer_append_literal(out, "\\t");
    else if (point <= 0xff)
        buffer_printf(out, "\\x%02X", (unsigned)point);
    else if (point <= 0xffff)
        buffer_printf(out, "\\u%04X", (unsigned)point);
    else
        buffer_printf(out, "\\U%08X", (unsigned)point);
}

static void write_quoted(struct slice text, struct buffer *out)
{
    buffer_append_byte(out, '"');
    for (size_t at = 0; at < text.len;) {
        uint32_t point;
        size_t len = utf8_decode(text.ptr + at, text.len - at, &point);
        if (len == 0 || must_escape(point))
            write_escape(point, out);
        else
            buffer_append(out, text.ptr + at, len);
        at += len == 0 ? 1 : len;
    }
    buffer_append_byte(out, '"');
}

/* With a blank in front, unless there is nothing to write. */
static void write_scalar(const struct yaml_tree_node *node, struct buffer *out)
{
    if (!stays_plain(node)) {
        buffer_append_byte(out, ' ');
        write_quoted(node->text, out);
    } else if (node->text.len > 0) {
        buffer_append_byte(out, ' ');
        buffer_append_slice(out, node->text);
    }
}

/* ---- collections ---- */

static void write_items(struct writing *writing, struct yaml_tree_node *node, unsigned column,
                        bool same_line);

/* What stands behind a key's colon or an item's dash, to the end of the line or lines. */
static void write_value(struct writing *writing, struct yaml_tree_node *node, unsigned column,
                        bool of_item)
{
    node->line = writing->line;
    if (node->kind == YAML_TREE_SCALAR) {
        write_scalar(node, writing->out);
        end_line(writing);
    } else if (node->first == NULL) {
        buffer_append_text(writing->out, node->kind == YAML_TREE_MAPPING ? " {}" : " []");
        end_line(writing);
    } else if (of_item) {
        buffer_append_byte(writing->out, ' ');
        write_items(writing, node, column, true);
    } else {
        end_line(writing);
        node->line = writing->line;
        write_items(writing, node, column, false);
    }
}

static void write_key(struct writing *writing, struct yaml_tree_node *key, unsigned column)
{
    struct buffer *out = writing->out;
    bool is_long = key->text.len > SIMPLE_KEY_MAX;
    if (is_long)
        buffer_append_literal(out, "? ");
    if (yaml_write_is_plain(key->text))
        buffer_append_slice(out, key->text);
    else
        write_quoted(key->text, out);
    if (is_long) {
        end_line(writing);
        indent(writing, column);
    }
    buffer_append_byte(out, ':');
}

/* `same_line`: the first one stands behind the dash of an item that holds them. */
static void write_items(struct writing *writing, struct yaml_tree_node *node, unsigned column,
                        bool same_line)
{
    bool is_map = node->kind == YAML_TREE_MAPPING;
    for (struct yaml_tree_node *item = node->first; item != NULL; item = item->next) {
        if (!same_line || item != node->first)
            indent(writing, column);
        if (is_map) {
            item->line = writing->line;
            write_key(writing, item, column);
            write_value(writing, item->value, column + INDENT, false);
        } else {
            buffer_append_byte(writing->out, '-');
            write_value(writing, item, column + INDENT, true);
        }
    }
}

void yaml_write(struct yaml_tree_node *root, unsigned first_line, struct buffer *out)
{
    struct writing writing = {out, first_line};
    root->line = first_line;
    if (root->kind != YAML_TREE_SCALAR && root->first != NULL) {
        write_items(&writing, root, 0, false);
        return;
    }
    /* Behind the mark, since a scalar or empty collection at the beginning has no dash or colon. */
    buffer_append_literal(out, "---");
    write_value(&writing, root, 0, false);
}
