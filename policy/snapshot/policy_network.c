/* SPDX-License-Identifier: Apache-2.0
 *
 * The decision about a destination. Rules are found by the index, or one by one for an observer;
 * what follows from what was found is concluded in one place. Three things hold whatever the rules
 * say: a special-purpose address needs an allow that names it, a path with two readings is refused
 * where a rule goes by paths, and a server name inside a tunnel to a bare address must itself be
 * allowed. Report mode lifts only the last. */
#include "policy/snapshot/policy_network.h"

#include <string.h>

#include "policy/snapshot/policy_data.h"
#include "rules/reason.h"

#define NOTHING UINT64_MAX

/* How far an allow that does not match let the request come (rules/network/network_rule.c asks in this
 * order). */
enum reach { REACH_NOTHING, REACH_HOST, REACH_PORT, REACH_ADDRESS, REACH_REQUEST, REACH_TUNNEL };

/* Places of rules are numbers: scope, then entry, so that the lowest is the first. */
struct finding {
    uint64_t deny, allow, near, malformed;
    const char *deny_why, *deny_reason;
    unsigned deny_cname; /* see network_verdict */
    const char *near_why, *near_reason;
    enum reach near_reach;
    bool admitted; /* some allow admits the address, whatever else it asks */
};

/* The scopes of one client in the order of their rules. */
struct scopes {
    const struct network_set *sets[2];
    uint32_t first_numbers[2];
};

static struct scopes scopes_of(const struct policy *policy, const struct policy_client *client)
{
    const struct policy_client_entry *entry = &policy->clients[client->index];
    return (struct scopes){.sets = {entry->inherit ? &policy->network : NULL, &entry->network},
                           .first_numbers = {policy->network_first, entry->network_first}};
}

static const struct network_entry *entry_at(const struct scopes *scopes, uint64_t place,
                                            const struct network_set_rule **rule_out)
{
    const struct network_set *set = scopes->sets[place >> 32];
    const struct network_entry *entry = &set->entries[place & UINT32_MAX];
    *rule_out = &set->rules[entry->rule];
    return entry;
}

static const struct ip_address *known_address(const struct network_request *request)
{
    if (request->address != NULL)
        return request->address;
    return request->host.is_address ? &request->host.address : NULL;
}

static enum reach reach_of(const char *reason)
{
    static const struct {
        const char *reason;
        enum reach reach;
    } table[] = {
        {"host", REACH_NOTHING},
        {"expired", REACH_HOST},
        {"port", REACH_HOST},
        {"address", REACH_PORT},
        {"method", REACH_ADDRESS},
        {"path", REACH_ADDRESS},
        {REASON_OPAQUE, REACH_ADDRESS},
        {REASON_PROTOCOL, REACH_REQUEST},
        {REASON_SNI_MISSING, REACH_TUNNEL},
        {REASON_SNI_MALFORMED, REACH_TUNNEL},
        {REASON_SNI_MISMATCH, REACH_TUNNEL},
        {REASON_ECH, REACH_TUNNEL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(reason, table[i].reason) == 0)
            return table[i].reach;
    }
    return REACH_PORT; /* an address class */
}

static void note_near(struct finding *finding, uint64_t place, const char *why, const char *reason)
{
    enum reach reach = reach_of(reason);
    finding->admitted |= reach >= REACH_ADDRESS;
    if (reach < finding->near_reach || (reach == finding->near_reach && place > finding->near))
        return;
    finding->near_reach = reach;
    finding->near = place;
    finding->near_why = why;
    finding->near_reason = reason;
}

/* Takes the answer of one rule into the finding. */
static void note_answer(struct finding *finding, uint64_t place, bool allows,
                        enum network_match match, const char *why, const char *reason)
{
    switch (match) {
    case NETWORK_MATCH_NO:
        if (allows)
            note_near(finding, place, why, reason);
        return;
    case NETWORK_MATCH_MALFORMED:
        if (place < finding->malformed)
            finding->malformed = place;
        finding->admitted |= allows;
        return;
    case NETWORK_MATCH_YES:
        if (allows) {
            finding->admitted = true;
            finding->allow = place < finding->allow ? place : finding->allow;
        } else if (place < finding->deny) {
            finding->deny = place;
            finding->deny_why = why;
            finding->deny_reason = reason;
        }
        return;
    }
}

