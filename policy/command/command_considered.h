/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that `policy explain` saw, as lines or as items of a JSON array. */
#pragma once

#include <stdbool.h>

#include "policy/snapshot/policy.h"

struct considered {
    bool json;
    size_t others_max;    /* so many rules for other hosts are shown; the rest is counted */
    size_t others;        /* rules for other hosts so far */
    struct buffer output; /* owned */
};

/* An observer's function; its context is a struct considered. */
void considered_add(void *context, const struct policy_considered *rule);

/* Appends what was collected: "considered": [...] of an object, or lines under a title. */
void considered_write(const struct considered *considered, struct buffer *out);
void considered_clear(struct considered *considered);
