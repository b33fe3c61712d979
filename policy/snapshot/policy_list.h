/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a policy, one by one, for `policy ls`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/policy_data.h"
#include "rules/network/network_rule.h"

/* One rule: a Docker rule, or one host pattern of a network rule. All texts live as long as the
 * policy. */
struct policy_listed_rule {
    uint32_t number;   /* its place (policy.h) */
    const char *kind;  /* "docker" or "network" */
    const char *scope; /* a client's name; "*" for every client */
    bool allows;
    bool always;          /* for every client, `inherit: false` or not */
    const char *name;     /* as the document names it; NULL = unnamed */
    const char *comment;  /* NULL = none */
    struct slice written; /* "ContainerStart"; "*.npmjs.org" */
    const char *where;    /* "name=web-*", "methods=GET paths=/a"; "" = none */
    const char *text;     /* Docker: "allow ContainerStart where name=web-*" */
    const char *label;  /* Docker: "policy.yaml:14", "env POST=1"; network: "policy.yaml", the line
                             stands beside it */
    const char *file;   /* full name of the document; NULL = not from a file */
    unsigned line;      /* of the rule or pattern; 0 = none */
    unsigned column;    /* 0 = of a pattern that is not where its rule begins */
    int64_t expires_us; /* 0 = never */
    uint64_t key;       /* over scope, effect and text, not over file and line */
    char id[9];         /* 8 hexadecimal digits: policy_key_id(key) */
    const struct docker_rule *docker;   /* NULL = it is a network rule */
    const struct network_rule *network; /* NULL = it is a Docker rule */
    const struct port_set *ports;       /* network */
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

size_t policy_rule_count(const struct policy *policy); /* of Docker rules */
size_t policy_network_rule_count(const struct policy *policy);
/* The rule with that number, from POLICY_NUMBER_RULES to before policy_number_end(). In document
 * order: of Docker rules what always holds (preset/negotiate) first, then top-level rules, then each
 * client's; behind them the network rules, top-level ones and each client's. */
void policy_rule_at(const struct policy *policy, uint32_t number,
                    struct policy_listed_rule *rule_out);

/* Appends "policy.yaml:14", "preset/traefik:6". */
void policy_listed_write_source(const struct policy_listed_rule *rule, struct buffer *out);
/* Appends "ContainerStart", or the pattern in its canonical spelling, always with its ports:
 * "*.npmjs.org:80,443". */
void policy_listed_write_resource(const struct policy_listed_rule *rule, struct buffer *out);
/* Appends "allow ContainerStart where name=web-*" or "allow *.npmjs.org". */
void policy_listed_write_text(const struct policy_listed_rule *rule, struct buffer *out);
/* Appends the rule as the log names it: its name, or else the same text. */
void policy_listed_write_rule(const struct policy_listed_rule *rule, struct buffer *out);

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

/* Whether a Docker rule holds for the client: one of its own, or one of everybody that it inherits;
 * POLICY_EVERY_CLIENT: whether it holds for all. */
bool policy_rule_concerns(const struct policy *policy, const struct policy_rule *rule,
                          size_t client);

/* The key of a rule (policy_list.h). `separator` keeps Docker rules and network rules apart. */
uint64_t policy_rule_key(const char *scope, bool allows, struct slice written,
                         struct slice separator, const char *where);
#define POLICY_KEY_DOCKER SLICE_LITERAL("\0")
#define POLICY_KEY_NETWORK SLICE_LITERAL("\0network\0")

/* Where the network rule with that number stands. */
struct policy_network_place {
    size_t scope; /* 0 = the top level, n = client n - 1 */
    const struct network_set *set;
    uint32_t index; /* of the entry */
    const struct network_entry *entry;
    const struct network_set_rule *rule;
};
struct policy_network_place policy_network_place(const struct policy *policy, uint32_t number);
/* The set of a scope, and the number of its first rule. */
const struct network_set *policy_network_set(const struct policy *policy, size_t scope,
                                             uint32_t *first_out);
