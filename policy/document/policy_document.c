/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of all keys share: messages with their place, values that are text, true or
 * false, set once; one item or a list of them; and maps whose keys stand in a closed table. */
#include "policy/document/policy_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "policy/document/preset.h"

static void add_message(struct policy_messages *messages, const struct policy_document *document,
                        const struct yaml_tree_node *node, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static void add_message(struct policy_messages *messages, const struct policy_document *document,
                        const struct yaml_tree_node *node, const char *format, va_list arguments)
{
    char text[sizeof(((struct error *)NULL)->text)];
    vsnprintf(text, sizeof(text), format, arguments);
    policy_messages_add(messages, document->file, node == NULL ? 0 : node->line,
                        node == NULL ? 0 : node->column, "%s", text);
}

void policy_document_error(const struct policy_document *document,
                           const struct yaml_tree_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(document->reading->errors, document, node, format, arguments);
    va_end(arguments);
}

void policy_document_notice(const struct policy_document *document,
                            const struct yaml_tree_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(document->reading->notices, document, node, format, arguments);
    va_end(arguments);
}

static bool is_null(const struct yaml_tree_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; !node->quoted && i < ARRAY_LEN(nulls); i++) {
        if (slice_equal_text(node->text, nulls[i]))
            return true;
    }
    return false;
}

bool policy_document_text(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what)
{
    const struct quoted quoted = quote_text(what);
    if (node->kind != YAML_TREE_SCALAR)
        policy_document_error(document, node, "%s takes text here, not %s", quoted.text,
                              yaml_tree_kind_name(node));
    else if (is_null(node))
        policy_document_error(document, node, "%s has no value", quoted.text);
    else if (node->text.len == 0)
        policy_document_error(document, node, "%s is empty", quoted.text);
    else
        return true;
    return false;
}

bool policy_document_bool(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what, bool *value_out)
{
    bool scalar = node->kind == YAML_TREE_SCALAR && !node->quoted;
    *value_out = scalar && slice_equal_text(node->text, "true");
    if (*value_out || (scalar && slice_equal_text(node->text, "false")))
        return true;
    policy_document_error(document, node,
                          "`%s` takes true or false, in these words and without quotes", what);
    return false;
}

size_t policy_document_word(const struct policy_document *document,
                            const struct yaml_tree_node *node, const char *const *names,
                            size_t count, const char *where)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_text(node->text, names[i]))
            return i;
    }
    struct near_word near;
    near_word_init(&near, node->text);
    for (size_t i = 0; i < count; i++)
        near_word_offer(&near, names[i]);
    policy_document_error(document, node, "%s is no key of %s%s", quote(node->text).text, where,
                          near_word_hint(&near).text);
    return count;
}

void policy_document_not_yet(const struct policy_document *document,
                             const struct yaml_tree_node *key, const char *what)
{
    policy_document_error(
        document, key,
        "%s is not supported in this version: leave it out, and know that nothing takes its "
        "place yet",
        what);
}

void policy_document_set_once(const struct policy_document *document,
                              const struct yaml_tree_node *node, const char *what, int64_t value,
                              bool may_override, struct policy_setting *setting)
{
    if (setting->set && !may_override) {
        policy_document_error(document, node, "`%s` was set already, in %s", what, setting->source);
        return;
    }
    *setting = (struct policy_setting){
        true, value, arena_printf(&document->reading->arena, "%s:%u", document->label, node->line)};
}

const struct yaml_tree_node *policy_document_effect(const struct policy_document *document,
                                                    const struct yaml_tree_node *rule,
                                                    const struct yaml_tree_node *const *given)
{
    if ((given[0] == NULL) != (given[1] == NULL))
        return given[0] != NULL ? given[0] : given[1];
    policy_document_error(document, rule, "a rule has either `allow` or `deny`%s",
                          given[0] != NULL ? ", not both" : "");
    return NULL;
}

