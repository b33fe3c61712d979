/* SPDX-License-Identifier: Apache-2.0
 *
 * Docker rules are compared by the operations they select. Network rules are found by asking the
 * index for a host that stands for all that the pattern matches, so that the cost is one look-up a
 * rule. */
#include "policy/explain/policy_cover.h"

#include <string.h>

#include "policy/snapshot/policy_data.h"

enum {
    WALK_MAX = 64,             /* rules looked at for one host */
    EFFORT_MAX = 20 * 1000000, /* expressions are tried one by one: entries times expressions */
};

/* ---- Docker ---- */

static bool decides_alone(const struct docker_rule *rule)
{
    return rule->condition_count == 0 && rule->methods == 0 && rule->expires_us == 0;
}

static void fill_scope(struct policy_cover_scope *scope, size_t client)
{
    const struct policy *policy = scope->policy;
    for (size_t i = 0; i < DOCKER_OPERATION_COUNT; i++)
        scope->first_deny[i] = scope->first_allow[i] = POLICY_NO_RULE;
    for (size_t i = policy->rule_count; i > 0; i--) {
        const struct policy_rule *rule = &policy->rules[i - 1];
        if (!decides_alone(&rule->match) || !policy_rule_concerns(policy, rule, client))
            continue;
        uint32_t *first = rule->match.allows ? scope->first_allow : scope->first_deny;
        enum docker_operation operation = DOCKER_OPERATION_NONE;
        while (docker_operation_set_next(&rule->match.operations, &operation))
            first[operation] = (uint32_t)(i - 1);
    }
    scope->client = client;
    scope->ready = true;
}

/* A rule that names what a request reaches (rules/docker/docker_reach.h) permits it where another rule
 * permits the request, so it adds something to an earlier one. */
static bool names_reach(const struct docker_rule *rule, enum docker_operation operation)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    bool reaches = info->name_reach != DOCKER_REACH_NONE;
    for (unsigned i = 0; info->parameters[i].name.ptr != NULL; i++)
        reaches |= info->parameters[i].reach != DOCKER_REACH_NONE;
    return reaches && (rule->condition_count > 0 || rule->path_count > 0);
}

/* The rule that decides the operation before rule `index` could; POLICY_NO_RULE = none surely. */
static uint32_t decider_of(const struct policy_cover_scope *scope, size_t index,
                           enum docker_operation operation)
{
    const struct docker_rule *rule = &scope->policy->rules[index].match;
    const uint32_t deny = scope->first_deny[operation], allow = scope->first_allow[operation];
    if (deny != POLICY_NO_RULE && (rule->allows || deny < index))
        return deny;
    if (rule->allows && allow < index && !names_reach(rule, operation))
        return allow;
    return POLICY_NO_RULE;
}

static void cover_docker(struct policy_cover_scope *scope, size_t index, struct policy_cover *out)
{
    const struct policy_rule *rule = &scope->policy->rules[index];
    struct docker_operation_set selected;
    uint32_t blamed = POLICY_NO_RULE;
    bool all_denied = true;
    if (!scope->ready || scope->client != rule->client)
        fill_scope(scope, rule->client);
    docker_rule_selected(&rule->match, &selected);
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(&selected, &operation)) {
        uint32_t decider = decider_of(scope, index, operation);
        if (decider == POLICY_NO_RULE)
            return;
        out->several |= blamed != POLICY_NO_RULE && blamed != decider;
        all_denied &= !scope->policy->rules[decider].match.allows;
        if (blamed == POLICY_NO_RULE)
            blamed = decider;
    }
    if (blamed == POLICY_NO_RULE)
        return;
    out->kind = rule->match.allows && all_denied ? POLICY_COVER_DENIED : POLICY_COVER_EARLIER;
    policy_rule_at(scope->policy, POLICY_NUMBER_RULES + blamed, &out->by);
}

/* ---- network ---- */

/* The rules that stand before those of the scope; NULL = none. */
static const struct network_set *set_before(const struct policy *policy, size_t scope)
{
    return scope > 0 && policy->clients[scope - 1].inherit ? &policy->network : NULL;
}

