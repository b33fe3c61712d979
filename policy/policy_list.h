/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a policy, one by one, for `policy ls`. */
#ifndef DOCKREEVE_POLICY_POLICY_LIST_H
#define DOCKREEVE_POLICY_POLICY_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

/* All texts live as long as the policy. */
struct policy_listed_rule {
    const char *scope; /* a client's name; "*" for every client */
    bool allows;
    const char *kind;     /* "docker" */
    const char *name;     /* as the document names it; NULL = unnamed */
    const char *text;     /* "allow ContainerStart where name=web-*" */
    const char *selector; /* "ContainerStart" */
    const char *where;    /* "name=web-*"; "" = none */
    const char *source;   /* "policy.yaml:14", "preset/traefik:6" */
    const char *id;       /* 8 hexadecimal digits over scope, effect and text */
};

/* In document order: what always holds (preset/negotiate) first, then top-level rules, then each
 * client's. */
size_t policy_rule_count(const struct policy *policy);
void policy_rule_at(const struct policy *policy, size_t index, struct policy_listed_rule *rule_out);

/* What becomes of a request that no rule matches. */
bool policy_default_allows(const struct policy *policy);

#endif
