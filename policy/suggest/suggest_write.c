/* SPDX-License-Identifier: Apache-2.0
 *
 * The document is written line by line, since comments stand between the rules. What is taken over
 * from the present policy is written in flow style, which is the same tree. */
#include "policy/suggest/suggest_write.h"

#include <string.h>

#include "base/json_write.h"
#include "base/timestamp.h"
#include "policy/document/yaml_edit.h"
#include "policy/document/yaml_write.h"

enum { COMMENT_COLUMN_MAX = 48, LEFT_OUT_SHOWN_MAX = 50 };

/* ---- evidence ---- */

void suggest_write_span(const struct suggest_span *span, struct buffer *out)
{
    buffer_append_u64(out, span->count);
    buffer_append_text(out, span->count == 1 ? " request" : " requests");
    if (span->last_us == 0)
        return;
    buffer_append_literal(out, ", ");
    timestamp_write_seconds(span->first_us, out);
    if (span->first_us / 1000000 == span->last_us / 1000000)
        return;
    buffer_append_literal(out, " to ");
    timestamp_write_seconds(span->last_us, out);
}

static void write_evidence(const struct suggest_rule *rule, const struct suggest_item *item,
                           struct buffer *out)
{
    if (item->members > 1)
        buffer_printf(out, "%zu %s, ", item->members, rule->network ? "hosts" : "operations");
    suggest_write_span(&item->span, out);
    if (item->note != NULL)
        buffer_printf(out, "; %s", item->note);
}

/* ---- scalars and nodes ---- */

/* Bare where no reader could take it for anything but text. */
static void write_scalar(struct slice text, struct buffer *out)
{
    if (yaml_write_is_plain(text))
        buffer_append_slice(out, text);
    else
        json_write_string(out, text);
}

static void write_flow(const struct yaml_tree_node *node, struct buffer *out)
{
    switch (node->kind) {
    case YAML_TREE_SCALAR:
        if (!node->quoted &&
            (slice_equal_text(node->text, "true") || slice_equal_text(node->text, "false")))
            buffer_append_slice(out, node->text);
        else
            write_scalar(node->text, out);
        return;
    case YAML_TREE_SEQUENCE:
        buffer_append_byte(out, '[');
        for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next) {
            write_flow(item, out);
            buffer_append_text(out, item->next != NULL ? ", " : "");
        }
        buffer_append_byte(out, ']');
        return;
    case YAML_TREE_MAPPING:
        buffer_append_byte(out, '{');
        for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
            write_scalar(key->text, out);
            buffer_append_literal(out, ": ");
            write_flow(key->value, out);
            buffer_append_text(out, key->next != NULL ? ", " : "");
        }
        buffer_append_byte(out, '}');
        return;
    }
}

static bool is_deny(const struct yaml_tree_node *rule)
{
    return yaml_edit_get(rule, "deny") != NULL;
}

/* Settings of the present policy that are none of `skipped`. */
static void keep_settings(const struct yaml_tree_node *map, const char *const *skipped,
                          size_t count, unsigned column, struct buffer *out)
{
    const struct yaml_tree_node *key =
        map != NULL && map->kind == YAML_TREE_MAPPING ? map->first : NULL;
    for (; key != NULL; key = key->next) {
        if (slice_find(key->text, skipped, count) < count)
            continue;
        buffer_printf(out, "%*s", (int)column, "");
        write_scalar(key->text, out);
        buffer_append_literal(out, ": ");
        write_flow(key->value, out);
        buffer_append_byte(out, '\n');
    }
}

/* ---- rules ---- */

/* One scope of the document: the top level or a client. */
struct scope {
    const struct suggest_document *document;
    const char *client;                   /* whose rules are suggested here; NULL = nobody's */
    const struct yaml_tree_node *present; /* NULL = none */
    unsigned column;
};

static bool is_here(const struct scope *scope, const struct suggest_rule *rule, bool network)
{
    return scope->client != NULL && rule->network == network &&
           strcmp(rule->client, scope->client) == 0;
}

static void write_item(const struct suggest_rule *rule, const struct suggest_item *item,
                       unsigned column, size_t width, struct buffer *out)
{
    if (item->warning != NULL)
        buffer_printf(out, "%*s# WARNING: %s\n", (int)column, "", item->warning);
    buffer_printf(out, "%*s- ", (int)column, "");
    size_t begin = out->len;
    write_scalar(slice_from_text(item->text), out);
    size_t written = out->len - begin;
    buffer_printf(out, "%*s  # ", (int)(written < width ? width - written : 0), "");
    write_evidence(rule, item, out);
    buffer_append_byte(out, '\n');
}

