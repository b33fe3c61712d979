/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an inspect answer that is accepted gives an id that is one usable name, and only facts
 * that its kind has; one that is refused says why. The first input byte chooses the kind. */
#include "rules/docker/docker_object.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum docker_object_kind kind =
        (enum docker_object_kind)(1 + data[0] % (DOCKER_OBJECT_KIND_COUNT - 1));
    struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
    struct error error = {0};
    struct slice container = {NULL, 0};
    bool read = docker_object_read(&object, kind, slice_of((const char *)data + 1, size - 1),
                                   &container, &error);
    if (!read && (error.status != 502 || error.text[0] == '\0'))
        abort();
    if (read && (object.id.len == 0 || (kind == DOCKER_OBJECT_EXEC) != (container.ptr != NULL)))
        abort();
    for (int fact = 0; fact < DOCKER_FACT_COUNT; fact++) {
        if (object.facts[fact].count > 0 && !docker_object_has_fact(kind, (enum docker_fact)fact))
            abort();
        for (size_t i = 0; i < object.facts[fact].count; i++) {
            struct slice text = object.facts[fact].items[i];
            if (text.ptr < object.text.data ||
                text.ptr + text.len > object.text.data + object.text.len)
                abort();
        }
    }
    docker_object_clear(&object);
    return 0;
}
