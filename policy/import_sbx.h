/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of sbx's two forms share: the table that `sbx policy ls` prints, and lines of
 * commands that made it. */
#ifndef DOCKREEVE_POLICY_IMPORT_SBX_H
#define DOCKREEVE_POLICY_IMPORT_SBX_H

#include <stdbool.h>

#include "policy/import_draft.h"

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

/* Whether `line` is the head of a table of rules, of either generation, with or without resources.
 */
bool import_sbx_is_listing_head(struct slice line);
/* Reads tables. A known `generation` wins over what the head says. */
void import_sbx_listing(struct import_draft *draft, const char *file, unsigned generation,
                        struct slice text);

#endif
