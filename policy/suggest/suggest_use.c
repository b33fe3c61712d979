/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Files of `use` stand below the folder of the file that names them. */
#include "policy/suggest/suggest_use.h"

#include <string.h>

#include "policy/document/policy_file.h"
#include "policy/document/preset.h"
#include "policy/document/yaml_edit.h"

enum { DEPTH_MAX = 32 };

struct taking {
    struct arena *arena;
    struct policy_messages *errors;
    struct yaml_tree_node *scope; /* the document, or a client of it */
    unsigned depth;
};

static bool take_item(struct taking *taking, struct slice name, const char *of);

/* Calls for one item or all of a list. */
static bool take_uses(struct taking *taking, const struct yaml_tree_node *use, const char *of)
{
    if (use == NULL)
        return true;
    if (use->kind == YAML_TREE_SCALAR)
        return take_item(taking, use->text, of);
    for (const struct yaml_tree_node *item = use->first; item != NULL; item = item->next) {
        if (!take_item(taking, item->text, of))
            return false;
    }
    return true;
}

/* Copies of the list's denies behind those of the scope; the nodes below are shared. */
static void take_denies(struct taking *taking, const struct yaml_tree_node *used, const char *kind)
{
    const struct yaml_tree_node *list = yaml_edit_get(used, kind);
    struct yaml_tree_node **end = NULL;
    if (list == NULL || list->kind != YAML_TREE_SEQUENCE)
        return;
    for (const struct yaml_tree_node *rule = list->first; rule != NULL; rule = rule->next) {
        if (yaml_edit_get(rule, "deny") == NULL)
            continue;
        if (end == NULL)
            end = &yaml_edit_ensure(taking->arena, taking->scope, kind, YAML_TREE_SEQUENCE)->first;
        while (*end != NULL)
            end = &(*end)->next;
        *end = arena_alloc(taking->arena, sizeof(**end));
        **end = *rule;
        (*end)->next = NULL;
    }
}

static bool take_text(struct taking *taking, struct slice text, const char *file)
{
    struct yaml_tree_node *used = NULL;
    if (!yaml_tree_parse(taking->arena, text.ptr, text.len, file, taking->errors, &used))
        return false;
    taking->depth++;
    bool taken = take_uses(taking, yaml_edit_get(used, "use"), file);
    taking->depth--;
    take_denies(taking, used, "docker");
    take_denies(taking, used, "network");
    return taken;
}

/* `of` is the file that has the `use`. */
static bool take_item(struct taking *taking, struct slice name, const char *of)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    const struct preset *preset = preset_find(name);
    if (preset != NULL)
        return take_text(taking, preset->text, preset->name);
    const char *slash = strrchr(of, '/');
    const char *file = arena_printf(taking->arena, "%.*s%s",
                                    slash == NULL ? 0 : (int)(slash + 1 - of), of, name.ptr + 2);
    if (taking->depth >= DEPTH_MAX) {
        policy_messages_add(taking->errors, file, 0, 0, "`use` goes too deep");
        return false;
    }
    switch (policy_file_read(file, true, &text, taking->errors)) {
    case POLICY_FILE_READ:
        return take_text(taking, buffer_slice(&text), file);
    case POLICY_FILE_MISSING:
        policy_messages_add(taking->errors, file, 0, 0, "there is no such file");
        return false;
    case POLICY_FILE_BAD:
        return false;
    }
    return false;
}

bool suggest_take_used_denies(struct arena *arena, struct yaml_tree_node *root, const char *file,
                              struct policy_messages *errors)
{
    struct taking taking = {arena, errors, root, 0};
    const struct yaml_tree_node *clients = yaml_edit_get(root, "clients");
    if (!take_uses(&taking, yaml_edit_get(root, "use"), file))
        return false;
    if (clients == NULL || clients->kind != YAML_TREE_MAPPING)
        return true;
    for (const struct yaml_tree_node *name = clients->first; name != NULL; name = name->next) {
        taking.scope = name->value;
        if (!take_uses(&taking, yaml_edit_get(name->value, "use"), file))
            return false;
    }
    return true;
}
