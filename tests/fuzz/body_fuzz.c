/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what is written of an accepted body is accepted, written as the same text again, leaves
 * nothing out, holds nothing that is refused, and means the same to a decoder like Go's: one that
 * takes fields in any case, the last of several, leaves a field as it is for null, passes over those
 * it does not know, and takes one text for a list where the engine's type does. The first byte
 * chooses the operation. */
#include "base/json_token.h"
#include "tests/fuzz/body_model.h"

static const struct body_field *field_of(const struct body_type *type, struct slice key)
{
    const struct body_field *found = NULL;
    AUTO_BUFFER struct buffer wanted = BUFFER_EMPTY;
    model_fold(key, &wanted);
    for (size_t i = 0; i < type->count; i++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
        model_fold(type->fields[i].key, &name);
        if (slice_equal(buffer_slice(&name), buffer_slice(&wanted)) &&
            (found == NULL || slice_equal(type->fields[i].key, key)))
            found = &type->fields[i];
    }
    return found == NULL || found->type->kind == BODY_IGNORED ? NULL : found;
}

/* ---- what is decoded: a text for each path ---- */

/* Steps of a path are ".Field", "{key" and "[index", a NUL behind each. */
struct leaf {
    struct buffer path, text; /* owned */
};

struct decoded {
    struct leaf *leaves; /* owned */
    size_t count, capacity;
};

static void decoded_free(struct decoded *decoded)
{
    for (size_t i = 0; i < decoded->count; i++) {
        buffer_free(&decoded->leaves[i].path);
        buffer_free(&decoded->leaves[i].text);
    }
    free(decoded->leaves);
}

static struct leaf *find(const struct decoded *decoded, const struct buffer *path)
{
    for (size_t i = 0; i < decoded->count; i++) {
        if (slice_equal(buffer_slice(&decoded->leaves[i].path), buffer_slice(path)))
            return &decoded->leaves[i];
    }
    return NULL;
}

/* The path has that text from now on. */
static void assign(struct decoded *decoded, const struct buffer *path, struct slice text)
{
    struct leaf *leaf = find(decoded, path);
    if (leaf == NULL) {
        if (decoded->count == decoded->capacity) {
            decoded->capacity = decoded->capacity * 2 + 16;
            decoded->leaves =
                realloc(decoded->leaves, decoded->capacity * sizeof(*decoded->leaves));
            require(decoded->leaves != NULL);
        }
        leaf = &decoded->leaves[decoded->count++];
        *leaf = (struct leaf){BUFFER_EMPTY, BUFFER_EMPTY};
        buffer_append_slice(&leaf->path, buffer_slice(path));
    }
    buffer_clear(&leaf->text);
    buffer_append_slice(&leaf->text, text);
}

/* Nothing stands at the path or below it any more. */
static void forget(struct decoded *decoded, const struct buffer *path)
{
    for (size_t i = 0; i < decoded->count;) {
        struct leaf *leaf = &decoded->leaves[i];
        if (!slice_starts_with(buffer_slice(&leaf->path), buffer_slice(path))) {
            i++;
            continue;
        }
        buffer_free(&leaf->path);
        buffer_free(&leaf->text);
        *leaf = decoded->leaves[--decoded->count];
    }
}

static int compare_leaves(const void *left, const void *right)
{
    struct slice a = buffer_slice(&((const struct leaf *)left)->path);
    struct slice b = buffer_slice(&((const struct leaf *)right)->path);
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void require_equal(struct decoded *a, struct decoded *b)
{
    require(a->count == b->count);
    if (a->count == 0)
        return;
    qsort(a->leaves, a->count, sizeof(*a->leaves), compare_leaves);
    qsort(b->leaves, b->count, sizeof(*b->leaves), compare_leaves);
    for (size_t i = 0; i < a->count; i++) {
        require(compare_leaves(&a->leaves[i], &b->leaves[i]) == 0);
        require(slice_equal(buffer_slice(&a->leaves[i].text), buffer_slice(&b->leaves[i].text)));
    }
}

/* ---- decoding ---- */

static void decode(const struct body_type *type, struct json_reader *reader,
                   struct json_token token, struct decoded *out, struct buffer *path);

/* One step down, and back. */
static void decode_below(const struct body_type *type, struct json_reader *reader,
                         struct json_token token, struct decoded *out, struct buffer *path,
                         char step, struct slice name)
{
    size_t len = path->len;
    buffer_append_byte(path, step);
    buffer_append_slice(path, name);
    buffer_append_byte(path, '\0');
    if (step == '{') /* an element of a map is a new one; a field is filled further */
        forget(out, path);
    decode(type, reader, token, out, path);
    path->len = len;
}

static void decode_members(const struct body_type *type, struct json_reader *reader,
                           struct decoded *out, struct buffer *path)
{
    struct json_token token;
    while ((token = json_next(reader)).kind == JSON_KEY) {
        AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
        json_unescape(token, &key);
        token = json_next(reader);
        if (type->kind == BODY_MAP) {
            decode_below(type->element, reader, token, out, path, '{', buffer_slice(&key));
            continue;
        }
        const struct body_field *field = field_of(type, buffer_slice(&key));
        if (field == NULL)
            require(json_skip(reader, token));
        else
            decode_below(field->type, reader, token, out, path, '.', field->key);
    }
}

static void decode_list(const struct body_type *type, struct json_reader *reader,
                        struct decoded *out, struct buffer *path)
{
    struct json_token token;
    for (unsigned i = 0; (token = json_next(reader)).kind != JSON_ARRAY_END; i++) {
        char index[16];
        snprintf(index, sizeof(index), "%u", i);
        decode_below(type->element, reader, token, out, path, '[', slice_from_text(index));
    }
}

/* That there is something at the path, which null does not say of a field that has a value. */
static void decode(const struct body_type *type, struct json_reader *reader,
                   struct json_token token, struct decoded *out, struct buffer *path)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (token.kind == JSON_NULL) {
        if (find(out, path) == NULL)
            assign(out, path, SLICE_LITERAL("null"));
    } else if (token.kind == JSON_OBJECT_BEGIN) {
        assign(out, path, SLICE_LITERAL("{"));
        decode_members(type, reader, out, path);
    } else if (token.kind == JSON_ARRAY_BEGIN) {
        forget(out, path);
        assign(out, path, SLICE_LITERAL("["));
        decode_list(type, reader, out, path);
    } else if (token.kind == JSON_STRING && type->kind == BODY_TEXT_OR_LIST) {
        forget(out, path);
        assign(out, path, SLICE_LITERAL("["));
        decode_below(type->element, reader, token, out, path, '[', SLICE_LITERAL("0"));
    } else {
        require(token.kind == JSON_STRING || token.kind == JSON_NUMBER || token.kind == JSON_TRUE ||
                token.kind == JSON_FALSE);
        buffer_printf(&text, "%d", (int)token.kind);
        if (token.kind == JSON_STRING)
            json_unescape(token, &text);
        else
            buffer_append_slice(&text, token.text);
        assign(out, path, buffer_slice(&text));
    }
}

