/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the request methods. */
#include "rules/http_method.h"

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_METHOD_UNKNOWN] = "?",       [HTTP_METHOD_GET] = "GET",
    [HTTP_METHOD_HEAD] = "HEAD",       [HTTP_METHOD_POST] = "POST",
    [HTTP_METHOD_PUT] = "PUT",         [HTTP_METHOD_DELETE] = "DELETE",
    [HTTP_METHOD_OPTIONS] = "OPTIONS", [HTTP_METHOD_PATCH] = "PATCH",
    [HTTP_METHOD_TRACE] = "TRACE",     [HTTP_METHOD_CONNECT] = "CONNECT",
};

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
