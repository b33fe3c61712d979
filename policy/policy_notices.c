/* SPDX-License-Identifier: Apache-2.0
 *
 * What is allowed in a policy and yet worth a sentence when it is loaded. */
#include <string.h>

#include "policy/policy_internal.h"

static void notice(struct policy_messages *notices, const struct policy_rule *rule,
                   const char *text)
{
    policy_messages_add(notices, rule->file == NULL ? rule->source : rule->file, rule->line,
                        rule->column, "%s", text);
}

/* Whether the rule can allow an operation that is not for looking only. */
static bool allows_changes(const struct docker_rule *rule)
{
    struct docker_operation_set selected;
    docker_rule_selected(rule, &selected);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; rule->allows && i < DOCKER_OPERATION_COUNT; i++) {
        if (docker_operation_set_has(&selected, (enum docker_operation)i) &&
            (i == DOCKER_LIBPOD ||
             !http_method_is_read(docker_operation_info((enum docker_operation)i)->method)))
            return true;
    }
    return false;
}

static bool allows_create(const struct docker_rule *rule)
{
    struct docker_operation_set selected;
    docker_rule_selected(rule, &selected);
    return rule->allows && docker_operation_set_has(&selected, DOCKER_CONTAINER_CREATE);
}

/* Adds to `set` what rules without path and conditions deny to everybody whom `rule` concerns. */
static void collect_denied(const struct policy *policy, const struct policy_rule *rule,
                           struct docker_operation_set *set)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *other = &policy->rules[i];
        bool same_scope = other->client == rule->client || (other->client == POLICY_EVERY_CLIENT &&
                                                            rule->client != POLICY_EVERY_CLIENT &&
                                                            policy->clients[rule->client].inherit);
        if (other == rule || other->match.allows || other->match.condition_count > 0 ||
            other->match.methods != 0 || other->match.expires_us != 0 || !same_scope)
            continue;
        for (size_t word = 0; word < ARRAY_LEN(set->bits); word++)
            set->bits[word] |= other->match.operations.bits[word];
    }
}

static bool is_within(const struct docker_operation_set *inner,
                      const struct docker_operation_set *outer)
{
    for (size_t word = 0; word < ARRAY_LEN(inner->bits); word++) {
        if ((inner->bits[word] & ~outer->bits[word]) != 0)
            return false;
    }
    return true;
}

/* An allow all of whose operations are denied without condition decides nothing. The deny sets are
 * the same for all rules of one scope, so they are collected once each. */
static void note_shadowed(const struct policy *policy, struct policy_messages *notices)
{
    struct docker_operation_set denied = {{0}};
    size_t scope = 0;
    bool collected = false;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (!rule->match.allows || rule->layer == POLICY_LAYER_ALWAYS)
            continue; /* nobody wrote what always holds */
        if (!collected || rule->client != scope) {
            denied = (struct docker_operation_set){{0}};
            collect_denied(policy, rule, &denied);
            scope = rule->client;
            collected = true;
        }
        struct docker_operation_set selected;
        docker_rule_selected(&rule->match, &selected);
        if (is_within(&selected, &denied))
            notice(notices, rule,
                   "this rule can never decide: all it allows is denied by rules without a "
                   "condition");
    }
}

static void note_create(const struct policy *policy, struct policy_messages *notices)
{
    bool said_create = false;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (said_create || !allows_create(&rule->match))
            continue;
        notice(notices, rule,
               "ContainerCreate is allowed: whoever may create containers is root on the host, "
               "since this version does not look into what is created");
        said_create = true;
    }
    if (!said_create && policy->default_allow)
        policy_messages_add(
            notices, policy->config_path, 0, 0,
            "`default: {docker: allow}` allows ContainerCreate too: whoever may create "
            "containers is root on the host, since this version does not look into what is "
            "created");
}

void policy_notices_add(const struct policy *policy, struct policy_messages *notices)
{
    bool others = policy->client_count > 1; /* beside `default` */
    for (size_t i = 0; i < policy->rule_count && others; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (rule->client == POLICY_EVERY_CLIENT && allows_changes(&rule->match))
            notice(notices, rule,
                   "this top-level rule allows changes to every client that inherits; a rule of "
                   "one client would allow them to that one");
    }
    for (size_t i = 0; i < policy->client_count; i++) {
        if (policy->clients[i].shown.mode == POLICY_REPORT)
            policy_messages_add(
                notices, policy->config_path, 0, 0,
                "client `%s` is in report mode: nothing is denied to it by rule or default",
                policy->clients[i].shown.name);
    }
    note_shadowed(policy, notices);
    note_create(policy, notices);
}
