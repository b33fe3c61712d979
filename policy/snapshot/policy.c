/* SPDX-License-Identifier: Apache-2.0
 *
 * The snapshot's life, and the decision. The rules are found in one of two ways (the index, or all
 * of them for an observer); what follows from what was found is decided in one place, conclude(). */
#include "policy/snapshot/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/policy_data.h"
#include "rules/docker/docker_reach.h"
#include "rules/reason.h"

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_unref(struct policy **policy_pointer)
{
    struct policy *policy = steal_pointer(policy_pointer);
    if (policy == NULL ||
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < policy->rule_count; i++)
        docker_rule_clear(&policy->rules[i].match);
    for (size_t i = 0; i < policy->client_count; i++) {
        free((void *)policy->clients[i].shown.listens);
        free((void *)policy->clients[i].shown.from);
        free((void *)policy->clients[i].shown.browser.hosts);
        free((void *)policy->clients[i].shown.browser.origins);
        free(policy->clients[i].rules);
        policy_index_free(&policy->clients[i].index);
        network_set_clear(&policy->clients[i].network);
        guard_set_clear(&policy->clients[i].guard);
    }
    network_set_clear(&policy->network);
    guard_set_clear(&policy->guard);
    free(policy->rules);
    free(policy->uses);
    free(policy->own_addresses);
    free(policy->clients);
    free(policy->sources);
    free(policy->expiries);
    arena_free(&policy->arena);
    free(policy);
}

const char *policy_hash(const struct policy *policy)
{
    return policy->hash;
}

const char *policy_config_path(const struct policy *policy)
{
    return policy->advised_path;
}

bool policy_is_from_file(const struct policy *policy)
{
    return policy->from_file;
}

bool policy_cuts_on_revoke(const struct policy *policy)
{
    return policy->cut_on_revoke;
}

bool policy_says_own_addresses(const struct policy *policy)
{
    return policy->says_own_addresses;
}

bool policy_is_client_name(struct slice name)
{
    if (name.len == 0 || name.len > 63)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!letter && (i == 0 || (byte != '.' && byte != '_' && byte != '-')))
            return false;
    }
    return true;
}

const char policy_client_name_advice[] = "a client's name has 1 to 63 lower-case letters, digits, "
                                         "dots, dashes and underscores, a letter "
                                         "or digit first";

size_t policy_client_count(const struct policy *policy)
{
    return policy->client_count;
}

const struct policy_client *policy_client_at(const struct policy *policy, size_t index)
{
    return &policy->clients[index].shown;
}

bool policy_listen_next(const struct policy *policy, struct policy_listen_walk *walk)
{
    for (; walk->client_at < policy->client_count; walk->client_at++, walk->listen_at = 0) {
        walk->client = policy_client_at(policy, walk->client_at);
        if (walk->listen_at < walk->client->listen_count) {
            walk->listen = &walk->client->listens[walk->listen_at++];
            return true;
        }
    }
    return false;
}

static bool listens_for(const struct policy *policy, bool docker)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        if ((walk.listen->role == POLICY_ROLE_DOCKER) == docker)
            return true;
    }
    return false;
}

bool policy_listens_for_docker(const struct policy *policy)
{
    return listens_for(policy, true);
}

bool policy_listens_for_network(const struct policy *policy)
{
    return listens_for(policy, false);
}

const struct policy_client *policy_client_find(const struct policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->client_count; i++) {
        if (slice_equal_text(name, policy->clients[i].shown.name))
            return &policy->clients[i].shown;
    }
    return NULL;
}

/* The keys of `where` by their number. */
static const char *condition_name(const struct docker_condition *condition)
{
    static const char *const names[] = {
        [DOCKER_FACT_ID] = "id",
        [DOCKER_FACT_NAME] = "name",
        [DOCKER_FACT_IMAGE] = "image",
        [DOCKER_FACT_LABEL] = "label",
        [DOCKER_FACT_NETWORK] = "network",
        [DOCKER_FACT_VOLUME] = "volume",
        [DOCKER_CONDITION_QUERY] = "query",
    };
    return names[condition->key];
}

const char policy_depends_on_object[] = "it depends on the object, of which nothing is known here";

