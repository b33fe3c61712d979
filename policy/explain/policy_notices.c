/* SPDX-License-Identifier: Apache-2.0
 *
 * What is allowed in a policy and yet worth a sentence when it is loaded. */
#include <string.h>

#include "base/timestamp.h"
#include "policy/explain/policy_cover.h"
#include "policy/explain/policy_notices.h"
#include "policy/explain/policy_permits.h"
#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_network.h"

static void notice(struct policy_messages *notices, const struct policy_rule *rule,
                   const char *text)
{
    policy_messages_add(notices, rule->file == NULL ? rule->source : rule->file, rule->line,
                        rule->column, "%s", text);
}

/* Of rules of files: what presets and variables repeat is nobody's mistake. */
static bool is_of_file(const struct policy_rule *rule)
{
    return rule->file != NULL && strncmp(rule->file, "preset/", 7) != 0;
}

enum { SPOKEN_MAX = 50 }; /* of network rules of a kind; the rest is counted */

/* What is said of rules that never decide (policy_cover.h). */
struct covered {
    const struct policy *policy;
    struct policy_messages *notices;
    int64_t now_us;
    struct policy_cover_scope scope;
    size_t denied, earlier; /* network rules */
};

/* Of expired rules the reader speaks. Whether the cover is to be told. */
static bool is_covered(struct covered *covered, uint32_t number, struct policy_cover *cover)
{
    policy_cover(&covered->scope, number, covered->now_us, cover);
    return cover->kind == POLICY_COVER_DENIED || cover->kind == POLICY_COVER_EARLIER;
}

static void say(const struct covered *covered, uint32_t number, const struct policy_cover *cover)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct policy_listed_rule rule;
    policy_rule_at(covered->policy, number, &rule);
    policy_cover_say(covered->policy, number, cover, &text);
    policy_messages_add(covered->notices, rule.file == NULL ? rule.label : rule.file, rule.line,
                        rule.docker != NULL ? rule.column : 0, "%s", buffer_text(&text));
}

static void note_covered_docker(struct covered *covered)
{
    for (size_t i = 0; i < covered->policy->rule_count; i++) {
        const struct policy_rule *rule = &covered->policy->rules[i];
        const uint32_t number = POLICY_NUMBER_RULES + (uint32_t)i;
        struct policy_cover cover;
        if (!rule->match.allows || rule->layer == POLICY_LAYER_ALWAYS)
            continue; /* nobody wrote what always holds */
        if (is_covered(covered, number, &cover) &&
            (cover.kind == POLICY_COVER_DENIED || is_of_file(rule)))
            say(covered, number, &cover);
    }
}

/* Of denies that others hold already nobody speaks: lists of a million hosts that were made
 * elsewhere hold many, and asking of each would cost more than reading it. */
static void note_covered_set(struct covered *covered, size_t scope)
{
    uint32_t first;
    const struct network_set *set = policy_network_set(covered->policy, scope, &first);
    if (!policy_cover_is_cheap(covered->policy, scope))
        return;
    for (uint32_t id = 0; id < set->entry_count; id++) {
        struct policy_cover cover;
        if (!set->rules[set->entries[id].rule].match.allows ||
            !is_covered(covered, first + id, &cover))
            continue;
        size_t *count = cover.kind == POLICY_COVER_EARLIER ? &covered->earlier : &covered->denied;
        if ((*count)++ < SPOKEN_MAX)
            say(covered, first + id, &cover);
    }
}

/* Whether every client's guards refuse what makes a container root on the host. */
static bool judges_creates(const struct policy *policy)
{
    bool judges = !policy->guards_report;
    for (size_t i = 0; i < policy->client_count && judges; i++) {
        const struct policy_client *client = &policy->clients[i].shown;
        judges = !client->guard.report && client->mode == POLICY_ENFORCE &&
                 !client->guard.values[GUARD_PRIVILEGED].any;
    }
    return judges;
}

