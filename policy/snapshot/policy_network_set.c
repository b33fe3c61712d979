/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays that grow while a document is read. What the index needs of a pattern (its canonical name)
 * is nearly always part of the text that is kept for showing it, and then not kept twice. */
#include "policy/snapshot/policy_network_set.h"

#include <stdlib.h>
#include <string.h>

uint32_t network_set_add_rule(struct network_set *set, struct network_set_rule *rule)
{
    set->rules =
        array_grow(set->rules, set->rule_count, &set->rule_capacity, sizeof(set->rules[0]));
    set->rules[set->rule_count] = *rule;
    memset(&rule->match, 0, sizeof(rule->match));
    return (uint32_t)set->rule_count++;
}

/* ---- ports ---- */

static uint64_t hash_ports(const struct port_set *ports)
{
    const size_t len = ports->count * sizeof(ports->ranges[0]);
    return slice_hash(slice_of((const char *)ports->ranges, len), SLICE_HASH_SEED);
}

static uint32_t intern_ports(struct network_set *set, const struct port_set *ports)
{
    size_t number;
    const uint64_t hash = hash_ports(ports);
    struct hash_index_search search = hash_index_search(&set->ports_by_hash, hash);
    while (hash_index_next(&search, &number)) {
        if (port_set_equal(&set->ports[number], ports))
            return (uint32_t)number;
    }
    if (!hash_index_add(&set->ports_by_hash, hash, set->port_count))
        abort();
    set->ports =
        array_grow(set->ports, set->port_count, &set->port_capacity, sizeof(set->ports[0]));
    set->ports[set->port_count] = *ports;
    return (uint32_t)set->port_count++;
}

/* ---- hosts ---- */

/* The canonical name, inside the text that is kept when it is spelled so there. */
static struct slice keep_name(struct arena *arena, const struct host_pattern *pattern,
                              struct slice kept)
{
    struct slice name = host_name_slice(&pattern->host);
    size_t at = 0;
    while (at < kept.len && kept.ptr[at] == '*')
        at++;
    at += at > 0 && at < kept.len && kept.ptr[at] == '.';
    if (kept.len - at >= name.len && memcmp(kept.ptr + at, name.ptr, name.len) == 0)
        return slice_of(kept.ptr + at, name.len);
    return slice_of(arena_text(arena, name), name.len);
}

static bool add_expression(struct network_set *set, const struct host_pattern *pattern,
                           struct slice text, struct error *error)
{
    struct pattern compiled;
    struct slice expression = slice_of(text.ptr, pattern->expression.len + 1); /* the `~` too */
    if (!pattern_compile(&compiled, PATTERN_VALUE, expression, error))
        return false;
    set->expressions = array_grow(set->expressions, set->expression_count,
                                  &set->expression_capacity, sizeof(set->expressions[0]));
    set->expressions[set->expression_count++] = compiled;
    return true;
}

static bool is_below_localhost(const struct host_name *apex)
{
    return slice_equal_text(host_name_slice(apex), "localhost") ||
           (host_name_is_local(apex) && !host_name_is_localhost(apex));
}

/* Whether an expression denies this machine by one of its names. A name below .localhost that it
 * means is not known. */
static bool matches_localhost(const struct pattern *expression)
{
    for (size_t i = 0; i < HOST_NAME_LOCALHOST_COUNT; i++) {
        if (pattern_match(expression, slice_from_text(host_name_localhost[i])) != PATTERN_NO)
            return true;
    }
    return false;
}

/* The names of this machine stand for its loopback addresses, and so does a deny of them. */
static enum network_loopback loopback_of(const struct network_set *set,
                                         const struct host_pattern *pattern)
{
    switch (pattern->kind) {
    case HOST_PATTERN_EXACT:
        if (host_name_is_localhost(&pattern->host))
            return NETWORK_LOOPBACK_ALL;
        return host_name_is_local(&pattern->host) ? NETWORK_LOOPBACK_UNNAMED
                                                  : NETWORK_LOOPBACK_NONE;
    case HOST_PATTERN_SUBDOMAINS:
        return is_below_localhost(&pattern->host) ? NETWORK_LOOPBACK_UNNAMED
                                                  : NETWORK_LOOPBACK_NONE;
    case HOST_PATTERN_REGEX:
        return matches_localhost(&set->expressions[set->expression_count - 1])
                   ? NETWORK_LOOPBACK_ALL
                   : NETWORK_LOOPBACK_NONE;
    case HOST_PATTERN_ANY:
    case HOST_PATTERN_RANGE:
        break;
    }
    return NETWORK_LOOPBACK_NONE;
}