static size_t width_of(const struct suggest_rule *rule)
{
    size_t width = 0;
    for (size_t i = 0; i < rule->item_count; i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        write_scalar(slice_from_text(rule->items[i].text), &text);
        width = text.len > width && text.len <= COMMENT_COLUMN_MAX ? text.len : width;
    }
    return width;
}

static void write_rule(const struct suggest_rule *rule, unsigned column, struct buffer *out)
{
    size_t width = width_of(rule);
    buffer_printf(out, "%*s- allow:\n", (int)column, "");
    for (size_t i = 0; i < rule->item_count; i++)
        write_item(rule, &rule->items[i], column + 4, width, out);
    for (size_t i = 0; i < rule->keys.count; i++)
        buffer_printf(out, "%*s%s: %s\n", (int)column + 2, "", rule->keys.items[i].name,
                      rule->keys.items[i].value);
}

/* The list under `docker` or `network`: what the present policy denies there, and the rules. */
static void write_rules(const struct scope *scope, bool network, struct buffer *out)
{
    const struct suggestion *suggestion = scope->document->suggestion;
    const struct yaml_tree_node *list =
        yaml_edit_get(scope->present, network ? "network" : "docker");
    const struct yaml_tree_node *rule =
        list != NULL && list->kind == YAML_TREE_SEQUENCE ? list->first : NULL;
    size_t begin = out->len, empty;
    buffer_printf(out, "%*s%s:\n", (int)scope->column, "", network ? "network" : "docker");
    empty = out->len;
    for (; rule != NULL; rule = rule->next) {
        if (!is_deny(rule))
            continue;
        buffer_printf(out, "%*s- ", (int)scope->column + 2, "");
        write_flow(rule, out);
        buffer_append_literal(out, "  # as before\n");
    }
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        if (is_here(scope, &suggestion->rules[i], network))
            write_rule(&suggestion->rules[i], scope->column + 2, out);
    }
    if (out->len == empty)
        out->len = begin;
}

/* ---- clients ---- */

static bool has_rules(const struct suggestion *suggestion, const char *client)
{
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        if (strcmp(suggestion->rules[i].client, client) == 0)
            return true;
    }
    return false;
}

static void write_client(const struct suggest_document *document, struct slice name,
                         const struct yaml_tree_node *present, struct buffer *out)
{
    static const char *const skipped[] = {"docker", "network", "use", "mode"};
    AUTO_FREE char *client = slice_to_text(name);
    const struct scope scope = {document, client, document->drop_in ? NULL : present, 4};
    buffer_append_literal(out, "  ");
    write_scalar(name, out);
    buffer_append_literal(out, ":\n");
    size_t begin = out->len;
    keep_settings(scope.present, skipped, ARRAY_LEN(skipped), 4, out);
    write_rules(&scope, false, out);
    write_rules(&scope, true, out);
    if (out->len == begin) {
        out->len--;
        buffer_append_literal(out, " {}\n");
    }
}

/* Rules of the client `default` alone stand at the top when nobody could inherit them. */
static bool is_flat(const struct suggest_document *document)
{
    const struct suggestion *suggestion = document->suggestion;
    if (yaml_edit_get(document->present, "clients") != NULL)
        return false;
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        if (strcmp(suggestion->rules[i].client, "default") != 0)
            return false;
    }
    return true;
}

static void write_clients(const struct suggest_document *document, struct buffer *out)
{
    const struct suggestion *suggestion = document->suggestion;
    const struct yaml_tree_node *clients = yaml_edit_get(document->present, "clients");
    const struct yaml_tree_node *key =
        clients != NULL && clients->kind == YAML_TREE_MAPPING ? clients->first : NULL;
    const char *last = "";
    size_t begin = out->len, empty;
    buffer_append_literal(out, "clients:\n");
    empty = out->len;
    for (; key != NULL; key = key->next) {
        if (!document->drop_in || has_rules(suggestion, key->text.ptr))
            write_client(document, key->text, key->value, out);
    }
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        const char *client = suggestion->rules[i].client;
        if (strcmp(client, last) != 0 && yaml_edit_get(clients, client) == NULL)
            write_client(document, slice_from_text(client), NULL, out);
        last = client;
    }
    if (out->len == empty)
        out->len = begin;
}

/* ---- document ---- */