/* Holds the request against an entry whose host matches. */
static enum network_match ask_entry(const struct network_set *set, uint32_t id, bool uncertain,
                                    const struct network_request *request, const char **why,
                                    const char **reason)
{
    const struct network_entry *entry = &set->entries[id];
    const struct network_rule *rule = &set->rules[entry->rule].match;
    const struct network_match_host host = {
        .kind = entry->kind,
        .names_special = entry->names_special,
        .ports = &set->ports[entry->ports],
    };
    if (uncertain && rule->allows) {
        *why = "its expression took too much work for this host";
        *reason = "host";
        return NETWORK_MATCH_NO;
    }
    return network_rule_match(rule, &host, request, why, reason);
}

/* ---- finding rules by the index ---- */

/* A deny of a name below .localhost was found by the address that it stands for; another name of
 * this machine may be another service's, and an allow has to name it. */
static bool is_spared(const struct network_entry *deny, const struct host_name *host)
{
    return deny->loopback == NETWORK_LOOPBACK_UNNAMED && host_name_is_local(host);
}

/* Notes the denies among what the cursor still has. */
static void search_denies(const struct network_set *set, uint64_t scope,
                          const struct network_request *request, struct host_index_cursor *cursor,
                          struct finding *finding)
{
    const char *why, *reason;
    for (uint32_t id; (id = host_index_next(cursor)) != HOST_INDEX_END;) {
        const struct network_entry *entry = &set->entries[id];
        if (set->rules[entry->rule].match.allows || is_spared(entry, &request->host))
            continue;
        enum network_match match = ask_entry(set, id, cursor->uncertain, request, &why, &reason);
        note_answer(finding, scope << 32 | id, false, match, why, reason);
    }
}

/* An allow of an address is for targets written as addresses; a deny holds for whatever is dialled,
 * and for where an address leads. */
static void search_address(const struct network_set *set, uint64_t scope,
                           const struct network_request *request, const struct ip_address *address,
                           struct finding *finding)
{
    struct host_index_cursor cursor;
    host_index_begin_address(set->index, address, &cursor);
    search_denies(set, scope, request, &cursor, finding);
}

/* Whoever may answer for an alias is not the one who was allowed: a name's aliases widen nothing,
 * and each can be denied. */
static void search_cnames(const struct network_set *set, uint64_t scope,
                          const struct network_request *request, struct finding *finding)
{
    struct host_index_cursor cursor;
    struct slice rest = request->cnames;
    struct host_name name;
    for (unsigned number = 1; name_chain_next(&rest, &name); number++) {
        uint64_t before = finding->deny;
        host_index_begin(set->index, &name, &cursor);
        search_denies(set, scope, request, &cursor, finding);
        if (finding->deny != before)
            finding->deny_cname = number;
    }
}

static void search_set(const struct network_set *set, uint64_t scope,
                       const struct network_request *request, struct finding *finding)
{
    struct host_index_cursor cursor;
    const char *why, *reason;
    host_index_begin(set->index, &request->host, &cursor);
    for (uint32_t id; (id = host_index_next(&cursor)) != HOST_INDEX_END;) {
        enum network_match match = ask_entry(set, id, cursor.uncertain, request, &why, &reason);
        note_answer(finding, scope << 32 | id, set->rules[set->entries[id].rule].match.allows,
                    match, why, reason);
    }
    const struct ip_address *address = known_address(request);
    if (request->address != NULL)
        search_address(set, scope, request, request->address, finding);
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    unsigned count = address == NULL ? 0 : address_class_leads_to(address, led);
    for (unsigned i = 0; i < count; i++)
        search_address(set, scope, request, &led[i], finding);
    if (request->cnames.len > 0)
        search_cnames(set, scope, request, finding);
}

/* ---- and one by one ---- */

/* Whether a denied range holds the address, or one that it leads to. */
static bool range_reaches(const struct ip_range *range, const struct ip_address *address)
{
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    if (ip_range_contains(range, address))
        return true;
    unsigned count = address_class_leads_to(address, led);
    for (unsigned i = 0; i < count; i++) {
        if (ip_range_contains(range, &led[i]))
            return true;
    }
    return false;
}

/* Whether a deny of names covers where the request leads. */
static bool covers_loopback(const struct network_entry *deny, const struct host_name *host,
                            const struct ip_address *address)
{
    if (deny->loopback == NETWORK_LOOPBACK_NONE || is_spared(deny, host))
        return false;
    for (size_t i = 0; i < IP_LOOPBACK_COUNT; i++) {
        const struct ip_range *range = &ip_loopback_ranges[i];
        if ((host->is_address && ip_range_contains(range, &host->address)) ||
            (address != NULL && range_reaches(range, address)))
            return true;
    }
    return false;
}

