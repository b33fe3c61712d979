/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of a document; those of a client are in policy_client_reader.c. Each is in a closed
 * table; what the language has a word for and this version does not do yet is in the table too, and refused with a
 * sentence of its own, because a rail that is written down and silently missing is worse than none.
 */
#include "policy/policy_document.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "policy/policy_file.h"
#include "policy/policy_own_addresses.h"
#include "policy/preset.h"

/* ---- helpers ---- */

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

/* ---- use ---- */

static bool used_already(const struct policy_document *document, size_t client, const char *what)
{
    struct policy_reading *reading = document->reading;
    const char *key = arena_printf(&reading->arena, "%zx %s", client, what);
    for (size_t i = 0; i < reading->used_count; i++) {
        if (strcmp(reading->used[i], key) == 0)
            return true;
    }
    reading->used = array_grow(reading->used, reading->used_count, &reading->used_capacity,
                               sizeof(reading->used[0]));
    reading->used[reading->used_count++] = key;
    return false;
}

static void note_use(const struct policy_document *document, size_t client,
                     const struct yaml_tree_node *node, const char *what)
{
    struct policy *policy = document->reading->builder->policy;
    policy->uses =
        array_grow(policy->uses, policy->use_count, &policy->use_capacity, sizeof(policy->uses[0]));
    policy->uses[policy->use_count++] = (struct policy_use){
        arena_text(&policy->arena, slice_from_text(what)),
        arena_text(&policy->arena, slice_from_text(document->label)), node->line, client};
}

static void use_preset(const struct policy_document *document, size_t client,
                       const struct yaml_tree_node *node)
{
    const struct preset *preset = preset_find(node->text);
    if (preset == NULL) {
        struct near_word near;
        near_word_init(&near, node->text);
        for (size_t i = 0; i < preset_count(); i++)
            near_word_offer(&near, preset_at(i)->name);
        char quoted[80];
        error_quote(node->text, quoted, sizeof(quoted));
        if (near.best != NULL)
            policy_document_error(document, node, "there is no %s; did you mean `%s`?", quoted,
                                  near.best);
        else
            policy_document_error(document, node, "there is no %s", quoted);
        return;
    }
    if (strcmp(preset->name, "preset/negotiate") == 0 ||
        used_already(document, client, preset->name))
        return; /* negotiate holds for everybody anyway */
    note_use(document, client, node, preset->name);
    struct policy_document inner = {.reading = document->reading,
                                    .kind = POLICY_DOCUMENT_RULES,
                                    .file = preset->name,
                                    .label = preset->name,
                                    .client = client,
                                    .layer = POLICY_LAYER_DOCUMENT,
                                    .parent = document};
    policy_builder_add_source(document->reading->builder, preset->name, preset->text.len, 0);
    policy_document_read(&inner, preset->text);
}

void policy_preset_add_always(struct policy_builder *builder, struct policy_messages *errors)
{
    const struct preset *preset = preset_find(SLICE_LITERAL("preset/negotiate"));
    struct policy_messages notices = {NULL, 0, 0};
    struct policy_reading reading = {.builder = builder, .errors = errors, .notices = &notices};
    struct policy_document document = {.reading = &reading,
                                       .kind = POLICY_DOCUMENT_RULES,
                                       .file = preset->name,
                                       .label = preset->name,
                                       .client = POLICY_EVERY_CLIENT,
                                       .layer = POLICY_LAYER_ALWAYS};
    policy_builder_add_source(builder, preset->name, preset->text.len, 0);
    policy_document_read(&document, preset->text);
    policy_messages_free(&notices);
    arena_free(&reading.arena);
}

/* "./x.yaml" beside the file `of`, and the same for the short names. */
static const char *beside(struct arena *arena, const char *of, const char *name)
{
    const char *slash = strrchr(of, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - of);
    return arena_printf(arena, "%.*s%s", folder, of, name + 2);
}

static void use_file(const struct policy_document *document, size_t client,
                     const struct yaml_tree_node *node)
{
    struct policy_reading *reading = document->reading;
    struct slice rest = slice_of(node->text.ptr + 2, node->text.len - 2);
    while (rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal_text(part, ".") || slice_equal_text(part, "..")) {
            policy_document_error(document, node,
                                  "`use` names files below the folder of this one: no empty, `.` "
                                  "or `..` parts");
            return;
        }
    }
    char real[PATH_MAX];
    struct policy_document inner = {.reading = reading,
                                    .kind = POLICY_DOCUMENT_RULES,
                                    .file = beside(&reading->arena, document->file, node->text.ptr),
                                    .label =
                                        beside(&reading->arena, document->label, node->text.ptr),
                                    .client = client,
                                    .layer = POLICY_LAYER_DOCUMENT,
                                    .parent = document};
    for (const struct policy_document *above = document; above != NULL; above = above->parent) {
        char other[PATH_MAX];
        if (realpath(inner.file, real) != NULL && realpath(above->file, other) != NULL &&
            strcmp(real, other) == 0) {
            policy_document_error(document, node,
                                  "`use` goes in a circle: this file is used by itself");
            return;
        }
    }
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    int64_t modified_us;
    switch (policy_file_read_noted(inner.file, reading->check_owner, reading->files, &text,
                                   &modified_us, reading->errors)) {
    case POLICY_FILE_READ:
        if (used_already(document, client, inner.file))
            return;
        policy_builder_add_source(reading->builder, inner.file, text.len, modified_us);
        note_use(document, client, node, inner.label);
        policy_document_read(&inner, buffer_slice(&text));
        return;
    case POLICY_FILE_MISSING:
        policy_document_error(document, node, "there is no file %s", inner.file);
        return;
    case POLICY_FILE_BAD:
        return;
    }
}

