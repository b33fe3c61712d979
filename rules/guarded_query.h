/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters that reach beyond the operation they belong to: a folder on the host, an address that
 * the engine itself connects to. A rule that permits the operation does not permit them; only one
 * whose `where` speaks of the parameter does (docker-attacks.md Q09, Q13, B02). */
#ifndef DOCKREEVE_RULES_GUARDED_QUERY_H
#define DOCKREEVE_RULES_GUARDED_QUERY_H

#include "rules/docker_request.h"
#include "rules/docker_rule.h"

struct guarded_query_row {
    enum docker_operation operation;
    struct slice parameter;
    struct slice harmless; /* a value that reaches nowhere; the empty value never does */
    const char *why;       /* "makes the engine fetch an address" */
};
const struct guarded_query_row *guarded_query_rows(size_t *count_out);

/* Visits such parameters that the request sends with a value that reaches out: *position is 0 at
 * first and moves on. ptr NULL = no more. `why_out` says what the parameter does. */
struct slice guarded_query_next(const struct docker_request *request, size_t *position,
                                const char **why_out);

/* Whether the rule's `where` has a condition on that parameter. */
bool guarded_query_is_named(const struct docker_rule *rule, struct slice parameter);

#endif
