/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree is walked twice: once to check it, once to write it. The second walk leaves out what the
 * first said is left out, by asking the same questions. The depth is bounded by the tokenizer. */
#include "rules/guard/body.h"

#include <errno.h>

#include "base/json_token.h"
#include "base/json_write.h"
#include "rules/reason.h"

static bool is_zero(struct slice digits)
{
    for (size_t i = 0; i < digits.len && digits.ptr[i] != 'e' && digits.ptr[i] != 'E'; i++) {
        if (digits.ptr[i] >= '1' && digits.ptr[i] <= '9')
            return false;
    }
    return true;
}

bool body_is_empty(const struct json_tree_node *node)
{
    switch (node->kind) {
    case JSON_TREE_NULL:
    case JSON_TREE_FALSE:
        return true;
    case JSON_TREE_TRUE:
        return false;
    case JSON_TREE_NUMBER:
        return is_zero(node->text);
    case JSON_TREE_STRING:
        return node->text.len == 0;
    case JSON_TREE_ARRAY:
    case JSON_TREE_OBJECT:
        return node->count == 0;
    }
    return false;
}

static size_t index_of(const struct json_tree_node *element)
{
    size_t index = 0;
    const struct json_tree_node *other = element->parent->first;
    for (; other != element; other = other->next)
        index++;
    return index;
}

void body_append_path(const struct json_tree_node *node, struct buffer *out)
{
    const struct json_tree_node *above[JSON_DEPTH_MAX];
    size_t depth = 0;
    for (; node->parent != NULL && depth < JSON_DEPTH_MAX; node = node->parent)
        above[depth++] = node;
    for (size_t i = depth; i-- > 0;) {
        if (above[i]->key.ptr == NULL) {
            buffer_printf(out, "[%zu]", index_of(above[i]));
            continue;
        }
        if (i + 1 < depth)
            buffer_append_byte(out, '.');
        buffer_append_slice(out, above[i]->key);
    }
}

/* "ContainerCreate: `HostConfig.Foo` ", and then what is wrong with it. */
static bool refuse(const struct body *body, const struct json_tree_node *node, int status,
                   const char *reason, const char *what, struct error *error)
{
    char quoted[240];
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    body_append_path(node, &path);
    return error_set_reason(error, status, reason, "%s: %s %s", body->operation->name,
                            node->parent == NULL
                                ? "the body"
                                : error_quote(buffer_slice(&path), quoted, sizeof(quoted)),
                            what);
}

static bool is_integer(struct slice digits)
{
    return memchr(digits.ptr, '.', digits.len) == NULL &&
           memchr(digits.ptr, 'e', digits.len) == NULL &&
           memchr(digits.ptr, 'E', digits.len) == NULL;
}

static const char *wanted(enum body_kind kind)
{
    static const char *const words[] = {
        [BODY_FLAG] = "takes true or false",
        [BODY_INTEGER] = "takes a whole number",
        [BODY_NUMBER] = "takes a number",
        [BODY_TEXT] = "takes a text",
        [BODY_TEXT_OR_LIST] = "takes a list of texts",
        [BODY_LIST] = "takes a list",
        [BODY_MAP] = "takes an object",
        [BODY_OBJECT] = "takes an object",
        [BODY_IGNORED] = "",
    };
    return words[kind];
}

static bool has_kind(const struct body_type *type, const struct json_tree_node *node)
{
    switch (type->kind) {
    case BODY_FLAG:
        return node->kind == JSON_TREE_TRUE || node->kind == JSON_TREE_FALSE;
    case BODY_INTEGER:
        return node->kind == JSON_TREE_NUMBER && is_integer(node->text);
    case BODY_NUMBER:
        return node->kind == JSON_TREE_NUMBER;
    case BODY_TEXT:
        return node->kind == JSON_TREE_STRING;
    case BODY_TEXT_OR_LIST:
        return node->kind == JSON_TREE_STRING || node->kind == JSON_TREE_ARRAY;
    case BODY_LIST:
        return node->kind == JSON_TREE_ARRAY;
    case BODY_MAP:
    case BODY_OBJECT:
        return node->kind == JSON_TREE_OBJECT;
    case BODY_IGNORED:
        break;
    }
    return true;
}

