/* SPDX-License-Identifier: Apache-2.0
 *
 * The closed table of such parameters, and the composition of references, which follows the
 * engine's: what `tag` says replaces what stands in the name; a digest wins over a tag. */
#include "rules/docker/docker_names.h"

static const struct slice tag_key = {"tag", 3};
static const struct slice default_tag = {"latest", 6};

static const struct name_row {
    enum docker_operation operation;
    struct slice parameter;
    enum docker_name_kind kind;
    bool has_tag;     /* the parameter `tag` belongs to it */
    bool takes_every; /* without a tag it means every one, not `latest` */
} rows[] = {
    {DOCKER_CONTAINER_CREATE, {"name", 4}, DOCKER_NAME_CONTAINER, false, false},
    {DOCKER_CONTAINER_RENAME, {"name", 4}, DOCKER_NAME_CONTAINER, false, false},
    {DOCKER_IMAGE_COMMIT, {"container", 9}, DOCKER_NAME_CONTAINER, false, false},
    {DOCKER_IMAGE_CREATE, {"fromImage", 9}, DOCKER_NAME_IMAGE, true, true},
    {DOCKER_IMAGE_CREATE, {"repo", 4}, DOCKER_NAME_IMAGE, true, false},
    {DOCKER_IMAGE_TAG, {"repo", 4}, DOCKER_NAME_IMAGE, true, false},
    {DOCKER_IMAGE_COMMIT, {"repo", 4}, DOCKER_NAME_IMAGE, true, false},
    {DOCKER_IMAGE_BUILD, {"t", 1}, DOCKER_NAME_IMAGE, false, false},
    {DOCKER_PLUGIN_CREATE, {"name", 4}, DOCKER_NAME_IMAGE, false, false},
    {DOCKER_PLUGIN_PULL, {"name", 4}, DOCKER_NAME_IMAGE, false, false},
    {DOCKER_PLUGIN_PULL, {"remote", 6}, DOCKER_NAME_IMAGE, false, false},
    {DOCKER_PLUGIN_UPGRADE, {"remote", 6}, DOCKER_NAME_IMAGE, false, false},
    {DOCKER_GET_PLUGIN_PRIVILEGES, {"remote", 6}, DOCKER_NAME_IMAGE, false, false},
};

static const struct name_row *find_row(enum docker_operation operation, struct slice parameter)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].operation == operation && slice_equal(rows[i].parameter, parameter))
            return &rows[i];
    }
    return NULL;
}

struct slice docker_name_of_object(enum docker_operation operation)
{
    if (operation == DOCKER_IMAGE_GET_ALL)
        return SLICE_LITERAL("names");
    if (operation == DOCKER_IMAGE_COMMIT)
        return SLICE_LITERAL("container");
    return (struct slice){NULL, 0};
}

enum docker_name_kind docker_name_kind(enum docker_operation operation, struct slice parameter)
{
    const struct name_row *row = find_row(operation, parameter);
    return row == NULL ? DOCKER_NAME_NONE : row->kind;
}

/* The parameter that says what an ImageCreate pulls; ptr NULL = it pulls nothing. */
static struct slice pulled_parameter(const struct docker_request *request)
{
    struct slice from = SLICE_LITERAL("fromImage");
    if (request->operation != DOCKER_IMAGE_CREATE ||
        docker_request_parameter(request, from).len == 0)
        return (struct slice){NULL, 0};
    return from;
}

/* Whether `tag` belongs to this parameter: an import's `repo` is not looked at when the request
 * pulls. */
static bool owns_tag(const struct docker_request *request, const struct name_row *row)
{
    bool import = row->operation == DOCKER_IMAGE_CREATE && !row->takes_every;
    return row->has_tag && !(import && pulled_parameter(request).ptr != NULL);
}

