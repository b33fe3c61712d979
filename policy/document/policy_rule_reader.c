/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules under `docker:`: allow or deny, a selector or method and path, `where`, a name. What a rule
 * could never do is an error here, at load, and not a silence at run time. */
#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "policy/document/policy_document.h"

/* One rule while it is read. */
struct draft {
    const struct policy_document *document;
    struct policy_rule rule;
    struct buffer selector, where; /* owned */
    bool bad;
};

#define DRAFT_ERROR(draft, node, ...)                                                              \
    do {                                                                                           \
        policy_document_error((draft)->document, (node), __VA_ARGS__);                             \
        (draft)->bad = true;                                                                       \
    } while (0)

static void separate(struct buffer *buffer, const char *separator)
{
    if (buffer->len > 0)
        buffer_append_text(buffer, separator);
}

/* ---- targets ---- */

static void report_selector(struct draft *draft, const struct yaml_tree_node *node)
{
    char quoted[80];
    error_quote(node->text, quoted, sizeof(quoted));
    if (slice_equal_text(node->text, "Libpod")) {
        DRAFT_ERROR(draft, node, "libpod's routes are opened by path only: {path: /libpod/...}");
        return;
    }
    if (node->text.ptr[0] == '/' || node->text.ptr[0] == '~') {
        DRAFT_ERROR(draft, node, "%s looks like a path: write {method: GET, path: ...}", quoted);
        return;
    }
    struct near_word near;
    near_word_init(&near, node->text);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++)
        near_word_offer(&near, docker_operation_info((enum docker_operation)i)->name);
    for (const char *const *name = docker_operation_set_names(); *name != NULL; name++)
        near_word_offer(&near, *name);
    const char *kind = node->text.ptr[0] == '@' ? "set" : "operation";
    if (near.best != NULL)
        DRAFT_ERROR(draft, node, "there is no %s %s; did you mean `%s`?", kind, quoted, near.best);
    else
        DRAFT_ERROR(draft, node, "there is no %s %s", kind, quoted);
}

static void read_selector(struct draft *draft, const struct yaml_tree_node *node,
                          const char *effect)
{
    if (!policy_document_text(draft->document, node, effect)) {
        draft->bad = true;
        return;
    }
    separate(&draft->selector, ", ");
    buffer_append_slice(&draft->selector, node->text);
    if (!docker_operation_set_add_selector(&draft->rule.match.operations, node->text))
        report_selector(draft, node);
}

static void read_method(struct draft *draft, const struct yaml_tree_node *node, uint32_t *methods,
                        struct buffer *shown)
{
    if (!policy_document_text(draft->document, node, "method")) {
        draft->bad = true;
        return;
    }
    enum http_method method = http_method_from_name(node->text);
    if (method == HTTP_METHOD_UNKNOWN) {
        char quoted[40];
        DRAFT_ERROR(draft, node,
                    "%s is no method: write GET, HEAD, POST, PUT or DELETE in capitals",
                    error_quote(node->text, quoted, sizeof(quoted)));
        return;
    }
    *methods |= UINT32_C(1) << method;
    separate(shown, ",");
    buffer_append_slice(shown, node->text);
}

static void read_methods(struct draft *draft, const struct yaml_tree_node *node, uint32_t *methods,
                         struct buffer *shown)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_method(draft, node, methods, shown);
        return;
    }
    if (node->first == NULL)
        DRAFT_ERROR(draft, node, "`method` is an empty list: leave it out to mean every method");
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_method(draft, item, methods, shown);
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
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        if (!docker_operation_set_has(set, (enum docker_operation)i))
            continue;
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

static void read_path(struct draft *draft, const struct yaml_tree_node *map)
{
    static const char *const keys[] = {"method", "path"};
    const struct yaml_tree_node *path = NULL;
    uint32_t methods = 0;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    for (const struct yaml_tree_node *key = map->first; key != NULL; key = key->next) {
        switch (
            policy_document_key(draft->document, key, keys, ARRAY_LEN(keys), "a method and path")) {
        case 0:
            read_methods(draft, key->value, &methods, &shown);
            break;
        case 1:
            path = key->value;
            break;
        default:
            draft->bad = true;
        }
    }
    if (path == NULL) {
        DRAFT_ERROR(draft, map,
                    "a rule by method needs `path` too: {method: GET, path: /containers/json}");
        return;
    }
    if (!policy_document_text(draft->document, path, "path")) {
        draft->bad = true;
        return;
    }
    separate(&draft->selector, ", ");
    buffer_append_text(&draft->selector, shown.len > 0 ? buffer_text(&shown) : "*");
    buffer_append_byte(&draft->selector, ' ');
    buffer_append_slice(&draft->selector, path->text);
    struct error error;
    if (!draft->bad && !docker_rule_add_path(&draft->rule.match, methods, path->text, &error))
        DRAFT_ERROR(draft, path, "%s", error.text);
    else if (!draft->bad && !draft->rule.match.allows)
        note_spelled_name(draft, path);
}

