/* SPDX-License-Identifier: Apache-2.0
 *
 * From a host to the rules that speak of it, at a cost that depends on the host's labels and not on
 * the number of rules: a hash table of names, asked for the whole name and for every suffix of
 * labels, and one of address ranges, asked once for every prefix length in use. Expressions cannot
 * be indexed and are tried one by one; so are `*` rules handed out to every host. Built once,
 * then only read, by any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/network/host_name.h"
#include "rules/network/host_pattern.h"
#include "rules/pattern.h"

struct host_index; /* opaque */

/* One pattern to be indexed, under a number of the caller's: another one for every pattern, but that
 * ranges may be indexed under the number of another pattern too. */
struct host_index_entry {
    enum host_pattern_kind kind;
    uint32_t id;
    struct slice name;     /* EXACT, SUBDOMAINS: canonical; borrowed, outlives the index */
    struct ip_range range; /* RANGE */
    /* REGEX: compiled as PATTERN_VALUE; borrowed, outlives the index */
    const struct pattern *pattern;
};

/* Entries are copied. Aborts when memory is out (loader use). A million entries take well under
 * half a second. */
struct host_index *host_index_build(const struct host_index_entry *entries, size_t count);
void host_index_free(struct host_index **index);

#define HOST_INDEX_END UINT32_MAX

/* A walk over the ids whose pattern matches one host; every id once for each of its patterns that match, in no particular order between
 * patterns, ascending within one. On the stack; allocates nothing. */
struct host_index_cursor {
    const struct host_index *index;
    const struct host_name *host; /* NULL: an address only */
    struct ip_address address;
    const uint32_t *run, *run_end;
    uint64_t hash;
    uint32_t position, stage;
    bool ranges_only;
    bool uncertain; /* the id just returned belongs to an expression whose limit was reached */
};

/* Every pattern that matches `host`: names, `*`, expressions; for an address its ranges too. */
void host_index_begin(const struct host_index *index, const struct host_name *host,
                      struct host_index_cursor *cursor);
/* Only the ranges that hold `address`: for what a name resolved to. */
void host_index_begin_address(const struct host_index *index, const struct ip_address *address,
                              struct host_index_cursor *cursor);
/* The next id, or HOST_INDEX_END. */
uint32_t host_index_next(struct host_index_cursor *cursor);
