/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/command/command_policy_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/near_word.h"
#include "policy/command/command_policy.h"
#include "policy/document/policy_paths.h"
#include "policy/document/yaml_edit.h"

extern char **environ;

void policy_edit_clear(struct policy_edit *edit)
{
    policy_store_close(&edit->store);
    policy_unref(&edit->before);
    policy_unref(&edit->after);
    policy_messages_free(&edit->known);
    policy_messages_free(&edit->fresh);
    policy_messages_free(&edit->errors);
    policy_messages_free(&edit->notes);
    buffer_free(&edit->text);
    buffer_free(&edit->members);
    free(edit->path);
    edit->path = NULL;
}

/* ---- the policy before and after ---- */

int policy_edit_open(struct policy_edit *edit)
{
    edit->path = option_text_or(&edit->call->values[POLICY_EDIT_CONFIG], policy_path_config);
    struct stat status;
    bool is_named = edit->path[0] != '\0';
    if (!is_named || (stat(edit->path, &status) == 0 && S_ISDIR(status.st_mode))) {
        policy_messages_add(&edit->errors, is_named ? edit->path : NULL, 0, 0, "%s",
                            is_named ? "is not a regular file but a folder: name the file in it, "
                                       "like policy.yaml"
                                     : "--config takes a file, and is empty");
        return policy_edit_refuse(edit, COMMAND_USAGE, "there is no policy to change");
    }
    edit->inputs = (struct policy_inputs){
        .config_path = edit->path, /* may be missing: the first rule can be one of the store's */
        .environment = environ,
        .check_owner = true,
    };
    edit->store = policy_store_open(edit->path, &edit->errors);
    if (edit->store == NULL)
        return policy_edit_refuse(edit, COMMAND_FAILED, "the policy cannot be changed");
    return -1;
}

int policy_edit_begin(struct policy_edit *edit)
{
    int code = policy_edit_open(edit);
    if (code >= 0)
        return code;
    CLEANUP(policy_messages_free) struct policy_messages of_file = {NULL, 0, 0};
    bool is_read = policy_store_read(edit->store, &of_file);
    /* Says what is wrong with this file too, and with all others. */
    edit->before = policy_load(&edit->inputs, &edit->errors, &edit->known);
    if (edit->before != NULL && is_read)
        return -1;
    for (size_t i = 0; i < of_file.count && edit->before != NULL; i++)
        policy_messages_add(&edit->errors, of_file.items[i].file, of_file.items[i].error.line,
                            of_file.items[i].error.column, "%s", of_file.items[i].error.text);
    return policy_edit_refuse(edit, COMMAND_USAGE, "the policy is not valid as it is");
}

static bool judge(struct policy_edit *edit, struct slice text)
{
    edit->inputs.cli_text = &text;
    edit->after = policy_load(&edit->inputs, &edit->errors, &edit->fresh);
    edit->inputs.cli_text = NULL;
    return edit->after != NULL;
}

static int refuse_result(const struct policy_edit *edit)
{
    return policy_edit_refuse(
        edit, COMMAND_USAGE,
        "the policy would not be valid with this change (lines of " POLICY_CLI_LABEL
        " are those it would have)");
}

static int fail_to_write(struct policy_edit *edit, const struct error *error)
{
    policy_messages_add(&edit->errors, NULL, 0, 0, "%s", error->text);
    return policy_edit_refuse(edit, COMMAND_FAILED, "the policy was not changed");
}

int policy_edit_commit(struct policy_edit *edit, bool changed)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error error;
    edit->changed = changed;
    if (!changed) {
        edit->after = policy_ref(edit->before);
        return -1;
    }
    policy_store_text(edit->store, &text);
    if (text.failed)
        abort();
    if (!judge(edit, buffer_slice(&text)))
        return refuse_result(edit);
    if (!policy_store_write(edit->store, buffer_slice(&text), &error))
        return fail_to_write(edit, &error);
    return -1;
}

int policy_edit_remove(struct policy_edit *edit)
{
    struct error error;
    const struct slice nothing = SLICE_LITERAL("version: 1\n");
    edit->changed = policy_store_exists(edit->store);
    if (!judge(edit, nothing))
        return refuse_result(edit);
    if (!edit->changed)
        return -1;
    /* Where it is all there is, a gate would hold a policy without it for one that vanished, and go
     * on with what is to be forgotten. */
    bool alone = access(edit->path, F_OK) != 0;
    if (alone ? policy_store_write(edit->store, nothing, &error)
              : policy_store_remove(edit->store, &error))
        return -1;
    return fail_to_write(edit, &error);
}

/* ---- what is said ---- */

/* Lines that a message names may have moved by the change. */
static bool same_but_numbers(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        bool digits = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
        if (!digits && *a++ != *b++)
            return false;
        while (digits && *a >= '0' && *a <= '9')
            a++;
        while (digits && *b >= '0' && *b <= '9')
            b++;
    }
    return *a == *b;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What is said of a preset's own lines is not for the user to mend. */
