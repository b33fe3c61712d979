/* SPDX-License-Identifier: Apache-2.0
 *
 * A verdict names its rule by texts of the policy, which no two rules share. */
#include "policy/explain/policy_coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/snapshot/policy_list.h"

static bool has(const struct policy_coverage *coverage, const void *text)
{
    for (size_t i = 0; i < coverage->count; i++) {
        if (coverage->decided[i] == text)
            return true;
    }
    return false;
}

static void note(struct policy_coverage *coverage, const void *text)
{
    if (text == NULL || has(coverage, text))
        return;
    coverage->decided = array_grow(coverage->decided, coverage->count, &coverage->capacity,
                                   sizeof(coverage->decided[0]));
    coverage->decided[coverage->count++] = text;
}

void policy_coverage_note_docker(struct policy_coverage *coverage, const struct verdict *verdict)
{
    note(coverage, verdict->rule);
}

void policy_coverage_note_network(struct policy_coverage *coverage,
                                  const struct network_verdict *verdict)
{
    note(coverage, verdict->label == NULL ? NULL : verdict->pattern.ptr);
}

void policy_coverage_missing(const struct policy_coverage *coverage, const struct policy *policy,
                             void (*found)(void *context, const char *source, struct slice rule),
                             void *context)
{
    struct policy_listed_rule rule;
    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        policy_rule_at(policy, i, &rule);
        const char *text = rule.name != NULL ? rule.name : rule.text;
        if (!has(coverage, text) && strncmp(rule.source, "preset/negotiate:", 17) != 0)
            found(context, rule.source, slice_from_text(text));
    }
    struct policy_network_cursor cursor = {0};
    struct policy_listed_network network;
    while (policy_network_next(policy, &cursor, &network)) {
        if (has(coverage, network.pattern.ptr))
            continue;
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&source, "%s:%u", network.label, network.line);
        buffer_append_text(&text, network.allows ? "allow " : "deny ");
        buffer_append_slice(&text, network.pattern);
        found(context, buffer_text(&source), buffer_slice(&text));
    }
}

void policy_coverage_clear(struct policy_coverage *coverage)
{
    free(coverage->decided);
}
