/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules under `network:`: allow or deny, hosts, and the conditions on what is asked of them. What a
 * rule could never do is an error here, at load, and not a silence at run time. A list may hold a
 * million hosts, so nothing is allocated for one beside its entry. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "policy/document/policy_document.h"
#include "rules/network/url_target.h"

enum { SPOKEN_MAX = 50 }; /* of a list that is wrong in every line, this many lines are shown */

/* What the rules of one list share while they are read. */
struct rule_list {
    struct {
        struct ip_range range;
        enum address_class class;
    } * specials; /* owned: the classes' ranges, once a range is looked at */
    size_t special_count;
    size_t wrong_hosts, noted_hosts;
};

/* One rule while it is read. */
struct draft {
    const struct policy_document *document;
    struct rule_list *list;  /* borrowed */
    struct network_set *set; /* borrowed: where it goes */
    struct network_set_rule rule;
    struct buffer shown; /* owned: the conditions as `policy ls` shows them */
    uint32_t index;      /* in the set, once added */
    size_t path_capacity, address_capacity;
};

static struct arena *arena_of(const struct draft *draft)
{
    return &draft->document->reading->builder->policy->arena;
}

/* ---- conditions ---- */

static const char empty_list[] = "leave it out, or say what it holds";

static void show(struct draft *draft, const struct yaml_tree_node *key)
{
    const struct yaml_tree_node *node = key->value;
    if (draft->shown.len > 0)
        buffer_append_byte(&draft->shown, ' ');
    buffer_append_slice(&draft->shown, key->text);
    buffer_append_byte(&draft->shown, '=');
    if (node->kind == YAML_TREE_SCALAR)
        buffer_append_slice(&draft->shown, node->text);
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next) {
        buffer_append_slice(&draft->shown, item->text);
        if (item->next != NULL)
            buffer_append_byte(&draft->shown, ',');
    }
}

static void read_method(const struct policy_document *document, const struct yaml_tree_node *node,
                        void *place)
{
    struct draft *draft = place;
    enum http_method method = http_method_from_name(node->text);
    if (method == HTTP_METHOD_UNKNOWN)
        policy_document_error(document, node,
                              "%s is no method that a rule can name: write GET, HEAD, POST, PUT, "
                              "PATCH, DELETE, OPTIONS or one of WebDAV (PROPFIND, REPORT, "
                              "...) in capitals; without `methods` a rule is for all of them",
                              quote(node->text).text);
    else if (method == HTTP_METHOD_CONNECT || method == HTTP_METHOD_TRACE)
        policy_document_error(document, node,
                              method == HTTP_METHOD_TRACE
                                  ? "TRACE is never forwarded: leave it out"
                                  : "CONNECT asks for a tunnel, in which no method can be seen: "
                                    "allow the host itself, without `methods`");
    else
        draft->rule.match.methods |= UINT32_C(1) << method;
}

/* What a request's path can never contain once it is canonical (rules/network/url_target.h). */
static bool is_canonical(struct slice path)
{
    AUTO_BUFFER struct buffer canonical = BUFFER_EMPTY;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e ||
            memchr("\"#<>?\\^`{|}", path.ptr[i], 11) != NULL)
            return false;
        if (path.ptr[i] == '%' && (path.len - i < 3 || slice_hex_digit(path.ptr[i + 1]) < 0 ||
                                   slice_hex_digit(path.ptr[i + 2]) < 0))
            return false;
    }
    return path.len > 0 && path.ptr[0] == '/' && url_path_canonical(path, &canonical) &&
           slice_equal(buffer_slice(&canonical), path);
}

static void read_path(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *place)
{
    struct draft *draft = place;
    struct network_rule *match = &draft->rule.match;
    struct pattern pattern;
    struct error error;
    if (node->text.ptr[0] != '~' && !is_canonical(node->text)) {
        policy_document_error(
            document, node,
            "a path begins with `/` and stands as it is matched: no query, no `;`, no empty "
            "segment, "
            "none that ends in a dot, no bytes that a URL escapes, escapes in capitals and only "
            "where needed");
        return;
    }
    if (!pattern_compile(&pattern, PATTERN_PATH, node->text, &error)) {
        policy_document_error(document, node, "%s", error.text);
        return;
    }
    match->paths =
        array_grow(match->paths, match->path_count, &draft->path_capacity, sizeof(pattern));
    match->paths[match->path_count++] = pattern;
}

