/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules under `docker:`: allow or deny, a selector or method and path, `where`, a name. What a rule
 * could never do is an error here, at load, and not a silence at run time. */
#include <stddef.h>
#include <string.h>

#include "base/near_word.h"
#include "policy/document/policy_document.h"

/* One rule while it is read. */
struct draft {
    const struct policy_document *document;
    struct policy_rule rule;
    struct buffer selector, where; /* owned */
    size_t errors_before;
};

/* Whether anything was reported since the rule began. */
static bool is_bad(const struct draft *draft)
{
    return draft->document->reading->errors->count > draft->errors_before;
}

static void separate(struct buffer *buffer, const char *separator)
{
    if (buffer->len > 0)
        buffer_append_text(buffer, separator);
}

/* ---- targets ---- */

static void report_selector(struct draft *draft, const struct yaml_tree_node *node)
{
    const struct quoted quoted = quote(node->text);
    if (slice_equal_text(node->text, "Libpod")) {
        policy_document_error(draft->document, node,
                              "libpod's routes are opened by path only: {path: /libpod/...}");
        return;
    }
    if (node->text.ptr[0] == '/' || node->text.ptr[0] == '~') {
        policy_document_error(draft->document, node,
                              "%s looks like a path: write {method: GET, path: ...}", quoted.text);
        return;
    }
    struct near_word near;
    near_word_init(&near, node->text);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++)
        near_word_offer(&near, docker_operation_info((enum docker_operation)i)->name);
    for (const char *const *name = docker_operation_set_names(); *name != NULL; name++)
        near_word_offer(&near, *name);
    const char *kind = node->text.ptr[0] == '@' ? "set" : "operation";
    policy_document_error(draft->document, node, "there is no %s %s%s", kind, quoted.text,
                          near_word_hint(&near).text);
}

static void read_selector(struct draft *draft, const struct yaml_tree_node *node)
{
    if (!policy_document_one_word(draft->document, node))
        return;
    separate(&draft->selector, ", ");
    buffer_append_slice(&draft->selector, node->text);
    if (!docker_operation_set_add_selector(&draft->rule.match.operations, node->text))
        report_selector(draft, node);
}

/* A target by method and path while it is read. */
struct path_target {
    uint32_t methods;
    struct buffer shown; /* owned */
};

static void read_method(const struct policy_document *document, const struct yaml_tree_node *node,
                        void *place)
{
    struct path_target *target = place;
    enum http_method method = http_method_from_name(node->text);
    if (method == HTTP_METHOD_UNKNOWN || method >= HTTP_METHOD_CORE_COUNT) {
        policy_document_error(document, node,
                              "%s is no method: write GET, HEAD, POST, PUT or DELETE in capitals",
                              quote(node->text).text);
        return;
    }
    target->methods |= UINT32_C(1) << method;
    separate(&target->shown, ",");
    buffer_append_slice(&target->shown, node->text);
}

static void read_methods(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    policy_document_read_words(document, key, "leave it out to mean every method", read_method,
                               place);
}

/* Whether a glob spells (part of) the name where the operation's path has {name} or {id}. */
static bool spells_name(struct slice glob, const char *path_template)
{
    const char *brace = strchr(path_template, '{');
    if (brace == NULL)
        return false;
    struct slice rest = glob, segment = {NULL, 0};
    for (const char *at = path_template; at <= brace && rest.ptr != NULL; at++) {
        if (*at != '/' && at != brace)
            continue;
        segment = slice_cut(&rest, '/');
        if (slice_equal_text(segment, "**"))
            return false;
    }
    return segment.len > 0 && !slice_equal_text(segment, "*");
}

/* An object answers to its id, to every unique beginning of it and to its names: a deny by one
 * spelling stops only that. */
