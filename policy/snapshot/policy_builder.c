/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting, and the last step: each client's list of rules in document order, its index, and the
 * hash over all that decides. */
#include "policy/snapshot/policy_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/policy_expiry.h"
#include "policy/snapshot/policy_listen.h"
#include "policy/snapshot/policy_list.h"

struct policy_builder *policy_builder_new(void)
{
    struct policy_builder *builder = calloc_or_abort(1, sizeof(*builder));
    struct policy *policy = calloc_or_abort(1, sizeof(*policy));
    atomic_init(&policy->references, 1);
    builder->policy = policy;
    return builder;
}

void policy_builder_free(struct policy_builder **builder_pointer)
{
    struct policy_builder *builder = steal_pointer(builder_pointer);
    if (builder == NULL)
        return;
    for (size_t i = 0; i < builder->client_count; i++) {
        free(builder->clients[i].listens);
        free(builder->clients[i].from);
        free(builder->clients[i].browser_hosts);
        free(builder->clients[i].browser_origins);
        network_set_clear(&builder->clients[i].network);
        guard_set_clear(&builder->clients[i].guard);
    }
    free(builder->clients);
    policy_unref(&builder->policy);
    free(builder);
}

size_t policy_builder_client(struct policy_builder *builder, struct slice name)
{
    for (size_t i = 0; i < builder->client_count; i++) {
        if (slice_equal_text(name, builder->clients[i].name))
            return i;
    }
    builder->clients = array_grow(builder->clients, builder->client_count,
                                  &builder->client_capacity, sizeof(builder->clients[0]));
    struct builder_client *client = &builder->clients[builder->client_count];
    memset(client, 0, sizeof(*client));
    client->name = arena_text(&builder->policy->arena, name);
    return builder->client_count++;
}

struct network_set *policy_builder_network(struct policy_builder *builder, size_t client)
{
    return client == POLICY_EVERY_CLIENT ? &builder->policy->network
                                         : &builder->clients[client].network;
}

void policy_builder_add_source(struct policy_builder *builder, const char *path, size_t bytes,
                               int64_t modified_us)
{
    struct policy *policy = builder->policy;
    for (size_t i = 0; i < policy->source_count; i++) {
        if (strcmp(policy->sources[i].path, path) == 0)
            return;
    }
    policy->sources = array_grow(policy->sources, policy->source_count, &policy->source_capacity,
                                 sizeof(policy->sources[0]));
    policy->sources[policy->source_count++] = (struct policy_source){
        arena_text(&policy->arena, slice_from_text(path)), bytes, modified_us};
}

static void name_rule(struct policy_builder *builder, struct policy_rule *rule)
{
    struct arena *arena = &builder->policy->arena;
    const char *scope =
        rule->client == POLICY_EVERY_CLIENT ? "*" : builder->clients[rule->client].name;
    const char *effect = rule->match.allows ? "allow" : "deny";
    if (rule->where == NULL)
        rule->where = "";
    rule->key = policy_rule_key(scope, rule->match.allows, slice_from_text(rule->selector),
                                POLICY_KEY_DOCKER, rule->where);
    enum { SHOWN = 160 }; /* a rule of a thousand names must not make every log line that long */
    rule->text = arena_printf(arena, "%s %.*s%s%s%.*s%s", effect, SHOWN, rule->selector,
                              strlen(rule->selector) > SHOWN ? "..." : "",
                              rule->where[0] == '\0' ? "" : " where ", SHOWN, rule->where,
                              strlen(rule->where) > SHOWN ? "..." : "");
}

void policy_builder_take_rule(struct policy_builder *builder, struct policy_rule *rule)
{
    struct policy *policy = builder->policy;
    docker_rule_narrow(&rule->match);
    name_rule(builder, rule);
    policy->rules = array_grow(policy->rules, policy->rule_count, &policy->rule_capacity,
                               sizeof(policy->rules[0]));
    policy->rules[policy->rule_count++] = *rule;
    memset(&rule->match, 0, sizeof(rule->match));
}

bool policy_builder_add_rule(struct policy_builder *builder, const char *client,
                             const struct policy_rule_spec *spec, struct error *error)
{
    struct arena *arena = &builder->policy->arena;
    struct policy_rule rule = {.layer = POLICY_LAYER_DOCUMENT, .client = POLICY_EVERY_CLIENT};
    if (client != NULL)
        rule.client = policy_builder_client(builder, slice_from_text(client));
    rule.match.allows = spec->allows;
    rule.match.operations = spec->operations;
    rule.match.methods = spec->methods;
    if (spec->path != NULL &&
        !docker_rule_add_path(&rule.match, spec->methods, slice_from_text(spec->path), error)) {
        docker_rule_clear(&rule.match);
        return false;
    }
    const char *selector = spec->selector == NULL ? spec->name : spec->selector;
    rule.name = arena_text(arena, slice_from_text(spec->name));
    rule.source = arena_text(arena, slice_from_text(spec->source));
    rule.selector = arena_text(arena, slice_from_text(selector));
    policy_builder_take_rule(builder, &rule);
    return true;
}