/* Whether the rule holds for every request to its hosts and ports. */
static bool is_unconditional(const struct network_rule *rule)
{
    return rule->methods == 0 && rule->path_count == 0 && rule->address_count == 0 &&
           rule->require_sni == NETWORK_UNSET && rule->ech == NETWORK_UNSET &&
           rule->protocols == 0 && rule->expires_us == 0;
}

static bool ports_within(const struct port_set *inner, const struct port_set *outer)
{
    for (size_t i = 0; i < inner->count; i++) {
        bool found = false;
        for (size_t o = 0; o < outer->count && !found; o++)
            found = outer->ranges[o].first <= inner->ranges[i].first &&
                    outer->ranges[o].last >= inner->ranges[i].last;
        if (!found)
            return false;
    }
    return true;
}

/* Whether the rule does what an allow without conditions would not: admit more, or refuse paths
 * that can be read in two ways. */
static bool does_more(const struct network_rule *rule)
{
    return rule->address_count > 0 || rule->require_sni == NETWORK_NO || rule->protocols != 0 ||
           rule->path_count > 0;
}

/* Whether whatever `inner` matches is matched by `outer` too, given that `outer` matches the host
 * that stands for `inner`. */
static bool is_wider(const struct network_entry *inner, const struct network_entry *outer,
                     const struct host_pattern *pattern)
{
    struct host_pattern other;
    struct error error;
    switch (inner->kind) {
    case HOST_PATTERN_EXACT:
        return outer->kind != HOST_PATTERN_REGEX &&
               (outer->kind == HOST_PATTERN_EXACT || !inner->names_special);
    case HOST_PATTERN_SUBDOMAINS:
        return outer->kind == HOST_PATTERN_SUBDOMAINS || outer->kind == HOST_PATTERN_ANY;
    case HOST_PATTERN_RANGE:
        if (outer->loopback == NETWORK_LOOPBACK_ALL)
            return true; /* a deny of localhost holds all addresses that it is found by */
        return outer->kind == HOST_PATTERN_RANGE &&
               host_pattern_parse(network_entry_slice(outer), true, &other, &error) &&
               other.range.prefix <= pattern->range.prefix;
    case HOST_PATTERN_ANY:
    case HOST_PATTERN_REGEX:
        break;
    }
    return false;
}

/* A host that the pattern matches and that every wider pattern matches too. */
static bool probe_of(const struct host_pattern *pattern, struct host_name *host)
{
    struct error error;
    char text[HOST_NAME_LEN_MAX + 3];
    switch (pattern->kind) {
    case HOST_PATTERN_EXACT:
        *host = pattern->host;
        return true;
    case HOST_PATTERN_SUBDOMAINS:
        snprintf(text, sizeof(text), "x.%s", pattern->host.text);
        return host_name_parse(slice_from_text(text), host, &error);
    case HOST_PATTERN_RANGE:
        host_name_from_address(host, &pattern->range.address);
        return true;
    case HOST_PATTERN_ANY:
    case HOST_PATTERN_REGEX:
        break;
    }
    return false;
}

/* Whether the rule of `by` decides all that `entry` could, once its hosts are known to be wider. */
static bool decides_first(const struct network_set *set, uint32_t id,
                          const struct network_set *others, uint32_t other)
{
    const struct network_entry *entry = &set->entries[id], *by = &others->entries[other];
    const struct network_rule *rule = &set->rules[entry->rule].match;
    const bool by_allows = others->rules[by->rule].match.allows;
    const bool earlier = others != set || other < id;
    if (!rule->allows)
        return !by_allows && earlier;
    if (!by_allows)
        return true;
    const bool same_reach = by->names_special || !entry->names_special;
    return earlier && same_reach && !does_more(rule);
}

/* What is covered, and by whom as far as is known. */
struct decider {
    const struct network_set *set;
    uint32_t id;
    const struct host_pattern *pattern;
    const struct host_name *probe;
    bool found, denies;
    uint32_t by; /* number of the rule */
};

/* Looks in `others` for what decides before the entry. Earlier scopes count as a whole. A deny says
 * more than an allow that stands earlier. */
