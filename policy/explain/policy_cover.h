/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that never decide, and the rule that is to blame: a deny holds against all that an allow
 * admits, or an earlier rule of the same effect decides all of it. Only rules without conditions
 * are blamed, since of those alone it is certain; so what is found here is true, and not everything
 * that is true is found. `policy validate` warns of it and `policy ls --shadowed` lists it. */
#ifndef DOCKREEVE_POLICY_POLICY_COVER_H
#define DOCKREEVE_POLICY_POLICY_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/snapshot/policy.h"

enum policy_cover_kind {
    POLICY_COVER_NONE,
    POLICY_COVER_DENIED,  /* an allow, all of which is denied */
    POLICY_COVER_EARLIER, /* an earlier rule of the same effect decides first */
    POLICY_COVER_EXPIRED, /* `expires` has passed: no other rule is to blame */
};

struct policy_cover {
    enum policy_cover_kind kind;
    bool several;      /* it takes more rules than the one that is named */
    struct slice rule; /* its name or text, or its host pattern as written */
    const char *label; /* "policy.yaml:14" of a Docker rule, "policy.yaml" of a network rule */
    unsigned line;     /* 0 = the label has it */
    char id[9];
};
/* The texts live as long as the policy. */

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

/* Of Docker rule `index` (policy_rule_at) at the time `now_us`. Costs one look a selected
 * operation, and one at every rule where the scope changes. */
void policy_docker_cover(struct policy_cover_scope *scope, size_t index, int64_t now_us,
                         struct policy_cover *out);

/* Whether asking for every network rule of the scope (0 = top level, else client + 1) is done in a
 * moment: expressions are tried one by one, so many of them beside many rules take minutes. */
bool policy_network_cover_is_cheap(const struct policy *policy, size_t scope);

/* Of host `entry` of that scope, at the time `now_us`. One or two look-ups in the index. */
void policy_network_cover(const struct policy *policy, size_t scope, uint32_t entry, int64_t now_us,
                          struct policy_cover *out);

/* Appends what to say of it, of both kinds DENIED and EARLIER: "`a.example` adds nothing:
 * `*.example` allows it already (policy.yaml:14)". */
void policy_network_cover_say(const struct policy *policy, size_t scope, uint32_t entry,
                              const struct policy_cover *cover, struct buffer *out);

/* The same of a Docker rule, without its name: "this rule adds nothing: ...". */
void policy_docker_cover_say(const struct policy *policy, size_t index,
                             const struct policy_cover *cover, struct buffer *out);

/* Appends "policy.yaml:14", and "and others" where it takes several. */
void policy_cover_write_source(const struct policy_cover *cover, struct buffer *out);

#endif