/* Whether the entry speaks of the request, by definition. */
static bool entry_concerns(const struct network_entry *entry, const struct pattern *expression,
                           bool allows, const struct network_request *request, bool *uncertain)
{
    struct host_pattern pattern;
    struct error error;
    const struct ip_address *address = known_address(request);
    *uncertain = false;
    if (covers_loopback(entry, &request->host, address))
        return true;
    if (entry->kind == HOST_PATTERN_REGEX) {
        enum pattern_result result = pattern_match(expression, host_name_slice(&request->host));
        *uncertain = result == PATTERN_LIMIT;
        return result != PATTERN_NO;
    }
    if (!host_pattern_parse(network_entry_slice(entry), allows, &pattern, &error))
        return false;
    if (!allows && entry->kind == HOST_PATTERN_RANGE && address != NULL &&
        range_reaches(&pattern.range, address))
        return true;
    return host_pattern_matches(&pattern, &request->host);
}

/* The first name of the chain that the entry denies, counted from 1; 0 = none. */
static unsigned denied_cname(const struct network_entry *entry, const struct pattern *expression,
                             const struct network_request *request)
{
    struct network_request alias = {.sight = request->sight};
    struct slice rest = request->cnames;
    bool uncertain;
    for (unsigned number = 1; name_chain_next(&rest, &alias.host); number++) {
        if (entry_concerns(entry, expression, false, &alias, &uncertain))
            return number;
    }
    return 0;
}

static void tell(const struct policy_observer *observer, uint32_t number,
                 const struct network_set_rule *rule, const struct network_entry *entry,
                 bool matched, const char *why)
{
    AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_printf(&source, "%s:%u", rule->label, (unsigned)entry->line);
    if (rule->name != NULL)
        buffer_printf(&text, "%s (%s)", rule->name, entry->text);
    else
        buffer_printf(&text, "%s %s", rule->match.allows ? "allow" : "deny", entry->text);
    const struct policy_considered considered = {
        .number = number,
        .rule = buffer_text(&text),
        .source = buffer_text(&source),
        .allows = rule->match.allows,
        .matched = matched,
        .why = why,
    };
    observer->considered(observer->context, &considered);
}

const char policy_network_other_hosts[] = "it is for other hosts";

static const char denies_cname[] = "the name is an alias (CNAME) of one that it denies";

/* Holds the aliases against a deny that does not speak of the name itself. */
static void walk_cnames(const struct network_set *set, uint64_t place,
                        const struct pattern *compiled, const struct network_request *request,
                        enum network_match *match, const char **why, struct finding *finding)
{
    const char *reason;
    uint32_t id = (uint32_t)place;
    unsigned number = denied_cname(&set->entries[id], compiled, request);
    if (number == 0)
        return;
    uint64_t before = finding->deny;
    *match = ask_entry(set, id, false, request, why, &reason);
    note_answer(finding, place, false, *match, *why, reason);
    if (finding->deny != before)
        finding->deny_cname = number;
    if (*match == NETWORK_MATCH_YES)
        *why = denies_cname;
}

static void walk_set(const struct scopes *scopes, uint64_t scope,
                     const struct network_request *request, const struct policy_observer *observer,
                     struct finding *finding)
{
    const struct network_set *set = scopes->sets[scope];
    size_t expression = 0;
    for (uint32_t id = 0; id < set->entry_count; id++) {
        const struct network_entry *entry = &set->entries[id];
        const struct network_set_rule *rule = &set->rules[entry->rule];
        bool allows = rule->match.allows, uncertain;
        const char *why = policy_network_other_hosts, *reason = NULL;
        enum network_match match = NETWORK_MATCH_NO;
        const struct pattern *compiled =
            entry->kind == HOST_PATTERN_REGEX ? &set->expressions[expression++] : NULL;
        if (entry_concerns(entry, compiled, allows, request, &uncertain)) {
            match = ask_entry(set, id, uncertain, request, &why, &reason);
            note_answer(finding, scope << 32 | id, allows, match, why, reason);
        } else if (!allows) {
            walk_cnames(set, scope << 32 | id, compiled, request, &match, &why, finding);
        }
        tell(observer, scopes->first_numbers[scope] + id, rule, entry, match == NETWORK_MATCH_YES,
             why);
    }
}