bool docker_name_image(const struct docker_request *request, unsigned index,
                       struct docker_named_image *image_out)
{
    const struct docker_parameter *parameter = &request->parameters[index];
    const struct name_row *row = find_row(request->operation, parameter->key);
    struct image_reference *reference = &image_out->reference;
    image_out->every_tag = false;
    if (row == NULL || row->kind != DOCKER_NAME_IMAGE)
        return false;
    struct slice name = parameter->value;
    if (row->takes_every && name.len > 0 && name.ptr[name.len - 1] == ':')
        name.len--;
    if (!image_reference_parse(name, reference))
        return false;
    /* A digest is no place to put an image, and not every engine says so. */
    if (row->has_tag && !row->takes_every && reference->digest.len > 0)
        return false;
    struct slice tag =
        owns_tag(request, row) ? docker_request_parameter(request, tag_key) : slice_of("", 0);
    if (tag.len > 0 && row->takes_every && image_reference_is_digest(tag))
        reference->digest = tag;
    else if (tag.len > 0 && !image_reference_is_tag(tag))
        return false;
    else if (tag.len > 0)
        reference->tag = tag;
    if (reference->digest.len > 0)
        reference->tag = slice_of("", 0);
    else if (reference->tag.len == 0 && row->takes_every)
        image_out->every_tag = true;
    else if (reference->tag.len == 0)
        reference->tag = default_tag;
    return true;
}

/* ---- one spelling ---- */

static void remove_parameter(struct docker_request *request, unsigned index)
{
    for (unsigned i = index + 1; i < request->parameter_count; i++)
        request->parameters[i - 1] = request->parameters[i];
    request->parameter_count--;
}

static unsigned find_parameter(const struct docker_request *request, struct slice key)
{
    unsigned i = 0;
    while (i < request->parameter_count && !slice_equal(request->parameters[i].key, key))
        i++;
    return i;
}

/* Sets `tag`; an empty value takes it out. False when there is no room for one more parameter. */
static bool set_tag(struct docker_request *request, struct slice value)
{
    unsigned at = find_parameter(request, tag_key);
    if (value.len == 0 && at < request->parameter_count) {
        remove_parameter(request, at);
    } else if (value.len > 0) {
        if (at == request->parameter_capacity)
            return false;
        request->parameters[at] = (struct docker_parameter){tag_key, value};
        if (at == request->parameter_count)
            request->parameter_count++;
    }
    return true;
}

static void spread_reference(struct docker_request *request, unsigned index)
{
    struct docker_named_image image;
    struct slice key = request->parameters[index].key;
    if (!docker_name_image(request, index, &image))
        return;
    struct slice tag =
        image.reference.digest.len > 0 ? image.reference.digest : image.reference.tag;
    if (set_tag(request, tag))
        request->parameters[find_parameter(request, key)].value = image.reference.name;
}

/* The engine takes one slash off; what then has another is no name, and it says so. */
static struct slice strip_slash(struct slice name)
{
    bool one = name.len > 1 && name.ptr[0] == '/' && name.ptr[1] != '/';
    return one ? slice_of(name.ptr + 1, name.len - 1) : name;
}

/* What is pushed under a tag of its own in the path has it in the query too. */
static void spread_pushed(struct docker_request *request)
{
    struct image_reference reference;
    if (docker_request_parameter(request, tag_key).len == 0 &&
        image_reference_parse(request->object_name, &reference) && reference.digest.len == 0)
        (void)set_tag(request, reference.tag);
}

void docker_names_make_canonical(struct docker_request *request)
{
    if (request->operation == DOCKER_IMAGE_PUSH) {
        spread_pushed(request);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].operation != request->operation)
            continue;
        unsigned at = find_parameter(request, rows[i].parameter);
        if (at == request->parameter_count)
            continue;
        struct slice *value = &request->parameters[at].value;
        if (rows[i].kind == DOCKER_NAME_CONTAINER)
            *value = strip_slash(*value);
        else if (owns_tag(request, &rows[i]) && value->len > 0)
            spread_reference(request, at);
    }
}
