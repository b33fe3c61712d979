/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of all keys share: messages with their place, values that are text, true or
 * false, set once; and the reading of a map whose keys stand in a closed table. */
#include "policy/document/policy_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "policy/document/policy_file.h"
#include "policy/document/policy_own_addresses.h"
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
    char quoted[80];
    error_quote(slice_from_text(what), quoted, sizeof(quoted));
    if (node->kind != YAML_TREE_SCALAR)
        policy_document_error(document, node, "%s takes text here, not %s", quoted,
                              yaml_tree_kind_name(node));
    else if (is_null(node))
        policy_document_error(document, node, "%s has no value", quoted);
    else if (node->text.len == 0)
        policy_document_error(document, node, "%s is empty", quoted);
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

size_t policy_document_key(const struct policy_document *document, const struct yaml_tree_node *key,
                           const char *const *names, size_t count, const char *where)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_text(key->text, names[i]))
            return i;
    }
    struct near_word near;
    near_word_init(&near, key->text);
    for (size_t i = 0; i < count; i++)
        near_word_offer(&near, names[i]);
    char quoted[80];
    error_quote(key->text, quoted, sizeof(quoted));
    if (near.best != NULL)
        policy_document_error(document, key, "%s is no key of %s; did you mean `%s`?", quoted,
                              where, near.best);
    else
        policy_document_error(document, key, "%s is no key of %s", quoted, where);
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
                               const struct yaml_tree_node *node, const char *what,
                               struct policy_setting *setting)
{
    bool value;
    if (policy_document_bool(document, node, what, &value))
        policy_document_set_once(document, node, what, value, false, setting);
}

void policy_document_read_mode(const struct policy_document *document,
                               const struct yaml_tree_node *node, struct policy_setting *setting)
{
    if (!policy_document_text(document, node, "mode"))
        return;
    if (slice_equal_text(node->text, "enforce"))
        policy_document_set_once(document, node, "mode", POLICY_ENFORCE, false, setting);
    else if (slice_equal_text(node->text, "report"))
        policy_document_set_once(document, node, "mode", POLICY_REPORT, false, setting);
    else
        policy_document_error(document, node, "`mode` is enforce or report");
}

/* Reads one key of the map. */
static void read_key(const struct policy_document *document, const struct yaml_tree_node *key,
                     const struct policy_key *keys, size_t count, const char *where)
{
    const char *names[POLICY_KEYS_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    size_t which = policy_document_key(document, key, names, count, where);
    if (which < count)
        keys[which].read(document, key);
}

void policy_document_read_text(const struct policy_document *document, struct slice text,
                               const struct policy_key *keys, size_t count, const char *where)
{
    struct policy_reading *reading = document->reading;
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
    bool has_version = false;
    for (const struct yaml_tree_node *key = root->first; key != NULL; key = key->next) {
        has_version |= slice_equal_text(key->text, "version");
        read_key(document, key, keys, count, where);
    }
    if (!has_version)
        policy_document_error(document, root, "`version: 1` is missing");
}
