/* SPDX-License-Identifier: Apache-2.0
 *
 * Network rules that never decide: an allow that a deny shadows, or one that an earlier rule of the
 * same effect covers. Found by asking the index for each rule's own host, so that the cost is one
 * look-up a rule; only rules without conditions shadow or cover, since of those alone it is
 * certain. */

#include "policy/policy_internal.h"

enum {
    SPOKEN_MAX = 50,           /* of a kind and scope; the rest is counted */
    WALK_MAX = 64,             /* rules looked at for one host */
    EFFORT_MAX = 20 * 1000000, /* expressions are tried one by one: entries times expressions */
};

struct notes {
    const struct policy *policy;
    struct policy_messages *notices;
    size_t shadowed, covered;
};

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

/* Whether the rule admits what an allow without conditions would not. */
static bool admits_more(const struct network_rule *rule)
{
    return rule->address_count > 0 || rule->require_sni == NETWORK_NO || rule->protocols != 0;
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

static void say(struct notes *notes, const struct network_set *set,
                const struct network_entry *entry, const struct network_set *by_set,
                const struct network_entry *by)
{
    bool by_allow = by_set->rules[by->rule].match.allows;
    bool covered = by_allow == set->rules[entry->rule].match.allows;
    size_t *count = covered ? &notes->covered : &notes->shadowed;
    if ((*count)++ >= SPOKEN_MAX)
        return;
    char quoted[120], other[120];
    error_quote(network_entry_slice(entry), quoted, sizeof(quoted));
    error_quote(network_entry_slice(by), other, sizeof(other));
    policy_messages_add(notes->notices, set->rules[entry->rule].file, entry->line, 0,
                        "%s %s: %s %s it%s (%s:%u)", quoted,
                        covered ? "adds nothing" : "can never decide", other,
                        by_allow ? "allows" : "denies", covered ? " already" : "",
                        by_set->rules[by->rule].label, (unsigned)by->line);
}

/* Whether `by`, which is wider, leaves `entry` without effect. */
static bool makes_useless(const struct network_set *set, uint32_t id,
                          const struct network_set *others, uint32_t other)
{
    const struct network_entry *entry = &set->entries[id], *by = &others->entries[other];
    const struct network_rule *rule = &set->rules[entry->rule].match;
    if (others->rules[by->rule].match.allows != rule->allows)
        return rule->allows;
    if (others == set && other > id)
        return false; /* of two that are alike the second is the useless one */
    bool same_reach = by->names_special || !entry->names_special;
    return !rule->allows || (same_reach && !admits_more(rule));
}

/* Looks in `others` for what decides before `entry`. Earlier scopes count as a whole. */
static bool note_entry(struct notes *notes, const struct network_set *set, uint32_t id,
                       const struct host_pattern *pattern, const struct host_name *probe,
                       const struct network_set *others)
{
    const struct network_entry *entry = &set->entries[id];
    struct host_index_cursor cursor;
    unsigned walked = 0;
    host_index_begin(others->index, probe, &cursor);
    for (uint32_t other; (other = host_index_next(&cursor)) != HOST_INDEX_END;) {
        const struct network_entry *by = &others->entries[other];
        const struct network_rule *rule = &others->rules[by->rule].match;
        if (walked++ == WALK_MAX)
            return true;
        if ((others == set && other == id) || !is_unconditional(rule) ||
            !is_wider(entry, by, pattern) ||
            !ports_within(&set->ports[entry->ports], &others->ports[by->ports]) ||
            !makes_useless(set, id, others, other))
            continue;
        say(notes, set, entry, others, by);
        return true;
    }
    return false;
}

static void note_set(struct notes *notes, const struct network_set *set,
                     const struct network_set *before)
{
    size_t expressions = set->expression_count + (before == NULL ? 0 : before->expression_count);
    if (set->entry_count * (expressions + 1) > EFFORT_MAX)
        return;
    for (uint32_t id = 0; id < set->entry_count; id++) {
        const struct network_entry *entry = &set->entries[id];
        struct host_pattern pattern;
        struct host_name probe;
        struct error error;
        bool allows = set->rules[entry->rule].match.allows;
        if (!host_pattern_parse(network_entry_slice(entry), allows, &pattern, &error) ||
            !probe_of(&pattern, &probe))
            continue;
        if (before == NULL || !note_entry(notes, set, id, &pattern, &probe, before))
            (void)note_entry(notes, set, id, &pattern, &probe, set);
    }
}

void policy_network_notices_add(const struct policy *policy, struct policy_messages *notices)
{
    struct notes notes = {.policy = policy, .notices = notices};
    note_set(&notes, &policy->network, NULL);
    for (size_t i = 0; i < policy->client_count; i++) {
        const struct policy_client_entry *entry = &policy->clients[i];
        note_set(&notes, &entry->network, entry->inherit ? &policy->network : NULL);
    }
    if (notes.shadowed > SPOKEN_MAX)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "%zu more network rules can never decide: denies shadow them",
                            notes.shadowed - SPOKEN_MAX);
    if (notes.covered > SPOKEN_MAX)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "%zu more network rules add nothing: earlier ones say the same",
                            notes.covered - SPOKEN_MAX);
    if (policy->default_network_allow)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "`default: {network: allow}` allows every public host");
}
