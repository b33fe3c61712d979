/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing of a Docker request's target. The path is decoded exactly once and only then
 * looked at, as the engine does it; whatever could be read in two ways afterwards is refused. What
 * is sent on is encoded anew from the decoded text, so the client's spelling ends here. On the path
 * of every request: one buffer that keeps its memory, no other allocation. */
#include "rules/docker/docker_request.h"

#include <stdlib.h>

#include "base/percent_code.h"
#include "rules/docker/docker_names.h"
#include "rules/docker/docker_route.h"
#include "rules/reason.h"

enum { QUOTE_SIZE = 160 };

/* ---- path ---- */

/* The faults of a path that are found while it is decoded; the first one is told. */
struct path_fault {
    const char *reason, *text;
    bool doubled_slash; /* no fault of its own: the client is sent to the path without it */
};

static void note_fault(struct path_fault *fault, const char *reason, const char *text)
{
    if (fault->reason == NULL) {
        fault->reason = reason;
        fault->text = text;
    }
}

static void check_path_byte(struct path_fault *fault, unsigned char byte)
{
    if (byte == '\\')
        note_fault(fault, REASON_MALFORMED_PATH_BACKSLASH,
                   "has a backslash; paths are separated by /");
    else if (byte < ' ' || byte == 0x7f)
        note_fault(fault, REASON_MALFORMED_PATH_CONTROL, "has a control byte");
}

/* `segment` is what stands between two slashes. */
static void check_path_segment(struct path_fault *fault, struct slice segment)
{
    if (segment.len == 0)
        fault->doubled_slash = true;
    else if (segment.ptr[0] == '.' &&
             (segment.len == 1 || (segment.len == 2 && segment.ptr[1] == '.')))
        note_fault(fault, REASON_MALFORMED_PATH_DOT_SEGMENT,
                   "has a . or .. segment; write the path that is meant");
}

/* Decodes `raw` into the request's text, whose room has been made. A slash at the end is kept and
 * not judged here. */
static bool decode_path(struct docker_request *request, struct slice raw, struct error *error)
{
    struct path_fault fault = {NULL, NULL, false};
    char *out = request->text.data;
    size_t len = 0, segment = 1;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = (unsigned char)raw.ptr[i];
        if (byte == '%') {
            byte = percent_decode_at(raw, i);
            if (byte < 0)
                return error_set_reason(error, 400, REASON_MALFORMED_PATH_ESCAPE,
                                        "the path has a %% that is not followed by two "
                                        "hexadecimal digits; write %%25 for a percent sign");
            i += 2;
        } else if (byte <= ' ' || byte >= 0x7f || byte == '#') {
            return error_set_reason(error, 400, REASON_MALFORMED_PATH_RAW_BYTE,
                                    "the path has a byte that must be written as an escape");
        }
        if (byte == '/' && len > 0) {
            check_path_segment(&fault, slice_of(out + segment, len - segment));
            segment = len + 1;
        } else {
            check_path_byte(&fault, (unsigned char)byte);
        }
        out[len++] = (char)byte;
    }
    request->text.len = len;
    if (len == 0 || out[0] != '/')
        return error_set_reason(error, 400, REASON_MALFORMED_PATH_FORM,
                                "the request target must begin with a slash");
    if (len > segment)
        check_path_segment(&fault, slice_of(out + segment, len - segment));
    request->path = slice_of(out, len);
    if (fault.reason == NULL && !fault.doubled_slash)
        return true;
    char quoted[QUOTE_SIZE];
    error_quote(request->path, quoted, sizeof(quoted));
    if (fault.reason != NULL)
        return error_set_reason(error, 400, fault.reason, "the path %s %s", quoted, fault.text);
    return error_set_reason(error, 301, REASON_MALFORMED_PATH_EMPTY_SEGMENT,
                            "the path %s has two slashes in a row; as the engine does, the gate "
                            "sends the client to the path with one",
                            quoted);
}

/* ---- version ---- */

