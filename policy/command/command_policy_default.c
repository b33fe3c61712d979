/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy set-default` and `policy init`, which is the same, and `policy reset`. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/near_word.h"
#include "policy/command/command_policy_edit.h"
#include "policy/command/commands.h"
#include "policy/snapshot/policy_list.h"
#include "policy/document/yaml_edit.h"

#define BALANCED "preset/balanced"

/* ---- set-default ---- */

static int set_default(const struct command_call *call);
static int reset(const struct command_call *call);

static const struct option options[POLICY_EDIT_OPTION_COUNT] = {POLICY_EDIT_OPTIONS};

const struct option_table policy_set_default_option_table = {
    .command = "policy set-default",
    .arguments = "allow-all, balanced or deny-all",
    .summary = "Choose what becomes of destinations that no rule names.",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = set_default,
    .examples = "  dockreeve policy set-default deny-all\n"
                "  dockreeve policy set-default balanced --config ./policy.yaml\n",
};

const struct option_table policy_init_option_table = {
    .command = "policy init",
    .arguments = "allow-all, balanced or deny-all",
    .summary = "The same as policy set-default.",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = set_default,
    .examples = "  dockreeve policy init balanced\n",
};

enum choice { ALLOW_ALL, BALANCED_CHOICE, DENY_ALL, CHOICE_COUNT };
static const char *const choices[CHOICE_COUNT] = {"allow-all", "balanced", "deny-all"};

static bool set_use(struct policy_edit *edit, bool wanted)
{
    struct arena *arena = policy_store_arena(edit->store);
    struct yaml_tree_node *root = policy_store_root(edit->store);
    struct yaml_tree_node *use = yaml_edit_get(root, "use");
    bool is_there = false;
    if (use == NULL || use->kind == YAML_TREE_SCALAR) {
        struct yaml_tree_node *list = yaml_edit_collection(arena, YAML_TREE_SEQUENCE);
        if (use != NULL)
            yaml_edit_append(list, use);
        use = list;
    }
    for (struct yaml_tree_node *item = use->first; item != NULL; item = item->next) {
        bool found = slice_equal_text(item->text, BALANCED);
        is_there |= found;
        if (found && !wanted)
            yaml_edit_remove(use, item);
    }
    if (is_there == wanted)
        return false;
    if (wanted)
        yaml_edit_append(use, yaml_edit_scalar(arena, SLICE_LITERAL(BALANCED)));
    if (use->first == NULL)
        yaml_edit_unset(root, "use");
    else
        yaml_edit_set(arena, root, "use", use);
    return true;
}

static bool set_network_default(struct policy_edit *edit, const char *verdict)
{
    struct arena *arena = policy_store_arena(edit->store);
    struct yaml_tree_node *map =
        yaml_edit_ensure(arena, policy_store_root(edit->store), "default", YAML_TREE_MAPPING);
    const struct yaml_tree_node *earlier = yaml_edit_get(map, "network");
    if (earlier != NULL && slice_equal_text(earlier->text, verdict))
        return false;
    yaml_edit_set(arena, map, "network", yaml_edit_scalar(arena, slice_from_text(verdict)));
    return true;
}

/* Where rules come from that allow more than was chosen, with how many hosts. */
struct opening {
    const char *label, *what; /* what: the `use` that stands there; NULL = the rules themselves */
    unsigned line;
    size_t count;
    char first[64];
};
enum { OPENINGS_MAX = 50 };

static void count_opening(struct opening *openings, size_t *count, const struct policy *policy,
                          const struct policy_listed_rule *rule)
{
    struct policy_place place = {NULL, rule->label, rule->line};
    bool used = policy_use_place(policy, rule->scope, rule->label, &place);
    for (size_t i = 0; i < *count; i++) {
        struct opening *known = &openings[i];
        bool same = strcmp(known->label, place.label) == 0 &&
                    (used ? known->what != NULL && known->line == place.line : known->what == NULL);
        if (same) {
            known->count++;
            return;
        }
    }
    if (*count == OPENINGS_MAX)
        return;
    struct opening *opening = &openings[(*count)++];
    *opening = (struct opening){place.label, used ? place.what : NULL, place.line, 1, ""};
    error_quote(rule->written, opening->first, sizeof(opening->first));
}

static void note_openings(struct policy_edit *edit, enum choice choice)
{
    const uint32_t end = choice == ALLOW_ALL ? 0 : policy_number_end(edit->after);
    struct opening openings[OPENINGS_MAX];
    size_t count = 0;
    for (uint32_t number = POLICY_NUMBER_RULES; number < end; number++) {
        struct policy_listed_rule rule;
        policy_rule_at(edit->after, number, &rule);
        if (rule.network != NULL && rule.allows)
            count_opening(openings, &count, edit->after, &rule);
    }
    for (size_t i = 0; i < count; i++) {
        const struct opening *opening = &openings[i];
        bool chosen = choice == BALANCED_CHOICE && opening->what != NULL &&
                      strcmp(opening->what, BALANCED) == 0;
        if (chosen)
            continue;
        const char *text = opening->count == 1 ? "host pattern" : "host patterns";
        const char *file = policy_edit_file(edit, opening->label);
        if (opening->what != NULL)
            policy_messages_add(&edit->notes, file, opening->line, 0,
                                "`use` of %s still allows %zu %s", opening->what, opening->count,
                                text);
        else
            policy_messages_add(&edit->notes, file, opening->line, 0,
                                "%s%s still allowed (%zu %s in this file)", opening->first,
                                opening->count == 1 ? " is" : " and more are", opening->count,
                                text);
    }
}

static int set_default(const struct command_call *call)
{
    struct near_word near;
    const char *word = call->argc == 1 ? call->argv[0] : "";
    near_word_init(&near, slice_from_text(word));
    size_t choice = 0;
    for (; choice < CHOICE_COUNT && strcmp(word, choices[choice]) != 0; choice++)
        near_word_offer(&near, choices[choice]);
    if (choice == CHOICE_COUNT)
        return command_fail(call->table->command, COMMAND_USAGE,
                            "say allow-all, balanced or deny-all%s", near_word_hint(&near).text);
    CLEANUP(policy_edit_clear) struct policy_edit edit = {.call = call};
    int code = policy_edit_begin(&edit);
    if (code >= 0)
        return code;
    const char *verdict = choice == ALLOW_ALL ? "allow" : "deny";
    bool changed = set_network_default(&edit, verdict);
    changed |= set_use(&edit, choice == BALANCED_CHOICE);
    code = policy_edit_commit(&edit, changed);
    if (code >= 0)
        return code;
    policy_edit_note_new(&edit);
    note_openings(&edit, (enum choice)choice);
    buffer_printf(&edit.text, "%s: %s, destinations that no rule names are %s\n",
                  changed ? "set" : "already so", choices[choice],
                  choice == ALLOW_ALL ? "allowed" : "denied");
    json_write_key_text(&edit.members, "default", choices[choice]);
    return policy_edit_finish(&edit);
}

/* ---- reset ---- */

enum { RESET_CLIENT = POLICY_EDIT_OPTION_COUNT, RESET_SANDBOX, RESET_FORCE, RESET_OPTION_COUNT };

static const struct option reset_options[RESET_OPTION_COUNT] = {
    POLICY_EDIT_OPTIONS,
    [RESET_CLIENT] =
        OPTION_TEXT_ROW(OPTION_ONCE, "client", "NAME", "only the rules of this client"),
    [RESET_SANDBOX] = OPTION_TEXT_ROW(OPTION_ONCE, "sandbox", "NAME", "the same as --client"),
    [RESET_FORCE] = OPTION_FLAG_ROW("force", "do not ask", .letter = 'y'),
};

const struct option_table policy_reset_option_table = {
    .command = "policy reset",
    .arguments = "",
    .summary = "Forget what the command line has put into the policy.",
    .options = reset_options,
    .option_count = RESET_OPTION_COUNT,
    .run = reset,
    .examples = "  dockreeve policy reset --force\n"
                "  dockreeve policy reset --client agents\n",
};

/* Returns -1 to go on. */
static int confirm(const char *command, const char *client)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        return command_fail(command, COMMAND_DECLINED,
                            "there is no terminal to ask on: --force forgets the rules without a "
                            "question");
    }
    fprintf(stderr, "Forget what the command line has put into the policy%s%s? [y/N] ",
            client == NULL ? "" : " for client ", client == NULL ? "" : quote_text(client).text);
    if (fgets(answer, sizeof(answer), stdin) != NULL) {
        struct slice word = slice_from_text(answer);
        if (word.len > 0 && word.ptr[word.len - 1] == '\n')
            word.len--;
        if (slice_equal_nocase(word, SLICE_LITERAL("y")) ||
            slice_equal_nocase(word, SLICE_LITERAL("yes")))
            return -1;
    }
    fprintf(stderr, "nothing was changed\n");
    return COMMAND_DECLINED;
}

/* What the commands add to a client: rules. A listener, say, that a person put there stays. */
static int forget_client(struct policy_edit *edit, const char *client)
{
    int code = policy_edit_begin(edit);
    if (code >= 0)
        return code;
    struct yaml_tree_node *clients = yaml_edit_get(policy_store_root(edit->store), "clients");
    struct yaml_tree_node *map = yaml_edit_get(clients, client);
    bool changed = false;
    if (map != NULL) {
        changed = yaml_edit_unset(map, "docker");
        changed |= yaml_edit_unset(map, "network");
        policy_edit_prune(edit, client);
    }
    return policy_edit_commit(edit, changed);
}

static int forget(struct policy_edit *edit, const char *client)
{
    if (client != NULL)
        return forget_client(edit, client);
    int code = policy_edit_open(edit);
    return code < 0 ? policy_edit_remove(edit) : code;
}

static int reset(const struct command_call *call)
{
    const struct option_value *values = call->values;
    const char *command = call->table->command, *client;
    const struct option_value no_global = {0};
    const struct policy_edit_scope scope = {&values[RESET_CLIENT], &values[RESET_SANDBOX],
                                            &no_global, NULL};
    if (!policy_edit_scope(command, &scope, &client))
        return COMMAND_USAGE;
    CLEANUP(policy_edit_clear) struct policy_edit edit = {.call = call};
    int code = values[RESET_FORCE].flag ? -1 : confirm(command, client);
    if (code < 0)
        code = forget(&edit, client);
    if (code >= 0)
        return code;
    if (client == NULL)
        buffer_printf(&edit.text, "%s: %s\n",
                      edit.changed ? "removed" : "nothing to forget, there is no",
                      policy_store_path(edit.store));
    else
        buffer_printf(&edit.text, "%s client %s\n",
                      edit.changed ? "forgotten: the rules of" : "nothing to forget of",
                      quote_text(client).text);
    json_write_key_text(&edit.members, "scope", client == NULL ? "*" : client);
    return policy_edit_finish(&edit);
}
