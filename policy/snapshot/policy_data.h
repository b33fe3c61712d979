/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiled policy consists of, for who builds, indexes, lists and explains it. Everybody else
 * sees policy.h. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/snapshot/policy.h"
#include "policy/snapshot/policy_index.h"
#include "policy/snapshot/policy_network_set.h"

#define POLICY_EVERY_CLIENT SIZE_MAX

enum policy_layer {
    POLICY_LAYER_ALWAYS,   /* preset/negotiate: for every client, inherit or not */
    POLICY_LAYER_DOCUMENT, /* top-level or a client's own */
};

/* One rule with everything that is shown of it. The texts live in the policy's arena. */
struct policy_rule {
    struct docker_rule match; /* owned */
    enum policy_layer layer;
    size_t client;        /* index, or POLICY_EVERY_CLIENT */
    const char *name;     /* NULL = none */
    const char *comment;  /* NULL = none */
    const char *text;     /* "allow ContainerStart where name=web-*" */
    const char *selector; /* "ContainerStart" */
    const char *where;    /* "name=web-*", "" = none */
    const char *source;   /* "policy.yaml:14" */
    const char *file;     /* NULL = not from a file */
    unsigned line, column;
    uint64_t key; /* see policy_list.h */
};

struct policy_client_entry {
    struct policy_client shown;
    bool inherit;
    uint32_t *rules; /* owned; indexes into the policy's rules, in document order */
    size_t rule_count;
    struct policy_index *index; /* owned */
    struct network_set network; /* owned: its own rules only */
    uint32_t network_first;     /* number of the first of them (policy.h) */
    struct guard_set guard;     /* owned: its own values only */
};

/* That a document `use`s another one; the first one that does, for each scope. */
struct policy_use {
    const char *what;  /* the used one's short name: "preset/npm" */
    const char *label; /* the user's */
    unsigned line;
    size_t client; /* index, or POLICY_EVERY_CLIENT */
};

struct policy {
    atomic_size_t references;
    struct arena arena; /* owned */
    char hash[13];
    bool cut_on_revoke;
    bool says_own_addresses;        /* `own_addresses`, be it empty, or the variable */
    struct ip_range *own_addresses; /* owned: of this machine, beside those that it knows itself */
    size_t own_address_count, own_address_capacity;
    bool from_file; /* there was a policy.yaml */
    bool default_allow, default_network_allow;
    const char *default_source, *default_network_source; /* NULL = not written anywhere */
    bool guards_report; /* what guards refuse passes and is logged as would_deny (environment
                           compatibility) */
    const char *operation_advice[DOCKER_OPERATION_COUNT]; /* NULL = change the file */
    const char *config_path;                              /* NULL = none */
    bool commands_reach_it;    /* `dockreeve policy allow` changes what this was read from */
    const char *advised_path;  /* config_path, absolute; NULL = none */
    bool config_is_usual;      /* config_path is what commands take without --config */
    struct policy_rule *rules; /* owned */
    size_t rule_count, rule_capacity;
    uint32_t network_first;        /* number of the first of them */
    struct policy_source *sources; /* owned */
    size_t source_count, source_capacity;
    struct policy_use *uses; /* owned */
    size_t use_count, use_capacity;
    struct guard_set guard;              /* owned: the top level's */
    struct network_set network;          /* owned: top-level rules, for all clients that inherit */
    struct policy_client_entry *clients; /* owned */
    size_t client_count;
    int64_t *expiries; /* owned: when rules expire, the earliest first */
    size_t expiry_count, expiry_capacity;
};
