/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the rules of one client that can concern a request, without visiting them all: docs/design.md 8
 * asks for under 2 µs at 10,000 rules. Rules without path and conditions are kept as "the first" of
 * each operation. Others are filed, for each operation, under the literal beginning or end of one
 * of their patterns (path, fact or parameter); what has neither is visited always. The index only
 * proposes: every rule it finds is still matched in full, so a wrong proposal costs time and never
 * changes a verdict. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/docker/docker_rule.h"

struct policy;
struct policy_index; /* opaque */

#define POLICY_NO_RULE UINT32_MAX

/* What was found among a client's rules: positions in its list, so that the lowest is the first of
 * the document. */
struct policy_search {
    uint32_t deny, allow;         /* the first that matches, or POLICY_NO_RULE */
    bool maybe_deny, maybe_allow; /* some rule depends on the object, which was not asked for */
};

/* `rules` holds indexes into the policy's rules, in document order; both are borrowed and outlive
 * the index. */
struct policy_index *policy_index_build(const struct policy *policy, const uint32_t *rules,
                                        size_t count);
void policy_index_free(struct policy_index **index);

/* Fills `search` as if every rule had been visited. Allocates nothing. */
void policy_index_search(const struct policy_index *index, const struct docker_request *request,
                         enum docker_object_state state, const struct docker_object *object,
                         struct policy_search *search);

/* Adds the answer of one rule at `position` to `search`. */
static inline void policy_search_add(struct policy_search *search, bool allows, uint32_t position,
                                     enum docker_match match)
{
    switch (match) {
    case DOCKER_MATCH_NO:
        return;
    case DOCKER_MATCH_YES:
        if (allows && position < search->allow)
            search->allow = position;
        else if (!allows && position < search->deny)
            search->deny = position;
        return;
    case DOCKER_MATCH_MAYBE:
        if (allows)
            search->maybe_allow = true;
        else
            search->maybe_deny = true;
        return;
    }
}