static void read_target(struct draft *draft, const struct yaml_tree_node *node, const char *effect)
{
    if (node->kind == YAML_TREE_MAPPING)
        read_path(draft, node);
    else
        read_selector(draft, node, effect);
}

static void read_targets(struct draft *draft, const struct yaml_tree_node *node, const char *effect)
{
    draft->rule.match.allows = strcmp(effect, "allow") == 0;
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_target(draft, node, effect);
        return;
    }
    if (node->first == NULL)
        DRAFT_ERROR(draft, node, "`%s` is an empty list: the rule would do nothing", effect);
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_target(draft, item, effect);
}

/* ---- where ---- */

static void add_value(struct draft *draft, struct docker_condition *condition,
                      const struct yaml_tree_node *node, size_t *capacity, const char *what)
{
    if (!policy_document_text(draft->document, node, what)) {
        draft->bad = true;
        return;
    }
    struct pattern pattern;
    struct error error;
    if (!pattern_compile(&pattern, PATTERN_VALUE, node->text, &error)) {
        DRAFT_ERROR(draft, node, "%s", error.text);
        return;
    }
    condition->values =
        array_grow(condition->values, condition->value_count, capacity, sizeof(pattern));
    condition->values[condition->value_count++] = pattern;
}

static bool read_limit(struct draft *draft, const struct yaml_tree_node *node, const char *what,
                       int64_t *limit)
{
    if (!policy_document_text(draft->document, node, what))
        return false;
    bool negative = node->text.ptr[0] == '-';
    struct slice digits = negative ? slice_of(node->text.ptr + 1, node->text.len - 1) : node->text;
    uint64_t number;
    if (!slice_to_u64(digits, &number) || number > INT64_MAX) {
        policy_document_error(draft->document, node, "`%s` takes a whole number", what);
        return false;
    }
    *limit = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static void add_under(struct draft *draft, struct docker_condition *condition,
                      const struct yaml_tree_node *node, size_t *capacity)
{
    if (!policy_document_text(draft->document, node, "under")) {
        draft->bad = true;
        return;
    }
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
        DRAFT_ERROR(draft, node, "`under` takes absolute paths without empty, `.` or `..` parts");
        return;
    }
    condition->under =
        array_grow(condition->under, condition->under_count, capacity, sizeof(condition->under[0]));
    condition->under[condition->under_count++] = slice_of(slice_to_text(folder), folder.len);
}

static void read_under(struct draft *draft, struct docker_condition *condition,
                       const struct yaml_tree_node *node)
{
    size_t capacity = 0;
    if (node->kind != YAML_TREE_SEQUENCE) {
        add_under(draft, condition, node, &capacity);
        return;
    }
    if (node->first == NULL)
        DRAFT_ERROR(draft, node, "`under` is an empty list: the rule would never match");
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        add_under(draft, condition, item, &capacity);
}

