/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy consists of, for those who show it. Docker rules and the host patterns of network
 * rules are one row of numbers: a list of a million hosts is a million rules. */
#include "policy/snapshot/policy_list.h"

#include <stdio.h>
#include <string.h>

#include "policy/document/rule_hits.h"
#include "policy/snapshot/policy_data.h"

bool policy_default_allows(const struct policy *policy)
{
    return policy->default_allow;
}

bool policy_default_network_allows(const struct policy *policy)
{
    return policy->default_network_allow;
}

const char *policy_default_source(const struct policy *policy)
{
    return policy->default_source;
}

const char *policy_default_network_source(const struct policy *policy)
{
    return policy->default_network_source;
}

bool policy_client_inherits(const struct policy *policy, size_t client)
{
    return policy->clients[client].inherit;
}

bool policy_guards_only_report(const struct policy *policy)
{
    return policy->guards_report;
}

size_t policy_source_count(const struct policy *policy)
{
    return policy->source_count;
}

const struct policy_source *policy_source_at(const struct policy *policy, size_t index)
{
    return &policy->sources[index];
}

bool policy_rule_concerns(const struct policy *policy, const struct policy_rule *rule,
                          size_t client)
{
    return rule->client == client ||
           (rule->client == POLICY_EVERY_CLIENT && client != POLICY_EVERY_CLIENT &&
            (policy->clients[client].inherit || rule->layer == POLICY_LAYER_ALWAYS));
}

/* ---- numbers and keys ---- */

/* It does not depend on file or line, so that a rule keeps it when something is written above it. */
uint64_t policy_rule_key(const char *scope, bool allows, struct slice written,
                         struct slice separator, const char *where)
{
    uint64_t hash = slice_hash(slice_of(scope, strlen(scope) + 1), SLICE_HASH_SEED);
    hash = slice_hash(allows ? SLICE_LITERAL("allow\0") : SLICE_LITERAL("deny\0"), hash);
    hash = slice_hash(separator, slice_hash(written, hash));
    return slice_hash(slice_from_text(where), hash);
}

void policy_key_id(uint64_t key, char id[9])
{
    snprintf(id, 9, "%08x", (unsigned)(key ^ key >> 32));
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->rule_count;
}

size_t policy_network_rule_count(const struct policy *policy)
{
    return policy_number_end(policy) - policy->network_first;
}

const struct network_set *policy_network_set(const struct policy *policy, size_t scope,
                                             uint32_t *first_out)
{
    const struct policy_client_entry *client = scope == 0 ? NULL : &policy->clients[scope - 1];
    *first_out = client == NULL ? policy->network_first : client->network_first;
    return client == NULL ? &policy->network : &client->network;
}

uint32_t policy_number_end(const struct policy *policy)
{
    uint32_t first;
    const struct network_set *last = policy_network_set(policy, policy->client_count, &first);
    return first + (uint32_t)last->entry_count;
}