static void host_notice(struct draft *draft, const struct yaml_tree_node *node, const char *text)
{
    if (draft->list->noted_hosts++ < SPOKEN_MAX)
        policy_document_notice(draft->document, node, "%s: %s", quote(node->text).text, text);
}

static void read_specials(struct rule_list *list)
{
    size_t count;
    const struct address_class_row *rows = address_class_rows(&count);
    list->specials = calloc_or_abort(count, sizeof(list->specials[0]));
    for (size_t i = 0; i < count; i++) {
        list->specials[list->special_count].class = rows[i].class;
        if (rows[i].class != ADDRESS_PUBLIC &&
            ip_range_parse(slice_from_text(rows[i].range),
                           &list->specials[list->special_count].range))
            list->special_count++;
    }
}

/* Says when an allowed range is wider than a class of special-purpose addresses in it, and so opens
 * them perhaps unasked. */
static void note_opened(struct draft *draft, const struct yaml_tree_node *node,
                        const struct ip_range *range)
{
    struct rule_list *list = draft->list;
    char text[160];
    if (list->specials == NULL)
        read_specials(list);
    for (size_t i = 0; i < list->special_count; i++) {
        const struct ip_range *special = &list->specials[i].range;
        if (special->prefix <= range->prefix || !ip_range_contains(range, &special->address))
            continue;
        snprintf(text, sizeof(text),
                 "this range also opens special-purpose addresses (%s, for one): write a narrower "
                 "one unless that is meant",
                 address_class_name(list->specials[i].class));
        host_notice(draft, node, text);
        return;
    }
}

static void read_address(const struct policy_document *document, const struct yaml_tree_node *node,
                         void *place)
{
    struct draft *draft = place;
    struct network_rule *match = &draft->rule.match;
    struct ip_range range;
    if (!policy_document_range(document, node, &range))
        return;
    match->addresses =
        array_grow(match->addresses, match->address_count, &draft->address_capacity, sizeof(range));
    match->addresses[match->address_count++] = range;
    if (match->allows)
        note_opened(draft, node, &range);
}

static void read_protocol(const struct policy_document *document, const struct yaml_tree_node *node,
                          void *place)
{
    struct draft *draft = place;
    static const char *const names[] = {"tls", "http", "ssh", "any"};
    static const unsigned bits[] = {NETWORK_PROTOCOL_TLS, NETWORK_PROTOCOL_HTTP,
                                    NETWORK_PROTOCOL_SSH, NETWORK_PROTOCOLS_ANY};
    size_t which = policy_document_word(document, node, names, ARRAY_LEN(names),
                                        "`protocols` (tls, http, ssh, any)");
    if (which < ARRAY_LEN(names))
        draft->rule.match.protocols |= bits[which];
}

/* One row each of the table of keys. */

static void read_methods(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    policy_document_read_words(document, key, empty_list, read_method, place);
    show(place, key);
}

static void read_paths(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    policy_document_read_texts(document, key, empty_list, read_path, place);
    show(place, key);
}

static void read_addresses(const struct policy_document *document, const struct yaml_tree_node *key,
                           void *place)
{
    policy_document_read_words(document, key, empty_list, read_address, place);
    show(place, key);
}

static void read_protocols(const struct policy_document *document, const struct yaml_tree_node *key,
                           void *place)
{
    policy_document_read_words(document, key, empty_list, read_protocol, place);
    show(place, key);
}

static void read_ech(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    struct draft *draft = place;
    bool allow;
    if (policy_document_choice(document, key, "allow", "deny", &allow))
        draft->rule.match.ech = allow ? NETWORK_YES : NETWORK_NO;
    show(draft, key);
}

static void read_require_sni(const struct policy_document *document,
                             const struct yaml_tree_node *key, void *place)
{
    struct draft *draft = place;
    bool value;
    if (policy_document_bool(document, key->value, "require_sni", &value))
        draft->rule.match.require_sni = value ? NETWORK_YES : NETWORK_NO;
    show(draft, key);
}

static void read_expires(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    struct draft *draft = place;
    (void)policy_document_read_expires(document, key->value, &draft->rule.match.expires_us);
    show(draft, key);
}

/* ---- hosts ---- */

static void host_error(struct draft *draft, const struct yaml_tree_node *node, const char *text)
{
    if (draft->list->wrong_hosts++ < SPOKEN_MAX)
        policy_document_error(draft->document, node, "%s: %s", quote(node->text).text, text);
}