static void tell(const struct policy_observer *observer, const struct policy *policy,
                 uint32_t index, enum docker_match match, const struct docker_mismatch *mismatch)
{
    const struct policy_rule *rule = &policy->rules[index];
    char why[256];
    if (match == DOCKER_MATCH_MAYBE)
        snprintf(why, sizeof(why), "%s", policy_depends_on_object);
    else if (match == DOCKER_MATCH_YES)
        snprintf(why, sizeof(why), "it matches");
    else if (mismatch->condition == NULL)
        snprintf(why, sizeof(why), "%s", mismatch->text);
    else
        snprintf(why, sizeof(why), "where %s%s%.*s: %s", condition_name(mismatch->condition),
                 mismatch->condition->key == DOCKER_CONDITION_QUERY ? "." : "",
                 (int)(mismatch->condition->parameter.len < 80 ? mismatch->condition->parameter.len
                                                               : 80),
                 mismatch->condition->parameter.ptr == NULL ? ""
                                                            : mismatch->condition->parameter.ptr,
                 mismatch->text);
    const struct policy_considered considered = {
        .number = POLICY_NUMBER_RULES + index,
        .rule = rule->name != NULL ? rule->name : rule->text,
        .source = rule->source,
        .allows = rule->match.allows,
        .matched = match == DOCKER_MATCH_YES,
        .why = why,
    };
    observer->considered(observer->context, &considered);
}

static void search_all(const struct policy *policy, const struct policy_client_entry *entry,
                       const struct docker_request *request, enum docker_object_state state,
                       const struct docker_object *object, const struct policy_observer *observer,
                       struct policy_search *search)
{
    *search = (struct policy_search){.deny = POLICY_NO_RULE, .allow = POLICY_NO_RULE};
    for (size_t position = 0; position < entry->rule_count; position++) {
        const struct policy_rule *rule = &policy->rules[entry->rules[position]];
        struct docker_mismatch mismatch;
        enum docker_match match =
            docker_rule_match(&rule->match, request, state, object, &mismatch);
        policy_search_add(search, rule->match.allows, (uint32_t)position, match);
        tell(observer, policy, entry->rules[position], match, &mismatch);
    }
}

static struct verdict by_rule(const struct policy *policy, const struct policy_client_entry *entry,
                              uint32_t position, enum verdict_result result)
{
    const struct policy_rule *rule = &policy->rules[entry->rules[position]];
    return (struct verdict){.result = result,
                            .rule = rule->name != NULL ? rule->name : rule->text,
                            .source = rule->source,
                            .reason = REASON_RULE,
                            .number = POLICY_NUMBER_RULES + entry->rules[position]};
}

/* Deny wins; an object is asked for only while its facts can still turn the answer. */
static struct verdict conclude(const struct policy *policy, const struct policy_client_entry *entry,
                               enum docker_operation operation, const struct policy_search *search)
{
    bool default_allows =
        policy->default_allow && operation != DOCKER_OPERATION_NONE && operation != DOCKER_LIBPOD;
    bool allowed = search->allow != POLICY_NO_RULE || default_allows;
    struct verdict by_default = {.result = VERDICT_DENY,
                                 .rule = "default",
                                 .source = "default",
                                 .reason = REASON_DEFAULT,
                                 .number = POLICY_NUMBER_DEFAULT_DOCKER};
    if (search->deny != POLICY_NO_RULE)
        return by_rule(policy, entry, search->deny, VERDICT_DENY);
    if ((search->maybe_deny && allowed) || (search->maybe_allow && !allowed)) {
        by_default.result = VERDICT_NEEDS_OBJECT;
        return by_default;
    }
    if (search->allow != POLICY_NO_RULE)
        return by_rule(policy, entry, search->allow, VERDICT_ALLOW);
    if (default_allows)
        by_default.result = VERDICT_ALLOW;
    return by_default;
}

/* Whether a rule that allows the request speaks of the place. Rare enough to look at every rule. */
static enum docker_match
find_naming(const struct policy *policy, const struct policy_client_entry *entry,
            const struct docker_request *request, enum docker_object_state state,
            const struct docker_object *object, const struct docker_reach_place *place)
{
    enum docker_match found = DOCKER_MATCH_NO;
    for (size_t position = 0; position < entry->rule_count; position++) {
        const struct docker_rule *rule = &policy->rules[entry->rules[position]].match;
        if (!rule->allows || !docker_reach_is_named(rule, request, place))
            continue;
        enum docker_match match = docker_rule_match(rule, request, state, object, NULL);
        if (match == DOCKER_MATCH_YES)
            return match;
        if (match == DOCKER_MATCH_MAYBE)
            found = match;
    }
    return found;
}

