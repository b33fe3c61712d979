/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy while it is being put together: rules, clients and defaults from documents, presets,
 * options and environment variables are collected here, checked against each other at the end and
 * compiled into the immutable snapshot. For loaders only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_messages.h"
#include "rules/docker/docker_rule.h"

/* A client while it is collected. Settings carry the place that made them, so that a second one can
 * name the first. */
struct policy_setting {
    bool set;
    int64_t value;
    const char *source;
};

struct builder_client {
    const char *name;
    const char *file; /* where it was first named; NULL = not in a file */
    unsigned line, column;
    bool has_listen;               /* `listen` was written, rightly or wrongly */
    struct policy_listen *listens; /* owned */
    size_t listen_count, listen_capacity;
    struct ip_range *from; /* owned */
    size_t from_count, from_capacity;
    struct policy_setting inherit, mode, strict, socket_mode, owner, group;
    struct policy_setting refusal;      /* enum policy_refusal_detail */
    const char *refusal_text;           /* in the policy's arena; NULL = none */
    struct policy_setting browser;      /* bool: `browser: allow` */
    struct browser_host *browser_hosts; /* owned; the texts are in the policy's arena */
    size_t browser_host_count, browser_host_capacity;
    struct slice *browser_origins; /* owned; likewise */
    size_t browser_origin_count, browser_origin_capacity;
    struct policy_setting dns_answer; /* enum policy_dns_answer */
    struct ip_address dns_addresses[POLICY_DNS_ADDRESSES_MAX];
    size_t dns_address_count;
    struct network_set network; /* owned */
    struct guard_set guard;     /* owned */
    struct policy_setting guard_inherit;
};

struct policy_builder {
    struct policy *policy;          /* owned until finish */
    struct builder_client *clients; /* owned */
    size_t client_count, client_capacity;
    struct policy_setting default_allow, default_network, mode, strict, cut_on_revoke;
    bool guards_report;
};

/* An empty policy: default deny, enforce, not strict, no client, no rule. Aborts when memory is
 * out. */
struct policy_builder *policy_builder_new(void);
void policy_builder_free(struct policy_builder **builder);

/* One rule added from code. A request is its target when it is one of `operations` or its path
 * matches `path`; `methods` limits both. Texts are copied. */
struct policy_rule_spec {
    bool allows;
    struct docker_operation_set operations; /* empty = none by name */
    const char *path;                       /* glob or ~expression as in a document; NULL = none */
    uint32_t methods;                       /* bit 1 << enum http_method; 0 = every method */
    const char *name;                       /* what logs show as the rule, "CONTAINERS=1" */
    const char *source;                     /* "env CONTAINERS=1" */
    const char *selector;                   /* what `policy ls` shows as RESOURCE; NULL = name */
};

/* Adds a rule for `client`, or for every client when it is NULL. False with `error` when `path` is
 * no pattern or can never match. */
MUST_CHECK bool policy_builder_add_rule(struct policy_builder *builder, const char *client,
                                        const struct policy_rule_spec *spec, struct error *error);

/* Adds a listener ("unix:/run/x/docker.sock", "tcp:127.0.0.1:2375"; for network roles also
 * "127.0.0.1:3128") to `client`, which comes into
 * being if need be. `source` is the option, variable or file:line that asks for it. False with
 * `error` when the text is not a listener. */
MUST_CHECK bool policy_builder_add_listen(struct policy_builder *builder, const char *client,
                                          enum policy_role role, const char *text,
                                          const char *source, struct error *error);

/* Guards only report (docs/design.md 3.4: compatibility mode without DOCKREEVE_GUARD=enforce). */
void policy_builder_set_guards_report(struct policy_builder *builder);

/* What a client is told to do when `operation` is denied to it, in place of "add `- allow: …` under
 * `docker:` in FILE": "set CONTAINERS=1", say. Shown too when a rule of the environment denies it.
 * Copied. */
void policy_builder_set_operation_advice(struct policy_builder *builder,
                                         enum docker_operation operation, const char *advice);

/* The client of that name, made when it is new. The index stays valid, the pointer behind it does
 * not. */
size_t policy_builder_client(struct policy_builder *builder, struct slice name);

/* Notes a document that was read, once. */
void policy_builder_add_source(struct policy_builder *builder, const char *path, size_t bytes,
                               int64_t modified_us);

/* Takes `rule` over, match and all. Fills text and id from name, selector and where. */
void policy_builder_take_rule(struct policy_builder *builder, struct policy_rule *rule);

/* The network rules of a client, or of the top level for POLICY_EVERY_CLIENT. The pointer is valid
 * until the next client is made. */
struct network_set *policy_builder_network(struct policy_builder *builder, size_t client);

/* Checks everything against everything and compiles. Messages go to `errors` and `notices`; NULL when there were errors, also earlier
 * ones in `errors`. The builder may only be freed afterwards. */
struct policy *policy_builder_finish(struct policy_builder *builder, struct policy_messages *errors,
                                     struct policy_messages *notices);