/* Reads a number of 1 to 4 digits without leading zero at *at and steps behind it. */
static bool read_version_number(struct slice text, size_t *at, unsigned *number_out)
{
    size_t start = *at;
    unsigned number = 0;
    while (*at < text.len && *at - start < 5 && text.ptr[*at] >= '0' && text.ptr[*at] <= '9')
        number = number * 10 + (unsigned)(text.ptr[(*at)++] - '0');
    size_t digits = *at - start;
    *number_out = number;
    return digits > 0 && digits < 5 && (digits == 1 || text.ptr[start] != '0');
}

/* Reads "v1.41" or "v5.0.0" into parts; the number of parts, 0 when it is neither. */
static unsigned read_version_parts(struct slice version, unsigned parts[3])
{
    size_t at = 1;
    for (unsigned count = 0; count < 3; count++) {
        if (!read_version_number(version, &at, &parts[count]))
            return 0;
        if (at == version.len)
            return count + 1;
        if (version.ptr[at++] != '.')
            return 0;
    }
    return 0;
}

bool docker_request_is_version(struct slice segment)
{
    if (segment.len < 2 || segment.ptr[0] != 'v')
        return false;
    for (size_t i = 1; i < segment.len; i++) {
        if (segment.ptr[i] != '.' && (segment.ptr[i] < '0' || segment.ptr[i] > '9'))
            return false;
    }
    return true;
}

static bool is_libpod(struct slice path)
{
    return slice_starts_with(path, SLICE_LITERAL("/libpod/"));
}

/* Takes a version prefix off request->path. */
static bool take_version(struct docker_request *request, struct error *error)
{
    struct slice path = request->path;
    if (path.len < 3 || path.ptr[1] != 'v')
        return true;
    struct slice rest = slice_of(path.ptr + 1, path.len - 1);
    struct slice segment = slice_cut(&rest, '/');
    if (!docker_request_is_version(segment))
        return true;
    size_t prefix_len = segment.len + 1;
    struct slice behind = slice_of(path.ptr + prefix_len, path.len - prefix_len);

    char quoted[QUOTE_SIZE];
    unsigned parts[3] = {0, 0, 0};
    unsigned count = read_version_parts(segment, parts);
    bool libpod =
        is_libpod(behind) && ((count == 3 && parts[0] > 0) || (count == 2 && parts[0] == 1));
    if (!libpod && (count != 2 || parts[0] != 1))
        return error_set_reason(
            error, 400, REASON_VERSION_UNKNOWN,
            "%s is no version of the Docker Engine API; write /v1.N with N from "
            "%d to %d, or no version",
            error_quote(segment, quoted, sizeof(quoted)), DOCKER_API_OLDEST, DOCKER_API_NEWEST);
    if (!libpod && parts[1] < DOCKER_API_OLDEST)
        return error_set_reason(error, 400, REASON_VERSION_TOO_OLD,
                                "version 1.%u of the Docker Engine API is too old: the oldest that "
                                "is served is 1.%d, where the engine serves it; upgrade the client "
                                "or set DOCKER_API_VERSION",
                                parts[1], DOCKER_API_OLDEST);
    if (!libpod && parts[1] > DOCKER_API_NEWEST)
        return error_set_reason(error, 400, REASON_VERSION_TOO_NEW,
                                "client version 1.%u is too new. Maximum supported API version is "
                                "1.%d",
                                parts[1], DOCKER_API_NEWEST);
    if (behind.len == 0)
        return true; /* "/v1.41" alone: no prefix but an unknown path */
    request->version = segment;
    request->version_minor = libpod ? 0 : parts[1];
    request->path = behind;
    return true;
}

/* ---- operation ---- */

