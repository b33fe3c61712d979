/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of `guard`: what containers may be. Each is said once; what can never permit anything is an
 * error here. */
#include <stddef.h>
#include <string.h>

#include "policy/document/policy_document.h"
#include "rules/network/port_set.h"

/* What a guard's value looks like. */
enum form { FORM_FLAG, FORM_LIST, FORM_SIZE, FORM_CPUS, FORM_COUNT, FORM_NETWORKS, FORM_EXEC };

static const struct {
    enum guard guard;
    enum form form;
} forms[] = {
    {GUARD_PRIVILEGED, FORM_FLAG},   {GUARD_HOST_NAMESPACES, FORM_LIST},
    {GUARD_CAPABILITIES, FORM_LIST}, {GUARD_DEVICES, FORM_LIST},
    {GUARD_SECURITY_OPT, FORM_LIST}, {GUARD_RUNTIMES, FORM_LIST},
    {GUARD_BINDS, FORM_LIST},        {GUARD_VOLUMES, FORM_LIST},
    {GUARD_TMPFS, FORM_LIST},        {GUARD_NETWORKS, FORM_NETWORKS},
    {GUARD_PUBLISH, FORM_LIST},      {GUARD_MEMORY, FORM_SIZE},
    {GUARD_CPUS, FORM_CPUS},         {GUARD_PIDS, FORM_COUNT},
    {GUARD_SYSCTLS, FORM_LIST},      {GUARD_ULIMITS, FORM_LIST},
    {GUARD_LOG_DRIVERS, FORM_LIST},  {GUARD_ANNOTATIONS, FORM_LIST},
    {GUARD_RESTART, FORM_LIST},      {GUARD_EXEC, FORM_EXEC},
};

/* A value while it is read. */
struct draft {
    enum guard guard;
    struct guard_value *value;
};

/* ---- items ---- */

static const char *const namespace_words[] = {"network", "pid", "ipc", "uts", "user", "cgroup"};
static const char *const restart_words[] = {"always", "unless-stopped", "on-failure"};
static const char *const tmpfs_words[] = {"exec", "suid", "dev"};

/* The words of a guard that takes no others; NULL = it takes patterns. */
static const char *const *words_of(enum guard guard, size_t *count_out)
{
    if (guard == GUARD_HOST_NAMESPACES) {
        *count_out = ARRAY_LEN(namespace_words);
        return namespace_words;
    }
    if (guard == GUARD_RESTART) {
        *count_out = ARRAY_LEN(restart_words);
        return restart_words;
    }
    *count_out = ARRAY_LEN(tmpfs_words);
    return guard == GUARD_TMPFS ? tmpfs_words : NULL;
}

/* "/srv/projects", "/srv/projects/"+"*", either with ":ro". */
static bool is_bind(struct slice text)
{
    if (slice_ends_with(text, SLICE_LITERAL(":ro")))
        text.len -= 3;
    if (slice_ends_with(text, SLICE_LITERAL("/*")))
        text.len -= 2;
    struct slice rest = text;
    if (text.len < 2 || text.ptr[0] != '/' || memchr(text.ptr, ':', text.len) != NULL)
        return false;
    (void)slice_cut(&rest, '/');
    while (rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal_text(part, ".") || slice_equal_text(part, "..") ||
            memchr(part.ptr, '*', part.len) != NULL)
            return false;
    }
    return true;
}

/* "8080", "127.0.0.1:8000-8100", "127.0.0.1:*", "*". */
static bool is_publish(struct slice text)
{
    struct port_set ports;
    struct error ignored;
    struct ip_address address;
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != ':')
        at--;
    struct slice list = slice_of(text.ptr + at, text.len - at);
    return port_set_parse(list, &ports, &ignored) &&
           (at == 0 || ip_address_parse(slice_of(text.ptr, at - 1), &address));
}

static bool is_capability(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if ((byte < 'A' || byte > 'Z') && byte != '_' && byte != '*')
            return false;
    }
    return !slice_starts_with(text, SLICE_LITERAL("CAP_"));
}

/* Whether the item can permit anything; said, when not. */
static bool check_item(const struct policy_document *document, const struct yaml_tree_node *node,
                       enum guard guard)
{
    size_t count;
    const char *const *words = words_of(guard, &count);
    if (words != NULL)
        return policy_document_word(document, node, words, count, guard_name(guard)) < count;
    const char *form = NULL;
    if (guard == GUARD_BINDS && !is_bind(node->text))
        form = "`binds` takes absolute folders: /srv/projects (it alone), /srv/projects/* (what "
               "stands right in it), with :ro behind them to be read only";
    else if (guard == GUARD_PUBLISH && !is_publish(node->text))
        form = "`publish` takes ports, perhaps of one address: 8080, 127.0.0.1:8000-8100, "
               "127.0.0.1:* (those that the engine chooses, too), *";
    else if (guard == GUARD_CAPABILITIES && !is_capability(node->text))
        form = "`capabilities` takes names in capitals without CAP_, like NET_ADMIN";
    if (form != NULL)
        policy_document_error(document, node, "%s", form);
    return form == NULL;
}