static void find(const struct scopes *scopes, const struct network_request *request,
                 const struct policy_observer *observer, struct finding *finding)
{
    *finding =
        (struct finding){.deny = NOTHING, .allow = NOTHING, .near = NOTHING, .malformed = NOTHING};
    for (uint64_t scope = 0; scope < ARRAY_LEN(scopes->sets); scope++) {
        const struct network_set *set = scopes->sets[scope];
        if (set == NULL || set->entry_count == 0)
            continue;
        if (observer != NULL)
            walk_set(scopes, scope, request, observer, finding);
        else
            search_set(set, scope, request, finding);
    }
}

/* ---- concluding ---- */

static struct network_verdict by_rule(const struct scopes *scopes, uint64_t place,
                                      enum verdict_result result, const char *reason,
                                      const char *why)
{
    const struct network_set_rule *rule;
    const struct network_entry *entry = entry_at(scopes, place, &rule);
    return (struct network_verdict){
        .result = result,
        .reason = reason,
        .why = why,
        .rule_allows = rule->match.allows,
        .name = rule->name,
        .pattern = network_entry_slice(entry),
        .label = rule->label,
        .line = entry->line,
        .number = scopes->first_numbers[place >> 32] + (uint32_t)(place & UINT32_MAX),
    };
}

/* What to say of the default when some allow was for this host and did not match. */
static const char *near_why(const struct finding *finding)
{
    static const struct {
        const char *reason, *why;
    } table[] = {
        {"expired", "the rule that allowed this host has expired"},
        {"port", "rules allow this host on other ports"},
        {"address", "rules allow this host at other addresses, by `addresses`"},
        {"method", "rules allow other methods of this host"},
        {"path", "rules allow other paths of this host"},
    };
    for (size_t i = 0; finding->near != NOTHING && i < ARRAY_LEN(table); i++) {
        if (strcmp(finding->near_reason, table[i].reason) == 0)
            return table[i].why;
    }
    return finding->near == NOTHING ? "no rule allows it" : finding->near_why;
}

/* What the default says when no rule allows. */
static struct network_verdict by_default(const struct policy *policy, const struct scopes *scopes,
                                         const struct network_request *request,
                                         const struct finding *finding)
{
    struct network_verdict verdict = {
        .result = VERDICT_DENY, .reason = REASON_DEFAULT, .number = POLICY_NUMBER_DEFAULT_NETWORK};
    const char *why, *reason;
    if (policy->default_network_allow) {
        if (network_default_match(request, &why, &reason) == NETWORK_MATCH_YES) {
            verdict.result = VERDICT_ALLOW;
            return verdict;
        }
        verdict.reason = reason;
        verdict.why = why;
        return verdict;
    }
    bool stable =
        finding->near != NOTHING &&
        (finding->near_reach >= REACH_REQUEST || strcmp(finding->near_reason, REASON_OPAQUE) == 0 ||
         strncmp(finding->near_reason, "address-class.", 14) == 0);
    if (stable)
        return by_rule(scopes, finding->near, VERDICT_DENY, finding->near_reason,
                       finding->near_why);
    verdict.why = near_why(finding);
    return verdict;
}

/* Static text: why the target may not be reached unless a rule names it; NULL = it is public or not
 * known yet. */
static const char *special_reason(const struct network_request *request)
{
    const struct ip_address *address = known_address(request);
    enum address_class class = ADDRESS_PUBLIC;
    if (address != NULL)
        class = network_request_class(request, address);
    if (class == ADDRESS_PUBLIC && host_name_is_local(&request->host))
        class = ADDRESS_LOOPBACK;
    return class == ADDRESS_PUBLIC ? NULL : address_class_reason(class);
}

static const char *special_why(const struct network_request *request)
{
    const struct ip_address *address = known_address(request);
    if (address != NULL && network_request_class(request, address) == ADDRESS_OWN_HOST)
        return "an address of the gate's own machine is reached only through a rule that names it";
    return "a special-purpose address is reached only through a rule that names it";
}

