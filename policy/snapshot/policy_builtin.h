/* SPDX-License-Identifier: Apache-2.0
 *
 * What is decided without a rule of anybody: the closed table of built-in decisions, so that
 * `policy ls` can show all that decides. The decisions themselves are made where their facts are
 * (rules/network/network_rule.c, rules/docker/docker_reach.c, proxy/); this table names them. A test compares it
 * with dockreeve-policy(5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "rules/network/address_class.h"

struct policy_builtin {
    const char *name; /* as a reason of the log where there is one: "own-address" */
    const char *kind; /* "docker" or "network" */
    bool allows;
    bool is_guard;            /* only reported while guards only report */
    char resource[128];       /* what it is about */
    const char *ports;        /* "443", "*"; "" = of no ports */
    char unless[128];         /* what it takes for it not to hold; "" = nothing does */
    enum address_class class; /* whose ranges it is about; ADDRESS_PUBLIC = none */
    uint64_t key;             /* like a rule's, policy_list.h */
};

size_t policy_builtin_count(void);
void policy_builtin_at(size_t index, struct policy_builtin *out);

/* Appends the ranges of the class: "127.0.0.0/8, ::1/128". */
void policy_builtin_write_ranges(enum address_class class, struct buffer *out);