static bool is_known(const struct policy_messages *known, const struct policy_message *message)
{
    if (message->file != NULL && strncmp(message->file, "preset/", 7) == 0)
        return true;
    for (size_t i = 0; i < known->count; i++) {
        if (same_text(known->items[i].file, message->file) &&
            same_but_numbers(known->items[i].error.text, message->error.text))
            return true;
    }
    return false;
}

void policy_edit_note(struct policy_edit *edit, const struct policy_message *message)
{
    for (size_t i = 0; i < edit->notes.count; i++) {
        const struct policy_message *said = &edit->notes.items[i];
        if (same_text(said->file, message->file) && said->error.line == message->error.line &&
            strcmp(said->error.text, message->error.text) == 0)
            return;
    }
    policy_messages_add(&edit->notes, message->file, message->error.line, message->error.column,
                        "%s", message->error.text);
}

void policy_edit_note_new(struct policy_edit *edit)
{
    for (size_t i = 0; i < edit->fresh.count; i++) {
        if (!is_known(&edit->known, &edit->fresh.items[i]))
            policy_edit_note(edit, &edit->fresh.items[i]);
    }
}

void policy_edit_note_client(struct policy_edit *edit, const char *client)
{
    const struct policy *policy = edit->before;
    struct near_word near;
    if (client == NULL || policy_client_find(policy, slice_from_text(client)) != NULL)
        return;
    near_word_init(&near, slice_from_text(client));
    for (size_t i = 0; i < policy_client_count(policy); i++)
        near_word_offer(&near, policy_client_at(policy, i)->name);
    if (near.best != NULL)
        policy_messages_add(&edit->notes, NULL, 0, 0,
                            "there was no client `%s` before; was `%s` meant?", client, near.best);
}

static unsigned last_line(const struct yaml_tree_node *node)
{
    unsigned last = node->line;
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next) {
        unsigned inner = last_line(item->value == NULL ? item : item->value);
        last = inner > last ? inner : last;
    }
    return last;
}

void policy_edit_note_rule(struct policy_edit *edit, const struct yaml_tree_node *node)
{
    const struct policy_messages *notices = edit->changed ? &edit->fresh : &edit->known;
    unsigned last = last_line(node);
    for (size_t i = 0; i < notices->count; i++) {
        const struct policy_message *message = &notices->items[i];
        if (same_text(message->file, policy_store_path(edit->store)) &&
            message->error.line >= node->line && message->error.line <= last)
            policy_edit_note(edit, message);
    }
}

const char *policy_edit_file(const struct policy_edit *edit, const char *label)
{
    const char *slash = strrchr(edit->path, '/');
    size_t len = strlen(label);
    bool is_file = strncmp(label, "preset/", 7) != 0 && slash != NULL && len > 5 &&
                   (strcmp(label + len - 5, ".yaml") == 0 || strcmp(label, slash + 1) == 0);
    return is_file ? arena_printf(policy_store_arena(edit->store), "%.*s%s",
                                  (int)(slash + 1 - edit->path), edit->path, label)
                   : label;
}

int policy_edit_refuse(const struct policy_edit *edit, int code, const char *why)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (edit->call->values[POLICY_EDIT_JSON].flag) {
        json_write_object_begin(&out);
        json_write_key_bool(&out, "changed", false);
        json_write_key_text(&out, "message", why);
        json_write_key(&out, "errors");
        command_policy_write_json(&edit->errors, &out);
        json_write_line_end(&out);
        return command_policy_print(&out) ? code : COMMAND_FAILED;
    }
    policy_messages_write_as(&edit->errors, POLICY_ERROR, &out);
    (void)command_fail(edit->call->table->command, code, "%s; nothing was written", why);
    fputs(buffer_text(&out), stderr);
    return code;
}

/* Nothing is asked where nothing has changed, unless it is to be cut. Returns the exit code. */
static int apply(struct policy_edit *edit, struct policy_applied *applied)
{
    const struct policy_gate *gate = edit->call->context;
    bool cut = edit->call->values[POLICY_EDIT_CUT].flag;
    *applied = (struct policy_applied){0};
    if (!edit->changed && !cut)
        return COMMAND_DONE;
    command_policy_apply(gate, &edit->call->values[POLICY_EDIT_STATE], edit->after, cut, applied);
    if (applied->asked || !cut)
        return COMMAND_DONE;
    policy_messages_add(&edit->notes, NULL, 0, 0, "nothing was cut: %s", applied->error.text);
    return COMMAND_PARTLY;
}

static bool print_json(const struct policy_edit *edit, const struct policy_applied *applied)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    json_write_object_begin(&out);
    json_write_key_bool(&out, "changed", edit->changed);
    json_write_key_text(&out, "file", policy_store_path(edit->store));
    json_write_key_text(&out, "policy", policy_hash(edit->after));
    json_write_raw(&out, buffer_slice(&edit->members));
    command_policy_write_open_json(applied, &out);
    json_write_key(&out, "notices");
    command_policy_write_json(&edit->notes, &out);
    json_write_line_end(&out);
    return command_policy_print(&out);
}