static void note_loopback(struct network_set *set, const struct host_pattern *pattern)
{
    struct network_entry *entry = &set->entries[set->entry_count];
    entry->loopback = loopback_of(set, pattern);
    if (entry->loopback == NETWORK_LOOPBACK_NONE)
        return;
    set->loopbacks = array_grow(set->loopbacks, set->loopback_count, &set->loopback_capacity,
                                sizeof(set->loopbacks[0]));
    set->loopbacks[set->loopback_count++] = (uint32_t)set->entry_count;
}

bool network_set_add_host(struct network_set *set, struct arena *arena, uint32_t rule,
                          const struct host_pattern *pattern, struct slice text, unsigned line,
                          struct error *error)
{
    if (pattern->kind == HOST_PATTERN_REGEX && !add_expression(set, pattern, text, error))
        return false;
    if (set->entry_count == set->entry_capacity) {
        set->entries = array_grow(set->entries, set->entry_count, &set->entry_capacity,
                                  sizeof(set->entries[0]));
        set->indexed = array_grow(set->indexed, set->entry_count, &set->indexed_capacity,
                                  sizeof(set->indexed[0]));
    }
    struct slice kept = slice_of(arena_text(arena, text), text.len);
    bool local = pattern->kind == HOST_PATTERN_EXACT && host_name_is_local(&pattern->host);
    struct network_entry *entry = &set->entries[set->entry_count];
    *entry = (struct network_entry){
        .text = kept.ptr,
        .len = (uint32_t)kept.len,
        .rule = rule,
        .ports = intern_ports(set, &pattern->ports),
        .line = line & ((1u << 28) - 1),
        .names_special = pattern->kind == HOST_PATTERN_RANGE || local,
        .has_ports = pattern->has_ports,
        .kind = pattern->kind,
    };
    struct host_index_entry *indexed = &set->indexed[set->entry_count];
    *indexed = (struct host_index_entry){.kind = pattern->kind, .id = (uint32_t)set->entry_count};
    if (pattern->kind == HOST_PATTERN_RANGE)
        indexed->range = pattern->range;
    else if (pattern->kind == HOST_PATTERN_EXACT || pattern->kind == HOST_PATTERN_SUBDOMAINS)
        indexed->name = keep_name(arena, pattern, kept);
    if (!set->rules[rule].match.allows)
        note_loopback(set, pattern);
    set->entry_count++;
    return true;
}

/* Lets denies that cover the loopback addresses be found by them. Returns the number of all that is
 * to be indexed. */
static size_t index_loopbacks(struct network_set *set)
{
    size_t count = set->entry_count;
    for (size_t i = 0; i < set->loopback_count; i++) {
        for (size_t r = 0; r < IP_LOOPBACK_COUNT; r++) {
            set->indexed =
                array_grow(set->indexed, count, &set->indexed_capacity, sizeof(set->indexed[0]));
            set->indexed[count++] = (struct host_index_entry){.kind = HOST_PATTERN_RANGE,
                                                              .id = set->loopbacks[i],
                                                              .range = ip_loopback_ranges[r]};
        }
    }
    return count;
}

void network_set_seal(struct network_set *set)
{
    /* Only now do the compiled expressions stay where they are. */
    size_t expression = 0;
    for (size_t i = 0; i < set->entry_count; i++) {
        if (set->entries[i].kind == HOST_PATTERN_REGEX)
            set->indexed[i].pattern = &set->expressions[expression++];
    }
    size_t count = index_loopbacks(set);
    set->index = host_index_build(set->indexed, count);
    free(steal_pointer(&set->indexed));
    free(steal_pointer(&set->loopbacks));
    hash_index_free(&set->ports_by_hash);
    set->indexed_capacity = 0;
}

void network_set_clear(struct network_set *set)
{
    for (size_t i = 0; i < set->rule_count; i++)
        network_rule_clear(&set->rules[i].match);
    for (size_t i = 0; i < set->expression_count; i++)
        pattern_clear(&set->expressions[i]);
    host_index_free(&set->index);
    free(set->rules);
    free(set->entries);
    free(set->ports);
    hash_index_free(&set->ports_by_hash);
    free(set->expressions);
    free(set->indexed);
    free(set->loopbacks);
    memset(set, 0, sizeof(*set));
}
