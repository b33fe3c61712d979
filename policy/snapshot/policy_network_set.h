/* SPDX-License-Identifier: Apache-2.0
 *
 * The network rules of one scope (top level, or one client's own): conditions once a rule, and a
 * small entry for every host pattern, since one list may hold a million. Clients that inherit ask
 * the top-level set and their own; nothing is copied from one to the other. Filled by the reader,
 * sealed once, then only read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash_index.h"
#include "rules/network/host_index.h"
#include "rules/network/host_pattern.h"
#include "rules/network/network_rule.h"

/* One rule of a document. The texts live in the policy's arena. */
struct network_set_rule {
    struct network_rule match; /* owned */
    const char *name;          /* NULL = none */
    const char *comment;       /* NULL = none */
    const char *label;         /* "policy.yaml", "preset/npm" */
    const char *file;          /* for messages */
    const char *conditions;    /* "methods=GET paths=/debian/a", "" = none */
    unsigned line, column;
};

/* Which requests that lead to a loopback address a deny of another one covers by its name. */
enum network_loopback {
    NETWORK_LOOPBACK_NONE,
    NETWORK_LOOPBACK_UNNAMED, /* names below .localhost: but for those that ask for a name of this
                                 machine, which may be that of another service */
    NETWORK_LOOPBACK_ALL,     /* localhost */
};

/* One host pattern. Its number is its place in the scope, so that the lowest is the first. */
struct network_entry {
    const char *text; /* as written, NUL behind it */
    uint32_t len;
    uint32_t rule, ports; /* indexes */
    uint32_t line : 28;
    uint32_t names_special : 1, has_ports : 1;
    uint32_t loopback : 2; /* enum network_loopback */
    enum host_pattern_kind kind;
};

struct network_set {
    struct network_set_rule *rules; /* owned */
    size_t rule_count, rule_capacity;
    struct network_entry *entries; /* owned */
    size_t entry_count, entry_capacity;
    struct port_set *ports; /* owned: every set of ports once */
    size_t port_count, port_capacity;
    struct hash_index ports_by_hash; /* of `ports`, until sealed */
    struct pattern *expressions;     /* owned: those of REGEX entries, in their order */
    size_t expression_count, expression_capacity;
    struct host_index_entry *indexed; /* owned: until sealed */
    size_t indexed_capacity;
    uint32_t *loopbacks; /* owned: denies that cover loopback addresses, until sealed */
    size_t loopback_count, loopback_capacity;
    struct host_index *index; /* owned: from sealing on */
};

/* Takes `rule` over, match and all. Returns its index. */
uint32_t network_set_add_rule(struct network_set *set, struct network_set_rule *rule);

/* Adds a pattern of the rule with that index; `text` is what it was parsed from. An expression is
 * compiled here: false with `error` when it is none. */
MUST_CHECK bool network_set_add_host(struct network_set *set, struct arena *arena, uint32_t rule,
                                     const struct host_pattern *pattern, struct slice text,
                                     unsigned line, struct error *error);

/* Builds the index. Nothing may be added afterwards. */
void network_set_seal(struct network_set *set);
void network_set_clear(struct network_set *set);

static inline struct slice network_entry_slice(const struct network_entry *entry)
{
    return slice_of(entry->text, entry->len);
}