static void decode_text(const struct body_type *type, struct slice text, struct decoded *out)
{
    struct json_reader reader;
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    buffer_append_byte(&path, '\0');
    json_reader_init(&reader, text);
    decode(type, &reader, json_next(&reader), out, &path);
    require(json_next(&reader).kind == JSON_END);
}

/* ---- what may not be written ---- */

static void check_value(const struct body_type *type, struct json_reader *reader,
                        struct json_token token, bool in_list);

/* Names are those of the table, each once; keys that are data come once. None has a NUL. */
static void check_members(const struct body_type *type, struct json_reader *reader)
{
    struct json_token token;
    AUTO_BUFFER struct buffer seen = BUFFER_EMPTY; /* "\0key\0key\0" */
    buffer_append_byte(&seen, '\0');
    while ((token = json_next(reader)).kind == JSON_KEY) {
        AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
        buffer_append_byte(&key, '\0');
        json_unescape(token, &key);
        struct slice name = slice_of(key.data + 1, key.len - 1);
        require(memchr(name.ptr, '\0', name.len) == NULL);
        const struct body_field *field = type->kind == BODY_MAP ? NULL : field_of(type, name);
        require(type->kind == BODY_MAP || (field != NULL && slice_equal(field->key, name)));
        buffer_append_byte(&key, '\0');
        require(memmem(seen.data, seen.len, key.data, key.len) == NULL);
        buffer_append(&seen, key.data + 1, key.len - 1);
        check_value(field == NULL ? type->element : field->type, reader, json_next(reader), false);
    }
}

static void check_value(const struct body_type *type, struct json_reader *reader,
                        struct json_token token, bool in_list)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    require(!in_list || token.kind != JSON_NULL);
    if (token.kind == JSON_OBJECT_BEGIN) {
        require(type->kind == BODY_OBJECT || type->kind == BODY_MAP);
        check_members(type, reader);
    } else if (token.kind == JSON_ARRAY_BEGIN) {
        require(type->kind == BODY_LIST || type->kind == BODY_TEXT_OR_LIST);
        while ((token = json_next(reader)).kind != JSON_ARRAY_END)
            check_value(type->element, reader, token, true);
    } else if (token.kind == JSON_STRING) {
        json_unescape(token, &text);
        require(type->kind == BODY_TEXT && memchr(buffer_text(&text), '\0', text.len) == NULL);
    } else if (token.kind == JSON_NUMBER && type->kind == BODY_INTEGER) {
        for (size_t i = 0; i < token.text.len; i++)
            require(strchr("-0123456789", token.text.ptr[i]) != NULL);
    } else if (token.kind == JSON_NUMBER) {
        require(type->kind == BODY_NUMBER);
    } else if (token.kind != JSON_NULL) {
        require(type->kind == BODY_FLAG && (token.kind == JSON_TRUE || token.kind == JSON_FALSE));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    struct json_reader reader;
    if (size < 2)
        return 0;
    enum docker_operation operation = model_operation(data[0]);
    struct slice text = slice_of((const char *)data + 1, size - 1);
    AUTO_BUFFER struct buffer sent = BUFFER_EMPTY, again = BUFFER_EMPTY;
    CLEANUP(decoded_free) struct decoded meant = {NULL, 0, 0}, read = {NULL, 0, 0};
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
    require_equal(&meant, &read);
    json_reader_init(&reader, buffer_slice(&sent));
    check_value(body_type_of(operation), &reader, json_next(&reader), false);
    return 0;
}
