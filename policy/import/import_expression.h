/* SPDX-License-Identifier: Apache-2.0
 *
 * An expression of a list, with what is to be said about it. */
#pragma once

#include "policy/import/import_draft.h"
#include "policy/import/posix_expression.h"

/* As posix_expression_read(), with a note where it means more names than it seems to, and where it
 * means none: then there are no patterns. */
MUST_CHECK bool import_expression(struct import_draft *draft, struct import_place place,
                                  enum posix_expression_kind kind, struct slice text, bool fold,
                                  struct posix_expression_patterns *patterns, struct error *error);

/* Says how many more expressions there were than were noted. */
void import_expression_end(struct import_draft *draft);
