/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "rules/docker/docker_content.h"

#include <string.h>

#include "rules/reason.h"

enum { START_BODY_MAX = 7 };

/* The media type without its parameters. */
static struct slice media_type(struct slice content_type)
{
    struct slice rest = content_type;
    return slice_trim_blanks(slice_cut(&rest, ';'));
}

/* RFC 9110 section 5.6.6: every parameter is name=value. A value may be quoted; then only its
 * quotes are looked at. */
static bool has_good_parameters(struct slice content_type)
{
    struct slice rest = content_type;
    slice_cut(&rest, ';');
    while (rest.ptr != NULL) {
        struct slice value = slice_trim_blanks(slice_cut(&rest, ';'));
        struct slice name = slice_cut(&value, '=');
        bool quoted = value.len > 0 && value.ptr[0] == '"';
        if (name.len == 0 || value.ptr == NULL || value.len == 0 ||
            memchr(name.ptr, ' ', name.len) != NULL ||
            (quoted && (value.len < 2 || value.ptr[value.len - 1] != '"')))
            return false;
    }
    return true;
}

/* The engine folds letters and trims blanks of all of Unicode, so that other bytes could spell a
 * form. */
static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static bool refuse_type(struct error *error, struct slice type, const char *wanted)
{
    return error_set_reason(error, 415, REASON_MALFORMED_CONTENT_TYPE,
                            "a body of type %s is not accepted here%s",
                            type.len == 0 ? "(none)" : quote(type).text, wanted);
}

static bool check_type(const struct docker_content *content, enum docker_body kind,
                       struct error *error)
{
    struct slice type = media_type(content->type);
    if (slice_equal_nocase(type, SLICE_LITERAL("application/x-www-form-urlencoded")) ||
        (type.len >= 10 && slice_equal_nocase(slice_of(type.ptr, 10), SLICE_LITERAL("multipart/"))))
        return refuse_type(
            error, type, ": the engine would read parameters from a form; put them into the query");
    if (!is_ascii(type))
        return refuse_type(error, type, ": a media type is ASCII");
    switch (kind) {
    case DOCKER_BODY_JSON:
        if (content->encoding.ptr != NULL)
            return error_set_reason(error, 400, REASON_MALFORMED_CONTENT_ENCODING,
                                    "a JSON body with Content-Encoding is not accepted: the engine "
                                    "reads it as it stands");
        if (!slice_equal_nocase(type, SLICE_LITERAL("application/json")))
            return refuse_type(error, type, ": send application/json");
        return has_good_parameters(content->type) ||
               error_set_reason(error, 400, REASON_MALFORMED_CONTENT_TYPE,
                                "the parameters of Content-Type are malformed");
    case DOCKER_BODY_ARCHIVE: /* the engine looks at the bytes, not at the type */
    case DOCKER_BODY_NONE:
    case DOCKER_BODY_IMPORT:
    case DOCKER_BODY_ANY:
        return true;
    }
    return false;
}

enum docker_body docker_content_kind(const struct docker_request *request)
{
    enum docker_body kind = docker_operation_info(request->operation)->body;
    if (kind != DOCKER_BODY_IMPORT)
        return kind;
    struct slice source = docker_request_parameter(request, SLICE_LITERAL("fromSrc"));
    return source.len > 0 ? DOCKER_BODY_ARCHIVE : DOCKER_BODY_NONE;
}

bool docker_content_check_len(enum docker_operation operation, enum docker_body kind, uint64_t len,
                              uint64_t json_max, struct error *error)
{
    if (operation == DOCKER_CONTAINER_START && len > START_BODY_MAX)
        return error_set_reason(error, 400, REASON_MALFORMED_START_BODY,
                                "ContainerStart with a body longer than 7 bytes: HostConfig at "
                                "start was removed in API 1.24");
    if (kind == DOCKER_BODY_NONE && len > DOCKER_CONTENT_DROPPED_MAX)
        return error_set_reason(
            error, 413, REASON_LIMIT_BODY,
            "%s takes no body, and the one sent is longer than the 64 kB that are read and dropped",
            docker_operation_info(operation)->name);
    if (kind == DOCKER_BODY_JSON && len > json_max)
        return error_set_reason(error, 413, REASON_LIMIT_BODY,
                                "the JSON body is longer than the limit of %llu bytes; "
                                "--max-json-body raises it",
                                (unsigned long long)json_max);
    return true;
}

bool docker_content_check(const struct docker_request *request,
                          const struct docker_content *content, uint64_t json_max,
                          struct error *error)
{
    enum docker_body kind = docker_content_kind(request);
    return !content->present ||
           (check_type(content, kind, error) &&
            docker_content_check_len(request->operation, kind, content->len, json_max, error));
}
