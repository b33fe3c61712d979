/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml's events, put together to a tree. libyaml knows the syntax; what it would let pass
 * (doubles, aliases, tags, a second document) is refused here. The nesting is kept in a fixed
 * stack, so no input can exhaust ours. */
#include "policy/document/yaml_tree.h"

#include <stdlib.h>

#include <yaml.h>

#include "base/hidden_character.h"
#include "base/text_map.h"
#include "policy/document/yaml_syntax.h"

/* So many characters that do not show are remembered, and as many told of that are refused anywhere. */
enum { HIDDEN_MAX = 64 };

struct open_node {
    struct yaml_tree_node *node;
    struct yaml_tree_node *last; /* item or key added last */
    bool wants_value;            /* `last` is a key whose value comes next */
    size_t count;
};

struct reading {
    struct arena *arena;
    const char *file;
    struct policy_messages *errors;
    size_t errors_before;
    struct open_node open[YAML_TREE_DEPTH_MAX];
    unsigned depth;
    struct yaml_tree_node *root;
    unsigned documents;
    bool over;
    struct hidden_character hidden[HIDDEN_MAX]; /* refused in what decides, not in a comment */
    size_t hidden_count;
};

static void complain(struct reading *reading, yaml_mark_t mark, const char *text)
{
    policy_messages_add(reading->errors, reading->file, (unsigned)mark.line + 1,
                        (unsigned)mark.column + 1, "%s", text);
}

static struct yaml_tree_node *new_node(struct reading *reading, enum yaml_tree_kind kind,
                                       yaml_mark_t mark)
{
    struct yaml_tree_node *node = arena_alloc(reading->arena, sizeof(*node));
    node->kind = kind;
    node->line = (unsigned)mark.line + 1;
    node->column = (unsigned)mark.column + 1;
    return node;
}

/* Puts the node where it belongs: an item, a key, a value, or the root. */
static void attach(struct reading *reading, struct yaml_tree_node *node, yaml_mark_t mark)
{
    if (reading->depth == 0) {
        reading->root = node;
        return;
    }
    struct open_node *open = &reading->open[reading->depth - 1];
    if (open->wants_value) {
        open->last->value = node;
        open->wants_value = false;
        return;
    }
    if (open->node->kind == YAML_TREE_MAPPING) {
        if (node->kind != YAML_TREE_SCALAR)
            complain(reading, mark, "a key must be plain text, not a list or a map");
        open->wants_value = true;
    }
    if (open->last == NULL)
        open->node->first = node;
    else
        open->last->next = node;
    open->last = node;
    open->count++;
}

static void push(struct reading *reading, struct yaml_tree_node *node, yaml_mark_t mark)
{
    if (reading->depth == YAML_TREE_DEPTH_MAX) {
        complain(reading, mark, "nested deeper than 32 levels");
        reading->over = true;
        return;
    }
    reading->open[reading->depth++] = (struct open_node){.node = node};
}

static void report_double(struct reading *reading, const struct yaml_tree_node *key,
                          const struct yaml_tree_node *first)
{
    policy_messages_add(reading->errors, reading->file, key->line, key->column,
                        "the key %s stands here for the second time (first in line %u)",
                        quote(key->text).text, first->line);
}

/* Looks for keys that stand twice: by a table of hashes, so that a long map costs no more than its
 * length. */
static void check_doubles(struct reading *reading, const struct open_node *open)
{
    CLEANUP(text_map_free) struct text_map seen = {.count = 0};
    for (struct yaml_tree_node *key = open->node->first; key != NULL; key = key->next) {
        if (key->kind != YAML_TREE_SCALAR)
            continue;
        void **first = text_map_at(&seen, key->text);
        if (*first != NULL)
            report_double(reading, key, *first);
        else
            *first = key;
    }
}

static void pop(struct reading *reading)
{
    struct open_node *open = &reading->open[--reading->depth];
    if (open->node->kind == YAML_TREE_MAPPING && open->count > 1)
        check_doubles(reading, open);
}

static void refuse_decoration(struct reading *reading, const yaml_char_t *anchor,
                              const yaml_char_t *tag, yaml_mark_t mark)
{
    if (anchor != NULL)
        complain(reading, mark,
                 "anchors (`&name`) are not part of a policy; quote a text that begins with `&`");
    if (tag != NULL)
        complain(reading, mark,
                 "tags (`!name`) are not part of a policy; quote a text that begins with `!`");
}

/* Whether the place lies in front of the mark. */
static bool is_before(const struct hidden_character *hidden, yaml_mark_t mark)
{
    return hidden->line < mark.line + 1 ||
           (hidden->line == mark.line + 1 && hidden->column < mark.column + 1);
}

static void refuse_hidden(struct reading *reading, const yaml_event_t *event)
{
    for (size_t i = 0; i < reading->hidden_count; i++) {
        const struct hidden_character *hidden = &reading->hidden[i];
        if (is_before(hidden, event->start_mark) || !is_before(hidden, event->end_mark))
            continue;
        policy_messages_add(reading->errors, reading->file, hidden->line, hidden->column,
                            "the character U+%04X does not show, or looks like a blank: remove it, "
                            "or write it as an escape in double quotes (\"\\%c%0*X\")",
                            (unsigned)hidden->point, hidden->point > 0xffff ? 'U' : 'u',
                            hidden->point > 0xffff ? 8 : 4, (unsigned)hidden->point);
    }
}

/* What would make a policy say something else than its lines show is refused wherever it stands:
 * YAML ends a line, and so a comment, where no editor does. False when there is such a thing; then
 * no place behind it would be right. */
