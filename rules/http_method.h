/* SPDX-License-Identifier: Apache-2.0
 *
 * The request methods this program knows. RFC 9110 section 9: names are case-sensitive, so `get` is
 * no method at all. Any other token in capitals is a method that no rule can name. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum http_method {
    HTTP_METHOD_UNKNOWN, /* a well-formed upper-case token that is none of the below */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_TRACE,
    HTTP_METHOD_CONNECT,
    HTTP_METHOD_CORE_COUNT, /* RFC 9110 and PATCH; an engine knows no others */
    HTTP_METHOD_PROPFIND = HTTP_METHOD_CORE_COUNT, /* WebDAV: RFC 4918 */
    HTTP_METHOD_PROPPATCH,
    HTTP_METHOD_MKCOL,
    HTTP_METHOD_COPY,
    HTTP_METHOD_MOVE,
    HTTP_METHOD_LOCK,
    HTTP_METHOD_UNLOCK,
    HTTP_METHOD_ACL, /* RFC 3744, and so on */
    HTTP_METHOD_SEARCH,
    HTTP_METHOD_MKCALENDAR,
    HTTP_METHOD_REPORT, /* DeltaV, RFC 3253: what Subversion sends */
    HTTP_METHOD_CHECKOUT,
    HTTP_METHOD_MERGE,
    HTTP_METHOD_MKACTIVITY,
    HTTP_METHOD_QUERY,
    HTTP_METHOD_PURGE,     /* of caches */
    HTTP_METHOD_SUBSCRIBE, /* GENA */
    HTTP_METHOD_UNSUBSCRIBE,
    HTTP_METHOD_NOTIFY,
    HTTP_METHOD_COUNT, /* at most 32: rules keep a set of them in a word */
};

/* Whether `name` is a method by its form: a token (RFC 9110 section 5.6.2) of at most so many letters
 * and without small ones: some servers take `get` for GET, others do not. */
enum { HTTP_METHOD_LEN_MAX = 32 };
bool http_method_is_token(struct slice name);

/* The method of that exact name, HTTP_METHOD_UNKNOWN when there is none. */
enum http_method http_method_from_name(struct slice name);

/* Its name in upper case; "?" for HTTP_METHOD_UNKNOWN. Static text. */
const char *http_method_name(enum http_method method);

/* Whether the method is for looking only (GET, HEAD). All others may change something. */
bool http_method_is_read(enum http_method method);
