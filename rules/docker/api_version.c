/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading versions, and one walk over the answer to /version that finds where they stand. */
#include "rules/docker/api_version.h"

#include <string.h>

#include "base/json_token.h"
#include "rules/docker/docker_operation.h"

enum { PART_MAX = 9999 };

/* A number at the front of *rest; one that is too large is the largest. */
static bool read_part(struct slice *rest, unsigned *number_out)
{
    size_t digits = 0;
    unsigned number = 0;
    for (; digits < rest->len; digits++) {
        char byte = rest->ptr[digits];
        if (byte < '0' || byte > '9')
            break;
        number = number * 10 + (unsigned)(byte - '0');
        if (number > PART_MAX)
            number = PART_MAX;
    }
    *number_out = number;
    *rest = slice_of(rest->ptr + digits, rest->len - digits);
    return digits > 0;
}

static bool read_version(struct slice *rest, unsigned *major_out, unsigned *minor_out)
{
    if (!read_part(rest, major_out) || rest->len == 0 || rest->ptr[0] != '.')
        return false;
    *rest = slice_of(rest->ptr + 1, rest->len - 1);
    return read_part(rest, minor_out);
}

bool api_version_parse(struct slice text, unsigned *minor_out)
{
    unsigned major, minor;
    if (!read_version(&text, &major, &minor) || text.len > 0 || major != 1)
        return false;
    *minor_out = minor;
    return true;
}

bool api_version_is_newer(struct slice text)
{
    unsigned major, minor;
    return read_version(&text, &major, &minor) && text.len == 0 &&
           (major > 1 || (major == 1 && minor > DOCKER_API_NEWEST));
}

/* ---- the answer to /version ---- */

/* What is done with the values of a walk. */
struct walk {
    struct slice json;
    struct buffer *out; /* NULL = nothing is copied */
    size_t copied;      /* of json */
    unsigned minimum;
};

/* Copies what stands before the value, and the table's version in its place. */
static void replace(struct walk *walk, struct slice value)
{
    size_t at = (size_t)(value.ptr - walk->json.ptr);
    if (walk->out == NULL || !api_version_is_newer(value))
        return;
    buffer_append(walk->out, walk->json.ptr + walk->copied, at - walk->copied);
    buffer_printf(walk->out, "1.%d", DOCKER_API_NEWEST);
    walk->copied = at + value.len;
}

static bool is_key(struct json_token key, const char *name)
{
    return json_token_equal(key, slice_from_text(name));
}

/* The members of Details, of which the first token was read. */
static bool walk_details(struct walk *walk, struct json_reader *reader, struct json_token first)
{
    if (first.kind != JSON_OBJECT_BEGIN)
        return json_skip(reader, first);
    for (;;) {
        struct json_token key = json_next(reader);
        if (key.kind != JSON_KEY)
            return key.kind == JSON_OBJECT_END;
        struct json_token value = json_next(reader);
        if (value.kind == JSON_STRING && is_key(key, "ApiVersion"))
            replace(walk, value.text);
        if (!json_skip(reader, value))
            return false;
    }
}

static bool walk_component(struct walk *walk, struct json_reader *reader, struct json_token first)
{
    if (first.kind != JSON_OBJECT_BEGIN)
        return json_skip(reader, first);
    for (;;) {
        struct json_token key = json_next(reader);
        if (key.kind != JSON_KEY)
            return key.kind == JSON_OBJECT_END;
        struct json_token value = json_next(reader);
        if (is_key(key, "Details") ? !walk_details(walk, reader, value) : !json_skip(reader, value))
            return false;
    }
}

static bool walk_components(struct walk *walk, struct json_reader *reader, struct json_token first)
{
    if (first.kind != JSON_ARRAY_BEGIN)
        return json_skip(reader, first);
    for (;;) {
        struct json_token item = json_next(reader);
        if (item.kind == JSON_ARRAY_END)
            return true;
        if (!walk_component(walk, reader, item))
            return false;
    }
}

static bool walk_member(struct walk *walk, struct json_reader *reader, struct json_token key)
{
    struct json_token value = json_next(reader);
    if (is_key(key, "Components"))
        return walk_components(walk, reader, value);
    if (value.kind == JSON_STRING && is_key(key, "ApiVersion"))
        replace(walk, value.text);
    if (value.kind == JSON_STRING && is_key(key, "MinAPIVersion"))
        (void)!api_version_parse(value.text, &walk->minimum);
    return json_skip(reader, value);
}

static bool walk_answer(struct walk *walk)
{
    struct json_reader reader;
    json_reader_init(&reader, walk->json);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN)
        return false;
    for (;;) {
        struct json_token key = json_next(&reader);
        if (key.kind == JSON_OBJECT_END)
            return json_next(&reader).kind == JSON_END;
        if (key.kind != JSON_KEY || !walk_member(walk, &reader, key))
            return false;
    }
}

bool api_version_lower(struct slice json, struct buffer *out)
{
    struct walk walk = {.json = json, .out = out};
    size_t before = out->len;
    if (!walk_answer(&walk)) {
        out->len = before;
        return false;
    }
    buffer_append(out, json.ptr + walk.copied, json.len - walk.copied);
    return true;
}

unsigned api_version_minimum(struct slice json)
{
    struct walk walk = {.json = json};
    return walk_answer(&walk) ? walk.minimum : 0;
}

unsigned api_version_of_refusal(struct slice text)
{
    static const char before[] = "Minimum supported API version is ";
    const size_t len = sizeof(before) - 1;
    const char *at = text.len == 0 ? NULL : memmem(text.ptr, text.len, before, len);
    unsigned major, minor;
    if (at == NULL)
        return 0;
    struct slice rest = slice_of(at + len, text.len - (size_t)(at + len - text.ptr));
    return read_version(&rest, &major, &minor) && major == 1 ? minor : 0;
}
