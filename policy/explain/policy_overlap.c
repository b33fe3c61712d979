/* SPDX-License-Identifier: Apache-2.0
 *
 * What is certain for the whole rule is policy_cover's. Beyond it, Docker rules are compared by the
 * operations they select, and destinations are put to the decision itself. */
#include "policy/explain/policy_overlap.h"

#include <string.h>

#include "policy/explain/policy_cover.h"
#include "policy/explain/policy_explain.h"
#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_network.h"

/* ---- Docker ---- */

/* Whether both can be about one client's request. */
static bool share_client(const struct policy *policy, const struct policy_rule *a,
                         const struct policy_rule *b)
{
    return policy_rule_concerns(policy, a, b->client) || policy_rule_concerns(policy, b, a->client);
}

/* "ContainerKill, ContainerStop, ..." of what both select; false when that is nothing. */
static bool write_shared(const struct docker_operation_set *a, const struct docker_operation_set *b,
                         struct buffer *out)
{
    enum { SHOWN = 3 };
    unsigned count = 0;
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(a, &operation)) {
        if (docker_operation_set_has(b, operation) && count++ < SHOWN)
            buffer_printf(out, "%s%s", count > 1 ? ", " : "",
                          docker_operation_info(operation)->name);
    }
    if (count > SHOWN)
        buffer_append_literal(out, ", ...");
    return count > 0;
}

static void say_denying(const struct policy *policy, const struct policy_rule *rule,
                        const struct policy_rule *deny, struct policy_messages *messages)
{
    struct docker_operation_set mine, theirs;
    AUTO_BUFFER struct buffer shared = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer client = BUFFER_EMPTY;
    docker_rule_selected(&rule->match, &mine);
    docker_rule_selected(&deny->match, &theirs);
    if (!write_shared(&mine, &theirs, &shared))
        return;
    bool always = deny->match.condition_count == 0 && deny->match.path_count == 0;
    if (deny->client != rule->client && deny->client != POLICY_EVERY_CLIENT)
        buffer_printf(&client, " to client `%s`", policy->clients[deny->client].shown.name);
    policy_messages_add(messages, rule->file, rule->line, rule->column,
                        "%s (%s) denies %s%s all the same%s", deny->text, deny->source,
                        buffer_text(&shared), buffer_text(&client),
                        always ? "" : " where it matches");
}

static void overlap_docker(const struct policy *policy, const struct policy_rule *rule,
                           struct policy_messages *messages)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *other = &policy->rules[i];
        if (!other->match.allows && share_client(policy, rule, other))
            say_denying(policy, rule, other, messages);
    }
    if (policy->default_allow)
        policy_messages_add(messages, rule->file, rule->line, rule->column,
                            "`default: {docker: allow}` allows it already");
}

/* ---- network ---- */

/* The client that the question is put for; NULL when the rule is for nobody. */
static const struct policy_client *asker(const struct policy *policy, const char *scope)
{
    if (strcmp(scope, "*") != 0)
        return policy_client_find(policy, slice_from_text(scope));
    for (size_t i = 0; i < policy->client_count; i++) {
        if (policy->clients[i].inherit)
            return &policy->clients[i].shown;
    }
    return NULL;
}

static void say_denied(const struct policy_listed_rule *rule, uint16_t port,
                       const struct network_verdict *verdict, struct policy_messages *messages)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
    network_verdict_write_rule(verdict, &name);
    network_verdict_write_source(verdict, &source);
    policy_messages_add(messages, rule->file, rule->line, 0,
                        "port %u is denied all the same: %s (%s)", (unsigned)port,
                        buffer_text(&name), buffer_text(&source));
}

static void overlap_network(const struct policy *policy, const struct policy_listed_rule *rule,
                            int64_t now_us, struct policy_messages *messages)
{
    struct host_pattern pattern;
    struct error error;
    const struct policy_client *client = asker(policy, rule->scope);
    if (client == NULL || !host_pattern_parse(rule->written, true, &pattern, &error))
        return;
    if (policy->default_network_allow && pattern.kind != HOST_PATTERN_RANGE &&
        strstr(rule->where, "addresses=") == NULL && !host_name_is_local(&pattern.host))
        policy_messages_add(messages, rule->file, rule->line, 0,
                            "`default: {network: allow}` allows it already");
    struct network_request request = {.sight = NETWORK_OPAQUE, .now_us = now_us};
    if (pattern.kind == HOST_PATTERN_EXACT)
        request.host = pattern.host;
    else if (pattern.kind == HOST_PATTERN_RANGE && pattern.range.prefix == 128)
        host_name_from_address(&request.host, &pattern.range.address);
    else
        return;
    for (size_t i = 0; i < pattern.ports.count; i++) {
        struct network_verdict verdict;
        request.port = pattern.ports.ranges[i].first;
        policy_decide_network(policy, client, &request, NULL, &verdict);
        if (verdict.label != NULL && !verdict.rule_allows) {
            say_denied(rule, request.port, &verdict, messages);
            return;
        }
    }
}

void policy_overlap(const struct policy *policy, uint32_t number, int64_t now_us,
                    struct policy_messages *messages)
{
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(policy);
    struct policy_listed_rule rule;
    struct policy_cover cover;
    policy_rule_at(policy, number, &rule);
    policy_cover(&scope, number, now_us, &cover);
    if (cover.kind == POLICY_COVER_DENIED || cover.kind == POLICY_COVER_EARLIER) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        policy_cover_say(policy, number, &cover, &text);
        policy_messages_add(messages, rule.file, rule.line, rule.docker != NULL ? rule.column : 0,
                            "%s", buffer_text(&text));
    } else if (rule.allows && rule.docker != NULL) {
        overlap_docker(policy, &policy->rules[number - POLICY_NUMBER_RULES], messages);
    } else if (rule.allows) {
        overlap_network(policy, &rule, now_us, messages);
    }
}
