/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever target is accepted, what is written upstream for it reads back as the same
 * request, strictly and with nothing dropped, and is written again in the same bytes. The first
 * input byte chooses the method and strictness. */
#include "rules/docker/docker_request.h"
#include "tests/fuzz/fuzz.h"

static void require_same(const struct docker_request *a, const struct docker_request *b)
{
    require(a->operation == b->operation && b->dropped_count == 0);
    require(slice_equal(a->path, b->path) && slice_equal(a->version, b->version));
    require(slice_equal(a->object_name, b->object_name));
    require(a->version_minor == b->version_minor && a->parameter_count == b->parameter_count);
    for (unsigned i = 0; i < a->parameter_count; i++) {
        require(slice_equal(a->parameters[i].key, b->parameters[i].key));
        require(slice_equal(a->parameters[i].value, b->parameters[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum http_method method = (enum http_method)(data[0] % HTTP_METHOD_COUNT);
    bool strict = (data[0] & 0x80) != 0;
    struct slice target = slice_of((const char *)data + 1, size - 1);
    struct docker_request first = {.text = BUFFER_EMPTY}, second = {.text = BUFFER_EMPTY};
    struct error error = {0};
    if (docker_request_parse(&first, method, target, strict, &error)) {
        AUTO_BUFFER struct buffer written = BUFFER_EMPTY, again = BUFFER_EMPTY;
        require(first.operation != DOCKER_OPERATION_NONE);
        docker_request_write_target(&first, slice_of(NULL, 0), &written);
        require(docker_request_parse(&second, method, buffer_slice(&written), true, &error));
        require_same(&first, &second);
        docker_request_write_target(&second, slice_of(NULL, 0), &again);
        require(slice_equal(buffer_slice(&written), buffer_slice(&again)));
    } else {
        require(error.status == 301 || error.status == 400 || error.status == 403 ||
                error.status == 405);
        require(error.reason != NULL && error.text[0] != '\0');
    }
    docker_request_clear(&first);
    docker_request_clear(&second);
    return 0;
}
