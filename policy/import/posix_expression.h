/* SPDX-License-Identifier: Apache-2.0
 *
 * POSIX expressions and shell patterns over host names, as tinyproxy and Squid write them, as host
 * patterns of ours. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum posix_expression_kind {
    POSIX_EXPRESSION_BASIC,    /* regcomp() without REG_EXTENDED, searched anywhere in the host */
    POSIX_EXPRESSION_EXTENDED, /* … with it */
    POSIX_EXPRESSION_FNMATCH,  /* fnmatch(), over the whole host */
};

/* What a reader of the expression may not have meant. */
struct posix_expression_bounds {
    bool open_before, open_after; /* a name may go on there, inside a label, too */
    bool dead;                    /* it asks for a character that no host has */
};

/* What an expression says: the name, `*.` and the name, or one `~` pattern. */
struct posix_expression_patterns {
    struct buffer items[2]; /* owned */
    size_t count;
    struct posix_expression_bounds bounds;
};

/* Reads an expression. Where it says no more than a name, the names below it, or both
 * (`^example\.com$`, `\.example\.com$`, `(^|\.)example\.com$`, `*.example.com`), it becomes just
 * these, else what posix_expression_write() makes of it. */
MUST_CHECK bool posix_expression_read(enum posix_expression_kind kind, struct slice text, bool fold,
                                      struct posix_expression_patterns *patterns,
                                      struct error *error);
void posix_expression_patterns_free(struct posix_expression_patterns *patterns);
#define AUTO_POSIX_PATTERNS CLEANUP(posix_expression_patterns_free)

/* Appends the same language as a `~` pattern (PCRE2, anchored at both ends, over a lower-case host
 * in ASCII). `fold`: letters match in either case. False with `error` for what has no sure
 * counterpart: back references, word boundaries, collating elements, one quantifier on another. */
MUST_CHECK bool posix_expression_write(enum posix_expression_kind kind, struct slice text,
                                       bool fold, struct buffer *out,
                                       struct posix_expression_bounds *bounds_out,
                                       struct error *error);
