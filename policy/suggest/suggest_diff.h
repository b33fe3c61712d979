/* SPDX-License-Identifier: Apache-2.0
 *
 * A suggestion held against the present policy: what would be added, and which of its allows the
 * log never needed. */
#pragma once

#include "policy/suggest/suggest.h"

/* Appends one line each: "+" for what the present policy would refuse, "-" for allows that decided
 * nothing in the log; as text or as "add":[…],"unused":[…] of an object that the caller has begun.
 * Returns whether something would be added. suggest_mark_permitted() came before. */
bool suggest_write_diff(const struct suggestion *suggestion,
                        const struct suggest_evidence *evidence, const struct policy *policy,
                        bool json, bool colour, struct buffer *out);