static struct network_verdict conclude(const struct policy *policy, const struct scopes *scopes,
                                       const struct network_request *request,
                                       const struct finding *finding)
{
    if (finding->malformed != NOTHING) {
        struct network_verdict verdict =
            by_rule(scopes, finding->malformed, VERDICT_DENY, REASON_MALFORMED_PATH,
                    "servers read this path in more than one way (a `;`, a dot segment, an empty "
                    "one, an escape that hides one), and a rule goes by paths");
        verdict.malformed = true;
        return verdict;
    }
    if (finding->deny != NOTHING && finding->deny_cname > 0) {
        struct network_verdict verdict =
            by_rule(scopes, finding->deny, VERDICT_DENY, REASON_CNAME_DENIED, denies_cname);
        verdict.cname = finding->deny_cname;
        return verdict;
    }
    if (finding->deny != NOTHING)
        return by_rule(scopes, finding->deny, VERDICT_DENY,
                       finding->deny_reason == NULL ? REASON_RULE : finding->deny_reason,
                       finding->deny_reason == NULL ? NULL : finding->deny_why);
    if (finding->allow != NOTHING)
        return by_rule(scopes, finding->allow, VERDICT_ALLOW, REASON_RULE, NULL);
    struct network_verdict verdict = by_default(policy, scopes, request, finding);
    const char *special = special_reason(request);
    if (verdict.result == VERDICT_DENY && special != NULL && !finding->admitted) {
        verdict.reason = special;
        verdict.why = special_why(request);
    }
    return verdict;
}

/* A bare address says nothing about who answers there; the server name does, and must itself be
 * allowed as a target of that port. Its address is the literal, which was judged already. */
static void judge_server_name(const struct policy *policy, const struct scopes *scopes,
                              const struct network_request *request,
                              struct network_verdict *verdict)
{
    const struct tunnel_facts *tunnel = request->tunnel;
    if (verdict->result != VERDICT_ALLOW || !request->host.is_address || tunnel == NULL ||
        tunnel->protocol != NETWORK_PROTOCOL_TLS || !tunnel->has_sni || tunnel->sni_bad)
        return;
    struct network_request named = *request;
    named.host = tunnel->sni;
    named.address = NULL;
    named.class = NULL;
    struct finding finding;
    find(scopes, &named, NULL, &finding);
    struct network_verdict other = conclude(policy, scopes, &named, &finding);
    if (other.result == VERDICT_ALLOW)
        return;
    if (other.label != NULL)
        *verdict = other;
    else
        *verdict = (struct network_verdict){.result = VERDICT_DENY,
                                            .number = POLICY_NUMBER_DEFAULT_NETWORK};
    verdict->malformed = false;
    verdict->reason = REASON_SNI_DENIED;
    verdict->why = "the ClientHello names a host that is not allowed itself";
}

/* Rules are written from what report mode says: what a plain allow of the host would refuse, too,
 * is named before what can be mended by one. */
static void name_what_is_carried(const struct network_request *request,
                                 struct network_verdict *verdict)
{
    static const char *const mended[] = {REASON_DEFAULT, REASON_OPAQUE, REASON_PROTOCOL};
    const char *why, *reason;
    for (size_t i = 0; i < ARRAY_LEN(mended); i++) {
        if (strcmp(verdict->reason, mended[i]) != 0)
            continue;
        struct network_request named = *request;
        named.address = NULL; /* the address was judged already */
        if (network_default_match(&named, &why, &reason) == NETWORK_MATCH_NO &&
            strncmp(reason, "address-class.", 14) != 0) {
            verdict->reason = reason;
            verdict->why = why;
        }
        return;
    }
}

static void decide(const struct policy *policy, const struct policy_client *client,
                   const struct network_request *request, const struct policy_observer *observer,
                   struct network_verdict *verdict_out)
{
    const struct scopes scopes = scopes_of(policy, client);
    struct finding finding;
    find(&scopes, request, observer, &finding);
    struct network_verdict verdict = conclude(policy, &scopes, request, &finding);
    judge_server_name(policy, &scopes, request, &verdict);
    if (client->mode == POLICY_REPORT && verdict.result == VERDICT_DENY && !verdict.malformed) {
        const char *special = special_reason(request);
        if (special != NULL && !finding.admitted) {
            verdict.reason = special;
            verdict.why = "special-purpose addresses that no rule names are refused in report "
                          "mode too";
        } else {
            name_what_is_carried(request, &verdict);
            verdict.result = VERDICT_ALLOW;
            verdict.would_deny = true;
        }
    }
    *verdict_out = verdict;
}

static enum address_class find_class(const struct network_class *class,
                                     const struct ip_address *address)
{
    return policy_address_class(class->policy, class->own_host, address);
}

void policy_decide_network(const struct policy *policy, const struct policy_client *client,
                           const struct network_request *request,
                           const struct policy_observer *observer,
                           struct network_verdict *verdict_out)
{
    const struct ip_address *address = known_address(request);
    if (address == NULL) {
        decide(policy, client, request, observer, verdict_out);
        return;
    }
    struct network_class class = {
        .find = find_class, .policy = policy, .own_host = request->own_host};
    struct network_request judged = *request;
    judged.class = &class;
    decide(policy, client, &judged, observer, verdict_out);
}
