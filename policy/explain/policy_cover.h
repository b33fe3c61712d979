/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that never decide, and the rule that is to blame: a deny holds against all that an allow
 * admits, or an earlier rule of the same effect decides all of it. Only rules without conditions
 * are blamed, since of those alone it is certain; so what is found here is true, and not everything
 * that is true is found. `policy validate` warns of it and `policy ls --shadowed` lists it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/snapshot/policy_list.h"

enum policy_cover_kind {
    POLICY_COVER_NONE,
    POLICY_COVER_DENIED,  /* an allow, all of which is denied */
    POLICY_COVER_EARLIER, /* an earlier rule of the same effect decides first */
    POLICY_COVER_EXPIRED, /* `expires` has passed: no other rule is to blame */
};

struct policy_cover {
    enum policy_cover_kind kind;
    bool several;                 /* it takes more rules than the one that is named */
    struct policy_listed_rule by; /* DENIED, EARLIER: the rule to blame */
};

/* Which unconditional rules decide an operation first, for all rules of one scope. Starts as
 * POLICY_COVER_SCOPE; filled and refilled as rules are asked for, so ask in document order. */
struct policy_cover_scope {
    const struct policy *policy; /* borrowed */
    bool ready;
    size_t client;
    uint32_t first_deny[DOCKER_OPERATION_COUNT], first_allow[DOCKER_OPERATION_COUNT];
};
#define POLICY_COVER_SCOPE(policy_)                                                                \
    {                                                                                              \
        .policy = (policy_), .ready = false                                                        \
    }

/* Whether asking for every network rule of the scope (0 = top level, else client + 1) is done in a
 * moment: expressions are tried one by one, so many of them beside many rules take minutes. */
bool policy_cover_is_cheap(const struct policy *policy, size_t scope);

/* Of the rule with that number (policy_rule_at) at the time `now_us`. Costs one look a selected
 * operation, and one at every Docker rule where the scope changes; or one or two look-ups of a host
 * in the index. */
void policy_cover(struct policy_cover_scope *scope, uint32_t number, int64_t now_us,
                  struct policy_cover *out);

/* Appends what to say of it, of both kinds DENIED and EARLIER: "`a.example` adds nothing:
 * `*.example` allows it already (policy.yaml:14)", "this rule adds nothing: ...". */
void policy_cover_say(const struct policy *policy, uint32_t number,
                      const struct policy_cover *cover, struct buffer *out);

/* Appends the rule to blame, and where it stands: "policy.yaml:14", "and others" where it takes
 * several. */
void policy_cover_write_rule(const struct policy_cover *cover, struct buffer *out);
void policy_cover_write_source(const struct policy_cover *cover, struct buffer *out);