/* A date is its first moment: what expires on a day is not allowed on that day. */
bool policy_document_read_expires(const struct policy_document *document,
                                  const struct yaml_tree_node *node, int64_t *expires_us_out)
{
    enum { DATE_LEN = 10 };
    char text[DATE_LEN + sizeof("T00:00:00Z")];
    if (!policy_document_text(document, node, "expires"))
        return false;
    struct slice time = node->text;
    if (time.len == DATE_LEN) {
        snprintf(text, sizeof(text), "%.*sT00:00:00Z", DATE_LEN, time.ptr);
        time = slice_from_text(text);
    }
    if (!timestamp_parse(time, expires_us_out) || *expires_us_out <= 0) {
        policy_document_error(document, node,
                              "`expires` takes a date or a time in UTC: 2027-01-31 (its first "
                              "moment) or 2027-01-31T18:00:00Z");
        return false;
    }
    if (*expires_us_out <= timestamp_now_us())
        policy_document_notice(document, node,
                               "this rule has expired and is ignored: remove it, or give it a "
                               "later time");
    return true;
}

void policy_document_read_bool(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *place)
{
    bool value;
    if (policy_document_bool(document, key->value, key->text.ptr, &value))
        policy_document_set_once(document, key->value, key->text.ptr, value, false, place);
}

bool policy_document_range(const struct policy_document *document,
                           const struct yaml_tree_node *node, struct ip_range *range_out)
{
    if (ip_range_parse(node->text, range_out))
        return true;
    policy_document_error(document, node,
                          "%s is no address or range (10.0.0.0/8, with zeros behind the prefix)",
                          quote(node->text).text);
    return false;
}

bool policy_document_choice(const struct policy_document *document,
                            const struct yaml_tree_node *key, const char *yes, const char *no,
                            bool *value_out)
{
    if (!policy_document_text(document, key->value, key->text.ptr))
        return false;
    *value_out = slice_equal_text(key->value->text, yes);
    if (*value_out || slice_equal_text(key->value->text, no))
        return true;
    policy_document_error(document, key->value, "`%s` is %s or %s", key->text.ptr, yes, no);
    return false;
}

void policy_document_read_mode(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *place)
{
    bool enforce;
    if (policy_document_choice(document, key, "enforce", "report", &enforce))
        policy_document_set_once(document, key->value, "mode",
                                 enforce ? POLICY_ENFORCE : POLICY_REPORT, false, place);
}

void policy_document_keep_text(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *place)
{
    if (policy_document_text(document, key->value, key->text.ptr))
        *(const char **)place = arena_text(document->reading->kept, key->value->text);
}

void policy_document_refuse_not_yet(const struct policy_document *document,
                                    const struct yaml_tree_node *key, void *)
{
    policy_document_not_yet(document, key, quote(key->text).text);
}

/* ---- lists ---- */

enum item_kind { ITEM_ANY, ITEM_TEXT, ITEM_WORD };

bool policy_document_is_word(const struct yaml_tree_node *node, struct buffer *why_out)
{
    struct slice rest = slice_trim_blanks(node->text);
    size_t count = 0;
    char quoted[80];
    if (rest.len == 0 || rest.ptr[0] == '~' || rest.ptr[0] == '{' ||
        memchr(rest.ptr, ' ', rest.len) == NULL)
        return true;
    buffer_append_literal(why_out, "more than one: write a list, `[");
    while (rest.ptr != NULL) {
        struct slice word = slice_cut(&rest, ' ');
        while (word.len > 0 && word.ptr[word.len - 1] == ',')
            word.len--;
        size_t len = strlen(error_quote(word, quoted, sizeof(quoted)));
        if (word.len > 0)
            buffer_printf(why_out, "%s\"%.*s\"", count++ > 0 ? ", " : "", (int)len - 2, quoted + 1);
    }
    buffer_append_literal(why_out, "]`");
    return false;
}

bool policy_document_one_word(const struct policy_document *document,
                              const struct yaml_tree_node *node)
{
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    if (policy_document_is_word(node, &why))
        return true;
    policy_document_error(document, node, "%s: %s", quote(node->text).text, buffer_text(&why));
    return false;
}

