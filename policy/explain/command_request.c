/* SPDX-License-Identifier: Apache-2.0
 *
 * Both forms end in docker_request_parse(), so that what is checked here is what the gate would
 * see. */
#include "policy/explain/command_request.h"

#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "base/arena.h"
#include "rules/docker/docker_names.h"
#include "rules/reason.h"

/* The operation's path with "x" for what stands in braces, or in the parameter that names its
 * object. */
static void write_example(enum docker_operation operation, struct buffer *target)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    struct slice key = docker_name_of_object(operation);
    struct slice rest = slice_from_text(info->path);
    while (rest.ptr != NULL) {
        struct slice before = slice_cut(&rest, '{');
        buffer_append_slice(target, before);
        if (rest.ptr == NULL)
            break;
        buffer_append_byte(target, 'x');
        (void)slice_cut(&rest, '}');
    }
    if (key.ptr != NULL)
        buffer_printf(target, "?%s=x", key.ptr);
}

static bool parse_now(struct docker_request *request, enum http_method method, struct slice target,
                      bool strict, struct error *error)
{
    bool good = docker_request_parse(request, method, target, strict, error);
    request->now_us = timestamp_now_us();
    return good;
}

static bool parse_operation(struct slice name, bool strict, struct docker_request *request,
                            struct error *error)
{
    enum docker_operation operation = docker_operation_from_name(name);
    if (operation == DOCKER_OPERATION_NONE) {
        struct near_word near;
        near_word_init(&near, name);
        for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++)
            near_word_offer(&near, docker_operation_info((enum docker_operation)i)->name);
        const struct quoted quoted = quote(name);
        if (near.best != NULL)
            return error_set(error, COMMAND_USAGE, "%s is no operation; did you mean `%s`?",
                             quoted.text, near.best);
        return error_set(error, COMMAND_USAGE,
                         "%s is no operation: write \"METHOD /path?query\" or a name like "
                         "ContainerCreate",
                         quoted.text);
    }
    const struct docker_operation_info *info = docker_operation_info(operation);
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    write_example(operation, &target);
    return parse_now(request, info->method, buffer_slice(&target), strict, error);
}

bool command_target_check(struct slice target, size_t raw_from, struct error *error)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char byte = (unsigned char)target.ptr[i];
        if (byte <= 0x20 || byte == 0x7f ||
            (i < raw_from && (byte > 0x7f || strchr("\"#<>\\^`{|}", byte) != NULL)))
            return error_set_reason(
                error, 400, REASON_MALFORMED_TARGET,
                "a request's target has no blanks and control bytes, and its path is ASCII without "
                "\" # < > \\ ^ ` { | }: write such bytes as %%XX");
        if (target.ptr[i] == '%' && (target.len - i < 3 || slice_hex_digit(target.ptr[i + 1]) < 0 ||
                                     slice_hex_digit(target.ptr[i + 2]) < 0))
            return error_set_reason(
                error, 400, REASON_MALFORMED_TARGET,
                "a `%%` in the request target is not followed by two hex digits");
    }
    return true;
}

bool command_request_parse(const char *text, bool strict, struct docker_request *request,
                           struct error *error)
{
    struct slice target = slice_from_text(text);
    struct slice method = slice_cut(&target, ' ');
    if (target.ptr == NULL)
        return parse_operation(method, strict, request, error);
    const char *query = memchr(target.ptr, '?', target.len);
    size_t raw_from = query == NULL ? SIZE_MAX : (size_t)(query - target.ptr) + 1;
    if (!command_target_check(target, raw_from, error))
        return false;
    if (target.len == 0 || target.ptr[0] != '/')
        return error_set(error, COMMAND_USAGE, "the path of a request begins with `/`");
    enum http_method known = http_method_from_name(method);
    return parse_now(request, known, target, strict, error);
}

bool command_object_add(struct docker_object *object, const char *text, struct error *error)
{
    static const char *const names[] = {
        [DOCKER_FACT_ID] = "id",           [DOCKER_FACT_NAME] = "name",
        [DOCKER_FACT_IMAGE] = "image",     [DOCKER_FACT_LABEL] = "label",
        [DOCKER_FACT_NETWORK] = "network", [DOCKER_FACT_VOLUME] = "volume",
    };
    struct slice value = slice_from_text(text);
    struct slice key = slice_cut(&value, '=');
    for (size_t fact = 0; fact < ARRAY_LEN(names) && value.ptr != NULL; fact++) {
        if (!slice_equal_text(key, names[fact]))
            continue;
        struct docker_fact_list *list = &object->facts[fact];
        list->items = array_grow(list->items, list->count, &list->capacity, sizeof(list->items[0]));
        list->items[list->count++] = value;
        if (fact == DOCKER_FACT_ID)
            object->id = value;
        return true;
    }
    return error_set(
        error, 2, "%s is no fact: write KEY=VALUE with id, name, image, label, network or volume",
        quote_text(text).text);
}
