/* SPDX-License-Identifier: Apache-2.0
 *
 * The request methods this program knows. RFC 9110 section 9: names are case-sensitive, so `get` is
 * no method at all. */
#ifndef DOCKREEVE_RULES_HTTP_METHOD_H
#define DOCKREEVE_RULES_HTTP_METHOD_H

#include <stdbool.h>

#include "base/slice.h"

enum http_method {
    HTTP_METHOD_UNKNOWN, /* a well-formed upper-case token that is none of the below: answered 405
                          */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_TRACE,
    HTTP_METHOD_CONNECT,
    HTTP_METHOD_COUNT,
};

/* The method of that exact name, HTTP_METHOD_UNKNOWN when there is none. */
enum http_method http_method_from_name(struct slice name);

/* Its name in upper case; "?" for HTTP_METHOD_UNKNOWN. Static text. */
const char *http_method_name(enum http_method method);

/* Whether the method is for looking only (GET, HEAD). All others may change something. */
bool http_method_is_read(enum http_method method);

#endif