static void note_spelled_name(struct draft *draft, const struct yaml_tree_node *path)
{
    const struct docker_rule *rule = &draft->rule.match;
    const struct docker_operation_set *set = &rule->paths[rule->path_count - 1].operations;
    const char *found = NULL;
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(set, &operation)) {
        const struct docker_operation_info *info = docker_operation_info(operation);
        if (!spells_name(path->text, info->path))
            return; /* "/containers/json" means the list, not a container of that name */
        found = info->name;
    }
    if (found != NULL && path->text.ptr[0] != '~')
        policy_document_notice(draft->document, path,
                               "this deny goes by how the request spells the object, which also "
                               "answers to its id: deny %s with `where: {name: ...}` instead",
                               found);
}

static void read_path(struct draft *draft, const struct yaml_tree_node *node)
{
    static const struct policy_key keys[] = {{"method", read_methods, 0}, {"path", NULL, 0}};
    static const struct policy_map map = {"a method and path", NULL, keys, ARRAY_LEN(keys)};
    const struct yaml_tree_node *given[ARRAY_LEN(keys)] = {NULL};
    struct path_target target = {0, BUFFER_EMPTY};
    policy_document_read_map(draft->document, node, &map, given, &target);
    AUTO_BUFFER struct buffer shown = target.shown;
    if (given[1] == NULL) {
        policy_document_error(
            draft->document, node,
            "a rule by method needs `path` too: {method: GET, path: /containers/json}");
        return;
    }
    const struct yaml_tree_node *path = given[1]->value;
    if (!policy_document_text(draft->document, path, "path"))
        return;
    separate(&draft->selector, ", ");
    buffer_printf(&draft->selector, "%s ", shown.len > 0 ? buffer_text(&shown) : "*");
    buffer_append_slice(&draft->selector, path->text);
    struct error error;
    if (is_bad(draft))
        return;
    if (!docker_rule_add_path(&draft->rule.match, target.methods, path->text, &error))
        policy_document_error(draft->document, path, "%s", error.text);
    else if (!draft->rule.match.allows)
        note_spelled_name(draft, path);
}

/* An item of `allow` or `deny`. */
static void read_target(const struct policy_document *document, const struct yaml_tree_node *node,
                        void *place)
{
    struct draft *draft = place;
    if (node->kind == YAML_TREE_MAPPING)
        read_path(draft, node);
    else if (policy_document_text(document, node, draft->rule.match.allows ? "allow" : "deny"))
        read_selector(draft, node);
}

/* ---- where ---- */

/* A key of `where` while it is read; its arrays grow. */
struct where_key {
    struct docker_condition *condition; /* borrowed */
    size_t value_capacity, under_capacity;
    bool good;
};

static void read_value(const struct policy_document *document, const struct yaml_tree_node *node,
                       void *place)
{
    struct where_key *where = place;
    struct docker_condition *condition = where->condition;
    struct pattern pattern;
    struct error error;
    if (!pattern_compile(&pattern, PATTERN_VALUE, node->text, &error)) {
        policy_document_error(document, node, "%s", error.text);
        return;
    }
    condition->values = array_grow(condition->values, condition->value_count,
                                   &where->value_capacity, sizeof(pattern));
    condition->values[condition->value_count++] = pattern;
}

