/* SPDX-License-Identifier: Apache-2.0
 *
 * The target of a plain HTTP request to a proxy: an absolute URI with scheme http, taken apart, and
 * the canonical path that rules are matched with. The origin gets the path as it was spelled, since
 * servers tell spellings apart; rules see one form only. */
#ifndef DOCKREEVE_RULES_URL_TARGET_H
#define DOCKREEVE_RULES_URL_TARGET_H

#include "rules/authority.h"

struct url_target {
    struct authority authority;
    struct slice origin_form; /* path and query as spelled, in the bytes that were parsed; for an
                                 empty path "/" or, before a query, ptr NULL: see leading_slash */
    bool leading_slash;       /* a "/" must be written in front of origin_form ("http://h?q") */
    struct slice path;        /* as spelled, without query; at least "/" */
};

/* Reads `http://authority[path][?query]` (scheme without case). Every byte must be one that RFC
 * 3986 allows in a path or query, escapes must be whole; a fragment, userinfo, or another scheme is
 * an error whose text says what to do (https goes by CONNECT). Returns false with `error`: code
 * 400, reason "malformed.target", "malformed.scheme", or as authority_parse(). */
MUST_CHECK bool url_target_parse(struct slice text, struct url_target *target_out,
                                 struct error *error);

/* The same for an origin form (`/path?query`), as a transparent listener gets it; the authority is
 * not touched. */
MUST_CHECK bool url_target_parse_origin(struct slice text, struct url_target *target_out,
                                        struct error *error);

/* Appends `path` in the form rules are matched with: escapes of unreserved bytes decoded once
 * (RFC 3986 section 6.2.2.2), other escapes in upper case. Returns whether servers read it in one
 * way only: false when it has a dot segment, an empty segment, an escaped slash, backslash, dot
 * segment or NUL, a backslash, or an escaped percent sign in front of two hexadecimal digits. */
bool url_path_canonical(struct slice path, struct buffer *out);

#endif
