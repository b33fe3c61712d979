/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: a reference that is read is written again as one that is equal to it; the list of a
 * repository tells nothing but its own tags and full ids; whatever the engine answers, what is sent on
 * afterwards is a request of the same operation, or of several images in place of one. The input is a
 * target, and behind each line end an answer. */
#include "rules/docker/docker_naming.h"
#include "rules/docker/image_list.h"
#include "rules/docker/image_reference.h"
#include "tests/fuzz/fuzz.h"

static void check_reference(struct slice text)
{
    char written[IMAGE_REFERENCE_MAX];
    struct image_reference first, again;
    if (!image_reference_parse(text, &first))
        return;
    struct slice whole = image_reference_write(&first, written);
    if (whole.ptr == NULL)
        return;
    require(image_reference_parse(whole, &again) && image_reference_equal(&first, &again));
}

static bool visit(void *context, struct slice reference)
{
    const struct slice *repository = context;
    struct image_reference parts;
    bool is_id = image_reference_id_digits(reference).ptr != NULL;
    require(is_id || (image_reference_parse(reference, &parts) && parts.tag.len > 0 &&
                      slice_equal(parts.name, *repository)));
    return true;
}

static void check_sent(const struct docker_naming *naming, struct docker_request *request)
{
    AUTO_BUFFER struct buffer written = BUFFER_EMPTY;
    CLEANUP(docker_request_clear) struct docker_request again = {.text = BUFFER_EMPTY};
    enum docker_operation operation = request->operation;
    struct slice object_name;
    struct error error;
    if (docker_naming_apply(naming, request, &object_name)) {
        docker_request_write_target(request, object_name, &written);
        require(
            docker_request_parse(&again, request->method, buffer_slice(&written), true, &error));
        require(again.operation == operation ||
                (operation == DOCKER_IMAGE_GET && again.operation == DOCKER_IMAGE_GET_ALL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    struct slice rest = slice_of((const char *)data, size), repository = SLICE_LITERAL("acme");
    if (size == 0)
        return 0;
    enum http_method method = (enum http_method)(data[0] % HTTP_METHOD_COUNT);
    rest = slice_of(rest.ptr + 1, rest.len - 1);
    struct slice target = slice_cut(&rest, '\n');
    check_reference(target);
    if (rest.ptr != NULL)
        (void)!image_list_read(rest, repository, visit, &repository, &error);
    if (docker_request_parse(&request, method, target, false, &error)) {
        CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(&request);
        AUTO_BUFFER struct buffer question = BUFFER_EMPTY;
        while (rest.ptr != NULL && docker_naming_state(naming) == DOCKER_NAMING_ASKS) {
            buffer_clear(&question);
            docker_naming_write_question(naming, &question);
            require(question.len > 0 && question.data[0] == '/');
            docker_naming_answer(naming, 200, slice_cut(&rest, '\n'));
        }
        if (docker_naming_state(naming) == DOCKER_NAMING_KNOWN)
            check_sent(naming, &request);
    }
    docker_request_clear(&request);
    return 0;
}