static void write_left_out(const struct suggest_evidence *evidence, struct buffer *out)
{
    if (evidence->left_out_count > 0)
        buffer_append_literal(out, "#\n# Left out:\n");
    for (size_t i = 0; i < evidence->left_out_count && i < LEFT_OUT_SHOWN_MAX; i++) {
        const struct suggest_left_out *entry = evidence->left_out[i];
        buffer_printf(out, "#   %s%s%s: %s (", entry->client, entry->client[0] != '\0' ? ": " : "",
                      entry->what, entry->why);
        suggest_write_span(&entry->span, out);
        buffer_append_literal(out, ")\n");
    }
    if (evidence->left_out_count > LEFT_OUT_SHOWN_MAX)
        buffer_printf(out, "#   and %zu more, which --json lists\n",
                      evidence->left_out_count - LEFT_OUT_SHOWN_MAX);
}

/* Whether the document or a client of it names files of rules. */
static bool uses_something(const struct yaml_tree_node *present)
{
    const struct yaml_tree_node *clients = yaml_edit_get(present, "clients");
    const struct yaml_tree_node *key =
        clients != NULL && clients->kind == YAML_TREE_MAPPING ? clients->first : NULL;
    bool uses = yaml_edit_get(present, "use") != NULL;
    for (; key != NULL; key = key->next)
        uses = uses || yaml_edit_get(key->value, "use") != NULL;
    return uses;
}

static void write_head(const struct suggest_document *document, struct buffer *out)
{
    buffer_append_literal(out, "# Made by `dockreeve policy suggest` from ");
    suggest_write_span(&document->evidence->span, out);
    buffer_append_literal(out, ".\n# Read it before you use it: it permits what was done, not what "
                               "should be.\n");
    if (document->drop_in)
        buffer_append_literal(out, "# Rules only: to be put beside policy.yaml, into policy.d.\n");
    else if (document->present != NULL)
        buffer_append_literal(out, "# Listeners, settings and denies are those of the present "
                                   "policy.yaml; the files of policy.d stay in force beside it.\n");
    if (!document->drop_in && uses_something(document->present))
        buffer_append_literal(out, "# Its `use` is not taken over: what was used of it stands "
                                   "here by itself, and so do the denies of its files.\n");
    write_left_out(document->evidence, out);
}

void suggest_write_document(const struct suggest_document *document, struct buffer *out)
{
    static const char *const skipped[] = {"version", "default", "docker", "network",
                                          "use",     "mode",    "clients"};
    bool flat = is_flat(document);
    const struct scope top = {document, flat ? "default" : NULL,
                              document->drop_in ? NULL : document->present, 0};
    write_head(document, out);
    buffer_append_literal(out, "version: 1\n");
    if (!document->drop_in)
        buffer_append_literal(out, "default: {docker: deny, network: deny}\nmode: enforce\n");
    keep_settings(top.present, skipped, ARRAY_LEN(skipped), 0, out);
    write_rules(&top, false, out);
    write_rules(&top, true, out);
    if (!flat)
        write_clients(document, out);
}

/* ---- JSON ---- */

static void write_span_json(const struct suggest_span *span, struct buffer *out)
{
    json_write_key_u64(out, "requests", span->count);
    if (span->last_us == 0)
        return;
    json_write_key_time(out, "first", span->first_us);
    json_write_key_time(out, "last", span->last_us);
}

void suggest_write_item_json(const struct suggest_item *item, struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_text(out, "pattern", item->text);
    write_span_json(&item->span, out);
    json_write_key_u64(out, "members", item->members);
    if (item->warning != NULL)
        json_write_key_text(out, "warning", item->warning);
    if (item->note != NULL)
        json_write_key_text(out, "note", item->note);
    json_write_object_end(out);
}

void suggest_write_rule_keys_json(const struct suggest_rule *rule, struct buffer *out)
{
    json_write_key_text(out, "client", rule->client);
    json_write_key_text(out, "kind", rule->network ? "network" : "docker");
    for (size_t i = 0; i < rule->keys.count; i++)
        json_write_key_raw(out, rule->keys.items[i].name,
                           slice_from_text(rule->keys.items[i].value));
}

void suggest_write_json(const struct suggest_document *document, struct buffer *out)
{
    const struct suggestion *suggestion = document->suggestion;
    json_write_key_array(out, "rules");
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        const struct suggest_rule *rule = &suggestion->rules[i];
        json_write_object_begin(out);
        suggest_write_rule_keys_json(rule, out);
        json_write_key_array(out, "allow");
        for (size_t n = 0; n < rule->item_count; n++)
            suggest_write_item_json(&rule->items[n], out);
        json_write_array_end(out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_key_array(out, "left_out");
    for (size_t i = 0; i < document->evidence->left_out_count; i++) {
        const struct suggest_left_out *entry = document->evidence->left_out[i];
        json_write_object_begin(out);
        json_write_key_text(out, "client", entry->client);
        json_write_key_text(out, "what", entry->what);
        json_write_key_text(out, "why", entry->why);
        write_span_json(&entry->span, out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}