int policy_edit_finish(struct policy_edit *edit)
{
    AUTO_BUFFER struct buffer notes = BUFFER_EMPTY;
    struct policy_applied applied;
    int code = apply(edit, &applied);
    if (edit->call->values[POLICY_EDIT_JSON].flag)
        return print_json(edit, &applied) ? code : COMMAND_FAILED;
    policy_messages_write_as(&edit->notes, POLICY_NOTE, &notes);
    command_policy_write_open(&applied, &notes);
    if (!command_policy_print(&edit->text))
        return COMMAND_FAILED;
    fputs(buffer_text(&notes), stderr);
    return code;
}

/* ---- scopes ---- */

static struct yaml_tree_node *scope_map(const struct policy_edit *edit, const char *client)
{
    struct yaml_tree_node *root = policy_store_root(edit->store);
    return client == NULL ? root : yaml_edit_get(yaml_edit_get(root, "clients"), client);
}

struct yaml_tree_node *policy_edit_find_rules(const struct policy_edit *edit, const char *client,
                                              const char *kind)
{
    return yaml_edit_get(scope_map(edit, client), kind);
}

struct yaml_tree_node *policy_edit_make_rules(const struct policy_edit *edit, const char *client,
                                              const char *kind)
{
    struct arena *arena = policy_store_arena(edit->store);
    struct yaml_tree_node *map = policy_store_root(edit->store);
    if (client != NULL)
        map = yaml_edit_ensure(arena, map, "clients", YAML_TREE_MAPPING);
    if (client != NULL && map != NULL)
        map = yaml_edit_ensure(arena, map, client, YAML_TREE_MAPPING);
    return map == NULL ? NULL : yaml_edit_ensure(arena, map, kind, YAML_TREE_SEQUENCE);
}

static void unset_empty(struct yaml_tree_node *map, const char *key)
{
    const struct yaml_tree_node *value = yaml_edit_get(map, key);
    if (value != NULL && value->kind != YAML_TREE_SCALAR && value->first == NULL)
        yaml_edit_unset(map, key);
}

void policy_edit_prune(const struct policy_edit *edit, const char *client)
{
    struct yaml_tree_node *root = policy_store_root(edit->store);
    struct yaml_tree_node *map = scope_map(edit, client);
    unset_empty(map, "docker");
    unset_empty(map, "network");
    if (client != NULL) {
        unset_empty(yaml_edit_get(root, "clients"), client);
        unset_empty(root, "clients");
    }
}

bool policy_edit_is_scope(const char *word)
{
    bool letter = false;
    for (const char *at = word; *at != '\0'; at++) {
        bool name = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (!name && *at != '-' && *at != '_')
            return false;
        letter |= *at >= 'a' && *at <= 'z';
    }
    return letter;
}

bool policy_edit_scope(const char *command, const struct policy_edit_scope *words,
                       const char **client_out)
{
    const char *names[] = {words->client->text, words->sandbox->text, words->positional};
    *client_out = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] == NULL)
            continue;
        if (*client_out != NULL && strcmp(*client_out, names[i]) != 0)
            return policy_edit_usage(command, "a sandbox is a client: give one name, by --client, "
                                              "--sandbox or in front of the resources");
        *client_out = names[i];
    }
    return *client_out == NULL || !words->global->flag ||
           policy_edit_usage(command, "--global is for every client: leave it out, or the name");
}

/* ---- lists ---- */

static bool is_ports(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '-')
            return false;
    }
    return text.len > 0;
}

bool policy_edit_is_one(const char *command, struct slice part)
{
    if (part.len == 0 || part.ptr[0] == '~' || part.ptr[0] == '{' ||
        memchr(part.ptr, ' ', part.len) == NULL)
        return true;
    AUTO_BUFFER struct buffer list = BUFFER_EMPTY;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] != ' ' || part.ptr[i - 1] != ' ')
            buffer_append_byte(&list, part.ptr[i] == ' ' ? ',' : part.ptr[i]);
    }
    return policy_edit_usage(command, "%s: more than one: put a comma between them, %s",
                             quote(part).text, quote(buffer_slice(&list)).text);
}

struct slice policy_edit_next_resource(struct slice *rest)
{
    if (rest->len > 0 && rest->ptr[0] == '~') {
        struct slice all = *rest;
        *rest = (struct slice){NULL, 0};
        return all;
    }
    struct slice part = slice_cut(rest, ',');
    while (rest->ptr != NULL && part.len > 0 && memchr(part.ptr, ':', part.len) != NULL) {
        struct slice behind = *rest, next = slice_cut(&behind, ',');
        if (!is_ports(next))
            break;
        part.len = (size_t)(next.ptr + next.len - part.ptr);
        *rest = behind;
    }
    return slice_trim_blanks(part);
}
