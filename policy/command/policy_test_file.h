/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of requests with the verdicts that are expected, for `policy test`. Read as strictly as a
 * policy: every error with file, line and column, and "did you mean". */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "policy/snapshot/policy_messages.h"

/* One request. Texts NULL = not said. */
struct policy_test {
    unsigned line, column;
    const char *name;
    bool is_network;
    const char *request; /* what stands under `network` or `docker` */
    const char *client;
    bool expects_allow;
    const char *rule, *reason; /* what else is expected */
    /* network */
    const char *method, *sni;
    const char **addresses; /* owned */
    size_t address_count, address_capacity;
    /* docker */
    const char **facts; /* owned; "name=web" */
    size_t fact_count, fact_capacity;
    const char *body; /* path */
    const char *content_type;
};

struct policy_test_file {
    const char *path;   /* borrowed */
    const char *policy; /* a path, or "preset/NAME"; NULL = not said */
    unsigned policy_line, policy_column;
    struct policy_test *tests; /* owned */
    size_t count, capacity;
    struct arena arena; /* owned: all texts */
};

/* Reads `path` into *file, which was zeroed. False when `errors` were added. */
MUST_CHECK bool policy_test_file_read(struct policy_test_file *file, const char *path,
                                      struct policy_messages *errors);
void policy_test_file_clear(struct policy_test_file *file);
