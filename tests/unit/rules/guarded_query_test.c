/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/guarded_query.h"

/* The names of the guarded parameters in the request, with blanks between. */
static void find_all(enum http_method method, const char *target, char *names, size_t size)
{
    static struct docker_request request;
    struct error error;
    const char *why;
    size_t position = 0;
    names[0] = '\0';
    cr_assert(docker_request_parse(&request, method, slice_from_text(target), false, &error), "%s",
              error.text);
    for (struct slice name; (name = guarded_query_next(&request, &position, &why)).ptr != NULL;)
        snprintf(names + strlen(names), size - strlen(names), "%.*s ", (int)name.len, name.ptr);
    docker_request_clear(&request);
}

Test(guarded_query, finds_what_reaches_beyond_its_operation_and_nothing_else)
{
    static const struct {
        const char *name;
        enum http_method method;
        const char *target, *found;
    } rows[] = {
        {"plain start", HTTP_METHOD_POST, "/containers/x/start", ""},
        {"empty checkpoint", HTTP_METHOD_POST, "/containers/x/start?checkpoint=", ""},
        {"both of a start", HTTP_METHOD_POST,
         "/containers/x/start?checkpoint-dir=%2Fetc&checkpoint=c", "checkpoint checkpoint-dir "},
        {"import of the body", HTTP_METHOD_POST, "/images/create?fromSrc=-", ""},
        {"import of an address", HTTP_METHOD_POST, "/images/create?fromSrc=http://a/b", "fromSrc "},
        {"build of the session", HTTP_METHOD_POST, "/build?remote=client-session", ""},
        {"build of an address", HTTP_METHOD_POST, "/build?remote=git://a/b", "remote "},
        {"no such parameter there", HTTP_METHOD_GET, "/containers/json?remote=git://a/b", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char names[128];
        find_all(rows[i].method, rows[i].target, names, sizeof(names));
        cr_expect_str_eq(names, rows[i].found, "%s: %s", rows[i].name, names);
    }
}