bool policy_builder_add_listen(struct policy_builder *builder, const char *client,
                               enum policy_role role, const char *text, const char *source,
                               struct error *error)
{
    struct policy_listen listen;
    if (!policy_listen_parse(&builder->policy->arena, role, text, &listen, error))
        return false;
    listen.source = arena_text(&builder->policy->arena, slice_from_text(source));
    size_t index = policy_builder_client(builder, slice_from_text(client));
    struct builder_client *owner = &builder->clients[index];
    owner->listens = array_grow(owner->listens, owner->listen_count, &owner->listen_capacity,
                                sizeof(owner->listens[0]));
    owner->listens[owner->listen_count++] = listen;
    return true;
}

void policy_builder_set_guards_report(struct policy_builder *builder)
{
    builder->guards_report = true;
}

void policy_builder_set_operation_advice(struct policy_builder *builder,
                                         enum docker_operation operation, const char *advice)
{
    builder->policy->operation_advice[operation] =
        arena_text(&builder->policy->arena, slice_from_text(advice));
}

/* ---- finish ---- */

static void hash_slice(uint64_t *hash, struct slice text)
{
    const uint64_t len = text.len;
    *hash = slice_hash(slice_of((const char *)&len, sizeof(len)), *hash);
    *hash = slice_hash(text, *hash);
}

static void hash_number(uint64_t *hash, int64_t number)
{
    *hash = slice_hash(slice_of((const char *)&number, sizeof(number)), *hash);
}

static void hash_operations(uint64_t *hash, const struct docker_operation_set *set)
{
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(set, &operation))
        hash_slice(hash, slice_from_text(docker_operation_info(operation)->name));
    hash_number(hash, -1);
}

static void hash_rule(uint64_t *hash, const struct policy_rule *rule)
{
    const struct docker_rule *match = &rule->match;
    hash_number(hash, match->allows);
    hash_number(hash, match->methods);
    hash_operations(hash, &match->operations);
    for (size_t i = 0; i < match->path_count; i++) {
        hash_number(hash, match->paths[i].methods);
        hash_slice(hash, match->paths[i].pattern.text);
    }
    for (size_t i = 0; i < match->condition_count; i++) {
        const struct docker_condition *condition = &match->conditions[i];
        hash_number(hash, condition->key);
        hash_slice(hash, condition->parameter);
        for (size_t value = 0; value < condition->value_count; value++)
            hash_slice(hash, condition->values[value].text);
        for (size_t under = 0; under < condition->under_count; under++)
            hash_slice(hash, condition->under[under]);
        hash_number(hash, condition->has_max);
        hash_number(hash, condition->max);
        hash_number(hash, condition->has_min);
        hash_number(hash, condition->min);
        hash_number(hash, condition->absent);
    }
    hash_number(hash, match->expires_us);
    hash_slice(hash, slice_from_text(rule->source));
}

static void hash_range(uint64_t *hash, const struct ip_range *range)
{
    hash_slice(hash, slice_of((const char *)range->address.bytes, sizeof(range->address.bytes)));
    hash_number(hash, range->prefix);
}

static void hash_network(uint64_t *hash, const struct network_set *set)
{
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct network_rule *match = &set->rules[i].match;
        hash_number(hash, match->allows);
        hash_number(hash, match->methods);
        for (size_t path = 0; path < match->path_count; path++)
            hash_slice(hash, match->paths[path].text);
        for (size_t range = 0; range < match->address_count; range++)
            hash_range(hash, &match->addresses[range]);
        hash_number(hash, match->require_sni);
        hash_number(hash, match->ech);
        hash_number(hash, match->protocols);
        hash_number(hash, match->expires_us);
        hash_slice(hash, slice_from_text(set->rules[i].label));
        hash_slice(hash, slice_from_text(set->rules[i].name));
    }
    for (size_t i = 0; i < set->entry_count; i++) {
        hash_number(hash, set->entries[i].rule);
        hash_number(hash, set->entries[i].line);
        hash_slice(hash, network_entry_slice(&set->entries[i]));
    }
}