static bool is_only_tls_port(const struct port_set *ports)
{
    return ports->count == 1 && ports->ranges[0].first == 443 && ports->ranges[0].last == 443;
}

static bool admits_loopback(const struct network_rule *match)
{
    static const char *const own[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < match->address_count; i++) {
        for (size_t n = 0; n < ARRAY_LEN(own); n++) {
            struct ip_address address;
            if (ip_address_parse(slice_from_text(own[n]), &address) &&
                ip_range_contains(&match->addresses[i], &address))
                return true;
        }
    }
    return match->address_count == 0;
}

/* Why an allow of this host could never match; NULL = it can. */
static const char *never_matches(const struct network_rule *match,
                                 const struct host_pattern *pattern)
{
    bool local = host_name_is_local(&pattern->host);
    bool looks_inside = match->methods != 0 || match->path_count > 0;
    if (pattern->kind == HOST_PATTERN_SUBDOMAINS && local)
        return "names of this machine must be written one by one and exactly, with their ports: "
               "localhost:5432";
    if (pattern->kind == HOST_PATTERN_RANGE && match->address_count > 0)
        return "`addresses` is for names: write the addresses that are allowed as the hosts";
    if (pattern->kind == HOST_PATTERN_EXACT && local && !admits_loopback(match))
        return "it stands for 127.0.0.1 and ::1, which its `addresses` do not hold";
    if (looks_inside && is_only_tls_port(&pattern->ports) &&
        (match->protocols & NETWORK_PROTOCOL_HTTP) == 0)
        return "`methods` and `paths` are seen in plain HTTP only, never in TLS on port 443: "
               "leave them out, or allow port 80";
    return NULL;
}