static void find_decider(struct decider *decider, const struct network_set *others, uint32_t first)
{
    const struct network_set *set = decider->set;
    const struct network_entry *entry = &set->entries[decider->id];
    struct host_index_cursor cursor;
    host_index_begin(others->index, decider->probe, &cursor);
    for (unsigned walked = 0; walked < WALK_MAX && !decider->denies; walked++) {
        uint32_t other = host_index_next(&cursor);
        if (other == HOST_INDEX_END)
            return;
        const struct network_entry *by = &others->entries[other];
        const struct network_rule *rule = &others->rules[by->rule].match;
        if ((others == set && other == decider->id) || (decider->found && rule->allows) ||
            !is_unconditional(rule) || !is_wider(entry, by, decider->pattern) ||
            !ports_within(&set->ports[entry->ports], &others->ports[by->ports]) ||
            !decides_first(set, decider->id, others, other))
            continue;
        decider->found = true;
        decider->denies = !rule->allows;
        decider->by = first + other;
    }
}

static void cover_network(const struct policy *policy, const struct policy_network_place *place,
                          uint32_t first, struct policy_cover *out)
{
    const struct network_set *before = set_before(policy, place->scope);
    const bool allows = place->rule->match.allows;
    struct host_pattern pattern;
    struct host_name probe;
    struct error error;
    if (!host_pattern_parse(network_entry_slice(place->entry), allows, &pattern, &error) ||
        !probe_of(&pattern, &probe))
        return;
    struct decider decider = {
        .set = place->set, .id = place->index, .pattern = &pattern, .probe = &probe};
    if (before != NULL)
        find_decider(&decider, before, policy->network_first);
    find_decider(&decider, place->set, first);
    if (!decider.found)
        return;
    policy_rule_at(policy, decider.by, &out->by);
    out->kind = out->by.allows == allows ? POLICY_COVER_EARLIER : POLICY_COVER_DENIED;
}

bool policy_cover_is_cheap(const struct policy *policy, size_t scope)
{
    uint32_t first;
    const struct network_set *set = policy_network_set(policy, scope, &first);
    const struct network_set *before = set_before(policy, scope);
    size_t expressions = set->expression_count + (before == NULL ? 0 : before->expression_count);
    return set->entry_count * (expressions + 1) <= EFFORT_MAX;
}

/* ---- both ---- */

void policy_cover(struct policy_cover_scope *scope, uint32_t number, int64_t now_us,
                  struct policy_cover *out)
{
    const struct policy *policy = scope->policy;
    const bool docker = number < policy->network_first;
    const size_t index = number - POLICY_NUMBER_RULES;
    struct policy_network_place place = {0};
    if (!docker)
        place = policy_network_place(policy, number);
    const int64_t expires_us =
        docker ? policy->rules[index].match.expires_us : place.rule->match.expires_us;
    *out = (struct policy_cover){.kind = POLICY_COVER_NONE};
    if (expires_us != 0 && now_us >= expires_us)
        out->kind = POLICY_COVER_EXPIRED;
    else if (docker)
        cover_docker(scope, index, out);
    else
        cover_network(policy, &place, number - place.index, out);
}

void policy_cover_say(const struct policy *policy, uint32_t number,
                      const struct policy_cover *cover, struct buffer *out)
{
    const bool adds_nothing = cover->kind == POLICY_COVER_EARLIER;
    struct policy_listed_rule rule;
    policy_rule_at(policy, number, &rule);
    if (rule.network != NULL) {
        buffer_printf(
            out, "%s %s: %s %s it%s (", quote(rule.written).text,
            adds_nothing ? "adds nothing" : "can never decide", quote(cover->by.written).text,
            adds_nothing && rule.allows ? "allows" : "denies", adds_nothing ? " already" : "");
    } else if (adds_nothing) {
        buffer_printf(out,
                      "this rule adds nothing: all it %s is decided by rules without a "
                      "condition (",
                      rule.allows ? "allows" : "denies");
    } else {
        buffer_append_literal(out, "this rule can never decide: all it allows is denied by rules "
                                   "without a condition (");
    }
    policy_cover_write_source(cover, out);
    buffer_append_byte(out, ')');
}

void policy_cover_write_rule(const struct policy_cover *cover, struct buffer *out)
{
    if (cover->by.network != NULL)
        buffer_append_slice(out, cover->by.written);
    else
        policy_listed_write_rule(&cover->by, out);
}

void policy_cover_write_source(const struct policy_cover *cover, struct buffer *out)
{
    policy_listed_write_source(&cover->by, out);
    if (cover->several)
        buffer_append_literal(out, " and others");
}