static void hash_browser(uint64_t *hash, const struct browser_trust *browser)
{
    hash_number(hash, browser->everything);
    for (size_t i = 0; i < browser->host_count; i++) {
        hash_number(hash, browser->hosts[i].below);
        hash_slice(hash, browser->hosts[i].name);
    }
    for (size_t i = 0; i < browser->origin_count; i++)
        hash_slice(hash, browser->origins[i]);
}

static void hash_guard(uint64_t *hash, const struct guard_set *set)
{
    hash_number(hash, set->report);
    for (size_t guard = 0; guard < GUARD_COUNT; guard++) {
        const struct guard_value *value = &set->values[guard];
        hash_slice(hash, slice_from_text(value->source));
        hash_number(hash, value->any);
        hash_number(hash, value->has_max);
        hash_number(hash, value->max);
        hash_number(hash, value->options);
        for (size_t i = 0; i < value->count; i++)
            hash_slice(hash, value->items[i].text);
    }
}

static void hash_client(uint64_t *hash, const struct policy *policy,
                        const struct policy_client_entry *entry)
{
    hash_slice(hash, slice_from_text(entry->shown.name));
    hash_number(hash, entry->shown.mode);
    hash_number(hash, entry->shown.strict);
    for (size_t i = 0; i < entry->shown.listen_count; i++) {
        const struct policy_listen *listen = &entry->shown.listens[i];
        hash_number(hash, listen->role);
        hash_slice(hash, slice_from_text(listen->text));
        hash_number(hash, listen->mode);
        hash_number(hash, listen->owner);
        hash_number(hash, listen->group);
    }
    for (size_t i = 0; i < entry->shown.from_count; i++) {
        hash_range(hash, &entry->shown.from[i]);
    }
    hash_browser(hash, &entry->shown.browser);
    hash_guard(hash, &entry->shown.guard);
    for (size_t i = 0; i < entry->rule_count; i++)
        hash_rule(hash, &policy->rules[entry->rules[i]]);
    hash_number(hash, entry->inherit);
    hash_number(hash, entry->shown.refusal.detail);
    hash_slice(hash, slice_from_text(entry->shown.refusal.text));
    hash_number(hash, entry->shown.dns_answer);
    for (size_t i = 0; i < entry->shown.dns_address_count; i++)
        hash_slice(hash, slice_of((const char *)entry->shown.dns_addresses[i].bytes, 16));
    hash_network(hash, &entry->network);
}

static void set_hash(struct policy *policy)
{
    uint64_t hash = SLICE_HASH_SEED;
    hash_number(&hash, policy->default_allow);
    hash_number(&hash, policy->guards_report);
    hash_number(&hash, policy->cut_on_revoke);
    hash_number(&hash, policy->default_network_allow);
    for (size_t i = 0; i < policy->own_address_count; i++)
        hash_range(&hash, &policy->own_addresses[i]);
    hash_network(&hash, &policy->network);
    for (size_t i = 0; i < policy->client_count; i++)
        hash_client(&hash, policy, &policy->clients[i]);
    hash ^= hash >> 48;
    snprintf(policy->hash, sizeof(policy->hash), "%012llx",
             (unsigned long long)(hash & UINT64_C(0xffffffffffff)));
}

/* Shown and indexed in this order: what always holds, top-level, then each client's. Within that
 * the order of reading stays. */
static int rule_rank(const struct policy_rule *rule)
{
    if (rule->layer == POLICY_LAYER_ALWAYS)
        return 0;
    return rule->client == POLICY_EVERY_CLIENT ? 1 : 2;
}

static void sort_rules(struct policy *policy)
{
    struct policy_rule *sorted = calloc_or_abort(policy->rule_count + 1, sizeof(*sorted));
    size_t count = 0;
    for (int rank = 0; rank <= 2; rank++) {
        for (size_t i = 0; i < policy->rule_count; i++) {
            if (rule_rank(&policy->rules[i]) == rank)
                sorted[count++] = policy->rules[i];
        }
    }
    free(policy->rules);
    policy->rules = sorted;
    policy->rule_capacity = policy->rule_count + 1;
}

static void collect_rules(const struct policy *policy, struct policy_client_entry *entry)
{
    entry->rules = calloc_or_abort(policy->rule_count + 1, sizeof(entry->rules[0]));
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (policy_rule_concerns(policy, rule, entry->shown.index))
            entry->rules[entry->rule_count++] = (uint32_t)i;
    }
}

static int64_t setting_or(const struct policy_setting *setting, int64_t otherwise)
{
    return setting->set ? setting->value : otherwise;
}