/* Requests' hosts are compared in lower case. */
static bool has_capitals(struct slice expression)
{
    for (size_t i = 0; i < expression.len; i++) {
        if (expression.ptr[i] == '\\')
            i++;
        else if (expression.ptr[i] >= 'A' && expression.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static void note_host(struct draft *draft, const struct yaml_tree_node *node,
                      const struct host_pattern *pattern)
{
    if (pattern->kind == HOST_PATTERN_REGEX && has_capitals(pattern->expression))
        host_notice(draft, node,
                    "hosts are compared in lower case, and this expression has capital letters");
    if (pattern->kind == HOST_PATTERN_RANGE && draft->set->rules[draft->index].match.allows)
        note_opened(draft, node, &pattern->range);
}

static void read_host(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *place)
{
    struct draft *draft = place;
    (void)document;
    const struct network_rule *match = &draft->set->rules[draft->index].match;
    struct host_pattern pattern;
    struct error error;
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    if (!policy_document_is_word(node, &why)) {
        host_error(draft, node, buffer_text(&why));
        return;
    }
    if (!host_pattern_parse(node->text, match->allows, &pattern, &error)) {
        host_error(draft, node, error.text);
        return;
    }
    const char *never = match->allows ? never_matches(match, &pattern) : NULL;
    if (never != NULL) {
        host_error(draft, node, never);
        return;
    }
    if (pattern.kind == HOST_PATTERN_REGEX || pattern.kind == HOST_PATTERN_RANGE)
        note_host(draft, node, &pattern);
    if (!network_set_add_host(draft->set, arena_of(draft), draft->index, &pattern, node->text,
                              node->line, &error))
        host_error(draft, node, error.text);
}

/* ---- rule ---- */

enum {
    RULE_ALLOW,
    RULE_DENY,
    RULE_METHODS,
    RULE_PATHS,
    RULE_ADDRESSES,
    RULE_REQUIRE_SNI,
    RULE_ECH,
    RULE_PROTOCOLS,
    RULE_EXPIRES,
    RULE_NAME,
    RULE_COMMENT,
    RULE_KEY_COUNT,
};
static const struct policy_key rule_keys[RULE_KEY_COUNT] = {
    [RULE_ALLOW] = {"allow", NULL, 0},
    [RULE_DENY] = {"deny", NULL, 0},
    [RULE_METHODS] = {"methods", read_methods, 0},
    [RULE_PATHS] = {"paths", read_paths, 0},
    [RULE_ADDRESSES] = {"addresses", read_addresses, 0},
    [RULE_REQUIRE_SNI] = {"require_sni", read_require_sni, 0},
    [RULE_ECH] = {"ech", read_ech, 0},
    [RULE_PROTOCOLS] = {"protocols", read_protocols, 0},
    [RULE_EXPIRES] = {"expires", read_expires, 0},
    [RULE_NAME] = {"name", policy_document_keep_text, offsetof(struct draft, rule.name)},
    [RULE_COMMENT] = {"comment", policy_document_keep_text, offsetof(struct draft, rule.comment)},
};

/* Conditions that contradict each other or the rule's effect. */
static void check_conditions(const struct draft *draft, const struct yaml_tree_node *rule,
                             const struct yaml_tree_node *const *given)
{
    const struct network_rule *match = &draft->rule.match;
    const unsigned protocols = match->protocols;
    for (const struct yaml_tree_node *key = rule->first; key != NULL; key = key->next) {
        bool of_allow = key == given[RULE_ADDRESSES] || key == given[RULE_REQUIRE_SNI] ||
                        key == given[RULE_ECH] || key == given[RULE_PROTOCOLS];
        if (of_allow && !match->allows)
            policy_document_error(draft->document, key,
                                  key == given[RULE_ADDRESSES]
                                      ? "`%s` is for an allow: to deny addresses, write them as "
                                        "the hosts of a deny"
                                      : "`%s` is for an allow: a deny refuses whatever is spoken",
                                  key->text.ptr);
    }
    if (!match->allows || protocols == 0)
        return;
    if ((protocols & NETWORK_PROTOCOL_TLS) == 0 &&
        (match->require_sni == NETWORK_YES || match->ech != NETWORK_UNSET))
        policy_document_error(draft->document, rule,
                              "`require_sni` and `ech` speak of TLS, which `protocols` does not "
                              "admit: add tls, or leave them out");
    if ((protocols & NETWORK_PROTOCOL_HTTP) == 0 && (match->methods != 0 || match->path_count > 0))
        policy_document_error(draft->document, rule,
                              "`methods` and `paths` are seen in plain HTTP only, which "
                              "`protocols` does not admit: this rule can never match");
}

static void summarise(const struct policy_document *document, const struct rule_list *list,
                      const struct yaml_tree_node *node)
{
    if (list->wrong_hosts > SPOKEN_MAX)
        policy_document_error(document, node, "%zu more hosts of these rules are wrong",
                              list->wrong_hosts - SPOKEN_MAX);
    if (list->noted_hosts > SPOKEN_MAX)
        policy_document_notice(document, node, "and %zu more notices of hosts and ranges here",
                               list->noted_hosts - SPOKEN_MAX);
}

static void read_rule(struct draft *draft, const struct yaml_tree_node *node)
{
    static const struct policy_map map = {"a network rule", NULL, rule_keys, RULE_KEY_COUNT};
    const struct yaml_tree_node *given[RULE_KEY_COUNT] = {NULL};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(draft->document, node,
                              "a rule is a map, like {allow: \"*.example.com\"}, not %s",
                              yaml_tree_kind_name(node));
        return;
    }
    policy_document_note_map(draft->document, node, &map, given);
    const struct yaml_tree_node *target = policy_document_effect(draft->document, node, given);
    if (target == NULL)
        return;
    draft->rule.match.allows = target == given[RULE_ALLOW];
    policy_document_read_given(draft->document, &map, given, draft);
    check_conditions(draft, node, given);
    draft->rule.conditions =
        draft->shown.len == 0 ? "" : arena_text(arena_of(draft), buffer_slice(&draft->shown));
    draft->rule.line = node->line;
    draft->rule.column = node->column;
    draft->index = network_set_add_rule(draft->set, &draft->rule);
    policy_document_read_texts(draft->document, target, empty_list, read_host, draft);
}

void policy_network_rules_read(const struct policy_document *document, size_t client,
                               const struct yaml_tree_node *list)
{
    if (list->kind != YAML_TREE_SEQUENCE) {
        policy_document_error(document, list, "`network` takes a list of rules, not %s",
                              yaml_tree_kind_name(list));
        return;
    }
    struct arena *arena = &document->reading->builder->policy->arena;
    const char *label = arena_text(arena, slice_from_text(document->label));
    const char *file = arena_text(arena, slice_from_text(document->file));
    struct rule_list shared = {.specials = NULL};
    for (const struct yaml_tree_node *node = list->first; node != NULL; node = node->next) {
        struct draft draft = {
            .document = document,
            .list = &shared,
            .set = policy_builder_network(document->reading->builder, client),
            .rule = {.label = label, .file = file},
        };
        read_rule(&draft, node);
        network_rule_clear(&draft.rule.match);
        buffer_free(&draft.shown);
    }
    summarise(document, &shared, list);
    free(shared.specials);
}