static bool refuse_path(const struct docker_request *request, struct error *error)
{
    char quoted[QUOTE_SIZE];
    error_quote(request->path, quoted, sizeof(quoted));
    if (request->path.len > 1 && request->path.ptr[request->path.len - 1] == '/')
        return error_set_reason(error, 403, REASON_UNKNOWN_OPERATION,
                                "%s is no operation of the Docker Engine API: a path has no slash "
                                "at its end",
                                quoted);
    const char *near = docker_route_near(request->path);
    if (near == NULL)
        return error_set_reason(error, 403, REASON_UNKNOWN_OPERATION,
                                "%s is no operation of the Docker Engine API", quoted);
    return error_set_reason(error, 403, REASON_UNKNOWN_OPERATION,
                            "%s is no operation of the Docker Engine API; did you mean %s?", quoted,
                            near);
}

static bool refuse_method(const struct docker_request *request, unsigned methods,
                          struct error *error)
{
    char allowed[80] = "";
    for (int method = HTTP_METHOD_GET; method < HTTP_METHOD_CORE_COUNT; method++) {
        if ((methods >> method & 1) == 0)
            continue;
        if (allowed[0] != '\0')
            strncat(allowed, ", ", sizeof(allowed) - strlen(allowed) - 1);
        strncat(allowed, http_method_name((enum http_method)method),
                sizeof(allowed) - strlen(allowed) - 1);
    }
    char quoted[QUOTE_SIZE];
    error_quote(request->path, quoted, sizeof(quoted));
    if (request->method == HTTP_METHOD_UNKNOWN)
        return error_set_reason(error, 405, REASON_UNKNOWN_METHOD,
                                "%s does not exist with this method, only with %s", quoted,
                                allowed);
    return error_set_reason(error, 405, REASON_UNKNOWN_METHOD,
                            "%s does not exist with the method %s, only with %s", quoted,
                            http_method_name(request->method), allowed);
}

static bool find_operation(struct docker_request *request, struct error *error)
{
    /* The one route that the engine serves with a slash at its end. */
    if (slice_equal_text(request->path, "/networks/"))
        request->path.len--;
    if (request->path.ptr[request->path.len - 1] == '/')
        return refuse_path(request, error);
    request->operation = docker_route_find(request->method, request->path, &request->object_name);
    if (request->operation != DOCKER_OPERATION_NONE)
        return true;
    unsigned methods = docker_route_methods(request->path);
    return methods == 0 ? refuse_path(request, error) : refuse_method(request, methods, error);
}

/* ---- query ---- */

/* Decodes a key or value behind what is in the request's text, whose room has been made. */
static bool decode_query_text(struct docker_request *request, struct slice raw,
                              struct slice *decoded_out, struct error *error)
{
    char *out = request->text.data + request->text.len;
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = (unsigned char)raw.ptr[i];
        if (byte == '%') {
            byte = percent_decode_at(raw, i);
            if (byte < 0)
                return error_set_reason(error, 400, REASON_MALFORMED_QUERY_ESCAPE,
                                        "the query has a %% that is not followed by two "
                                        "hexadecimal digits; write %%25 for a percent sign");
            i += 2;
        } else if (byte == '+') {
            byte = ' ';
        }
        if (byte == '\0')
            return error_set_reason(error, 400, REASON_MALFORMED_QUERY_NUL,
                                    "the query has a NUL byte");
        if (raw.ptr[i] == ';')
            return error_set_reason(error, 400, REASON_MALFORMED_QUERY_SEMICOLON,
                                    "the query has a semicolon, which old engines take for an "
                                    "ampersand and new ones refuse; write %%3B");
        out[len++] = (char)byte;
    }
    request->text.len += len;
    *decoded_out = slice_of(out, len);
    return true;
}

static void drop_parameter(struct docker_request *request, struct slice key)
{
    for (unsigned i = 0; i < request->dropped_count; i++) {
        if (slice_equal(request->dropped[i], key))
            return;
    }
    if (request->dropped_count == DOCKER_DROPPED_MAX)
        request->dropped_more++;
    else
        request->dropped[request->dropped_count++] = key;
}

/* Keeps, drops or refuses one decoded parameter. `seen` has a bit for each known parameter that was
 * there. */
