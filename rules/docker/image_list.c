/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict where it reads, blind elsewhere: a summary's Id, RepoTags and RepoDigests. The filter only
 * narrows; what belongs to the repository is decided here. */
#include "rules/docker/image_list.h"

#include <errno.h>

#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/percent_code.h"
#include "rules/docker/docker_object.h"
#include "rules/docker/image_reference.h"
#include "rules/reason.h"

struct reading {
    struct slice repository;
    image_list_visit *visit;
    void *context;
    struct error *error;
    bool has_tag, has_digest; /* of the repository */
};

void image_list_write_path(struct slice repository, struct buffer *out)
{
    AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY, filter = BUFFER_EMPTY;
    for (size_t i = 0; i < repository.len; i++) {
        if (repository.ptr[i] == '[' || repository.ptr[i] == ']') /* of an IPv6 address */
            buffer_append_byte(&pattern, '\\');
        buffer_append_byte(&pattern, repository.ptr[i]);
    }
    json_write_object_begin(&filter);
    json_write_key_object(&filter, "reference");
    json_write_foreign_key(&filter, buffer_slice(&pattern));
    json_write_raw(&filter, SLICE_LITERAL("true"));
    json_write_object_end(&filter);
    json_write_object_end(&filter);
    buffer_append_literal(out, "/images/json?filters=");
    percent_encode(out, buffer_slice(&filter), "");
    out->failed = out->failed || pattern.failed || filter.failed;
}

static bool refuse(struct reading *reading, const char *what)
{
    return error_set_reason(reading->error, 502, REASON_ENGINE_INSPECT,
                            "the engine's list of images is not as its API says: %s", what);
}

/* Reads an array of references, or null; tells those of the repository that are tags. */
static bool read_references(struct reading *reading, const struct json_tree_node *list, bool tags)
{
    if (list == NULL || list->kind == JSON_TREE_NULL)
        return true;
    if (list->kind != JSON_TREE_ARRAY)
        return refuse(reading, "references are no array");
    for (const struct json_tree_node *each = list->first; each != NULL; each = each->next) {
        struct image_reference reference;
        if (each->kind != JSON_TREE_STRING)
            return refuse(reading, "references are not all strings");
        bool ours = image_reference_parse(each->text, &reference) &&
                    slice_equal(reference.name, reading->repository);
        bool tag = ours && tags && reference.tag.len > 0 && reference.digest.len == 0;
        reading->has_tag = reading->has_tag || tag;
        reading->has_digest = reading->has_digest || (ours && !tag);
        if (tag && !reading->visit(reading->context, each->text))
            return false;
    }
    return true;
}

static bool read_summary(struct reading *reading, const struct json_tree_node *summary)
{
    const struct json_tree_node *id = json_tree_at(summary, "Id");
    reading->has_tag = reading->has_digest = false;
    if (summary->kind != JSON_TREE_OBJECT || id == NULL)
        return refuse(reading, "a summary is no object with an Id");
    if (id->kind != JSON_TREE_STRING || image_reference_id_digits(id->text).ptr == NULL)
        return refuse(reading, "an Id is no id");
    if (!read_references(reading, json_tree_at(summary, "RepoTags"), true) ||
        !read_references(reading, json_tree_at(summary, "RepoDigests"), false))
        return false;
    return reading->has_tag || !reading->has_digest || reading->visit(reading->context, id->text);
}

bool image_list_read(struct slice json, struct slice repository, image_list_visit *visit,
                     void *context, struct error *error)
{
    struct reading reading = {
        .repository = repository, .visit = visit, .context = context, .error = error};
    AUTO_JSON_TREE struct json_tree tree;
    struct error fault;
    *error = (struct error){0};
    if (!json_tree_read(&tree, json, DOCKER_ANSWER_VALUES_MAX, &fault))
        return fault.system_error == ENOMEM
                   ? error_set_reason(error, 503, REASON_GATE_MEMORY, "the gate is out of memory")
                   : refuse(&reading, fault.text);
    if (tree.root->kind != JSON_TREE_ARRAY)
        return refuse(&reading, "no array");
    for (const struct json_tree_node *each = tree.root->first; each != NULL; each = each->next) {
        if (!read_summary(&reading, each))
            return false;
    }
    return true;
}