struct policy_network_place policy_network_place(const struct policy *policy, uint32_t number)
{
    size_t low = 0, high = policy->client_count; /* clients whose rules begin at or before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (policy->clients[middle].network_first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    struct policy_network_place place = {.scope = low};
    uint32_t first;
    place.set = policy_network_set(policy, low, &first);
    place.index = number - first;
    place.entry = &place.set->entries[place.index];
    place.rule = &place.set->rules[place.entry->rule];
    return place;
}

uint64_t policy_number_key(const struct policy *policy, uint32_t number)
{
    struct policy_listed_rule rule;
    if (number == POLICY_NUMBER_DEFAULT_DOCKER)
        return RULE_HITS_DEFAULT_DOCKER;
    if (number == POLICY_NUMBER_DEFAULT_NETWORK)
        return RULE_HITS_DEFAULT_NETWORK;
    policy_rule_at(policy, number, &rule);
    return rule.key;
}

/* ---- rules ---- */

static void take_docker(const struct policy *policy, const struct policy_rule *rule,
                        struct policy_listed_rule *out)
{
    *out = (struct policy_listed_rule){
        .kind = "docker",
        .scope =
            rule->client == POLICY_EVERY_CLIENT ? "*" : policy->clients[rule->client].shown.name,
        .allows = rule->match.allows,
        .always = rule->layer == POLICY_LAYER_ALWAYS,
        .name = rule->name,
        .comment = rule->comment,
        .written = slice_from_text(rule->selector),
        .where = rule->where,
        .text = rule->text,
        .label = rule->source,
        .file = rule->file,
        .line = rule->line,
        .column = rule->column,
        .expires_us = rule->match.expires_us,
        .key = rule->key,
        .docker = &rule->match,
    };
}

static void take_network(const struct policy *policy, const struct policy_network_place *place,
                         struct policy_listed_rule *out)
{
    const struct network_set_rule *rule = place->rule;
    *out = (struct policy_listed_rule){
        .kind = "network",
        .scope = place->scope == 0 ? "*" : policy->clients[place->scope - 1].shown.name,
        .allows = rule->match.allows,
        .name = rule->name,
        .comment = rule->comment,
        .written = network_entry_slice(place->entry),
        .where = rule->conditions,
        .label = rule->label,
        .file = rule->file,
        .line = place->entry->line,
        .column = place->entry->line == rule->line ? rule->column : 0,
        .expires_us = rule->match.expires_us,
        .network = &rule->match,
        .ports = &place->set->ports[place->entry->ports],
    };
    out->key =
        policy_rule_key(out->scope, out->allows, out->written, POLICY_KEY_NETWORK, out->where);
}

void policy_rule_at(const struct policy *policy, uint32_t number,
                    struct policy_listed_rule *rule_out)
{
    if (number < policy->network_first) {
        take_docker(policy, &policy->rules[number - POLICY_NUMBER_RULES], rule_out);
    } else {
        const struct policy_network_place place = policy_network_place(policy, number);
        take_network(policy, &place, rule_out);
    }
    rule_out->number = number;
    policy_key_id(rule_out->key, rule_out->id);
}

void policy_listed_write_source(const struct policy_listed_rule *rule, struct buffer *out)
{
    buffer_append_text(out, rule->label);
    if (rule->network != NULL)
        buffer_printf(out, ":%u", rule->line);
}

void policy_listed_write_resource(const struct policy_listed_rule *rule, struct buffer *out)
{
    struct host_pattern pattern;
    struct error error;
    if (rule->docker != NULL ||
        !host_pattern_parse(rule->written, rule->allows, &pattern, &error)) {
        buffer_append_slice(out, rule->written);
        return;
    }
    pattern.has_ports = true;
    host_pattern_write(&pattern, out);
}

void policy_listed_write_text(const struct policy_listed_rule *rule, struct buffer *out)
{
    if (rule->docker != NULL) {
        buffer_append_text(out, rule->text);
        return;
    }
    buffer_append_text(out, rule->allows ? "allow " : "deny ");
    buffer_append_slice(out, rule->written);
}

void policy_listed_write_rule(const struct policy_listed_rule *rule, struct buffer *out)
{
    if (rule->name != NULL)
        buffer_append_text(out, rule->name);
    else
        policy_listed_write_text(rule, out);
}

/* ---- what is used ---- */

static const struct policy_use *find_use(const struct policy *policy, const char *scope,
                                         const char *what)
{
    for (size_t i = 0; i < policy->use_count; i++) {
        const struct policy_use *use = &policy->uses[i];
        const char *of =
            use->client == POLICY_EVERY_CLIENT ? "*" : policy->clients[use->client].shown.name;
        if (strcmp(of, scope) == 0 && strcmp(use->what, what) == 0)
            return use;
    }
    return NULL;
}

bool policy_use_place(const struct policy *policy, const char *scope, const char *label,
                      struct policy_place *place_out)
{
    const struct policy_use *use = NULL;
    for (const struct policy_use *next; (next = find_use(policy, scope, label)) != NULL;) {
        use = next;
        label = use->label;
    }
    if (use != NULL)
        *place_out = (struct policy_place){use->what, use->label, use->line};
    return use != NULL;
}