static bool take_parameter(struct docker_request *request, struct docker_parameter parameter,
                           bool strict, uint64_t *seen, struct error *error)
{
    char quoted[QUOTE_SIZE];
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    if (request->operation != DOCKER_LIBPOD) {
        int place = docker_operation_find_parameter(info, parameter.key);
        if (place < 0 && !strict) {
            drop_parameter(request, parameter.key);
            return true;
        }
        if (place < 0)
            return error_set_reason(error, 400, REASON_MALFORMED_QUERY_UNKNOWN,
                                    "%s has no query parameter %s in the described API versions "
                                    "(to 1.%d)",
                                    info->name, error_quote(parameter.key, quoted, sizeof(quoted)),
                                    DOCKER_API_NEWEST);
        uint64_t bit = UINT64_C(1) << place;
        bool again = !info->parameters[place].repeats && (*seen & bit) != 0;
        if (again && !strict) { /* the engine takes the first */
            drop_parameter(request, parameter.key);
            return true;
        }
        if (again)
            return error_set_reason(error, 400, REASON_MALFORMED_QUERY_REPEATED,
                                    "the query parameter %s may be given only once",
                                    error_quote(parameter.key, quoted, sizeof(quoted)));
        *seen |= bit;
    }
    request->parameters[request->parameter_count++] = parameter;
    return true;
}

/* Room for what the query may have, and for what is put in later. */
static bool reserve_parameters(struct docker_request *request, struct slice query,
                               struct error *error)
{
    size_t count = 1 + DOCKER_QUERY_SPARE;
    for (const char *p = query.ptr; p != NULL && count < DOCKER_QUERY_MAX + DOCKER_QUERY_SPARE;
         count++) {
        p = memchr(p, '&', (size_t)(query.ptr + query.len - p));
        p = p == NULL ? NULL : p + 1;
    }
    if (count <= request->parameter_capacity)
        return true;
    struct docker_parameter *grown =
        reallocarray(request->parameters, count, sizeof(request->parameters[0]));
    if (grown == NULL)
        return error_set_reason(error, 503, REASON_GATE_MEMORY, "out of memory");
    request->parameters = grown;
    request->parameter_capacity = (unsigned)count;
    return true;
}

static bool read_query(struct docker_request *request, struct slice query, bool strict,
                       struct error *error)
{
    uint64_t seen = 0;
    unsigned count = 0;
    while (query.ptr != NULL) {
        struct slice value = slice_cut(&query, '&');
        if (value.len == 0)
            continue;
        if (++count > DOCKER_QUERY_MAX)
            return error_set_reason(error, 400, REASON_MALFORMED_QUERY_TOO_MANY,
                                    "the query has more than %d parameters", DOCKER_QUERY_MAX);
        struct slice key = slice_cut(&value, '=');
        struct docker_parameter parameter;
        if (!decode_query_text(request, key, &parameter.key, error) ||
            !decode_query_text(request, value, &parameter.value, error) ||
            !take_parameter(request, parameter, strict, &seen, error))
            return false;
    }
    return true;
}

/* ---- names ---- */

/* What the query names: some operations have their object there and not in the path. */
static void read_names(struct docker_request *request)
{
    docker_names_make_canonical(request);
    struct slice key = docker_name_of_object(request->operation);
    if (key.ptr != NULL) {
        struct slice name = docker_request_parameter(request, key);
        request->object_name = name.ptr == NULL ? slice_of("", 0) : name;
    }
}

/* ---- the whole ---- */

bool docker_request_parse(struct docker_request *request, enum http_method method,
                          struct slice target, bool strict, struct error *error)
{
    request->method = method;
    request->operation = DOCKER_OPERATION_NONE;
    request->version = request->path = request->object_name = slice_of("", 0);
    request->version_minor = 0;
    request->parameter_count = request->dropped_count = request->dropped_more = 0;
    request->now_us = 0;
    request->own_version = 0;
    buffer_clear(&request->text);
    /* Nothing grows when it is decoded, so the slices into the text stay where they are. */
    if (!buffer_reserve(&request->text, target.len + 1))
        return error_set_reason(error, 503, REASON_GATE_MEMORY, "the gate is out of memory");

