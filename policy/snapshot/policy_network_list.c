/* SPDX-License-Identifier: Apache-2.0
 *
 * Network rules one by one, a host pattern each: a list of a million is a million rows. */
#include <stdio.h>
#include <string.h>

#include "policy/snapshot/policy_internal.h"
#include "policy/snapshot/policy_list.h"

/* The key does not depend on file or line, so that a rule keeps it when something is written above
 * it. */
static uint64_t key_of(const struct policy_listed_network *rule)
{
    const char *effect = rule->allows ? "allow" : "deny";
    uint64_t hash = slice_hash(slice_of(rule->scope, strlen(rule->scope) + 1), SLICE_HASH_SEED);
    hash = slice_hash(slice_of(effect, strlen(effect) + 1), hash);
    hash = slice_hash(rule->pattern, hash);
    hash = slice_hash(SLICE_LITERAL("\0network\0"), hash);
    return slice_hash(slice_from_text(rule->where), hash);
}

void policy_key_id(uint64_t key, char id[9])
{
    snprintf(id, 9, "%08x", (unsigned)(key ^ key >> 32));
}

size_t policy_network_rule_count(const struct policy *policy)
{
    size_t count = policy->network.entry_count;
    for (size_t i = 0; i < policy->client_count; i++)
        count += policy->clients[i].network.entry_count;
    return count;
}

static const struct network_set *set_of(const struct policy *policy, size_t scope)
{
    return scope == 0 ? &policy->network : &policy->clients[scope - 1].network;
}

void policy_network_at(const struct policy *policy, size_t scope, uint32_t index,
                       struct policy_listed_network *rule_out)
{
    const struct network_set *set = set_of(policy, scope);
    const struct network_entry *entry = &set->entries[index];
    const struct network_set_rule *rule = &set->rules[entry->rule];
    *rule_out = (struct policy_listed_network){
        .scope = scope == 0 ? "*" : policy->clients[scope - 1].shown.name,
        .allows = rule->match.allows,
        .name = rule->name,
        .comment = rule->comment,
        .pattern = network_entry_slice(entry),
        .ports = &set->ports[entry->ports],
        .match = &rule->match,
        .where = rule->conditions,
        .label = rule->label,
        .file = rule->file,
        .line = entry->line,
        .rule_line = rule->line,
        .rule_column = rule->column,
    };
    rule_out->key = key_of(rule_out);
    policy_key_id(rule_out->key, rule_out->id);
}

bool policy_network_step(const struct policy *policy, struct policy_network_cursor *cursor,
                         size_t *scope_out, uint32_t *index_out)
{
    for (; cursor->scope <= policy->client_count; cursor->scope++, cursor->entry = 0) {
        if (cursor->entry == set_of(policy, cursor->scope)->entry_count)
            continue;
        *scope_out = cursor->scope;
        *index_out = (uint32_t)cursor->entry++;
        return true;
    }
    return false;
}

bool policy_network_next(const struct policy *policy, struct policy_network_cursor *cursor,
                         struct policy_listed_network *rule_out)
{
    size_t scope;
    uint32_t index;
    if (!policy_network_step(policy, cursor, &scope, &index))
        return false;
    policy_network_at(policy, scope, index, rule_out);
    return true;
}

void policy_listed_network_write(const struct policy_listed_network *rule, struct buffer *out)
{
    struct host_pattern pattern;
    struct error error;
    if (!host_pattern_parse(rule->pattern, rule->allows, &pattern, &error)) {
        buffer_append_slice(out, rule->pattern);
        return;
    }
    pattern.has_ports = true;
    host_pattern_write(&pattern, out);
}