static bool read_limit(const struct policy_document *document, const struct yaml_tree_node *key,
                       int64_t *limit)
{
    const struct slice text = key->value->text;
    if (!policy_document_text(document, key->value, key->text.ptr))
        return false;
    bool negative = text.ptr[0] == '-';
    uint64_t number;
    if (!slice_to_u64(slice_of(text.ptr + negative, text.len - negative), &number) ||
        number > INT64_MAX) {
        policy_document_error(document, key->value, "`%s` takes a whole number", key->text.ptr);
        return false;
    }
    *limit = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static void read_max(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    struct where_key *where = place;
    where->good &= where->condition->has_max = read_limit(document, key, &where->condition->max);
}

static void read_min(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    struct where_key *where = place;
    where->good &= where->condition->has_min = read_limit(document, key, &where->condition->min);
}

static void read_folder(const struct policy_document *document, const struct yaml_tree_node *node,
                        void *place)
{
    struct where_key *where = place;
    struct docker_condition *condition = where->condition;
    struct slice folder = node->text;
    while (folder.len > 0 && folder.ptr[folder.len - 1] == '/')
        folder.len--;
    bool good = node->text.ptr[0] == '/';
    struct slice rest =
        folder.len == 0 ? (struct slice){NULL, 0} : slice_of(folder.ptr + 1, folder.len - 1);
    while (good && rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        good = part.len > 0 && !slice_equal_text(part, ".") && !slice_equal_text(part, "..");
    }
    if (!good) {
        policy_document_error(document, node,
                              "`under` takes absolute paths without empty, `.` or `..` parts");
        return;
    }
    condition->under = array_grow(condition->under, condition->under_count, &where->under_capacity,
                                  sizeof(condition->under[0]));
    condition->under[condition->under_count++] = slice_of(slice_to_text(folder), folder.len);
}

static void read_under(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    policy_document_read_texts(document, key, "the rule would never match", read_folder, place);
}

static void read_absent(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    struct where_key *where = place;
    bool *absent = &where->condition->absent;
    where->good &= policy_document_bool(document, key->value, "absent", absent);
    if (where->good && !*absent)
        policy_document_error(document, key->value,
                              "`absent` can only be true; for \"present\" write a pattern: \"**\"");
}

static void read_bounds(const struct policy_document *document, const struct yaml_tree_node *node,
                        struct where_key *where)
{
    static const struct policy_key keys[] = {{"max", read_max, 0},
                                             {"min", read_min, 0},
                                             {"under", read_under, 0},
                                             {"absent", read_absent, 0}};
    static const struct policy_map map = {"a value of `where`", NULL, keys, ARRAY_LEN(keys)};
    const struct docker_condition *condition = where->condition;
    if (node->first == NULL)
        policy_document_error(document, node,
                              "an empty map asks for nothing: use max, min, under or absent");
    where->good = true;
    if (policy_document_read_map(document, node, &map, NULL, where) && where->good &&
        condition->has_max && condition->has_min && condition->min > condition->max)
        policy_document_error(document, node, "`min` is above `max`: this can never match");
}

/* The number of a key of `where`; false and reported when it is none. */
static bool read_where_key(struct draft *draft, const struct yaml_tree_node *key,
                           struct docker_condition *condition)
{
    static const char *const facts[] = {
        [DOCKER_FACT_ID] = "id",           [DOCKER_FACT_NAME] = "name",
        [DOCKER_FACT_IMAGE] = "image",     [DOCKER_FACT_LABEL] = "label",
        [DOCKER_FACT_NETWORK] = "network", [DOCKER_FACT_VOLUME] = "volume",
    };
    static const struct slice query = {"query.", 6}, body = {"body.", 5};
    if (slice_starts_with(key->text, body)) {
        policy_document_not_yet(draft->document, key, "`where` on the body");
        return false;
    }
    if (slice_starts_with(key->text, query) && key->text.len > query.len) {
        struct slice name = slice_of(key->text.ptr + query.len, key->text.len - query.len);
        condition->key = DOCKER_CONDITION_QUERY;
        condition->parameter = slice_of(slice_to_text(name), name.len);
        return true;
    }
    size_t fact =
        policy_document_word(draft->document, key, facts, ARRAY_LEN(facts),
                             "`where` (id, name, image, label, network, volume, query.NAME)");
    condition->key = (unsigned)fact;
    return fact < ARRAY_LEN(facts);
}

static void show_value(struct buffer *out, const struct yaml_tree_node *node)
{
    if (node->kind == YAML_TREE_SCALAR) {
        buffer_append_slice(out, node->text);
        return;
    }
    buffer_append_byte(out, node->kind == YAML_TREE_MAPPING ? '{' : '[');
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next) {
        if (item != node->first)
            buffer_append_literal(out, ", ");
        buffer_append_slice(out, item->text);
        if (item->value != NULL) {
            buffer_append_literal(out, ": ");
            show_value(out, item->value);
        }
    }
    buffer_append_byte(out, node->kind == YAML_TREE_MAPPING ? '}' : ']');
}

