/* SPDX-License-Identifier: Apache-2.0
 *
 * The resources of `policy allow`, `deny` and `rm` as people write them, older spellings and URLs
 * among them, made into those of the policy language. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/cli/option.h"
#include "base/arena.h"
#include "policy/document/policy_load.h"

/* What one rule is about. */
struct policy_resource {
    struct slice text; /* canonical host pattern, operation selector, or path pattern */
    bool is_path;      /* docker: --path in place of a selector */
};

struct policy_resource_list {
    struct arena arena;            /* owned: all texts */
    struct policy_resource *items; /* owned */
    size_t count, capacity;
    struct slice *methods; /* owned; in capitals; 0 = every method */
    size_t method_count, method_capacity;
    struct slice *paths; /* owned; network */
    size_t path_count, path_capacity;
    struct slice *addresses; /* owned; network */
    size_t address_count, address_capacity;
};
void policy_resource_list_clear(struct policy_resource_list *list);

/* What the command line says. Borrowed. */
struct policy_resource_words {
    bool network, allows;
    const char *resources; /* with commas; NULL = none */
    const char *ports;     /* NULL = none */
    const struct option_value *methods, *paths;
    const struct option_value *addresses; /* may be NULL: none */
};

/* Reads them. `notes` takes what was understood in another way than it was written. False after all
 * errors were said on standard error. */
MUST_CHECK bool policy_resource_list_read(struct policy_resource_list *list, const char *command,
                                          const struct policy_resource_words *words,
                                          struct policy_messages *notes);

/* Appends the host that a word means, always with its ports, as policy_listed_network_write() has
 * it: two words that mean the same give the same. What is no host is appended as it is. */
void policy_resource_canonical(struct slice written, bool allows, struct buffer *out);