static void read_use_item(const struct policy_document *document, size_t client,
                          const struct yaml_tree_node *node)
{
    if (!policy_document_text(document, node, "use"))
        return;
    if (slice_starts_with(node->text, SLICE_LITERAL("preset/")))
        use_preset(document, client, node);
    else if (slice_starts_with(node->text, SLICE_LITERAL("./")) &&
             !slice_starts_with(slice_from_text(document->file), SLICE_LITERAL("preset/")))
        use_file(document, client, node);
    else
        policy_document_error(
            document, node, "`use` names a built-in preset (preset/NAME) or a file (./NAME.yaml)");
}

void policy_document_read_use(const struct policy_document *document, size_t client,
                              const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_use_item(document, client, node);
        return;
    }
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_use_item(document, client, item);
}

/* ---- document ---- */

static void read_default(const struct policy_document *document, const struct yaml_tree_node *node)
{
    static const char *const keys[] = {"docker", "network"};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, node,
                              "`default` takes a map: {docker: deny, network: deny}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        size_t which = policy_document_key(document, key, keys, ARRAY_LEN(keys), "`default`");
        if (which == ARRAY_LEN(keys) || !policy_document_text(document, key->value, keys[which]))
            continue;
        bool allow = slice_equal_text(key->value->text, "allow");
        if (!allow && !slice_equal_text(key->value->text, "deny"))
            policy_document_error(document, key->value, "a default is allow or deny");
        else if (which == 0)
            policy_document_set_once(document, key->value, "default: docker", allow,
                                     document->may_override,
                                     &document->reading->builder->default_allow);
        else
            policy_document_set_once(document, key->value, "default: network", allow,
                                     document->may_override,
                                     &document->reading->builder->default_network);
    }
}

enum main_key {
    MAIN_VERSION,
    MAIN_USE,
    MAIN_DOCKER,
    MAIN_NETWORK,
    MAIN_DEFAULT,
    MAIN_CLIENTS,
    MAIN_MODE,
    MAIN_STRICT,
    MAIN_GUARD,
    MAIN_ENFORCE,
    MAIN_SCOPE,
    MAIN_CUT_ON_REVOKE,
    MAIN_OWN_ADDRESSES,
    MAIN_KEY_COUNT,
};
enum { RULES_KEY_COUNT = MAIN_DEFAULT };

static void read_main_key(const struct policy_document *document, const struct yaml_tree_node *key)
{
    static const char *const keys[] = {
        "version", "use",   "docker",  "network", "default",       "clients",      "mode",
        "strict",  "guard", "enforce", "scope",   "cut_on_revoke", "own_addresses"};
    struct policy_builder *builder = document->reading->builder;
    bool rules_only = document->kind == POLICY_DOCUMENT_RULES;
    size_t count = rules_only ? RULES_KEY_COUNT : ARRAY_LEN(keys);
    size_t which = policy_document_key(
        document, key, keys, count,
        rules_only ? "a file of rules (version, use, docker, network)" : "a policy");
    if (which == count)
        return;
    char quoted[40];
    switch ((enum main_key)which) {
    case MAIN_VERSION:
        if (key->value->kind != YAML_TREE_SCALAR || !slice_equal_text(key->value->text, "1"))
            policy_document_error(document, key->value,
                                  "`version` is 1: this program knows no other");
        return;
    case MAIN_USE:
        policy_document_read_use(document, document->client, key->value);
        return;
    case MAIN_DOCKER:
        policy_rules_read(document, document->client, key->value);
        return;
    case MAIN_NETWORK:
        policy_network_rules_read(document, document->client, key->value);
        return;
    case MAIN_DEFAULT:
        read_default(document, key->value);
        return;
    case MAIN_CLIENTS:
        policy_clients_read(document, key->value);
        return;
    case MAIN_MODE:
        policy_document_read_mode(document, key->value, &builder->mode);
        return;
    case MAIN_STRICT:
        policy_document_read_bool(document, key->value, "strict", &builder->strict);
        return;
    case MAIN_CUT_ON_REVOKE:
        policy_document_read_bool(document, key->value, "cut_on_revoke", &builder->cut_on_revoke);
        return;
    case MAIN_OWN_ADDRESSES:
        policy_own_addresses_read(document, key->value);
        return;
    case MAIN_GUARD:
    case MAIN_ENFORCE:
    case MAIN_SCOPE:
        policy_document_not_yet(document, key, error_quote(key->text, quoted, sizeof(quoted)));
        return;
    case MAIN_KEY_COUNT:
        return;
    }
}

void policy_document_read(const struct policy_document *document, struct slice text)
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
        read_main_key(document, key);
    }
    if (!has_version)
        policy_document_error(document, root, "`version: 1` is missing");
}