static void read_condition(struct draft *draft, const struct yaml_tree_node *key,
                           struct docker_condition *condition)
{
    const struct yaml_tree_node *value = key->value;
    struct where_key where = {.condition = condition};
    if (!read_where_key(draft, key, condition))
        return;
    separate(&draft->where, " ");
    buffer_append_slice(&draft->where, key->text);
    buffer_append_byte(&draft->where, '=');
    show_value(&draft->where, value);
    if (value->kind == YAML_TREE_MAPPING && condition->key == DOCKER_CONDITION_QUERY) {
        read_bounds(draft->document, value, &where);
    } else if (value->kind == YAML_TREE_MAPPING) {
        policy_document_error(draft->document, value,
                              "`%s` takes a pattern or a list of them; max, min, under and absent "
                              "are for query.NAME",
                              key->text.ptr);
    } else {
        if (value->kind == YAML_TREE_SEQUENCE && value->first == NULL)
            policy_document_error(draft->document, value,
                                  "an empty list: the rule would never match");
        policy_document_read_texts(draft->document, key, NULL, read_value, &where);
    }
}

/* Says which of the selected operations can never have the key: none left is an error, some a
 * notice. */
static void check_condition(struct draft *draft, const struct yaml_tree_node *key,
                            const struct docker_condition *condition)
{
    struct docker_operation_set selected;
    docker_rule_selected(&draft->rule.match, &selected);
    unsigned can = 0, cannot = 0;
    AUTO_BUFFER struct buffer names = BUFFER_EMPTY;
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(&selected, &operation)) {
        if (docker_condition_can_hold(condition, operation)) {
            can++;
            continue;
        }
        if (cannot++ < 3) {
            separate(&names, ", ");
            buffer_append_text(&names, docker_operation_info(operation)->name);
        }
    }
    if (condition->key == DOCKER_FACT_IMAGE &&
        docker_operation_set_has(&draft->rule.match.operations, DOCKER_CONTAINER_CREATE)) {
        policy_document_not_yet(draft->document, key,
                                "`image` on ContainerCreate (which this selector includes)");
        return;
    }
    const char *more = cannot > 3 ? ", ..." : "";
    if (can == 0 && cannot > 0)
        policy_document_error(draft->document, key,
                              "%s can never have `%s`: it names no such object or parameter",
                              buffer_text(&names), key->text.ptr);
    else if (cannot > 0)
        policy_document_notice(
            draft->document, key, "%s%s cannot have `%s`: this rule is not for %s",
            buffer_text(&names), more, key->text.ptr, cannot == 1 ? "it" : "them");
}

static void read_where(struct draft *draft, const struct yaml_tree_node *map)
{
    if (map->kind != YAML_TREE_MAPPING || map->first == NULL) {
        policy_document_error(draft->document, map, "`where` takes a map, like {name: \"web-*\"}");
        return;
    }
    size_t capacity = 0;
    struct docker_rule *rule = &draft->rule.match;
    for (const struct yaml_tree_node *key = map->first; key != NULL; key = key->next) {
        rule->conditions = array_grow(rule->conditions, rule->condition_count, &capacity,
                                      sizeof(rule->conditions[0]));
        struct docker_condition *condition = &rule->conditions[rule->condition_count++];
        memset(condition, 0, sizeof(*condition));
        condition->key = DOCKER_CONDITION_QUERY;
        read_condition(draft, key, condition);
        if (!is_bad(draft))
            check_condition(draft, key, condition);
    }
}

/* ---- rule ---- */