enum policy_reach
policy_judge_reach(const struct policy *policy, const struct policy_client *client,
                   const struct docker_request *request, enum docker_object_state state,
                   const struct docker_object *object, struct docker_reach_place *place_out)
{
    const struct policy_client_entry *entry = &policy->clients[client->index];
    enum policy_reach answer = POLICY_REACH_PERMITTED;
    unsigned next = 0;
    while (docker_reach_next(request, &next, place_out)) {
        switch (find_naming(policy, entry, request, state, object, place_out)) {
        case DOCKER_MATCH_YES:
            break;
        case DOCKER_MATCH_MAYBE:
            answer = POLICY_REACH_DEPENDS;
            break;
        case DOCKER_MATCH_NO:
            return POLICY_REACH_UNNAMED;
        }
    }
    return answer;
}

static void guard_reach(const struct policy *policy, const struct docker_reach_place *place,
                        struct verdict *verdict)
{
    verdict->result = policy->guards_report ? VERDICT_ALLOW : VERDICT_DENY;
    verdict->would_deny = policy->guards_report;
    verdict->reason = docker_reach_reason(place);
    if (!policy->guards_report) {
        verdict->rule = "built-in";
        verdict->source = "built-in";
        verdict->number = POLICY_NUMBER_NONE;
    }
}

void policy_decide_docker(const struct policy *policy, const struct policy_client *client,
                          const struct docker_request *request, enum docker_object_state state,
                          const struct docker_object *object,
                          const struct policy_observer *observer, struct verdict *verdict_out)
{
    const struct policy_client_entry *entry = &policy->clients[client->index];
    struct policy_search search;
    if (observer != NULL)
        search_all(policy, entry, request, state, object, observer, &search);
    else
        policy_index_search(entry->index, request, state, object, &search);
    *verdict_out = conclude(policy, entry, request->operation, &search);
    struct docker_reach_place place;
    if (verdict_out->result == VERDICT_ALLOW) {
        switch (policy_judge_reach(policy, client, request, state, object, &place)) {
        case POLICY_REACH_PERMITTED:
            break;
        case POLICY_REACH_UNNAMED:
            guard_reach(policy, &place, verdict_out);
            break;
        case POLICY_REACH_DEPENDS:
            verdict_out->result = VERDICT_NEEDS_OBJECT;
            return;
        }
    }
    if (client->mode == POLICY_REPORT && verdict_out->result == VERDICT_DENY) {
        /* Rules are written from this: what a plain allow would not open is said. */
        if (strcmp(verdict_out->reason, REASON_DEFAULT) == 0 &&
            policy_judge_reach(policy, client, request, state, object, &place) ==
                POLICY_REACH_UNNAMED)
            verdict_out->reason = docker_reach_reason(&place);
        verdict_out->result = VERDICT_ALLOW;
        verdict_out->would_deny = true;
    }
}

void policy_decide_docker_named(const struct policy *policy, const struct policy_client *client,
                                const struct docker_request *request,
                                const struct docker_naming *naming, struct verdict *verdict_out)
{
    size_t count = naming == NULL ? 0 : docker_naming_count(naming);
    if (count == 0)
        policy_decide_docker(policy, client, request, DOCKER_OBJECT_UNKNOWN, NULL, NULL,
                             verdict_out);
    for (size_t i = 0; i < count; i++) {
        policy_decide_docker(policy, client, request, DOCKER_OBJECT_KNOWN,
                             docker_naming_object(naming, i), NULL, verdict_out);
        if (verdict_out->result == VERDICT_DENY || verdict_out->would_deny)
            return;
    }
}

/* Operations whose bodies guards judge: a commit's configuration makes an image, no container. */
static bool is_guarded(const struct body *body)
{
    return body->type != NULL && body->operation != docker_operation_info(DOCKER_IMAGE_COMMIT) &&
           body_type_is_judged(body->type);
}

void policy_decide_guard(const struct policy *policy, const struct policy_client *client,
                         struct guard_case *c, struct verdict *verdict)
{
#define GUARD_REASON(symbol, name) [GUARD_##symbol] = ("guard." name),
#define GUARD_RULE(symbol, name) [GUARD_##symbol] = ("guard " name),
    static const char *const reasons[] = {GUARDS(GUARD_REASON)};
    static const char *const rules[] = {GUARDS(GUARD_RULE)};
#undef GUARD_REASON
#undef GUARD_RULE
    c->finding->count = 0;
    if (verdict->result != VERDICT_ALLOW || !is_guarded(c->body))
        return;
    c->set = &client->guard;
    guard_judge(c);
    if (c->finding->count == 0)
        return;
    verdict->reason = reasons[c->finding->guard];
    verdict->would_deny =
        client->guard.report || policy->guards_report || client->mode == POLICY_REPORT;
    if (verdict->would_deny)
        return;
    verdict->result = VERDICT_DENY;
    verdict->rule = rules[c->finding->guard];
    verdict->source = c->finding->source;
    verdict->number = POLICY_NUMBER_NONE;
}
