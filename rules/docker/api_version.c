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

/* Where a value stands. */
enum place { THE_ANSWER, COMPONENTS, COMPONENT, DETAILS, ELSEWHERE };

/* Takes note of a member, and returns where its value stands. */
static enum place take_member(struct walk *walk, enum place place, struct json_token key,
                              struct json_token value)
{
    bool text = value.kind == JSON_STRING;
    if (place == THE_ANSWER && json_token_equal(key, SLICE_LITERAL("Components")))
        return COMPONENTS;
    if (place == COMPONENT && json_token_equal(key, SLICE_LITERAL("Details")))
        return DETAILS;
    if (text && place != COMPONENT && json_token_equal(key, SLICE_LITERAL("ApiVersion")))
        replace(walk, value.text);
    if (text && place == THE_ANSWER && json_token_equal(key, SLICE_LITERAL("MinAPIVersion")))
        (void)!api_version_parse(value.text, &walk->minimum);
    return ELSEWHERE;
}

/* Reads the value whose first token was `value`. False when it is not JSON. */
static bool walk_value(struct walk *walk, struct json_reader *reader, struct json_token value,
                       enum place place)
{
    bool array = place == COMPONENTS;
    if (place == ELSEWHERE || value.kind != (array ? JSON_ARRAY_BEGIN : JSON_OBJECT_BEGIN))
        return json_skip(reader, value);
    for (;;) {
        struct json_token token = json_next(reader);
        enum place inside = COMPONENT;
        if (token.kind == (array ? JSON_ARRAY_END : JSON_OBJECT_END))
            return true;
        if (!array && token.kind != JSON_KEY)
            return false;
        if (!array) {
            struct json_token key = token;
            token = json_next(reader);
            inside = take_member(walk, place, key, token);
        }
        if (!walk_value(walk, reader, token, inside))
            return false;
    }
}

static bool walk_answer(struct walk *walk)
{
    struct json_reader reader;
    json_reader_init(&reader, walk->json);
    struct json_token first = json_next(&reader);
    return first.kind == JSON_OBJECT_BEGIN && walk_value(walk, &reader, first, THE_ANSWER) &&
           json_next(&reader).kind == JSON_END;
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