static void read_item(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *place)
{
    const struct draft *draft = place;
    struct guard_value *value = draft->value;
    struct error error;
    size_t capacity = value->count; /* grown one by one: lists are short */
    if (!check_item(document, node, draft->guard))
        return;
    struct pattern pattern;
    if (!pattern_compile(&pattern, PATTERN_VALUE, node->text, &error)) {
        policy_document_error(document, node, "%s", error.text);
        return;
    }
    value->items = array_grow(value->items, value->count, &capacity, sizeof(value->items[0]));
    value->items[value->count++] = pattern;
}

/* ---- numbers ---- */

static const uint64_t number_max = UINT64_C(1) << 62;

/* Digits, perhaps a fraction, and a unit: "4g", "512m", "1.5". */
static bool read_number(struct slice text, const char *units, int64_t one, int64_t *number_out)
{
    struct slice fraction = text, whole = slice_cut(&fraction, '.');
    uint64_t number, part = 0, scale = 1;
    int64_t unit = one;
    struct slice *last = fraction.ptr != NULL ? &fraction : &whole;
    const char *at = last->len == 0 ? NULL : strchr(units, last->ptr[last->len - 1]);
    for (const char *step = units; at != NULL && *at != '\0' && step <= at; step++)
        unit *= 1024;
    if (at != NULL && *at != '\0')
        last->len--;
    for (size_t i = 0; i < fraction.len && i < 9; i++)
        scale *= 10;
    if (fraction.len > 9 || !slice_to_u64(whole, &number) ||
        (fraction.ptr != NULL && !slice_to_u64(fraction, &part)) ||
        __builtin_mul_overflow(part, (uint64_t)unit, &part) ||
        __builtin_mul_overflow(number, (uint64_t)unit, &number) || number > number_max)
        return false;
    *number_out = (int64_t)(number + part / scale);
    return *number_out > 0;
}

static void read_max(const struct policy_document *document, const struct yaml_tree_node *key,
                     enum form form, struct guard_value *value)
{
    static const char *const advice[] = {
        [FORM_SIZE] = "`memory` takes bytes, or a number with k, m, g or t: 512m, 4g",
        [FORM_CPUS] = "`cpus` takes a number of processors: 2, 0.5",
        [FORM_COUNT] = "`pids` takes a number of processes: 512",
    };
    if (!policy_document_text(document, key->value, key->text.ptr))
        return;
    const struct slice text = key->value->text;
    bool plain = form == FORM_COUNT && memchr(text.ptr, '.', text.len) != NULL;
    value->has_max = !plain && read_number(text, form == FORM_SIZE ? "kmgt" : "",
                                           form == FORM_CPUS ? 1000000000 : 1, &value->max);
    if (!value->has_max)
        policy_document_error(document, key->value, "%s", advice[form]);
}

/* ---- maps ---- */

static void read_names(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    policy_document_read_words(document, key, "leave it out to admit every network", read_item,
                               place);
}

/* true adds the key's option. */
static void read_option(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    static const char *const words[] = {"host_gateway", "addresses", "driver_options"};
    const struct draft *draft = place;
    bool yes;
    if (policy_document_bool(document, key->value, key->text.ptr, &yes) && yes)
        draft->value->options |= 1U << slice_find(key->text, words, ARRAY_LEN(words));
}

static void read_networks(const struct policy_document *document, const struct yaml_tree_node *key,
                          struct draft *draft)
{
    static const struct policy_key keys[] = {{"names", read_names, 0},
                                             {"host_gateway", read_option, 0},
                                             {"addresses", read_option, 0},
                                             {"driver_options", read_option, 0}};
    static const struct policy_map map = {
        "`networks`",
        "`networks` takes a list of names, or a map: {names: [...], host_gateway: true, addresses: "
        "true, driver_options: true}",
        keys, ARRAY_LEN(keys)};
    if (key->value->kind == YAML_TREE_MAPPING)
        policy_document_read_map(document, key->value, &map, NULL, draft);
    else
        read_names(document, key, draft);
}

static void read_privileged_exec(const struct policy_document *document,
                                 const struct yaml_tree_node *key, void *place)
{
    const struct draft *draft = place;
    (void)policy_document_bool(document, key->value, key->text.ptr, &draft->value->any);
}