static bool check_characters(struct reading *reading, const char *bytes, size_t len)
{
    struct hidden_character_search search;
    struct hidden_character found;
    size_t refused = 0;
    hidden_character_begin(&search, bytes, len);
    while (refused < HIDDEN_MAX && hidden_character_next(&search, &found)) {
        if (found.kind == HIDDEN_CHARACTER_INVISIBLE) {
            if (reading->hidden_count < HIDDEN_MAX)
                reading->hidden[reading->hidden_count++] = found;
            continue;
        }
        refused++;
        if (found.point == '\r')
            policy_messages_add(reading->errors, reading->file, found.line, found.column,
                                "a carriage return without a line feed ends a line for YAML, and "
                                "for few editors: end lines with a line feed");
        else
            policy_messages_add(reading->errors, reading->file, found.line, found.column,
                                "the character U+%04X %s: remove it, or write it as an escape in "
                                "double quotes (\"\\u%04X\")",
                                (unsigned)found.point,
                                found.kind == HIDDEN_CHARACTER_BREAK
                                    ? "ends a line for YAML, and for few editors"
                                    : "changes the order in which a line is shown",
                                (unsigned)found.point);
    }
    return refused == 0;
}

static void take_scalar(struct reading *reading, const yaml_event_t *event)
{
    refuse_hidden(reading, event);
    refuse_decoration(reading, event->data.scalar.anchor, event->data.scalar.tag,
                      event->start_mark);
    struct yaml_tree_node *node = new_node(reading, YAML_TREE_SCALAR, event->start_mark);
    struct slice text = slice_of((const char *)event->data.scalar.value, event->data.scalar.length);
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        complain(reading, event->start_mark, "a NUL character has no place in a policy");
    node->text = slice_of(arena_text(reading->arena, text), text.len);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    attach(reading, node, event->start_mark);
}

static void take_start(struct reading *reading, enum yaml_tree_kind kind, const yaml_char_t *anchor,
                       const yaml_char_t *tag, yaml_mark_t mark)
{
    refuse_decoration(reading, anchor, tag, mark);
    struct yaml_tree_node *node = new_node(reading, kind, mark);
    attach(reading, node, mark);
    push(reading, node, mark);
}

static void take(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        take_scalar(reading, event);
        return;
    case YAML_SEQUENCE_START_EVENT:
        take_start(reading, YAML_TREE_SEQUENCE, event->data.sequence_start.anchor,
                   event->data.sequence_start.tag, event->start_mark);
        return;
    case YAML_MAPPING_START_EVENT:
        take_start(reading, YAML_TREE_MAPPING, event->data.mapping_start.anchor,
                   event->data.mapping_start.tag, event->start_mark);
        return;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        pop(reading);
        return;
    case YAML_ALIAS_EVENT:
        complain(reading, event->start_mark,
                 "aliases (`*name`) are not part of a policy; quote a text that begins with `*`");
        attach(reading, new_node(reading, YAML_TREE_SCALAR, event->start_mark), event->start_mark);
        return;
    case YAML_DOCUMENT_START_EVENT:
        if (++reading->documents > 1) {
            complain(reading, event->start_mark,
                     "a policy file holds one document: nothing may follow `---` or `...`");
            reading->over = true;
        }
        return;
    case YAML_STREAM_END_EVENT:
        reading->over = true;
        return;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return;
    }
}

/* libyaml gives bytes that are no UTF-8 an offset, and syntax errors a place. */
static void report_syntax(struct reading *reading, const yaml_parser_t *parser, const char *bytes,
                          size_t len)
{
    if (parser->error == YAML_MEMORY_ERROR)
        abort();
    yaml_mark_t mark = {0, 0, 0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (parser->error == YAML_READER_ERROR) {
        for (size_t i = 0; i < len && i < parser->problem_offset; i++) {
            mark.column = bytes[i] == '\n' ? 0 : mark.column + 1;
            mark.line += bytes[i] == '\n';
        }
        buffer_append_text(&text, parser->problem);
    } else {
        yaml_syntax_explain(parser, slice_of(bytes, len), &mark, &text);
    }
    policy_messages_add(reading->errors, reading->file, (unsigned)mark.line + 1,
                        (unsigned)mark.column + 1, "this is not YAML: %s", buffer_text(&text));
}

bool yaml_tree_parse(struct arena *arena, const char *bytes, size_t len, const char *file,
                     struct policy_messages *errors, struct yaml_tree_node **root_out)
{
    struct reading reading = {
        .arena = arena, .file = file, .errors = errors, .errors_before = errors->count};
    *root_out = NULL;
    if (len > YAML_TREE_BYTES_MAX) {
        policy_messages_add(errors, file, 0, 0, "larger than 128 MB");
        return false;
    }
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        policy_messages_add(errors, file, 1, 1,
                            "begins with a byte order mark: save it as UTF-8 without one");
        return false;
    }
    if (!check_characters(&reading, bytes, len))
        return false;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    while (!reading.over) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(&reading, &parser, bytes, len);
            break;
        }
        take(&reading, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (errors->count > reading.errors_before)
        return false;
    *root_out = reading.root;
    return true;
}

const char *yaml_tree_kind_name(const struct yaml_tree_node *node)
{
    switch (node->kind) {
    case YAML_TREE_SCALAR:
        return "text";
    case YAML_TREE_SEQUENCE:
        return "a list";
    case YAML_TREE_MAPPING:
        return "a map";
    }
    return "nothing";
}
