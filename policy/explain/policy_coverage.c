/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/explain/policy_coverage.h"

#include <stdlib.h>

void policy_coverage_note(struct policy_coverage *coverage, const struct policy *policy,
                          uint32_t number)
{
    if (coverage->decided == NULL)
        coverage->decided = calloc_or_abort(policy_number_end(policy), sizeof(coverage->decided[0]));
    coverage->decided[number] = true;
}

void policy_coverage_missing(const struct policy_coverage *coverage, const struct policy *policy,
                             void (*found)(void *context, struct slice source, struct slice rule),
                             void *context)
{
    const uint32_t end = policy_number_end(policy);
    for (uint32_t number = POLICY_NUMBER_RULES; number < end; number++) {
        struct policy_listed_rule rule;
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        policy_rule_at(policy, number, &rule);
        policy_listed_write_source(&rule, &source);
        if ((coverage->decided != NULL && coverage->decided[number]) ||
            slice_starts_with(buffer_slice(&source), SLICE_LITERAL("preset/negotiate:")))
            continue;
        if (rule.docker != NULL)
            policy_listed_write_rule(&rule, &text);
        else
            policy_listed_write_text(&rule, &text);
        found(context, buffer_slice(&source), buffer_slice(&text));
    }
}

void policy_coverage_clear(struct policy_coverage *coverage)
{
    free(coverage->decided);
}
