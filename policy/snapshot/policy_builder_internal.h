/* SPDX-License-Identifier: Apache-2.0
 *
 * What a builder consists of, for those who read documents and variables into it. Everybody else sees
 * policy_builder.h. */
#pragma once

#include "policy/snapshot/policy_builder.h"
#include "policy/snapshot/policy_internal.h"

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
};

struct policy_builder {
    struct policy *policy;          /* owned until finish */
    struct builder_client *clients; /* owned */
    size_t client_count, client_capacity;
    struct policy_setting default_allow, default_network, mode, strict, cut_on_revoke;
    bool guards_report;
};

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
