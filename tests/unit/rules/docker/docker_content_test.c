/* SPDX-License-Identifier: Apache-2.0
 *
 * What is judged of a body: its type, its encoding, its length. */
#include "rules/docker/docker_content.h"

#include <criterion/criterion.h>
#include <string.h>

/* A request for each kind of body. */
static const struct {
    enum http_method method;
    const char *target;
} requests[] = {
    [DOCKER_BODY_NONE] = {HTTP_METHOD_POST, "/containers/web/stop"},
    [DOCKER_BODY_JSON] = {HTTP_METHOD_POST, "/containers/create"},
    [DOCKER_BODY_ARCHIVE] = {HTTP_METHOD_POST, "/images/load"},
    [DOCKER_BODY_IMPORT] = {HTTP_METHOD_POST, "/images/create?fromSrc=-"},
    [DOCKER_BODY_ANY] = {HTTP_METHOD_POST, "/libpod/containers/create"},
};

static void parse(struct docker_request *request, enum http_method method, const char *target)
{
    struct error error;
    cr_assert(docker_request_parse(request, method, slice_from_text(target), false, &error),
              "%s: %s", target, error.text);
}

static const struct content_row {
    const char *name, *type, *encoding; /* NULL = no such field */
    enum docker_body body;
    bool has_body;
    int code; /* 0 = taken */
} content_rows[] = {
    {"json", "application/json", NULL, DOCKER_BODY_JSON, true, 0},
    {"json in capitals (H22)", "APPLICATION/JSON", NULL, DOCKER_BODY_JSON, true, 0},
    {"json with a charset (H22)", "application/json; charset=utf-16", NULL, DOCKER_BODY_JSON, true,
     0},
    {"json with a blank", "application/json ;a=b", NULL, DOCKER_BODY_JSON, true, 0},
    {"json with half a parameter (H23)", "application/json; charset", NULL, DOCKER_BODY_JSON, true,
     400},
    {"json with an open quote (H23)", "application/json; a=\"b", NULL, DOCKER_BODY_JSON, true, 400},
    {"no type (H23)", NULL, NULL, DOCKER_BODY_JSON, true, 415},
    {"empty type (H23)", "", NULL, DOCKER_BODY_JSON, true, 415},
    {"text (H23)", "text/plain", NULL, DOCKER_BODY_JSON, true, 415},
    {"json and more (H23)", "application/jsonx", NULL, DOCKER_BODY_JSON, true, 415},
    {"json behind a comma (H23)", "text/plain, application/json", NULL, DOCKER_BODY_JSON, true,
     415},
    {"compressed json (H24)", "application/json", "gzip", DOCKER_BODY_JSON, true, 400},
    {"identity is an encoding too (H24)", "application/json", "identity", DOCKER_BODY_JSON, true,
     400},
    {"no body, no matter", "text/plain", "gzip", DOCKER_BODY_JSON, false, 0},
    {"form for json (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_JSON, true, 415},
    {"form for nothing (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_NONE, true,
     415},
    {"form for an import (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_IMPORT,
     true, 415},
    {"form for an archive (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_ARCHIVE,
     true, 415},
    {"form for libpod (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_ANY, true,
     415},
    {"form in capitals with a parameter (Q01)", "Application/X-WWW-Form-Urlencoded; charset=x",
     NULL, DOCKER_BODY_NONE, true, 415},
    {"form without a body (Q01)", "application/x-www-form-urlencoded", NULL, DOCKER_BODY_NONE,
     false, 0},
    {"multipart (Q08)", "multipart/form-data; boundary=x", NULL, DOCKER_BODY_NONE, true, 415},
    {"multipart in capitals (Q08)", "MULTIPART/Mixed", NULL, DOCKER_BODY_ARCHIVE, true, 415},
    {"multipart alone (Q08)", "multipart/", NULL, DOCKER_BODY_ANY, true, 415},
    {"tar", "application/x-tar", NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"compressed tar", "application/x-tar", "gzip", DOCKER_BODY_ARCHIVE, true, 0},
    {"archive without a type", NULL, NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"archive of any other type", "plain/text", NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"archive as gtar", "application/x-gtar", NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"archive as json", "application/json", NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"archive whose type is none", "x y", NULL, DOCKER_BODY_ARCHIVE, true, 0},
    {"form behind a comma, which is none", "text/plain, application/x-www-form-urlencoded", NULL,
     DOCKER_BODY_ARCHIVE, true, 0},
    {"form in a letter that the engine folds", "appl\u0130cation/x-www-form-urlencoded", NULL,
     DOCKER_BODY_ARCHIVE, true, 415},
    {"form before a blank that the engine trims", "application/x-www-form-urlencoded\u00a0", NULL,
     DOCKER_BODY_ARCHIVE, true, 415},
    {"such a form for libpod", "application/x-www-form-urlencoded\u00a0", NULL, DOCKER_BODY_ANY,
     true, 415},
    {"json for nothing", "application/json", NULL, DOCKER_BODY_NONE, true, 0},
    {"libpod", "whatever/it-is", NULL, DOCKER_BODY_ANY, true, 0},
};

Test(docker_content, only_what_the_operation_reads_is_taken)
{
    for (size_t i = 0; i < ARRAY_LEN(content_rows); i++) {
        const struct content_row *row = &content_rows[i];
        const struct docker_content content = {
            .present = row->has_body,
            .type = slice_from_text(row->type),
            .encoding = slice_from_text(row->encoding),
        };
        CLEANUP(docker_request_clear) struct docker_request request = {0};
        struct error error = {0};
        parse(&request, requests[row->body].method, requests[row->body].target);
        bool taken = docker_content_check(&request, &content, 1024, &error);
        cr_assert_eq(taken, row->code == 0, "%s: %s", row->name, error.text);
        cr_assert_eq(error.status, row->code, "%s: %d", row->name, error.status);
        if (!taken)
            cr_assert(strncmp(error.reason, "malformed.content-", 18) == 0, "%s", row->name);
    }
}

Test(docker_content, a_length_has_its_limit)
{
    static const struct {
        const char *name;
        enum http_method method;
        const char *target, *type;
        uint64_t len;
        const char *reason; /* NULL = taken */
    } rows[] = {
        {"json", HTTP_METHOD_POST, "/containers/create", "application/json", 1024, NULL},
        {"json too long", HTTP_METHOD_POST, "/containers/create", "application/json", 1025,
         "limit.body"},
        {"an archive of any length", HTTP_METHOD_POST, "/images/load", "application/x-tar",
         UINT64_C(1) << 40, NULL},
        {"a pull takes none", HTTP_METHOD_POST, "/images/create?fromImage=a", "text/plain", 65537,
         "limit.body"},
        {"an import does", HTTP_METHOD_POST, "/images/create?fromSrc=-", "application/x-tar", 65537,
         NULL},
        {"nobody reads it", HTTP_METHOD_POST, "/containers/x/stop", "text/plain", 65536, NULL},
        {"a start's rest", HTTP_METHOD_POST, "/containers/x/start", "text/plain", 7, NULL},
        {"a start's settings", HTTP_METHOD_POST, "/containers/x/start", "text/plain", 8,
         "malformed.start-body"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct docker_content content = {
            .present = true, .len = rows[i].len, .type = slice_from_text(rows[i].type)};
        CLEANUP(docker_request_clear) struct docker_request request = {0};
        struct error error = {0};
        parse(&request, rows[i].method, rows[i].target);
        bool taken = docker_content_check(&request, &content, 1024, &error);
        cr_expect_eq(taken, rows[i].reason == NULL, "%s: %s", rows[i].name, error.text);
        if (!taken && rows[i].reason != NULL)
            cr_expect_str_eq(error.reason, rows[i].reason, "%s", rows[i].name);
    }
}
