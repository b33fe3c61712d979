/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule of sbx, whichever of its forms it was read from, and what it becomes in the draft. */
#pragma once

#include <stdbool.h>

#include "policy/import/import_draft.h"

/* One rule as it is written. Slices are borrowed; an empty one was not given. */
struct sbx_rule {
    bool allows;
    struct slice resources; /* "a.example,*.b.example:443" */
    struct slice sandbox;   /* holds in this sandbox alone */
    struct slice methods;   /* "GET,HEAD", "ANY" */
    struct slice path;
    struct slice protocols; /* "tcp,udp" */
};

/* Adds the rule. `generation` as in struct policy_import_input. */
void import_sbx_rule(struct import_draft *draft, struct import_place place, unsigned generation,
                     const struct sbx_rule *rule);
