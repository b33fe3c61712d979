/* SPDX-License-Identifier: Apache-2.0
 *
 * One pattern of a policy: a literal, a glob or, behind a leading `~`, a PCRE2 expression. Compiled
 * when the policy is loaded, then only read: matching allocates nothing and may be done from
 * several threads at once. Two kinds of glob exist: value: `*` is any run of bytes without a slash,
 * `**` any run at all, everything else stands for itself; path:  as value inside a segment; a
 * segment `*` is exactly one segment, or the whole name where the operation's path has a {name} or
 * {id}, slashes included; a segment `**` is any number of segments, none included. Expressions are
 * anchored at both ends, work on bytes, and stop at a limit of work and memory: reaching it is an
 * answer of its own, which an allow reads as "no" and a deny as "yes". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

enum { PATTERN_TEXT_MAX = 4096 };

enum pattern_kind { PATTERN_LITERAL, PATTERN_GLOB, PATTERN_REGEX };
enum pattern_flavour { PATTERN_VALUE, PATTERN_PATH };

struct pattern {
    enum pattern_kind kind;
    enum pattern_flavour flavour;
    struct slice text;  /* as written; owned, NUL behind it */
    size_t prefix_len;  /* every match begins with the first prefix_len bytes of `prefix` */
    size_t suffix_len;  /* every match ends with the last suffix_len bytes of `text`; 0 for
                           expressions */
    const char *prefix; /* in text */
    void *code;         /* owned pcre2_code of an expression */
    void *limits;       /* owned pcre2_match_context of an expression */
};

enum pattern_result {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_LIMIT, /* the work or memory for an expression ran out: not known */
};

/* Compiles `text`. False with `error` when an expression does not compile (error->column = offset
 * in `text`, from 1) or the text is longer than PATTERN_TEXT_MAX or holds a NUL. The pattern is
 * then empty and needs no pattern_clear(). */
MUST_CHECK bool pattern_compile(struct pattern *pattern, enum pattern_flavour flavour,
                                struct slice text, struct error *error);
void pattern_clear(struct pattern *pattern);

enum pattern_result pattern_match(const struct pattern *pattern, struct slice subject);

/* A path pattern against a decoded path in which path[name_at..name_at+name_len) is what {name} or
 * {id} stands for (name_len 0 = there is none). The pattern matches when it matches with the name
 * taken as one segment, or with every slash dividing segments. */
enum pattern_result pattern_match_path(const struct pattern *pattern, struct slice path,
                                       size_t name_at, size_t name_len);

/* Whether some path of the template "/containers/{id}/json" (the braces stand for one or more
 * segments) can match a path pattern. For expressions only what stands before the first
 * metacharacter is compared: true means "perhaps". */
bool pattern_may_match_template(const struct pattern *pattern, const char *path_template);
