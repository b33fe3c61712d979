/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guards of one client permit: for each its value, or nothing, which is the safe value. Read
 * from the `guard` maps of a policy; the texts and patterns belong to the policy. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "rules/guard/guard.h"
#include "rules/pattern.h"

/* Of a guard that has words of its own: `networks`. */
enum guard_option {
    GUARD_OPTION_HOST_GATEWAY = 1 << 0, /* extra hosts may be host-gateway */
    GUARD_OPTION_ADDRESSES = 1 << 1,    /* static addresses, subnets, MAC addresses */
    GUARD_OPTION_DRIVER_OPTIONS = 1 << 2,
};

struct guard_value {
    const char *source; /* "policy.yaml:14"; NULL = nothing was said: the safe value */
    bool any;           /* `true`: whatever is asked for */
    bool has_max;
    int64_t max; /* memory: bytes; cpus: billionths of one; pids: processes */
    unsigned options;
    struct pattern *items; /* owned by the set that was read */
    size_t count;
};

struct guard_set {
    bool report; /* what is refused passes, and is logged */
    const char *mode_source;
    bool has_mode;
    struct guard_value values[GUARD_COUNT];
};

void guard_set_clear(struct guard_set *set);

/* The key of a guard in the policy: "host_namespaces". */
const char *guard_name(enum guard guard);

/* Where the guard's value was written: "policy.yaml:14", or "default guard". */
const char *guard_set_source(const struct guard_set *set, enum guard guard);

/* Whether one of the guard's items matches the text, or it permits anything. */
bool guard_set_permits(const struct guard_set *set, enum guard guard, struct slice text);

