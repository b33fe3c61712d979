/* SPDX-License-Identifier: Apache-2.0
 *
 * The target of a plain HTTP request to a proxy: an absolute URI with scheme http, taken apart, and
 * the canonical path that rules are matched with. The origin gets the path as it was spelled, since
 * servers tell spellings apart, but for bytes that are none of a URL: they are escaped, once, before
 * anything else is done with the target. Rules see one form only. */
#pragma once

#include "base/buffer.h"
#include "rules/network/authority.h"

struct url_target {
    struct authority authority;
    struct slice origin_form; /* path and query as spelled, in the bytes that were parsed or in
                                 `room`; "/" when there is neither */
    bool leading_slash;       /* the path is empty and there is a query ("http://h?q"): a "/" must
                                 be written in front of origin_form */
    struct slice path;        /* as spelled, without query; at least "/" */
};

/* Reads `http://authority[path][?query]` (scheme without case; ws says the same); without a port it
 * is 80. Bytes of path and query that RFC 3986 allows there stay, and so do square brackets. What
 * browsers and their like send as it was typed, `"<>\^{|}`, back quotes and UTF-8, is escaped: the
 * text is written anew in `room`, which is not touched otherwise. Control characters, a blank, bytes
 * above 0x7f that are no UTF-8, a broken escape, a fragment, userinfo, or another scheme are errors
 * whose text says what to do (https goes by CONNECT). Returns false with `error`: code 400, reason
 * "malformed.target", "malformed.scheme", or as authority_parse(); 414 when the path is longer than
 * URL_TARGET_PATH_MAX; 503 without memory. */
enum { URL_TARGET_PATH_MAX = 8192 };
MUST_CHECK bool url_target_parse(struct slice text, struct buffer *room,
                                 struct url_target *target_out, struct error *error);

/* The same for an origin form (`/path?query`), as a transparent listener gets it; the authority is
 * not touched. */
MUST_CHECK bool url_target_parse_origin(struct slice text, struct buffer *room,
                                        struct url_target *target_out, struct error *error);

/* Appends `path` in the form rules are matched with: escapes of bytes that may stand in a segment
 * as they are (RFC 3986: pchar; and square brackets) are decoded once, so that a deny of `/@x/`
 * holds for `/%40x/`; other escapes have upper-case digits. Canonical text stays as it is when it
 * is made canonical again. Returns whether servers read the path in one way only: false when it
 * does not begin with a slash, has a segment that ends in a dot (a dot segment above all) or begins
 * or ends in a blank or a control character, path parameters (`;`, which servlet containers take
 * off and others do not), an empty segment in front of the last, a backslash, any of these escaped,
 * an escaped slash, question mark or NUL, overlong UTF-8, a character that may be made one of them
 * (fullwidth forms and their like), or an escaped percent sign in front of what is an escape then;
 * also when memory ran out. */
bool url_path_canonical(struct slice path, struct buffer *out);
