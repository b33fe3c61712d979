/* SPDX-License-Identifier: Apache-2.0
 *
 * The table that `sbx policy ls` prints. */
#pragma once

#include "policy/import/import_draft.h"

/* Whether a line is the head of a table of rules, of either generation, with or without resources. */
bool import_sbx_has_listing(struct slice text);
/* Reads the tables of the input. A known generation wins over what the head says. */
void import_sbx_listing(struct import_draft *draft);