/* Shown behind the conditions, of which it is one more. */
static void read_expires(struct draft *draft, const struct yaml_tree_node *node)
{
    if (!policy_document_read_expires(draft->document, node, &draft->rule.match.expires_us))
        return;
    separate(&draft->where, " ");
    buffer_append_literal(&draft->where, "expires=");
    buffer_append_slice(&draft->where, node->text);
}

static bool is_empty_set(const struct docker_operation_set *set)
{
    uint64_t any = 0;
    for (size_t i = 0; i < ARRAY_LEN(set->bits); i++)
        any |= set->bits[i];
    return any == 0;
}

static void finish_rule(struct draft *draft, const struct yaml_tree_node *node)
{
    const struct policy_document *document = draft->document;
    struct arena *arena = &document->reading->builder->policy->arena;
    struct docker_operation_set selected;
    docker_rule_narrow(&draft->rule.match);
    docker_rule_selected(&draft->rule.match, &selected);
    if (is_empty_set(&selected)) {
        policy_document_error(draft->document, node,
                              "no operation has all keys of `where`: this rule can never match");
        return;
    }
    draft->rule.selector = arena_text(arena, buffer_slice(&draft->selector));
    draft->rule.where = arena_text(arena, buffer_slice(&draft->where));
    draft->rule.source = arena_printf(arena, "%s:%u", document->label, node->line);
    draft->rule.file = arena_text(arena, slice_from_text(document->file));
    draft->rule.line = node->line;
    draft->rule.column = node->column;
    policy_builder_take_rule(document->reading->builder, &draft->rule);
}

enum { RULE_ALLOW, RULE_DENY, RULE_WHERE, RULE_NAME, RULE_COMMENT, RULE_EXPIRES, RULE_KEY_COUNT };

static void read_rule(struct draft *draft, const struct yaml_tree_node *node)
{
    static const struct policy_key keys[RULE_KEY_COUNT] = {
        [RULE_ALLOW] = {"allow", NULL, 0},
        [RULE_DENY] = {"deny", NULL, 0},
        [RULE_WHERE] = {"where", NULL, 0},
        [RULE_NAME] = {"name", policy_document_keep_text, offsetof(struct policy_rule, name)},
        [RULE_COMMENT] = {"comment", policy_document_keep_text,
                          offsetof(struct policy_rule, comment)},
        [RULE_EXPIRES] = {"expires", NULL, 0},
    };
    static const struct policy_map map = {"a rule", NULL, keys, RULE_KEY_COUNT};
    const struct yaml_tree_node *given[RULE_KEY_COUNT] = {NULL};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(draft->document, node,
                              "a rule is a map, like {allow: \"@read\"}, not %s",
                              yaml_tree_kind_name(node));
        return;
    }
    policy_document_read_map(draft->document, node, &map, given, &draft->rule);
    const struct yaml_tree_node *target = policy_document_effect(draft->document, node, given);
    if (target == NULL)
        return;
    draft->rule.match.allows = target == given[RULE_ALLOW];
    policy_document_read_list(draft->document, target, "the rule would do nothing", read_target,
                              draft);
    if (given[RULE_WHERE] != NULL)
        read_where(draft, given[RULE_WHERE]->value);
    if (given[RULE_EXPIRES] != NULL)
        read_expires(draft, given[RULE_EXPIRES]->value);
    if (!is_bad(draft))
        finish_rule(draft, node);
}

void policy_rules_read(const struct policy_document *document, size_t client,
                       const struct yaml_tree_node *list)
{
    if (list->kind != YAML_TREE_SEQUENCE) {
        policy_document_error(document, list, "`docker` takes a list of rules, not %s",
                              yaml_tree_kind_name(list));
        return;
    }
    for (const struct yaml_tree_node *node = list->first; node != NULL; node = node->next) {
        struct draft draft = {.document = document,
                              .errors_before = document->reading->errors->count,
                              .rule = {.client = client, .layer = document->layer}};
        read_rule(&draft, node);
        docker_rule_clear(&draft.rule.match);
        buffer_free(&draft.selector);
        buffer_free(&draft.where);
    }
}
