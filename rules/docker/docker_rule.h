/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Docker rule is, and how a request and the facts of its object match it (docs/design.md
 * 3.1). Pure: facts in, answer out.
 *
 * A rule has targets (operations, or method and path; one suffices) and conditions (`where`; all
 * must hold: docker_condition.h). `expires`: where the time is not known, an allow has expired and
 * a deny has not. An operation that can never have one of the conditions' keys is not selected by
 * the rule, neither in an allow nor in a deny. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rules/docker/docker_condition.h"

struct docker_path_target {
    uint32_t methods; /* bit 1 << enum http_method; 0 = every method */
    struct pattern pattern;
    struct docker_operation_set operations; /* those whose path and method it can match */
};

struct docker_rule {
    bool allows;
    struct docker_operation_set operations; /* selected by name, glob or set */
    uint32_t methods;                       /* further limit on those; 0 = every method */
    struct docker_path_target *paths;       /* owned */
    size_t path_count;
    struct docker_condition *conditions; /* owned */
    size_t condition_count;
    int64_t expires_us; /* Unix time from which on the rule is ignored; 0 = never */
};

void docker_rule_clear(struct docker_rule *rule);

/* Adds a path target, with the operations that it can match. False with `error` when the pattern is
 * wrong, is a literal or glob that is not canonical (version prefix, dot segment, empty segment,
 * query), or can never match any operation with those methods. */
MUST_CHECK bool docker_rule_add_path(struct docker_rule *rule, uint32_t methods, struct slice text,
                                     struct error *error);

/* The operations that the rule's targets select, before its conditions narrow them. */
void docker_rule_selected(const struct docker_rule *rule, struct docker_operation_set *set);

/* Takes the operations that cannot have one of the conditions' keys out of the targets. Call once,
 * when the rule is complete. */
void docker_rule_narrow(struct docker_rule *rule);

/* Why a rule did not match, for `policy explain`: static text and the condition concerned (NULL =
 * the target). */
struct docker_mismatch {
    const char *text;
    const struct docker_condition *condition;
};

/* Holds one request against one rule. `object` may be NULL unless state is DOCKER_OBJECT_KNOWN.
 * `mismatch` may be NULL. Allocates nothing. */
enum docker_match docker_rule_match(const struct docker_rule *rule,
                                    const struct docker_request *request,
                                    enum docker_object_state state,
                                    const struct docker_object *object,
                                    struct docker_mismatch *mismatch);