static const char *keep_source(struct policy *policy, const struct policy_setting *setting)
{
    return setting->set ? arena_text(&policy->arena, slice_from_text(setting->source)) : NULL;
}

/* Key by key, what a client says goes before what the top level says. */
static void inherit_guard(const struct guard_set *top, struct guard_set *set)
{
    if (!set->has_mode)
        set->report = top->report;
    for (size_t guard = 0; guard < GUARD_COUNT; guard++) {
        if (set->values[guard].source == NULL)
            set->values[guard] = top->values[guard];
    }
}

static void finish_client(struct policy_builder *builder, size_t index)
{
    struct builder_client *from = &builder->clients[index];
    struct policy_client_entry *entry = &builder->policy->clients[index];
    for (size_t i = 0; i < from->listen_count; i++) {
        from->listens[i].mode = (unsigned)setting_or(&from->socket_mode, 0660);
        from->listens[i].owner = setting_or(&from->owner, -1);
        from->listens[i].group = setting_or(&from->group, -1);
    }
    entry->inherit = setting_or(&from->inherit, true) != 0;
    entry->shown = (struct policy_client){
        .name = from->name,
        .listen_count = from->listen_count,
        .from_count = from->from_count,
        .mode =
            (enum policy_mode)setting_or(&from->mode, setting_or(&builder->mode, POLICY_ENFORCE)),
        .strict = setting_or(&from->strict, setting_or(&builder->strict, false)) != 0,
        .index = index,
    };
    entry->shown.refusal = (struct policy_refusal){
        .detail = (enum policy_refusal_detail)setting_or(&from->refusal, POLICY_REFUSAL_FULL),
        .text = from->refusal_text,
    };
    entry->shown.dns_answer =
        (enum policy_dns_answer)setting_or(&from->dns_answer, POLICY_DNS_GATE);
    entry->shown.dns_address_count = from->dns_address_count;
    memcpy(entry->shown.dns_addresses, from->dns_addresses, sizeof(from->dns_addresses));
    entry->network = from->network;
    memset(&from->network, 0, sizeof(from->network));
    network_set_seal(&entry->network);
    entry->shown.listens = steal_pointer(&from->listens);
    entry->shown.from = steal_pointer(&from->from);
    entry->shown.browser = (struct browser_trust){
        .hosts = steal_pointer(&from->browser_hosts),
        .host_count = from->browser_host_count,
        .origins = steal_pointer(&from->browser_origins),
        .origin_count = from->browser_origin_count,
        .everything = setting_or(&from->browser, false) != 0,
    };
    entry->guard = from->guard;
    from->guard = (struct guard_set){.report = false};
    entry->shown.guard = entry->guard;
    if (entry->inherit && setting_or(&from->guard_inherit, true) != 0)
        inherit_guard(&builder->policy->guard, &entry->shown.guard);
    collect_rules(builder->policy, entry);
    entry->index = policy_index_build(builder->policy, entry->rules, entry->rule_count);
}

/* Network rules are numbered behind the Docker rules, as they are listed. */
static void number_network(struct policy *policy)
{
    policy->network_first = (uint32_t)(POLICY_NUMBER_RULES + policy->rule_count);
    uint32_t next = policy->network_first + (uint32_t)policy->network.entry_count;
    for (size_t i = 0; i < policy->client_count; i++) {
        policy->clients[i].network_first = next;
        next += (uint32_t)policy->clients[i].network.entry_count;
    }
}

struct policy *policy_builder_finish(struct policy_builder *builder, struct policy_messages *errors,
                                     struct policy_messages *notices)
{
    struct policy *policy = builder->policy;
    (void)policy_builder_client(builder, SLICE_LITERAL("default"));
    policy_listen_check_all(builder, errors, notices);
    if (errors->count > 0)
        return NULL;
    policy->cut_on_revoke = setting_or(&builder->cut_on_revoke, false) != 0;
    policy->guards_report = builder->guards_report;
    policy->default_allow = setting_or(&builder->default_allow, false) != 0;
    policy->default_network_allow = setting_or(&builder->default_network, false) != 0;
    policy->default_source = keep_source(policy, &builder->default_allow);
    policy->default_network_source = keep_source(policy, &builder->default_network);
    network_set_seal(&policy->network);
    policy->clients = calloc_or_abort(builder->client_count, sizeof(policy->clients[0]));
    sort_rules(policy);
    policy->client_count = builder->client_count;
    for (size_t i = 0; i < builder->client_count; i++)
        finish_client(builder, i);
    number_network(policy);
    policy_expiry_collect(policy);
    set_hash(policy);
    builder->policy = NULL;
    return policy;
}
