/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the request methods. */
#include "rules/http_method.h"

#include <string.h>

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_METHOD_UNKNOWN] = "?",
    [HTTP_METHOD_GET] = "GET",
    [HTTP_METHOD_HEAD] = "HEAD",
    [HTTP_METHOD_POST] = "POST",
    [HTTP_METHOD_PUT] = "PUT",
    [HTTP_METHOD_DELETE] = "DELETE",
    [HTTP_METHOD_OPTIONS] = "OPTIONS",
    [HTTP_METHOD_PATCH] = "PATCH",
    [HTTP_METHOD_TRACE] = "TRACE",
    [HTTP_METHOD_CONNECT] = "CONNECT",
    [HTTP_METHOD_PROPFIND] = "PROPFIND",
    [HTTP_METHOD_PROPPATCH] = "PROPPATCH",
    [HTTP_METHOD_MKCOL] = "MKCOL",
    [HTTP_METHOD_COPY] = "COPY",
    [HTTP_METHOD_MOVE] = "MOVE",
    [HTTP_METHOD_LOCK] = "LOCK",
    [HTTP_METHOD_UNLOCK] = "UNLOCK",
    [HTTP_METHOD_ACL] = "ACL",
    [HTTP_METHOD_SEARCH] = "SEARCH",
    [HTTP_METHOD_MKCALENDAR] = "MKCALENDAR",
    [HTTP_METHOD_REPORT] = "REPORT",
    [HTTP_METHOD_CHECKOUT] = "CHECKOUT",
    [HTTP_METHOD_MERGE] = "MERGE",
    [HTTP_METHOD_MKACTIVITY] = "MKACTIVITY",
    [HTTP_METHOD_QUERY] = "QUERY",
    [HTTP_METHOD_PURGE] = "PURGE",
    [HTTP_METHOD_SUBSCRIBE] = "SUBSCRIBE",
    [HTTP_METHOD_UNSUBSCRIBE] = "UNSUBSCRIBE",
    [HTTP_METHOD_NOTIFY] = "NOTIFY",
};
_Static_assert(HTTP_METHOD_COUNT <= 32, "a set of methods is a word of 32 bits");

bool http_method_is_token(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool plain = (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
        if (!plain && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL))
            return false;
    }
    return name.len > 0 && name.len <= HTTP_METHOD_LEN_MAX;
}

enum http_method http_method_from_name(struct slice name)
{
    for (int method = HTTP_METHOD_GET; method < HTTP_METHOD_COUNT; method++) {
        if (slice_equal_text(name, method_names[method]))
            return (enum http_method)method;
    }
    return HTTP_METHOD_UNKNOWN;
}

const char *http_method_name(enum http_method method)
{
    return method < HTTP_METHOD_COUNT ? method_names[method] : "?";
}

bool http_method_is_read(enum http_method method)
{
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
}