static void note_create(const struct policy *policy, int64_t now_us,
                        struct policy_messages *notices)
{
    AUTO_POLICY_PERMITS struct policy_permits permits = {NULL, false};
    if (judges_creates(policy))
        return;
    policy_permits_init(&permits, policy);
    policy_permits_add(&permits, policy, DOCKER_CONTAINER_CREATE, now_us);
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (!permits.rules[i])
            continue;
        notice(notices, &policy->rules[i],
               "ContainerCreate is allowed: whoever may create containers is root on the host "
               "where guards only report or permit privileged ones");
        return;
    }
    if (permits.by_default)
        policy_messages_add(
            notices, policy->config_path, 0, 0,
            "`default: {docker: allow}` allows ContainerCreate too: whoever may create "
            "containers is root on the host where guards only report or permit privileged ones");
}

static void note_changes(const struct policy *policy, int64_t now_us,
                         struct policy_messages *notices)
{
    AUTO_POLICY_PERMITS struct policy_permits permits = {NULL, false};
    if (policy->client_count < 2) /* `default` alone */
        return;
    policy_permits_init(&permits, policy);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        if (i == DOCKER_LIBPOD ||
            !http_method_is_read(docker_operation_info((enum docker_operation)i)->method))
            policy_permits_add(&permits, policy, (enum docker_operation)i, now_us);
    }
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (permits.rules[i] && policy->rules[i].client == POLICY_EVERY_CLIENT)
            notice(notices, &policy->rules[i],
                   "this top-level rule allows changes to every client that inherits; a rule of "
                   "one client would allow them to that one");
    }
}

/* A public host that no policy names: whether the default is what decides for some client. */
static bool opens_the_internet(const struct policy *policy, int64_t now_us)
{
    struct network_request request = {.port = 443, .sight = NETWORK_OPAQUE, .now_us = now_us};
    struct error ignored;
    bool open = false;
    if (!host_name_parse(SLICE_LITERAL("a-host-that-nobody-names.example"), &request.host,
                         &ignored))
        return false;
    for (size_t i = 0; i < policy->client_count; i++) {
        struct network_verdict verdict;
        policy_decide_network(policy, &policy->clients[i].shown, &request, NULL, &verdict);
        open |= verdict.result == VERDICT_ALLOW && !verdict.would_deny;
    }
    return open;
}

static void note_network(struct covered *covered)
{
    const struct policy *policy = covered->policy;
    for (size_t scope = 0; scope <= policy->client_count; scope++)
        note_covered_set(covered, scope);
    if (covered->denied > SPOKEN_MAX)
        policy_messages_add(covered->notices, policy->config_path, 0, 0,
                            "%zu more network rules can never decide: denies shadow them",
                            covered->denied - SPOKEN_MAX);
    if (covered->earlier > SPOKEN_MAX)
        policy_messages_add(covered->notices, policy->config_path, 0, 0,
                            "%zu more network rules add nothing: earlier ones say the same",
                            covered->earlier - SPOKEN_MAX);
    if (policy->default_network_allow && opens_the_internet(policy, covered->now_us))
        policy_messages_add(covered->notices, policy->config_path, 0, 0,
                            "`default: {network: allow}` allows every public host that no rule "
                            "denies");
}

void policy_notices_add(const struct policy *policy, struct policy_messages *notices)
{
    const int64_t now_us = timestamp_now_us();
    note_changes(policy, now_us, notices);
    for (size_t i = 0; i < policy->client_count; i++) {
        if (policy->clients[i].shown.mode == POLICY_REPORT)
            policy_messages_add(
                notices, policy->config_path, 0, 0,
                "client `%s` is in report mode: nothing is denied to it by rule or default",
                policy->clients[i].shown.name);
    }
    struct covered covered = {.policy = policy,
                              .notices = notices,
                              .now_us = now_us,
                              .scope = POLICY_COVER_SCOPE(policy)};
    note_covered_docker(&covered);
    note_create(policy, now_us, notices);
    note_network(&covered);
}