static void read_exec(const struct policy_document *document, const struct yaml_tree_node *key,
                      struct draft *draft)
{
    static const struct policy_key keys[] = {{"privileged", read_privileged_exec, 0}};
    static const struct policy_map map = {"`exec`", "`exec` takes a map: {privileged: true}", keys,
                                          ARRAY_LEN(keys)};
    policy_document_read_map(document, key->value, &map, NULL, draft);
}

/* ---- guards ---- */

static void read_form(const struct policy_document *document, const struct yaml_tree_node *key,
                      enum form form, struct draft *draft)
{
    switch (form) {
    case FORM_FLAG:
        (void)policy_document_bool(document, key->value, key->text.ptr, &draft->value->any);
        return;
    case FORM_LIST:
        policy_document_read_words(document, key, "leave it out to permit nothing", read_item,
                                   draft);
        return;
    case FORM_SIZE:
    case FORM_CPUS:
    case FORM_COUNT:
        read_max(document, key, form, draft->value);
        return;
    case FORM_NETWORKS:
        read_networks(document, key, draft);
        return;
    case FORM_EXEC:
        read_exec(document, key, draft);
        return;
    }
}

static void read_value(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    struct guard_set *set = place;
    size_t at = 0;
    while (!slice_equal_text(key->text, guard_name(forms[at].guard)))
        at++; /* the key is one of the table */
    struct draft draft = {forms[at].guard, &set->values[forms[at].guard]};
    if (draft.value->source != NULL) {
        policy_document_error(document, key, "`%s` of `guard` was set already, in %s",
                              key->text.ptr, draft.value->source);
        return;
    }
    draft.value->source = arena_printf(&document->reading->builder->policy->arena, "%s:%u",
                                       document->label, key->line);
    read_form(document, key, forms[at].form, &draft);
}

static void read_mode(const struct policy_document *document, const struct yaml_tree_node *key,
                      void *place)
{
    struct guard_set *set = place;
    bool enforce;
    if (set->has_mode)
        policy_document_error(document, key, "`mode` of `guard` was set already, in %s",
                              set->mode_source);
    else if (policy_document_choice(document, key, "enforce", "report", &enforce)) {
        set->has_mode = true;
        set->report = !enforce;
        set->mode_source = arena_printf(&document->reading->builder->policy->arena, "%s:%u",
                                        document->label, key->line);
    }
}

static const struct policy_key guard_keys[] = {
    {"inherit", NULL, 0}, /* first: it is read apart */
    {"mode", read_mode, 0},
    {"privileged", read_value, 0},
    {"host_namespaces", read_value, 0},
    {"capabilities", read_value, 0},
    {"devices", read_value, 0},
    {"security_opt", read_value, 0},
    {"runtimes", read_value, 0},
    {"binds", read_value, 0},
    {"volumes", read_value, 0},
    {"tmpfs", read_value, 0},
    {"networks", read_value, 0},
    {"publish", read_value, 0},
    {"memory", read_value, 0},
    {"cpus", read_value, 0},
    {"pids", read_value, 0},
    {"sysctls", read_value, 0},
    {"ulimits", read_value, 0},
    {"log_drivers", read_value, 0},
    {"annotations", read_value, 0},
    {"restart", read_value, 0},
    {"exec", read_value, 0},
    {"images", policy_document_refuse_not_yet, 0},
    {"users", policy_document_refuse_not_yet, 0},
    {"build", policy_document_refuse_not_yet, 0},
    {"archive", policy_document_refuse_not_yet, 0},
    {"enforce", policy_document_refuse_not_yet, 0},
    {"scope", policy_document_refuse_not_yet, 0},
    {"quota", policy_document_refuse_not_yet, 0},
    {"redact", policy_document_refuse_not_yet, 0},
    {"hide", policy_document_refuse_not_yet, 0},
    {"recreate", policy_document_refuse_not_yet, 0},
};

void policy_guard_read(const struct policy_document *document, const struct yaml_tree_node *key,
                       struct guard_set *set, struct policy_setting *inherit)
{
    static const struct policy_map map = {"`guard`", "`guard` takes a map, like {binds: [/srv/x]}",
                                          guard_keys, ARRAY_LEN(guard_keys)};
    const struct yaml_tree_node *given[ARRAY_LEN(guard_keys)] = {NULL};
    policy_document_read_map(document, key->value, &map, given, set);
    if (given[0] != NULL && inherit == NULL)
        policy_document_error(document, given[0], "`inherit` stands in the `guard` of a client");
    else if (given[0] != NULL)
        policy_document_read_bool(document, given[0], inherit);
}
