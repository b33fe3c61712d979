/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what is written of an accepted body is accepted, written as the same text again, leaves
 * nothing out, and means the same to a decoder like Go's: one that takes fields in any case, the
 * last of several, passes over those it does not know, and takes one text for a list where the
 * engine's type does. The first byte chooses the operation. */
#include "base/json_token.h"
#include "rules/guard/body.h"
#include "tests/fuzz/fuzz.h"

/* A key without its case: written for this model alone, a letter at a time. */
static void fold(struct slice key, struct buffer *out)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char byte = (unsigned char)key.ptr[i], next = 0, third = 0;
        if (i + 1 < key.len)
            next = (unsigned char)key.ptr[i + 1];
        if (i + 2 < key.len)
            third = (unsigned char)key.ptr[i + 2];
        if (byte == 0xc5 && next == 0xbf) {
            buffer_append_byte(out, 'S');
            i++;
        } else if (byte == 0xe2 && next == 0x84 && third == 0xaa) {
            buffer_append_byte(out, 'K');
            i += 2;
        } else {
            buffer_append_byte(out, (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte));
        }
    }
}

static const struct body_field *field_of(const struct body_type *type, struct slice key)
{
    const struct body_field *found = NULL;
    AUTO_BUFFER struct buffer wanted = BUFFER_EMPTY;
    fold(key, &wanted);
    for (size_t i = 0; i < type->count; i++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
        fold(type->fields[i].key, &name);
        if (slice_equal(buffer_slice(&name), buffer_slice(&wanted)) &&
            (found == NULL || slice_equal(type->fields[i].key, key)))
            found = &type->fields[i];
    }
    return found == NULL || found->type->kind == BODY_IGNORED ? NULL : found;
}

static void append_text(struct json_token token, struct buffer *out)
{
    json_unescape(token, out);
    buffer_append_byte(out, '\0');
}

static void decode(const struct body_type *type, struct json_reader *reader,
                   struct json_token token, struct buffer *out);

static void decode_object(const struct body_type *type, struct json_reader *reader,
                          struct buffer *out)
{
    struct json_token token;
    buffer_append_byte(out, '{');
    while ((token = json_next(reader)).kind == JSON_KEY) {
        AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
        json_unescape(token, &key);
        token = json_next(reader);
        if (type->kind == BODY_MAP) {
            buffer_append_slice(out, buffer_slice(&key));
            buffer_append_byte(out, '\0');
            decode(type->element, reader, token, out);
            continue;
        }
        const struct body_field *field = field_of(type, buffer_slice(&key));
        if (field == NULL) {
            require(json_skip(reader, token));
            continue;
        }
        buffer_append_slice(out, field->key);
        buffer_append_byte(out, ':');
        decode(field->type, reader, token, out);
    }
    buffer_append_byte(out, '}');
}

/* Appends what is decoded: of an object's fields those that the type has, in the text's order. */
static void decode(const struct body_type *type, struct json_reader *reader,
                   struct json_token token, struct buffer *out)
{
    bool list = type->kind == BODY_TEXT_OR_LIST;
    switch (token.kind) {
    case JSON_OBJECT_BEGIN:
        decode_object(type, reader, out);
        return;
    case JSON_ARRAY_BEGIN:
        buffer_append_byte(out, '[');
        while ((token = json_next(reader)).kind != JSON_ARRAY_END)
            decode(type->element, reader, token, out);
        buffer_append_byte(out, ']');
        return;
    case JSON_STRING:
        if (list)
            buffer_append_byte(out, '[');
        append_text(token, out);
        if (list)
            buffer_append_byte(out, ']');
        return;
    case JSON_NUMBER:
        buffer_append_slice(out, token.text);
        buffer_append_byte(out, '\0');
        return;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        buffer_append_byte(out, (char)('a' + (int)token.kind));
        return;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_END:
    case JSON_BAD:
        abort();
    }
}

static void decode_text(const struct body_type *type, struct slice text, struct buffer *out)
{
    struct json_reader reader;
    json_reader_init(&reader, text);
    decode(type, &reader, json_next(&reader), out);
    require(json_next(&reader).kind == JSON_END);
}

static enum docker_operation choose(uint8_t byte)
{
    unsigned operation = byte % DOCKER_OPERATION_COUNT;
    while (body_type_of((enum docker_operation)operation) == NULL)
        operation = (operation + 1) % DOCKER_OPERATION_COUNT;
    return (enum docker_operation)operation;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    if (size < 2)
        return 0;
    enum docker_operation operation = choose(data[0]);
    struct slice text = slice_of((const char *)data + 1, size - 1);
    AUTO_BUFFER struct buffer sent = BUFFER_EMPTY, again = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer meant = BUFFER_EMPTY, read = BUFFER_EMPTY;
    AUTO_BODY struct body body;
    if (!body_read(&body, operation, 0, text, &error)) {
        require(error.status == 400 || error.status == 403 || error.status == 413);
        return 0;
    }
    body_write(&body, &sent);
    AUTO_BODY struct body second;
    require(body_read(&second, operation, 0, buffer_slice(&sent), &error));
    require(second.dropped_count == 0);
    body_write(&second, &again);
    require(slice_equal(buffer_slice(&sent), buffer_slice(&again)));
    decode_text(body_type_of(operation), text, &meant);
    decode_text(body_type_of(operation), buffer_slice(&sent), &read);
    require(slice_equal(buffer_slice(&meant), buffer_slice(&read)));
    return 0;
}