static void read_items(const struct policy_document *document, const struct yaml_tree_node *key,
                       const char *empty, enum item_kind kind, policy_reader *read, void *place)
{
    const struct yaml_tree_node *value = key->value;
    bool is_list = value->kind == YAML_TREE_SEQUENCE;
    if (is_list && value->first == NULL && empty != NULL)
        policy_document_error(document, value, "`%s` is an empty list: %s", key->text.ptr, empty);
    for (const struct yaml_tree_node *item = is_list ? value->first : value; item != NULL;
         item = is_list ? item->next : NULL) {
        if ((kind == ITEM_ANY || policy_document_text(document, item, key->text.ptr)) &&
            (kind != ITEM_WORD || policy_document_one_word(document, item)))
            read(document, item, place);
    }
}

void policy_document_read_list(const struct policy_document *document,
                               const struct yaml_tree_node *key, const char *empty,
                               policy_reader *read, void *place)
{
    read_items(document, key, empty, ITEM_ANY, read, place);
}

void policy_document_read_texts(const struct policy_document *document,
                                const struct yaml_tree_node *key, const char *empty,
                                policy_reader *read, void *place)
{
    read_items(document, key, empty, ITEM_TEXT, read, place);
}

void policy_document_read_words(const struct policy_document *document,
                                const struct yaml_tree_node *key, const char *empty,
                                policy_reader *read, void *place)
{
    read_items(document, key, empty, ITEM_WORD, read, place);
}

/* ---- maps ---- */

/* The row of a key; NULL, reported, when it has none. */
static const struct policy_key *find_row(const struct policy_document *document,
                                         const struct policy_map *map,
                                         const struct yaml_tree_node *key)
{
    const char *names[POLICY_KEYS_MAX];
    for (size_t i = 0; i < map->count; i++)
        names[i] = map->keys[i].name;
    size_t which = policy_document_word(document, key, names, map->count, map->where);
    return which < map->count ? &map->keys[which] : NULL;
}

static void read_row(const struct policy_document *document, const struct policy_key *row,
                     const struct yaml_tree_node *key, void *whole)
{
    if (row->read != NULL)
        row->read(document, key, (char *)whole + row->offset);
}

bool policy_document_read_map(const struct policy_document *document,
                              const struct yaml_tree_node *node, const struct policy_map *map,
                              const struct yaml_tree_node **given, void *whole)
{
    bool known = node->kind == YAML_TREE_MAPPING;
    if (!known && map->form != NULL)
        policy_document_error(document, node, "%s", map->form);
    if (!known)
        return false;
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        const struct policy_key *row = find_row(document, map, key);
        known = known && row != NULL;
        if (row == NULL)
            continue;
        if (given != NULL)
            given[row - map->keys] = key;
        read_row(document, row, key, whole);
    }
    return known;
}

void policy_document_note_map(const struct policy_document *document,
                              const struct yaml_tree_node *node, const struct policy_map *map,
                              const struct yaml_tree_node **given)
{
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        const struct policy_key *row = find_row(document, map, key);
        if (row != NULL)
            given[row - map->keys] = key;
    }
}

void policy_document_read_given(const struct policy_document *document,
                                const struct policy_map *map,
                                const struct yaml_tree_node *const *given, void *whole)
{
    for (size_t i = 0; i < map->count; i++) {
        if (given[i] != NULL)
            read_row(document, &map->keys[i], given[i], whole);
    }
}

void policy_document_read_text(const struct policy_document *document, struct slice text,
                               const struct policy_map *map, void *whole)
{
    struct policy_reading *reading = document->reading;
    const struct yaml_tree_node *given[POLICY_KEYS_MAX] = {NULL};
    struct yaml_tree_node *root;
    if (!yaml_tree_parse(&reading->arena, text.ptr, text.len, document->file, reading->errors,
                         &root))
        return;
    if (root == NULL) {
        policy_messages_add(reading->errors, document->file, 1, 1,
                            "the file is empty: a policy begins with `version: 1`");
        return;
    }
    if (root->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, root,
                              "a policy is a map that begins with `version: 1`, not %s",
                              yaml_tree_kind_name(root));
        return;
    }
    policy_document_read_map(document, root, map, given, whole);
    if (given[0] == NULL) /* the first row */
        policy_document_error(document, root, "`version: 1` is missing");
}
