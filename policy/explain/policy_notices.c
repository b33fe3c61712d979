/* SPDX-License-Identifier: Apache-2.0
 *
 * What is allowed in a policy and yet worth a sentence when it is loaded. */
#include <string.h>

#include "base/timestamp.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_internal.h"

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

/* Of rules of files: what presets and variables repeat is nobody's mistake. */
static bool is_of_file(const struct policy_rule *rule)
{
    return rule->file != NULL && strncmp(rule->file, "preset/", 7) != 0;
}

/* Of expired rules the reader speaks. */
static void note_covered(const struct policy *policy, struct policy_messages *notices)
{
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(policy);
    const int64_t now_us = timestamp_now_us();
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        struct policy_cover cover;
        if (!rule->match.allows || rule->layer == POLICY_LAYER_ALWAYS)
            continue; /* nobody wrote what always holds */
        policy_docker_cover(&scope, i, now_us, &cover);
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        if (cover.kind != POLICY_COVER_DENIED &&
            (cover.kind != POLICY_COVER_EARLIER || !is_of_file(rule)))
            continue;
        policy_docker_cover_say(policy, i, &cover, &text);
        notice(notices, rule, buffer_text(&text));
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
    note_covered(policy, notices);
    note_create(policy, notices);
}
