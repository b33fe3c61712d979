/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a policy, one by one, for `policy ls`. */
#ifndef DOCKREEVE_POLICY_POLICY_LIST_H
#define DOCKREEVE_POLICY_POLICY_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/policy.h"
#include "rules/network/network_rule.h"

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
    const char *id;       /* 8 hexadecimal digits: policy_key_id(key) */
    uint64_t key;         /* over scope, effect and text, not over file and line */
    const char *file;     /* full name of the document; NULL = not from a file */
    unsigned line, column;
    const char *comment; /* NULL = none */
    bool always;         /* for every client, `inherit: false` or not */
    const struct docker_rule *match;
};

/* A document that the policy was made of, as it was read. */
struct policy_source {
    const char *path; /* as it was opened, or "preset/npm", or "environment" */
    uint64_t bytes;
    int64_t modified_us; /* Unix time; 0 = not a file */
};

/* In the order of reading; those that every policy has (preset/negotiate) last. */
size_t policy_source_count(const struct policy *policy);
const struct policy_source *policy_source_at(const struct policy *policy, size_t index);

/* The short form of a rule's key that people see and type. */
void policy_key_id(uint64_t key, char id[9]);

/* In document order: what always holds (preset/negotiate) first, then top-level rules, then each
 * client's. */
size_t policy_rule_count(const struct policy *policy);
void policy_rule_at(const struct policy *policy, size_t index, struct policy_listed_rule *rule_out);

/* What becomes of a request that no rule matches. */
bool policy_default_allows(const struct policy *policy);
bool policy_default_network_allows(const struct policy *policy);
/* Where that was written ("policy.yaml:3"); NULL = nowhere, it is what holds without. */
const char *policy_default_source(const struct policy *policy);
const char *policy_default_network_source(const struct policy *policy);

/* Whether what is written at the top level holds for the client too. */
bool policy_client_inherits(const struct policy *policy, size_t client);
/* Whether guards only report (environment compatibility, docs/design.md 3.4). */
bool policy_guards_only_report(const struct policy *policy);

/* How the document `label` ("preset/npm") comes to be part of the policy in that scope: the `use`
 * that stands in policy.yaml or a drop-in and leads to it, perhaps through others. False when
 * nothing uses it: it is read by itself. */
struct policy_place {
    const char *what;  /* what is used there: "preset/balanced" */
    const char *label; /* where: "policy.yaml" */
    unsigned line;
};
bool policy_use_place(const struct policy *policy, const char *scope, const char *label,
                      struct policy_place *place_out);

/* One host pattern of a network rule. */
struct policy_listed_network {
    const char *scope; /* a client's name; "*" for every client */
    bool allows;
    const char *name;     /* NULL = unnamed */
    const char *comment;  /* NULL = none */
    struct slice pattern; /* "*.npmjs.org", as written */
    const struct port_set *ports;
    const struct network_rule *match;
    const char *where; /* "methods=GET paths=/a"; "" = none */
    const char *label; /* "policy.yaml", "preset/npm" */
    const char *file;  /* full name of the document */
    unsigned line;     /* of the pattern */
    unsigned rule_line, rule_column;
    char id[9];   /* as for Docker rules */
    uint64_t key; /* as for Docker rules */
};

/* Where a walk stands; starts as zeros. */
struct policy_network_cursor {
    size_t scope, entry;
};

/* In document order: top-level rules first, then each client's. False at the end. */
bool policy_network_next(const struct policy *policy, struct policy_network_cursor *cursor,
                         struct policy_listed_network *rule_out);
size_t policy_network_rule_count(const struct policy *policy);

/* The same, with the place only. */
bool policy_network_step(const struct policy *policy, struct policy_network_cursor *cursor,
                         size_t *scope_out, uint32_t *index_out);
/* The rule at that place: scope 0 is the top level, scope n client n - 1. */
void policy_network_at(const struct policy *policy, size_t scope, uint32_t index,
                       struct policy_listed_network *rule_out);

/* Appends the pattern in its canonical spelling, always with its ports: "*.npmjs.org:80,443". */
void policy_listed_network_write(const struct policy_listed_network *rule, struct buffer *out);

#endif
