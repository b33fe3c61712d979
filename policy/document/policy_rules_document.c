/* SPDX-License-Identifier: Apache-2.0
 *
 * What a document of rules may hold: a preset, or a file that `use` names. Its keys are those of a
 * policy that rules consist of. */
#include "policy/document/policy_rules_document.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "policy/document/policy_file.h"
#include "policy/document/preset.h"

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
        policy_document_error(document, node, "there is no %s%s", quote(node->text).text,
                              near_word_hint(&near).text);
        return;
    }
    if (strcmp(preset->name, "preset/negotiate") == 0 ||
        used_already(document, client, preset->name))
        return; /* negotiate holds for everybody anyway */
    note_use(document, client, node, preset->name);
    struct policy_document inner = {.reading = document->reading,
                                    .file = preset->name,
                                    .label = preset->name,
                                    .client = client,
                                    .layer = POLICY_LAYER_DOCUMENT,
                                    .parent = document};
    policy_builder_add_source(document->reading->builder, preset->name, preset->text.len, 0);
    policy_rules_document_read(&inner, preset->text);
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
        policy_rules_document_read(&inner, buffer_slice(&text));
        return;
    case POLICY_FILE_MISSING:
        policy_document_error(document, node, "there is no file %s", inner.file);
        return;
    case POLICY_FILE_BAD:
        return;
    }
}

static void read_use_item(const struct policy_document *document, const struct yaml_tree_node *node,
                          void *place)
{
    const size_t client = *(const size_t *)place;
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
                              const struct yaml_tree_node *key)
{
    policy_document_read_texts(document, key, NULL, read_use_item, &client);
}

/* ---- keys ---- */

void policy_rules_read_version(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *)
{
    if (key->value->kind != YAML_TREE_SCALAR || !slice_equal_text(key->value->text, "1"))
        policy_document_error(document, key->value, "`version` is 1: this program knows no other");
}

void policy_rules_read_use(const struct policy_document *document, const struct yaml_tree_node *key,
                           void *)
{
    policy_document_read_use(document, document->client, key);
}

void policy_rules_read_docker(const struct policy_document *document,
                              const struct yaml_tree_node *key, void *)
{
    policy_rules_read(document, document->client, key->value);
}

void policy_rules_read_network(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *)
{
    policy_network_rules_read(document, document->client, key->value);
}

void policy_rules_document_read(const struct policy_document *document, struct slice text)
{
    static const struct policy_key keys[] = {{"version", policy_rules_read_version, 0},
                                             {"use", policy_rules_read_use, 0},
                                             {"docker", policy_rules_read_docker, 0},
                                             {"network", policy_rules_read_network, 0}};
    static const struct policy_map map = {"a file of rules (version, use, docker, network)", NULL,
                                          keys, ARRAY_LEN(keys)};
    policy_document_read_text(document, text, &map, document->reading->builder);
}

void policy_preset_add_always(struct policy_builder *builder, struct policy_messages *errors)
{
    const struct preset *preset = preset_find(SLICE_LITERAL("preset/negotiate"));
    struct policy_messages notices = {NULL, 0, 0};
    struct policy_reading reading = {
        .builder = builder, .errors = errors, .notices = &notices, .kept = &builder->policy->arena};
    struct policy_document document = {.reading = &reading,
                                       .file = preset->name,
                                       .label = preset->name,
                                       .client = POLICY_EVERY_CLIENT,
                                       .layer = POLICY_LAYER_ALWAYS};
    policy_builder_add_source(builder, preset->name, preset->text.len, 0);
    policy_rules_document_read(&document, preset->text);
    policy_messages_free(&notices);
    arena_free(&reading.arena);
}
