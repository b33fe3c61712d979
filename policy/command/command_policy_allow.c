/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy allow` and `policy deny`: one rule for each resource that is named, put into
 * policy.d/90-cli.yaml where it is not there yet. What a rule may hold is for the loader to say; it
 * judges the whole before anything is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/near_word.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command/command_policy_edit.h"
#include "policy/command/command_policy_resource.h"
#include "policy/command/commands.h"
#include "policy/explain/policy_overlap.h"
#include "policy/document/yaml_edit.h"

enum {
    CLIENT = POLICY_EDIT_OPTION_COUNT,
    SANDBOX,
    GLOBAL,
    PORT,
    ADDRESS,
    METHOD,
    PATH,
    WHERE,
    NAME,
    COMMENT,
    TTL,
    OPTION_COUNT
};

#define TTL_MAX_MS (UINT64_C(36500) * 86400000) /* a hundred years: still a year of four digits */

static int run(const struct command_call *call);

static const struct option options[OPTION_COUNT] = {
    POLICY_EDIT_OPTIONS,
    [CLIENT] = OPTION_TEXT_ROW(OPTION_ONCE, "client", "NAME",
                               "for this client alone; without it for every one that inherits"),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_ONCE, "sandbox", "NAME", "the same as --client"),
    [GLOBAL] =
        OPTION_FLAG_ROW("global", "for every client, which is so without it too", .letter = 'g'),
    [PORT] =
        OPTION_TEXT_ROW(OPTION_ONCE, "port", "PORTS",
                        "network: the ports of resources without one, like 443 or 8000-8100,9000"),
    [ADDRESS] = OPTION_TEXT_ROW(OPTION_LIST, "address", "RANGE",
                                "network: where names may lead, if that is not public: 10.0.0.5 or "
                                "10.0.0.0/8"),
    [METHOD] = OPTION_TEXT_ROW(OPTION_LIST, "method", "METHOD",
                               "only these methods, like GET,HEAD; docker: with --path"),
    [PATH] =
        OPTION_TEXT_ROW(OPTION_LIST, "path", "PATTERN",
                        "only these paths; network: of plain HTTP, docker: in place of selectors"),
    [WHERE] = OPTION_TEXT_ROW(
        OPTION_LIST, "where", "KEY=VALUE",
        "docker: only objects or parameters like this (name, label, query.force, ...)"),
    [NAME] = OPTION_TEXT_ROW(OPTION_ONCE, "name", "TEXT", "what the log calls the rule"),
    [COMMENT] = OPTION_TEXT_ROW(OPTION_ONCE, "comment", "TEXT", "a note for people"),
    [TTL] = OPTION_NUMBER_ROW(OPTION_DURATION, "ttl", "TIME", NULL, 0, TTL_MAX_MS,
                              "forget the rule after this time, like 2h"),
};

#define ARGUMENTS "network RES[,RES...], or docker SEL[,SEL...]"

const struct option_table policy_allow_option_table = {
    .command = "policy allow",
    .arguments = ARGUMENTS,
    .summary = "Add rules that allow, to policy.d/90-cli.yaml.",
    .options = options,
    .option_count = OPTION_COUNT,
    .takes_utf8 = true,
    .run = run,
    .examples =
        "  dockreeve policy allow network \"api.anthropic.com,*.npmjs.org\"\n"
        "  dockreeve policy allow network github.com --port 22 --client agents --ttl 2h\n"
        "  dockreeve policy allow network db.lan:5432 --address 10.0.0.0/8\n"
        "  dockreeve policy allow network deb.example.org --method GET --path \"/debian/**\"\n"
        "  dockreeve policy allow docker @read,ContainerStart --where label=team=web\n"
        "  dockreeve policy allow docker --method POST --path \"/containers/*/start\"\n",
};

const struct option_table policy_deny_option_table = {
    .command = "policy deny",
    .arguments = ARGUMENTS,
    .summary = "Add rules that deny, to policy.d/90-cli.yaml; a deny wins over every allow.",
    .options = options,
    .option_count = OPTION_COUNT,
    .takes_utf8 = true,
    .run = run,
    .examples = "  dockreeve policy deny network \"*.telemetry.example.org\"\n"
                "  dockreeve policy deny network 203.0.113.0/24 --comment \"abused last week\"\n"
                "  dockreeve policy deny docker @exec --client ci\n",
};

enum addition_state { ADDED, PRESENT, CHANGED };

/* One resource and the rule that holds it. */
struct addition {
    const struct policy_resource *resource;
    struct yaml_tree_node *rule;
    enum addition_state state;
};

/* A resource that a rule of the file has. */
struct known {
    struct yaml_tree_node *rule;
    const struct yaml_tree_node *target; /* of its list, where it has one */
    struct slice canonical;              /* network */
};

struct adding {
    struct policy_edit edit; /* owned */
    const struct option_value *values;
    bool allows, network;
    const char *client;               /* NULL = every one */
    char expires[TIMESTAMP_LEN + 1];  /* "" = never */
    struct policy_resource_list list; /* owned */
    struct addition *additions;       /* owned; one a resource */
    struct known *known;              /* owned; in the order of the file */
    size_t known_count, known_capacity;
    struct yaml_tree_node **end; /* of the file's list */
    uint32_t reported;           /* rules up to where the last one was found */
};

static void adding_clear(struct adding *adding)
{
    policy_edit_clear(&adding->edit);
    policy_resource_list_clear(&adding->list);
    free(adding->additions);
    free(adding->known);
}

static const char *effect_of(const struct adding *adding)
{
    return adding->allows ? "allow" : "deny";
}

static const char *kind_of(const struct adding *adding)
{
    return adding->network ? "network" : "docker";
}

static const char *scope_of(const struct adding *adding)
{
    return adding->client == NULL ? "*" : adding->client;
}

/* ---- the rule as a document holds it ---- */

static void set_text(struct arena *arena, struct yaml_tree_node *map, const char *key,
                     const char *text)
{
    if (text != NULL && text[0] != '\0')
        yaml_edit_set(arena, map, key, yaml_edit_scalar(arena, slice_from_text(text)));
}

/* A repeated key becomes a list. */
static bool add_where(struct arena *arena, struct yaml_tree_node *where, const char *text)
{
    struct slice value = slice_from_text(text);
    struct slice key = slice_cut(&value, '=');
    if (key.len == 0 || value.ptr == NULL)
        return false;
    struct yaml_tree_node *fresh = yaml_edit_scalar(arena, value);
    const char *name = arena_text(arena, key);
    struct yaml_tree_node *earlier = yaml_edit_get(where, name);
    if (earlier != NULL && earlier->kind == YAML_TREE_SCALAR) {
        struct yaml_tree_node *list = yaml_edit_collection(arena, YAML_TREE_SEQUENCE);
        yaml_edit_append(list, earlier);
        yaml_edit_set(arena, where, name, list);
        earlier = list;
    }
    if (earlier != NULL)
        yaml_edit_append(earlier, fresh);
    else
        yaml_edit_set(arena, where, name, fresh);
    return true;
}

static struct yaml_tree_node *make_rule(const struct adding *adding,
                                        const struct policy_resource *resource)
{
    struct arena *arena = policy_store_arena(adding->edit.store);
    const struct option_value *values = adding->values;
    struct yaml_tree_node *rule = yaml_edit_collection(arena, YAML_TREE_MAPPING);
    struct yaml_tree_node *target = yaml_edit_scalar(arena, resource->text);
    const struct policy_resource_list *list = &adding->list;
    if (resource->is_path) {
        target = yaml_edit_collection(arena, YAML_TREE_MAPPING);
        if (list->method_count > 0)
            yaml_edit_set(arena, target, "method",
                          yaml_edit_texts(arena, list->methods, list->method_count));
        yaml_edit_set(arena, target, "path", yaml_edit_scalar(arena, resource->text));
    }
    yaml_edit_set(arena, rule, effect_of(adding), target);
    if (adding->network && list->method_count > 0)
        yaml_edit_set(arena, rule, "methods",
                      yaml_edit_texts(arena, list->methods, list->method_count));
    if (adding->network && list->path_count > 0)
        yaml_edit_set(arena, rule, "paths", yaml_edit_texts(arena, list->paths, list->path_count));
    if (list->address_count > 0)
        yaml_edit_set(arena, rule, "addresses",
                      yaml_edit_texts(arena, list->addresses, list->address_count));
    struct yaml_tree_node *where = yaml_edit_collection(arena, YAML_TREE_MAPPING);
    for (unsigned i = 0; i < values[WHERE].list_count; i++)
        (void)add_where(arena, where, values[WHERE].list[i]); /* looked at before */
    if (where->first != NULL)
        yaml_edit_set(arena, rule, "where", where);
    set_text(arena, rule, "name", values[NAME].text);
    set_text(arena, rule, "comment", values[COMMENT].text);
    set_text(arena, rule, "expires", adding->expires);
    return rule;
}

/* ---- what is there already ---- */

/* A scalar and a list of that one scalar say the same. */
static const struct yaml_tree_node *only_item(const struct yaml_tree_node *node)
{
    bool one = node != NULL && node->kind == YAML_TREE_SEQUENCE && node->first != NULL &&
               node->first->next == NULL;
    return one ? node->first : node;
}

/* The keys that decide, beside the resource and the time. */
static bool same_conditions(const struct yaml_tree_node *a, const struct yaml_tree_node *b)
{
    static const char *const keys[] = {"methods", "paths",       "where",    "addresses",
                                       "ech",     "require_sni", "protocols"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!yaml_edit_equal(only_item(yaml_edit_get(a, keys[i])),
                             only_item(yaml_edit_get(b, keys[i]))))
            return false;
    }
    return true;
}

static struct slice canonical_of(const struct adding *adding, const struct yaml_tree_node *target)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (!adding->network || target->kind != YAML_TREE_SCALAR)
        return (struct slice){NULL, 0};
    policy_resource_canonical(target->text, adding->allows, &text);
    return slice_of(arena_text(policy_store_arena(adding->edit.store), buffer_slice(&text)),
                    text.len);
}

static void add_known(struct adding *adding, struct yaml_tree_node *rule)
{
    const struct yaml_tree_node *target = yaml_edit_get(rule, effect_of(adding));
    bool is_list = target != NULL && target->kind == YAML_TREE_SEQUENCE;
    for (const struct yaml_tree_node *item = is_list ? target->first : target; item != NULL;
         item = is_list ? item->next : NULL) {
        adding->known = array_grow(adding->known, adding->known_count, &adding->known_capacity,
                                   sizeof(adding->known[0]));
        adding->known[adding->known_count++] =
            (struct known){rule, item, canonical_of(adding, item)};
    }
}

static bool same_resource(const struct adding *adding, const struct known *known,
                          const struct yaml_tree_node *target, struct slice canonical)
{
    const struct yaml_tree_node *theirs = known->target;
    if (adding->network)
        return known->canonical.ptr != NULL && slice_equal(known->canonical, canonical);
    if (theirs->kind == YAML_TREE_MAPPING && target->kind == YAML_TREE_MAPPING)
        return yaml_edit_equal(only_item(yaml_edit_get(theirs, "method")),
                               only_item(yaml_edit_get(target, "method"))) &&
               yaml_edit_equal(yaml_edit_get(theirs, "path"), yaml_edit_get(target, "path"));
    return theirs->kind == YAML_TREE_SCALAR && target->kind == YAML_TREE_SCALAR &&
           slice_equal(theirs->text, target->text);
}

/* Gives the rule that is there what the new one has of `key`. Whether that was a change. */
static bool take_key(const struct adding *adding, struct yaml_tree_node *rule,
                     const struct yaml_tree_node *fresh, const char *key)
{
    struct yaml_tree_node *theirs = yaml_edit_get(rule, key), *ours = yaml_edit_get(fresh, key);
    if (ours == NULL || yaml_edit_equal(theirs, ours))
        return false;
    yaml_edit_set(policy_store_arena(adding->edit.store), rule, key, ours);
    return true;
}

/* A rule without end is not given one: what was permanent would end unasked. One with an end gets
 * the new one, or none. */
static bool take_time(struct adding *adding, struct yaml_tree_node *rule,
                      const struct yaml_tree_node *fresh)
{
    bool has = yaml_edit_get(rule, "expires") != NULL;
    bool wants = yaml_edit_get(fresh, "expires") != NULL;
    if (has && !wants)
        return yaml_edit_unset(rule, "expires");
    if (has || !wants)
        return take_key(adding, rule, fresh, "expires");
    policy_messages_add(&adding->edit.notes, NULL, 0, 0,
                        "the rule is there already and has no end: --ttl does not give it one "
                        "(remove it first)");
    return false;
}

static bool would_change(const struct yaml_tree_node *rule, const struct yaml_tree_node *fresh)
{
    static const char *const keys[] = {"name", "comment", "expires"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct yaml_tree_node *ours = yaml_edit_get(fresh, keys[i]);
        if ((ours != NULL || i == 2) && !yaml_edit_equal(yaml_edit_get(rule, keys[i]), ours))
            return true;
    }
    return false;
}

static void add_one(struct adding *adding, struct addition *addition)
{
    struct yaml_tree_node *fresh = make_rule(adding, addition->resource);
    const struct yaml_tree_node *ours = yaml_edit_get(fresh, effect_of(adding));
    struct slice canonical = canonical_of(adding, ours);
    for (size_t i = 0; i < adding->known_count; i++) {
        struct yaml_tree_node *rule = adding->known[i].rule;
        const struct yaml_tree_node *target = yaml_edit_get(rule, effect_of(adding));
        if (!same_resource(adding, &adding->known[i], ours, canonical) ||
            !same_conditions(rule, fresh))
            continue;
        bool several = only_item(target)->kind == YAML_TREE_SEQUENCE;
        if (several && would_change(rule, fresh))
            continue; /* the others of its list must not change with it */
        bool changed = take_key(adding, rule, fresh, "name");
        changed |= take_key(adding, rule, fresh, "comment");
        changed |= take_time(adding, rule, fresh);
        addition->rule = rule;
        addition->state = changed ? CHANGED : PRESENT;
        return;
    }
    *adding->end = fresh;
    adding->end = &fresh->next;
    add_known(adding, fresh);
    addition->rule = fresh;
    addition->state = ADDED;
}

/* Whether anything is new. */
static bool add_all(struct adding *adding)
{
    struct yaml_tree_node *rules =
        policy_edit_make_rules(&adding->edit, adding->client, kind_of(adding));
    bool changed = false;
    adding->end = &rules->first;
    for (struct yaml_tree_node *rule = rules->first; rule != NULL; rule = rule->next) {
        add_known(adding, rule);
        adding->end = &rule->next;
    }
    adding->additions = calloc_or_abort(adding->list.count + 1, sizeof(adding->additions[0]));
    for (size_t i = 0; i < adding->list.count; i++) {
        struct addition *addition = &adding->additions[i];
        addition->resource = &adding->list.items[i];
        add_one(adding, addition);
        changed |= addition->state != PRESENT;
    }
    return changed;
}

/* ---- what is said ---- */

static void write_addition(struct adding *adding, const struct addition *addition, const char *id,
                           struct slice resource)
{
    static const char *const states[] = {
        [ADDED] = "added", [PRESENT] = "already there", [CHANGED] = "changed"};
    static const char *const codes[] = {
        [ADDED] = "added", [PRESENT] = "present", [CHANGED] = "changed"};
    const struct yaml_tree_node *expires = yaml_edit_get(addition->rule, "expires");
    struct buffer *text = &adding->edit.text, *rules = &adding->edit.members;
    buffer_printf(text, "%s: %s  %s %s ", states[addition->state], id, effect_of(adding),
                  kind_of(adding));
    terminal_text_append(text, resource);
    if (adding->client != NULL)
        buffer_printf(text, " for client %s", adding->client);
    if (expires != NULL && expires->kind == YAML_TREE_SCALAR) {
        buffer_append_literal(text, " until ");
        terminal_text_append(text, expires->text);
    }
    buffer_append_byte(text, '\n');
    json_write_object_begin(rules);
    json_write_key_text(rules, "id", id);
    json_write_key_text(rules, "state", codes[addition->state]);
    json_write_key_text(rules, "kind", kind_of(adding));
    json_write_key_text(rules, "scope", scope_of(adding));
    json_write_key_text(rules, "decision", effect_of(adding));
    json_write_key_string(rules, "resource", resource);
    if (expires != NULL && expires->kind == YAML_TREE_SCALAR)
        json_write_key_string(rules, "expires", expires->text);
    json_write_object_end(rules);
}

/* What the others make of it, unless the loader has said so already. */
static void take_notes(struct adding *adding, struct policy_messages *found)
{
    for (size_t i = 0; i < found->count; i++)
        policy_edit_note(&adding->edit, &found->items[i]);
    policy_messages_free(found);
}

/* Whether it is the rule that holds the addition. */
static bool is_of_addition(const struct adding *adding, const struct addition *addition,
                           const struct policy_listed_rule *rule)
{
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer wanted = BUFFER_EMPTY;
    if (rule->file == NULL || strcmp(rule->file, policy_store_path(adding->edit.store)) != 0 ||
        (rule->network != NULL) != adding->network || rule->allows != adding->allows ||
        strcmp(rule->scope, scope_of(adding)) != 0)
        return false;
    if (!adding->network)
        return rule->line == addition->rule->line;
    policy_listed_write_resource(rule, &shown);
    policy_resource_canonical(addition->resource->text, adding->allows, &wanted);
    return rule->line >= addition->rule->line &&
           slice_equal(buffer_slice(&shown), buffer_slice(&wanted));
}

/* Begins where the one before was found, since most stand one behind the other. */
static void report_addition(struct adding *adding, const struct addition *addition)
{
    const struct policy *policy = adding->edit.after;
    const uint32_t count = policy_number_end(policy) - POLICY_NUMBER_RULES;
    struct policy_messages found = {NULL, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t number = POLICY_NUMBER_RULES + (adding->reported + i) % count;
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        if (!is_of_addition(adding, addition, &rule))
            continue;
        AUTO_BUFFER struct buffer resource = BUFFER_EMPTY;
        policy_listed_write_resource(&rule, &resource);
        write_addition(adding, addition, rule.id, buffer_slice(&resource));
        policy_overlap(policy, number, timestamp_now_us(), &found);
        take_notes(adding, &found);
        adding->reported = number + 1 - POLICY_NUMBER_RULES;
        return;
    }
}

static int report(struct adding *adding)
{
    policy_edit_note_client(&adding->edit, adding->client);
    if (adding->edit.changed)
        policy_edit_note_new(&adding->edit);
    json_write_key_array(&adding->edit.members, "rules");
    for (size_t i = 0; i < adding->list.count; i++) {
        const struct addition *addition = &adding->additions[i];
        policy_edit_note_rule(&adding->edit, addition->rule);
        report_addition(adding, addition);
    }
    json_write_array_end(&adding->edit.members);
    return policy_edit_finish(&adding->edit);
}

/* ---- the command line ---- */

static bool check_options(const struct adding *adding, const char *command)
{
    const struct option_value *values = adding->values;
    if (adding->network && values[WHERE].given)
        return policy_edit_usage(command, "--where is for `docker`");
    if (!adding->network && values[PORT].given)
        return policy_edit_usage(command, "--port is for `network`");
    if (values[ADDRESS].list_count > 0 && !(adding->network && adding->allows))
        return policy_edit_usage(command, "--address is for `policy allow network`%s",
                                 adding->network ? "; deny the range itself: network 10.0.0.0/8"
                                                 : "");
    for (unsigned i = 0; i < values[WHERE].list_count; i++) {
        const char *equals = strchr(values[WHERE].list[i], '=');
        if (equals == NULL || equals == values[WHERE].list[i])
            return policy_edit_usage(command, "--where takes KEY=VALUE, like name=web-*");
    }
    return true;
}

/* `network RES`, and in front of the resources the scope as older programs have it. */
static bool read_words(struct adding *adding, const char *command, int argc, char **argv)
{
    const struct option_value *values = adding->values;
    struct policy_edit_scope scope = {&values[CLIENT], &values[SANDBOX], &values[GLOBAL], NULL};
    adding->network = argc > 0 && strcmp(argv[0], "network") == 0;
    if (argc == 0 || (!adding->network && strcmp(argv[0], "docker") != 0)) {
        struct near_word near;
        near_word_init(&near, slice_from_text(argc == 0 ? "" : argv[0]));
        near_word_offer(&near, "network");
        near_word_offer(&near, "docker");
        return policy_edit_usage(command,
                                 "write `network` and hosts, or `docker` and operations: network "
                                 "\"api.example.com,*.example.org\"%s",
                                 near_word_hint(&near).text);
    }
    if (argc > 3 || (argc == 3 && !policy_edit_is_scope(argv[1])))
        return policy_edit_usage(command, "resources are one word, with commas between them: "
                                          "\"a.example.com,b.example.com\"");
    if (argc == 3)
        scope.positional = argv[1];
    if (!policy_edit_scope(command, &scope, &adding->client) || !check_options(adding, command))
        return false;
    const struct policy_resource_words words = {
        .network = adding->network,
        .allows = adding->allows,
        .resources = argc > 1 ? argv[argc - 1] : NULL,
        .ports = values[PORT].text,
        .methods = &values[METHOD],
        .paths = &values[PATH],
        .addresses = &values[ADDRESS],
    };
    return policy_resource_list_read(&adding->list, command, &words, &adding->edit.notes);
}

static void set_expiry(struct adding *adding)
{
    struct timestamp_cache cache = {0};
    if (!adding->values[TTL].given)
        return;
    /* Whole seconds, and no second too few; no time at all is over at once. */
    uint64_t ttl_ms = adding->values[TTL].number;
    int64_t end_us = timestamp_now_us() + (int64_t)ttl_ms * 1000 + (ttl_ms > 0 ? 999999 : 0);
    struct slice text = timestamp_format(&cache, end_us);
    enum { SECONDS_LEN = 19 };
    snprintf(adding->expires, sizeof(adding->expires), "%.*sZ", SECONDS_LEN, text.ptr);
}

static int run(const struct command_call *call)
{
    CLEANUP(adding_clear)
    struct adding adding = {.edit = {.call = call},
                            .values = call->values,
                            .allows = call->table == &policy_allow_option_table};
    if (!read_words(&adding, call->table->command, call->argc, call->argv))
        return COMMAND_USAGE;
    set_expiry(&adding);
    int code = policy_edit_begin(&adding.edit);
    if (code < 0)
        code = policy_edit_commit(&adding.edit, add_all(&adding));
    return code < 0 ? report(&adding) : code;
}