    struct slice query = target;
    struct slice path = slice_cut(&query, '?');
    if (!decode_path(request, path, error) || !take_version(request, error) ||
        !find_operation(request, error))
        return false;
    if (!reserve_parameters(request, query, error) ||
        (query.ptr != NULL && !read_query(request, query, strict, error)))
        return false;
    if (request->parameter_count > 0 || request->operation == DOCKER_IMAGE_PUSH)
        read_names(request);
    return true;
}

void docker_request_write_target(const struct docker_request *request, struct slice object_name,
                                 struct buffer *out)
{
    static const char path_also[] = "/:@$,!";
    struct slice path = request->path;
    if (request->version.len > 0) {
        buffer_append_byte(out, '/');
        buffer_append_slice(out, request->version);
    } else if (request->own_version > 0) {
        buffer_append_literal(out, "/v1.");
        buffer_append_u64(out, request->own_version);
    }
    bool in_path = docker_name_of_object(request->operation).ptr == NULL;
    if (object_name.ptr == NULL || request->object_name.len == 0 || !in_path) {
        percent_encode(out, path, path_also);
    } else {
        size_t before = (size_t)(request->object_name.ptr - path.ptr);
        size_t behind = before + request->object_name.len;
        percent_encode(out, slice_of(path.ptr, before), path_also);
        percent_encode(out, object_name, path_also);
        percent_encode(out, slice_of(path.ptr + behind, path.len - behind), path_also);
    }
    for (unsigned i = 0; i < request->parameter_count; i++) {
        buffer_append_byte(out, i == 0 ? '?' : '&');
        percent_encode(out, request->parameters[i].key, "");
        buffer_append_byte(out, '=');
        percent_encode(out, request->parameters[i].value, "");
    }
}

void docker_request_write_clean(struct slice path, struct slice target, struct buffer *out)
{
    static const char in_location[] = "/:@$&+,;="; /* what Go leaves as it is in a path */
    char before = '\0';
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] != '/' || before != '/')
            percent_encode(out, slice_of(path.ptr + i, 1), in_location);
        before = path.ptr[i];
    }
    struct slice query = target;
    slice_cut(&query, '?');
    if (query.ptr != NULL) {
        buffer_append_byte(out, '?');
        buffer_append_slice(out, query);
    }
}

/* The length of the white space (as Go's strings.TrimSpace has it) that `text` begins or, `at_end`,
 * ends with; 0 = none. */
static size_t space_len(struct slice text, bool at_end)
{
    static const char *const spaces[] = {
        " ",
        "\t",
        "\n",
        "\v",
        "\f",
        "\r",
        "\xc2\x85",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80",
    };
    for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
        size_t len = strlen(spaces[i]);
        if (len <= text.len &&
            memcmp(text.ptr + (at_end ? text.len - len : 0), spaces[i], len) == 0)
            return len;
    }
    return 0;
}

bool docker_request_flag(const struct docker_request *request, struct slice key)
{
    static const char *const no[] = {"", "0", "no", "false", "none"};
    struct slice value = docker_request_parameter(request, key);
    for (size_t len = 1; len > 0 && value.len > 0;) {
        len = space_len(value, false);
        value = slice_of(value.ptr + len, value.len - len);
    }
    for (size_t len = 1; len > 0 && value.len > 0;) {
        len = space_len(value, true);
        value.len -= len;
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        if (slice_equal_nocase(value, slice_from_text(no[i])))
            return false;
    }
    return true;
}

void docker_request_clear(struct docker_request *request)
{
    buffer_free(&request->text);
    free(request->parameters);
    request->parameters = NULL;
    request->parameter_capacity = 0;
    request->path = request->version = request->object_name = slice_of("", 0);
    request->parameter_count = request->dropped_count = request->dropped_more = 0;
}