static void drop(struct body *body, const struct json_tree_node *node)
{
    if (body->dropped_count++ >= BODY_DROPPED_MAX)
        return;
    if (body->dropped.len > 0)
        buffer_append_byte(&body->dropped, '\0');
    body_append_path(node, &body->dropped);
}

static bool is_left_out(const struct body_field *field)
{
    return field == NULL || field->type->kind == BODY_IGNORED;
}

/* Whether a value that no field takes can do nothing: it says nothing, or it is a parameter of the
 * query, which dockerode repeats in the body. */
static bool is_harmless(const struct body *body, const struct json_tree_node *node)
{
    return body_is_empty(node) ||
           (node->parent == body->tree.root &&
            docker_operation_find_parameter(body->operation, node->key) >= 0);
}

/* Names that older descriptions of the API write, and clients made from them send; the last three
 * are docker-py's. */
static bool is_other_spelling(struct slice key)
{
    static const char *const spellings[] = {"HealthCheck", "NanoCPUs", "CPURealtimePeriod",
                                            "CPURealtimeRuntime", "detachKeys"};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        if (slice_equal_text(key, spellings[i]))
            return true;
    }
    return false;
}

static bool check(struct body *body, const struct body_type *type,
                  const struct json_tree_node *node, struct error *error);

static bool check_member(struct body *body, const struct body_type *object,
                         const struct json_tree_node *node, struct error *error)
{
    const struct body_field *field = body_type_field(object, node->key);
    if (field != NULL && is_other_spelling(node->key) &&
        json_tree_member(node->parent, field->key) == NULL)
        ((struct json_tree_node *)node)->key = field->key; /* the tree is the body's own */
    if (field != NULL && !slice_equal(field->key, node->key)) {
        char what[96];
        snprintf(what, sizeof(what), "would be taken for %.*s: spell it so", (int)field->key.len,
                 field->key.ptr);
        return refuse(body, node, 400, REASON_MALFORMED_FIELD, what, error);
    }
    if (field == NULL && !is_harmless(body, node))
        return refuse(body, node, 403, REASON_UNKNOWN_FIELD,
                      "is a field that this gate does not know, and its value may do anything; "
                      "leave it out",
                      error);
    if (!is_left_out(field))
        return check(body, field->type, node, error);
    drop(body, node);
    return true;
}

/* A list of things has no holes: the engine would make something of a null. */
static bool check_element(struct body *body, const struct body_type *list,
                          const struct json_tree_node *node, struct error *error)
{
    return node->kind == JSON_TREE_NULL
               ? refuse(body, node, 400, REASON_MALFORMED_FIELD, "is null in a list", error)
               : check(body, list->element, node, error);
}

static bool check(struct body *body, const struct body_type *type,
                  const struct json_tree_node *node, struct error *error)
{
    if (node->kind == JSON_TREE_NULL)
        return true;
    if (!has_kind(type, node))
        return refuse(body, node, 400, REASON_MALFORMED_FIELD, wanted(type->kind), error);
    if (node->kind == JSON_TREE_STRING && memchr(node->text.ptr, '\0', node->text.len) != NULL)
        return refuse(body, node, 400, REASON_MALFORMED_FIELD, "holds a NUL", error);
    bool good = true;
    for (const struct json_tree_node *child = node->first; good && child != NULL;
         child = child->next) {
        if (child->key.ptr != NULL && memchr(child->key.ptr, '\0', child->key.len) != NULL)
            good = refuse(body, child, 400, REASON_MALFORMED_FIELD, "has a NUL in its key", error);
        else if (type->kind == BODY_OBJECT)
            good = check_member(body, type, child, error);
        else if (type->kind == BODY_MAP)
            good = check(body, type->element, child, error);
        else
            good = check_element(body, type, child, error);
    }
    return good;
}

