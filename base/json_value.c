/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of JSON text, by the tokenizer. */
#include "base/json_value.h"

static const struct slice nothing = {NULL, 0};

/* Where the token just read began. */
static const char *token_begin(const struct json_reader *reader, struct json_token token)
{
    const char *end = reader->input.ptr + reader->offset;
    switch (token.kind) {
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        return end - 1;
    case JSON_STRING:
        return token.text.ptr - 1;
    case JSON_NUMBER:
        return token.text.ptr;
    case JSON_TRUE:
    case JSON_NULL:
        return end - 4;
    case JSON_FALSE:
        return end - 5;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_END:
    case JSON_BAD:
        break;
    }
    return NULL;
}

static struct slice read_value(struct json_reader *reader)
{
    struct json_token token = json_next(reader);
    const char *begin = token_begin(reader, token);
    if (begin == NULL || !json_skip(reader, token))
        return nothing;
    return slice_of(begin, (size_t)(reader->input.ptr + reader->offset - begin));
}

struct slice json_value_member(struct slice object, const char *key)
{
    struct json_reader reader;
    struct json_token token;
    json_reader_init(&reader, object);
    if (object.ptr == NULL || json_next(&reader).kind != JSON_OBJECT_BEGIN)
        return nothing;
    while ((token = json_next(&reader)).kind == JSON_KEY) {
        struct slice value = read_value(&reader);
        if (value.ptr == NULL || json_token_equal(token, slice_from_text(key)))
            return value;
    }
    return nothing;
}

struct json_reader json_value_elements(struct slice array)
{
    struct json_reader reader;
    json_reader_init(&reader, array);
    if (array.ptr == NULL || json_next(&reader).kind != JSON_ARRAY_BEGIN)
        json_reader_init(&reader, SLICE_LITERAL("")); /* of which the first token is bad */
    return reader;
}

struct slice json_value_next(struct json_reader *elements)
{
    return read_value(elements);
}

void json_value_append(struct slice value, struct buffer *out)
{
    struct json_reader reader;
    json_reader_init(&reader, value);
    struct json_token token = {.kind = JSON_BAD};
    if (value.ptr != NULL)
        token = json_next(&reader);
    if (token.kind == JSON_STRING)
        json_unescape(token, out);
    else
        buffer_append_slice(out, value);
}

bool json_value_is_true(struct slice value)
{
    return slice_equal_text(value, "true");
}
