/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy rm`: rules of policy.d/90-cli.yaml are taken out by id or resource, all that are named or
 * none. A rule that stands elsewhere is not touched: where it stands is said. */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/near_word.h"
#include "base/terminal_text.h"
#include "policy/command/command_policy_edit.h"
#include "policy/command/command_policy_resource.h"
#include "policy/command/commands.h"
#include "policy/explain/rule_row.h"
#include "policy/document/yaml_edit.h"

enum {
    ID = POLICY_EDIT_OPTION_COUNT,
    RESOURCE,
    CLIENT,
    SANDBOX,
    GLOBAL,
    METHOD,
    PATH,
    OPTION_COUNT
};

static int run(const struct command_call *call);

static const struct option options[OPTION_COUNT] = {
    POLICY_EDIT_OPTIONS,
    [ID] = OPTION_TEXT_ROW(OPTION_LIST, "id", "ID", "the rule with this id"),
    [RESOURCE] =
        OPTION_TEXT_ROW(OPTION_LIST, "resource", "RES",
                        "the rule for this resource, as it is listed or as it was written"),
    [CLIENT] = OPTION_TEXT_ROW(OPTION_ONCE, "client", "NAME", "only a rule of this client"),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_ONCE, "sandbox", "NAME", "the same as --client"),
    [GLOBAL] = OPTION_FLAG_ROW("global", "only a rule for every client", .letter = 'g'),
    [METHOD] = OPTION_TEXT_ROW(OPTION_ONCE, "method", "METHODS",
                               "only a rule with these methods, like GET,HEAD"),
    [PATH] = OPTION_TEXT_ROW(OPTION_ONCE, "path", "PATTERN", "only a rule with this path"),
};

const struct option_table policy_rm_option_table = {
    .command = "policy rm",
    .arguments = "ID..., or network RES[,RES...], or docker SEL[,SEL...]",
    .summary = "Remove rules from policy.d/90-cli.yaml, all that are named or none.",
    .options = options,
    .option_count = OPTION_COUNT,
    .takes_own_rules = true,
    .run = run,
    .examples = "  dockreeve policy rm 1a2b3c4d\n"
                "  dockreeve policy rm network --resource api.example.com --client agents\n"
                "  dockreeve policy rm docker ContainerStart\n",
};

/* One rule of the policy; of network rules, one host. */
struct candidate {
    struct policy_listed_rule rule;
    bool in_store;        /* it stands in 90-cli.yaml */
    size_t place;         /* its number among those of its kind and scope there */
    struct buffer listed; /* owned: its resource */
    bool chosen;
};

struct removing {
    struct policy_edit edit; /* owned */
    const struct option_value *values;
    const char *kind;    /* "network", "docker"; NULL = either */
    const char *client;  /* NULL = any */
    struct slice *words; /* owned: ids and resources */
    size_t word_count, word_capacity;
    struct candidate *candidates; /* owned */
    size_t count, capacity;
    int code; /* of the first word that names nothing to remove; 0 = none */
};

static void removing_clear(struct removing *removing)
{
    for (size_t i = 0; i < removing->count; i++)
        buffer_free(&removing->candidates[i].listed);
    free(removing->candidates);
    free(removing->words);
    policy_edit_clear(&removing->edit);
}

/* ---- all rules ---- */

/* Rules of one kind and scope are listed in the order of the file, so that a count finds them
 * again in the tree. */
static void collect(struct removing *removing)
{
    const uint32_t end = policy_number_end(removing->edit.before);
    for (uint32_t number = POLICY_NUMBER_RULES; number < end; number++) {
        const struct candidate *before = &removing->candidates[removing->count];
        struct candidate candidate = {.place = 0};
        struct policy_listed_rule *rule = &candidate.rule;
        policy_rule_at(removing->edit.before, number, rule);
        candidate.in_store =
            rule->file != NULL && strcmp(rule->file, policy_store_path(removing->edit.store)) == 0;
        if (removing->count > 0 && strcmp(before[-1].rule.kind, rule->kind) == 0 &&
            strcmp(before[-1].rule.scope, rule->scope) == 0)
            candidate.place = before[-1].place + before[-1].in_store;
        policy_listed_write_resource(rule, &candidate.listed);
        removing->candidates = array_grow(removing->candidates, removing->count,
                                          &removing->capacity, sizeof(removing->candidates[0]));
        removing->candidates[removing->count++] = candidate;
    }
}

/* ---- finding ---- */

/* Whether `text` is one of the values in "methods=GET,HEAD paths=/a", or in "GET,HEAD /a". */
static bool has_part(const char *text, const char *key, const char *value)
{
    AUTO_BUFFER struct buffer part = BUFFER_EMPTY;
    buffer_printf(&part, "%s%s", key, value);
    struct slice rest = slice_from_text(text);
    while (rest.ptr != NULL) {
        if (slice_equal(slice_cut(&rest, ' '), buffer_slice(&part)))
            return true;
    }
    return false;
}

static bool fits_options(const struct removing *removing, const struct policy_listed_rule *rule)
{
    const struct option_value *values = removing->values;
    const char *scope = removing->client != NULL ? removing->client : "*";
    const char *methods = values[METHOD].text, *path = values[PATH].text;
    const char *text = rule->network != NULL ? rule->where : rule->written.ptr;
    if ((removing->client != NULL || values[GLOBAL].flag) && strcmp(rule->scope, scope) != 0)
        return false;
    if (removing->kind != NULL && strcmp(removing->kind, rule->kind) != 0)
        return false;
    return (methods == NULL || has_part(text, rule->network != NULL ? "methods=" : "", methods)) &&
           (path == NULL || has_part(text, rule->network != NULL ? "paths=" : "", path));
}

/* A word, and the host that it means to a rule that allows and one that denies. */
struct wanted {
    struct slice word;
    struct buffer allowed, denied; /* owned */
};

static void wanted_clear(struct wanted *wanted)
{
    buffer_free(&wanted->allowed);
    buffer_free(&wanted->denied);
}

static bool is_named(const struct candidate *candidate, const struct wanted *wanted)
{
    const struct policy_listed_rule *rule = &candidate->rule;
    struct slice listed = buffer_slice(&candidate->listed);
    if (slice_equal_text(wanted->word, rule->id) || slice_equal(wanted->word, rule->written) ||
        slice_equal(wanted->word, listed))
        return true;
    return rule->network != NULL &&
           slice_equal(buffer_slice(rule->allows ? &wanted->allowed : &wanted->denied), listed);
}

static void write_candidate(const struct candidate *candidate, struct buffer *out)
{
    const struct policy_listed_rule *rule = &candidate->rule;
    buffer_printf(out, "%s  %s %s ", rule->id, rule->allows ? "allow" : "deny", rule->kind);
    buffer_append_slice(out, buffer_slice(&candidate->listed));
    if (rule->where[0] != '\0')
        buffer_printf(out, " where %s", rule->where);
    if (strcmp(rule->scope, "*") != 0)
        buffer_printf(out, " for client %s", rule->scope);
}

static const char *file_of(const struct candidate *candidate)
{
    return candidate->rule.file == NULL ? candidate->rule.label : candidate->rule.file;
}

static void report_candidate(struct removing *removing, const struct candidate *candidate,
                             const char *why)
{
    AUTO_BUFFER struct buffer raw = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    write_candidate(candidate, &raw);
    terminal_text_append(&text, buffer_slice(&raw));
    policy_messages_add(&removing->edit.errors, file_of(candidate), candidate->rule.line, 0, "%s%s",
                        buffer_text(&text), why);
}

static void fail(struct removing *removing, int code)
{
    if (removing->code == 0)
        removing->code = code;
}

/* What `policy ls` shows beside rules has ids too. */
static bool report_built_in(struct removing *removing, struct slice word)
{
    struct rule_walk walk = {.policy = removing->edit.before};
    CLEANUP(rule_row_clear) struct rule_row row = {0};
    while (rule_walk_next(&walk, &row)) {
        if (rule_row_is_rule(&row) || !slice_equal_text(word, row.rule.id))
            continue;
        policy_messages_add(&removing->edit.errors, NULL, 0, 0, "%s (%.*s) is no rule: %s",
                            row.rule.id, (int)row.source.len, row.source.ptr,
                            row.origin == RULE_ORIGIN_DEFAULT_NETWORK
                                ? "`dockreeve policy set-default` changes it"
                            : row.origin == RULE_ORIGIN_BUILTIN
                                ? "it always holds"
                                : "it is a setting of the policy, changed where that stands");
        fail(removing, COMMAND_CONFLICT);
        return true;
    }
    return false;
}

static void report_missing(struct removing *removing, struct slice word)
{
    struct near_word near;
    if (report_built_in(removing, word))
        return;
    near_word_init(&near, word);
    near_word_offer(&near, "network");
    near_word_offer(&near, "docker");
    for (size_t i = 0; i < removing->count; i++) {
        const struct policy_listed_rule *rule = &removing->candidates[i].rule;
        if (!fits_options(removing, rule))
            continue;
        near_word_offer(&near, rule->id);
        near_word_offer(&near, rule->written.ptr);
    }
    const struct quoted quoted = quote(word);
    if (near.best != NULL)
        policy_messages_add(&removing->edit.errors, NULL, 0, 0,
                            "there is no such rule: %s; did you mean `%s`?", quoted.text,
                            near.best);
    else
        policy_messages_add(&removing->edit.errors, NULL, 0, 0, "there is no such rule: %s",
                            quoted.text);
    fail(removing, COMMAND_NOT_FOUND);
}

/* Twice the same rule is one for this. */
static bool are_alike(const struct candidate *a, const struct candidate *b)
{
    return strcmp(a->rule.kind, b->rule.kind) == 0 && a->rule.allows == b->rule.allows &&
           slice_equal(buffer_slice(&a->listed), buffer_slice(&b->listed)) &&
           strcmp(a->rule.scope, b->rule.scope) == 0 && strcmp(a->rule.where, b->rule.where) == 0;
}

static void choose(struct removing *removing, struct slice word)
{
    CLEANUP(wanted_clear) struct wanted wanted = {.word = word};
    const struct candidate *first = NULL;
    policy_resource_canonical(word, true, &wanted.allowed);
    policy_resource_canonical(word, false, &wanted.denied);
    bool elsewhere = false, ambiguous = false;
    for (size_t i = 0; i < removing->count; i++) {
        const struct candidate *candidate = &removing->candidates[i];
        if (!is_named(candidate, &wanted) || !fits_options(removing, &candidate->rule))
            continue;
        elsewhere |= !candidate->in_store;
        ambiguous |= candidate->in_store && first != NULL && !are_alike(first, candidate);
        first = candidate->in_store && first == NULL ? candidate : first;
    }
    if (first == NULL && !elsewhere) {
        report_missing(removing, word);
        return;
    }
    for (size_t i = 0; i < removing->count; i++) {
        struct candidate *candidate = &removing->candidates[i];
        if (!is_named(candidate, &wanted) || !fits_options(removing, &candidate->rule))
            continue;
        if (first == NULL)
            report_candidate(removing, candidate,
                             ": it does not stand in policy.d/" POLICY_CLI_NAME
                             ", change it where it stands");
        else if (ambiguous && candidate->in_store)
            report_candidate(removing, candidate,
                             ": one of several that are meant, name it by its id");
        else if (candidate->in_store)
            candidate->chosen = true;
        else
            policy_messages_add(&removing->edit.notes, file_of(candidate), candidate->rule.line, 0,
                                "the same resource has a rule here, which stays");
    }
    if (first == NULL || ambiguous)
        fail(removing, COMMAND_CONFLICT);
}

/* ---- taking out ---- */

/* The rule with that number, and of network rules the item of its list; item NULL = the rule has
 * one resource, which is the rule. */
static struct yaml_tree_node *find_rule(struct yaml_tree_node *rules, bool network, size_t place,
                                        struct yaml_tree_node **list_out,
                                        struct yaml_tree_node **item_out)
{
    for (struct yaml_tree_node *rule = rules->first; rule != NULL; rule = rule->next) {
        struct yaml_tree_node *target = yaml_edit_get(rule, "allow");
        if (target == NULL)
            target = yaml_edit_get(rule, "deny");
        *list_out = *item_out = NULL;
        if (!network || target->kind != YAML_TREE_SEQUENCE) {
            if (place-- == 0)
                return rule;
            continue;
        }
        for (struct yaml_tree_node *item = target->first; item != NULL; item = item->next) {
            if (place-- > 0)
                continue;
            *list_out = target;
            *item_out = item;
            return rule;
        }
    }
    return NULL;
}

/* NULL = every one. */
static const char *client_of(const struct candidate *candidate)
{
    return strcmp(candidate->rule.scope, "*") == 0 ? NULL : candidate->rule.scope;
}

static void take_out(struct removing *removing, const struct candidate *candidate)
{
    struct yaml_tree_node *rules =
        policy_edit_find_rules(&removing->edit, client_of(candidate), candidate->rule.kind);
    struct yaml_tree_node *list, *item;
    struct yaml_tree_node *rule =
        find_rule(rules, candidate->rule.network != NULL, candidate->place, &list, &item);
    if (rule == NULL)
        return;
    if (item != NULL)
        yaml_edit_remove(list, item);
    if (item == NULL || list->first == NULL)
        yaml_edit_remove(rules, rule);
}

static int remove_chosen(struct removing *removing)
{
    /* From the end, so that the numbers of the others stay. */
    for (size_t i = removing->count; i-- > 0;) {
        const struct candidate *candidate = &removing->candidates[i];
        if (candidate->chosen)
            take_out(removing, candidate);
    }
    for (size_t i = 0; i < removing->count; i++) {
        const struct candidate *candidate = &removing->candidates[i];
        if (candidate->chosen)
            policy_edit_prune(&removing->edit, client_of(candidate));
    }
    return policy_edit_commit(&removing->edit, true);
}

static int report(struct removing *removing)
{
    struct buffer *text = &removing->edit.text, *members = &removing->edit.members;
    policy_edit_note_new(&removing->edit);
    json_write_key_array(members, "removed");
    for (size_t i = 0; i < removing->count; i++) {
        const struct candidate *candidate = &removing->candidates[i];
        if (!candidate->chosen)
            continue;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        write_candidate(candidate, &shown);
        buffer_append_literal(text, "removed: ");
        terminal_text_append(text, buffer_slice(&shown));
        buffer_append_byte(text, '\n');
        json_write_object_begin(members);
        json_write_key_text(members, "id", candidate->rule.id);
        json_write_key_text(members, "kind", candidate->rule.kind);
        json_write_key_text(members, "scope", candidate->rule.scope);
        json_write_key_text(members, "decision", candidate->rule.allows ? "allow" : "deny");
        json_write_key_string(members, "resource", buffer_slice(&candidate->listed));
        json_write_object_end(members);
    }
    json_write_array_end(members);
    return policy_edit_finish(&removing->edit);
}

/* ---- the command line ---- */

static void add_word(struct removing *removing, struct slice word)
{
    removing->words = array_grow(removing->words, removing->word_count, &removing->word_capacity,
                                 sizeof(removing->words[0]));
    removing->words[removing->word_count++] = word;
}

static void add_list(struct removing *removing, const char *text)
{
    struct slice rest = slice_from_text(text);
    while (rest.ptr != NULL)
        add_word(removing, policy_edit_next_resource(&rest));
}

/* A name in front of --resource or --id is a scope, as older programs have it. */
static bool read_words(struct removing *removing, const char *command, int argc, char **argv)
{
    const struct option_value *values = removing->values;
    struct policy_edit_scope scope = {&values[CLIENT], &values[SANDBOX], &values[GLOBAL], NULL};
    bool by_option = values[ID].given || values[RESOURCE].given;
    int at = 0;
    if (argc > 0 && (strcmp(argv[0], "network") == 0 || strcmp(argv[0], "docker") == 0))
        removing->kind = argv[at++];
    if (by_option && argc - at == 1 && policy_edit_is_scope(argv[at]))
        scope.positional = argv[at++];
    if (!policy_edit_scope(command, &scope, &removing->client))
        return false;
    for (; at < argc; at++)
        add_list(removing, argv[at]);
    for (unsigned i = 0; i < values[ID].list_count; i++)
        add_word(removing, slice_from_text(values[ID].list[i]));
    for (unsigned i = 0; i < values[RESOURCE].list_count; i++)
        add_list(removing, values[RESOURCE].list[i]);
    if (removing->word_count > 0)
        return true;
    return policy_edit_usage(command, "name the rules by id or resource; `dockreeve policy ls` "
                                      "lists them");
}

static int remove_rules(struct removing *removing)
{
    collect(removing);
    for (size_t i = 0; i < removing->word_count; i++)
        choose(removing, removing->words[i]);
    if (removing->code != 0)
        return policy_edit_refuse(&removing->edit, removing->code, "no rule was removed");
    int code = remove_chosen(removing);
    return code < 0 ? report(removing) : code;
}

static int run(const struct command_call *call)
{
    CLEANUP(removing_clear)
    struct removing removing = {.edit = {.call = call}, .values = call->values};
    if (!read_words(&removing, call->table->command, call->argc, call->argv))
        return COMMAND_USAGE;
    int code = policy_edit_begin(&removing.edit);
    return code < 0 ? remove_rules(&removing) : code;
}
