/* SPDX-License-Identifier: Apache-2.0
 *
 * POSIX expressions and shell patterns over host names, as tinyproxy and Squid write them, as host
 * patterns of ours. */
#ifndef DOCKREEVE_POLICY_POSIX_EXPRESSION_H
#define DOCKREEVE_POLICY_POSIX_EXPRESSION_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum posix_expression_kind {
    POSIX_EXPRESSION_BASIC,    /* regcomp() without REG_EXTENDED, searched anywhere in the host */
    POSIX_EXPRESSION_EXTENDED, /* … with it */
    POSIX_EXPRESSION_FNMATCH,  /* fnmatch(), over the whole host */
};

/* Whether the expression says no more than a name, the names below it, or both:
 * `^example\.com$`, `(^|\.)example\.com$`, `\.example\.com$`, `*.example.com`. Appends the name to
 * `name_out`. */
bool posix_expression_is_name(enum posix_expression_kind kind, struct slice text,
                              struct buffer *name_out, bool *apex_out, bool *subdomains_out);

/* Appends the same language as a `~` pattern (PCRE2, anchored at both ends, over a lower-case host
 * in ASCII). `fold`: letters match in either case. False with `error` for what has no sure
 * counterpart: back references, word boundaries, collating elements, one quantifier on another. */
MUST_CHECK bool posix_expression_write(enum posix_expression_kind kind, struct slice text,
                                       bool fold, struct buffer *out, struct error *error);

#endif