static void read_bounds(struct draft *draft, struct docker_condition *condition,
                        const struct yaml_tree_node *map)
{
    static const char *const keys[] = {"max", "min", "under", "absent"};
    if (map->first == NULL)
        DRAFT_ERROR(draft, map, "an empty map asks for nothing: use max, min, under or absent");
    bool good = true;
    for (const struct yaml_tree_node *key = map->first; key != NULL; key = key->next) {
        switch (policy_document_key(draft->document, key, keys, ARRAY_LEN(keys),
                                    "a value of `where`")) {
        case 0:
            good &= condition->has_max = read_limit(draft, key->value, "max", &condition->max);
            break;
        case 1:
            good &= condition->has_min = read_limit(draft, key->value, "min", &condition->min);
            break;
        case 2:
            read_under(draft, condition, key->value);
            break;
        case 3:
            good &= policy_document_bool(draft->document, key->value, "absent", &condition->absent);
            if (good && !condition->absent)
                DRAFT_ERROR(draft, key->value,
                            "`absent` can only be true; for \"present\" write a pattern: \"**\"");
            break;
        default:
            good = false;
        }
    }
    if (good && condition->has_max && condition->has_min && condition->min > condition->max)
        DRAFT_ERROR(draft, map, "`min` is above `max`: this can never match");
    draft->bad |= !good;
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
        draft->bad = true;
        return false;
    }
    if (slice_starts_with(key->text, query) && key->text.len > query.len) {
        struct slice name = slice_of(key->text.ptr + query.len, key->text.len - query.len);
        condition->key = DOCKER_CONDITION_QUERY;
        condition->parameter = slice_of(slice_to_text(name), name.len);
        return true;
    }
    size_t fact =
        policy_document_key(draft->document, key, facts, ARRAY_LEN(facts),
                            "`where` (id, name, image, label, network, volume, query.NAME)");
    draft->bad |= fact == ARRAY_LEN(facts);
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
    size_t capacity = 0;
    if (!read_where_key(draft, key, condition))
        return;
    separate(&draft->where, " ");
    buffer_append_slice(&draft->where, key->text);
    buffer_append_byte(&draft->where, '=');
    show_value(&draft->where, value);
    switch (value->kind) {
    case YAML_TREE_SCALAR:
        add_value(draft, condition, value, &capacity, key->text.ptr);
        return;
    case YAML_TREE_SEQUENCE:
        if (value->first == NULL)
            DRAFT_ERROR(draft, value, "an empty list: the rule would never match");
        for (const struct yaml_tree_node *item = value->first; item != NULL; item = item->next)
            add_value(draft, condition, item, &capacity, key->text.ptr);
        return;
    case YAML_TREE_MAPPING:
        if (condition->key != DOCKER_CONDITION_QUERY)
            DRAFT_ERROR(draft, value,
                        "`%s` takes a pattern or a list of them; max, min, under and absent are "
                        "for query.NAME",
                        key->text.ptr);
        else
            read_bounds(draft, condition, value);
        return;
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
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        enum docker_operation operation = (enum docker_operation)i;
        if (!docker_operation_set_has(&selected, operation))
            continue;
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
        draft->bad = true;
        return;
    }
    const char *more = cannot > 3 ? ", ..." : "";
    if (can == 0 && cannot > 0)
        DRAFT_ERROR(draft, key, "%s can never have `%s`: it names no such object or parameter",
                    buffer_text(&names), key->text.ptr);
    else if (cannot > 0)
        policy_document_notice(
            draft->document, key, "%s%s cannot have `%s`: this rule is not for %s",
            buffer_text(&names), more, key->text.ptr, cannot == 1 ? "it" : "them");
}

static void read_where(struct draft *draft, const struct yaml_tree_node *map)
{
    if (map->kind != YAML_TREE_MAPPING || map->first == NULL) {
        DRAFT_ERROR(draft, map, "`where` takes a map, like {name: \"web-*\"}");
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
        bool bad_before = draft->bad;
        read_condition(draft, key, condition);
        if (!bad_before && !draft->bad)
            check_condition(draft, key, condition);
    }
}

/* ---- rule ---- */

/* Shown behind the conditions, of which it is one more. */
static void read_expires(struct draft *draft, const struct yaml_tree_node *node)
{
    if (!policy_document_read_expires(draft->document, node, &draft->rule.match.expires_us)) {
        draft->bad = true;
        return;
    }
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
        DRAFT_ERROR(draft, node, "no operation has all keys of `where`: this rule can never match");
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

/* NULL, and reported, when it is no text. */
static const char *keep_text(struct draft *draft, const struct yaml_tree_node *node,
                             const char *what)
{
    if (policy_document_text(draft->document, node, what))
        return arena_text(&draft->document->reading->builder->policy->arena, node->text);
    draft->bad = true;
    return NULL;
}

static void read_rule(struct draft *draft, const struct yaml_tree_node *node)
{
    static const char *const keys[] = {"allow", "deny", "where", "name", "comment", "expires"};
    const struct yaml_tree_node *allow = NULL, *deny = NULL, *where = NULL, *expires = NULL;
    if (node->kind != YAML_TREE_MAPPING) {
        DRAFT_ERROR(draft, node, "a rule is a map, like {allow: \"@read\"}, not %s",
                    yaml_tree_kind_name(node));
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        switch (policy_document_key(draft->document, key, keys, ARRAY_LEN(keys), "a rule")) {
        case 0:
            allow = key->value;
            break;
        case 1:
            deny = key->value;
            break;
        case 2:
            where = key->value;
            break;
        case 3:
            draft->rule.name = keep_text(draft, key->value, "name");
            break;
        case 4:
            draft->rule.comment = keep_text(draft, key->value, "comment");
            break;
        case 5:
            expires = key->value;
            break;
        default:
            draft->bad = true;
        }
    }
    if ((allow == NULL) == (deny == NULL)) {
        DRAFT_ERROR(draft, node, "a rule has either `allow` or `deny`%s",
                    allow != NULL ? ", not both" : "");
        return;
    }
    read_targets(draft, allow != NULL ? allow : deny, allow != NULL ? "allow" : "deny");
    if (where != NULL)
        read_where(draft, where);
    if (expires != NULL)
        read_expires(draft, expires);
    if (!draft->bad)
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
                              .rule = {.client = client, .layer = document->layer}};
        read_rule(&draft, node);
        docker_rule_clear(&draft.rule.match);
        buffer_free(&draft.selector);
        buffer_free(&draft.where);
    }
}
