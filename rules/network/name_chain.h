/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a name leads by CNAME records before there is an address: canonical names, in their order,
 * the name that was asked for not among them. Denies hold against each (docs/design.md 3.2). Kept as one
 * text, so that whoever keeps it for long keeps no more than the names have bytes. */
#pragma once

#include "rules/network/host_name.h"

/* Longer chains are refused as a whole: what was not kept could not be judged. */
enum { NAME_CHAIN_NAMES_MAX = 16, NAME_CHAIN_LEN_MAX = 1024 };

struct name_chain {
    uint16_t len;
    uint8_t count;
    char text[NAME_CHAIN_LEN_MAX]; /* each name with a NUL behind it; used up to `len` */
};

/* The text alone, for whoever passes it on; len 0 = no aliases. */
static inline struct slice name_chain_slice(const struct name_chain *chain)
{
    return slice_of(chain->text, chain->len);
}

static inline void name_chain_clear(struct name_chain *chain)
{
    chain->len = 0;
    chain->count = 0;
}

/* Adds a name at the end. False when there is no room for it. */
MUST_CHECK bool name_chain_add(struct name_chain *chain, const struct host_name *name);

bool name_chain_has(const struct name_chain *chain, const struct host_name *name);

/* Adds the names of `other` that are not there yet. False when there is no room for all of them. */
MUST_CHECK bool name_chain_merge(struct name_chain *chain, const struct name_chain *other);

/* Takes the first name off a chain's text. False at its end. */
bool name_chain_next(struct slice *text, struct host_name *name_out);

/* The chain of such a text. False when it is none, or too long. */
MUST_CHECK bool name_chain_from_slice(struct name_chain *chain_out, struct slice text);