/* What the tokenizer and the tree refuse, as an answer. */
static bool refuse_text(struct body *body, struct error *error)
{
    char text[sizeof(error->text)];
    memcpy(text, error->text, sizeof(text));
    if (error->system_error == ENOMEM)
        return error_set_reason(error, 503, REASON_GATE_MEMORY, "out of memory");
    bool large = error->system_error == E2BIG;
    return error_set_reason(error, large ? 413 : 400,
                            large ? REASON_LIMIT_BODY : REASON_MALFORMED_JSON,
                            "%s: the body: %.400s", body->operation->name, text);
}

static bool is_too_old(const struct body *body, unsigned minor)
{
    return minor > 0 && minor < BODY_API_OLDEST && body_type_is_judged(body->type);
}

bool body_read(struct body *body, enum docker_operation operation, unsigned minor,
               struct slice text, struct error *error)
{
    *body = (struct body){.type = body_type_of(operation),
                          .operation = docker_operation_info(operation),
                          .dropped = BUFFER_EMPTY};
    if (text.len == 0)
        return true;
    if (is_too_old(body, minor))
        return error_set_reason(error, 400, REASON_VERSION_TOO_OLD,
                                "%s: what a body of API 1.%u asks for cannot be judged; the oldest "
                                "version for it is 1.%d (DOCKER_API_VERSION of the client)",
                                body->operation->name, minor, BODY_API_OLDEST);
    if (!json_tree_read(&body->tree, text, BODY_VALUES_MAX, error))
        return refuse_text(body, error);
    /* The docker CLI commits with it: nothing is to be changed. */
    if (body->tree.root->kind == JSON_TREE_NULL && operation != DOCKER_IMAGE_COMMIT)
        return refuse(body, body->tree.root, 400, REASON_MALFORMED_FIELD, wanted(body->type->kind),
                      error);
    return check(body, body->type, body->tree.root, error) &&
           (!body->dropped.failed ||
            error_set_reason(error, 503, REASON_GATE_MEMORY, "out of memory"));
}

void body_free(struct body *body)
{
    json_tree_free(&body->tree);
    buffer_free(&body->dropped);
}

static void write_value(const struct body_type *type, const struct json_tree_node *node,
                        struct buffer *out);

static void write_members(const struct body_type *type, const struct json_tree_node *object,
                          struct buffer *out)
{
    json_write_object_begin(out);
    for (const struct json_tree_node *member = object->first; member != NULL;
         member = member->next) {
        const struct body_field *field =
            type->kind == BODY_OBJECT ? body_type_field(type, member->key) : NULL;
        if (type->kind == BODY_OBJECT && is_left_out(field))
            continue;
        json_write_foreign_key(out, member->key);
        write_value(field == NULL ? type->element : field->type, member, out);
    }
    json_write_object_end(out);
}

static void write_elements(const struct body_type *type, const struct json_tree_node *array,
                           struct buffer *out)
{
    json_write_array_begin(out);
    for (const struct json_tree_node *element = array->first; element != NULL;
         element = element->next)
        write_value(type->element, element, out);
    json_write_array_end(out);
}

static void write_value(const struct body_type *type, const struct json_tree_node *node,
                        struct buffer *out)
{
    switch (node->kind) {
    case JSON_TREE_NULL:
        json_write_raw(out, SLICE_LITERAL("null"));
        break;
    case JSON_TREE_FALSE:
        json_write_raw(out, SLICE_LITERAL("false"));
        break;
    case JSON_TREE_TRUE:
        json_write_raw(out, SLICE_LITERAL("true"));
        break;
    case JSON_TREE_NUMBER:
        json_write_raw(out, node->text);
        break;
    case JSON_TREE_STRING:
        if (type->kind == BODY_TEXT_OR_LIST)
            json_write_array_begin(out);
        json_write_string(out, node->text);
        if (type->kind == BODY_TEXT_OR_LIST)
            json_write_array_end(out);
        break;
    case JSON_TREE_ARRAY:
        write_elements(type, node, out);
        break;
    case JSON_TREE_OBJECT:
        write_members(type, node, out);
        break;
    }
}

void body_write(const struct body *body, struct buffer *out)
{
    if (body->tree.root != NULL)
        write_value(body->type, body->tree.root, out);
}
