/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules of a policy decided something, for `policy test --coverage`. */
#ifndef DOCKREEVE_POLICY_POLICY_COVERAGE_H
#define DOCKREEVE_POLICY_POLICY_COVERAGE_H

#include "policy/explain/asked_docker.h"
#include "policy/explain/asked_network.h"

/* Texts of rules that decided, known by where they lie; starts as zeros. */
struct policy_coverage {
    const void **decided; /* owned */
    size_t count, capacity;
};

void policy_coverage_note_docker(struct policy_coverage *coverage, const struct verdict *verdict);
void policy_coverage_note_network(struct policy_coverage *coverage,
                                  const struct network_verdict *verdict);

/* Calls `found` for each rule that decided nothing; preset/negotiate, which is always there, is
 * left out. */
void policy_coverage_missing(const struct policy_coverage *coverage, const struct policy *policy,
                             void (*found)(void *context, const char *source, struct slice rule),
                             void *context);
void policy_coverage_clear(struct policy_coverage *coverage);

#endif
