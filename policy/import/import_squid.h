/* SPDX-License-Identifier: Apache-2.0
 *
 * Squid's access lists as far as they are about destinations: what `acl` lines define and
 * `http_access` lines combine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/import/import_draft.h"

enum squid_acl_kind {
    SQUID_ACL_HOSTS, /* dstdomain, dstdom_regex, dst */
    SQUID_ACL_PORTS,
    SQUID_ACL_METHODS,
    SQUID_ACL_CLIENT, /* who asks: address, user, the port asked at */
    SQUID_ACL_ALL,
    SQUID_ACL_MANAGER, /* Squid's own pages: requests that no gate of ours knows */
    SQUID_ACL_OTHER,   /* everything else: time, whole URLs, … */
};

/* What no rule can name: methods that are not in enum http_method. */
#define SQUID_METHODS_OTHER (UINT32_C(1) << 31)

struct squid_host {
    struct slice pattern; /* in the draft's arena */
    struct import_place place;
};

struct squid_acl {
    struct slice name;
    enum squid_acl_kind kind;
    bool this_machine;        /* CLIENT: the predefined `localhost` */
    struct squid_host *hosts; /* owned */
    size_t host_count, host_capacity;
    bool incomplete; /* HOSTS: a value could not be said; which one was noted */
    struct port_set ports;
    bool connect;     /* METHODS: CONNECT is among them */
    uint32_t methods; /* METHODS: the others, bit 1 << enum http_method or SQUID_METHODS_OTHER */
};

struct squid_acls {
    struct import_draft *draft; /* borrowed */
    struct squid_acl *items;    /* owned */
    size_t count, capacity;
};

/* Puts in what Squid defines by itself. */
void squid_acls_init(struct squid_acls *acls, struct import_draft *draft);
void squid_acls_free(struct squid_acls *acls);
/* Reads what stands behind the word `acl`. */
void squid_acls_read(struct squid_acls *acls, struct import_place place, struct slice line);
/* NULL when no line defined it. Valid until the next squid_acls_read(). */
const struct squid_acl *squid_acls_find(const struct squid_acls *acls, struct slice name);
