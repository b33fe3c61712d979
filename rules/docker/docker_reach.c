/* SPDX-License-Identifier: Apache-2.0
 *
 * Which values reach, kind by kind. In doubt a value reaches. */
#include "rules/docker/docker_reach.h"

#include <limits.h>
#include <string.h>

#include "rules/network/host_name.h"
#include "rules/reason.h"

/* Values of the kind ADDRESS that name none: the request's own body, the client's session, a list
 * of nothing. */
static const struct {
    enum docker_operation operation;
    struct slice parameter, value;
} harmless[] = {
    {DOCKER_IMAGE_CREATE, {"fromSrc", 7}, {"-", 1}},
    {DOCKER_IMAGE_BUILD, {"remote", 6}, {"client-session", 14}},
    {DOCKER_IMAGE_BUILD, {"outputs", 7}, {"[]", 2}},
};

static struct slice harmless_value(enum docker_operation operation, struct slice parameter)
{
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        if (harmless[i].operation == operation && slice_equal(harmless[i].parameter, parameter))
            return harmless[i].value;
    }
    return slice_of("", 0);
}

static const char *why_of(enum docker_reach reach)
{
    switch (reach) {
    case DOCKER_REACH_NONE:
        break;
    case DOCKER_REACH_PATH:
        return "names a folder on the host";
    case DOCKER_REACH_ADDRESS:
        return "makes the engine fetch an address";
    case DOCKER_REACH_REGISTRY:
        return "makes the engine ask a registry that is not Docker Hub";
    case DOCKER_REACH_PULL:
    case DOCKER_REACH_PULLS:
        return "names a registry by its address, as localhost or with a port";
    }
    return "";
}

static void fill(enum docker_operation operation, struct slice parameter, enum docker_reach reach,
                 struct docker_reach_place *place)
{
    *place = (struct docker_reach_place){operation, parameter, reach, why_of(reach),
                                         harmless_value(operation, parameter)};
}

bool docker_reach_place_at(size_t index, struct docker_reach_place *place_out)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        enum docker_operation operation = (enum docker_operation)i;
        const struct docker_operation_info *info = docker_operation_info(operation);
        for (unsigned p = 0; info->parameters[p].name.ptr != NULL; p++) {
            if (info->parameters[p].reach == DOCKER_REACH_NONE || index-- > 0)
                continue;
            fill(operation, info->parameters[p].name, info->parameters[p].reach, place_out);
            return true;
        }
        if (info->name_reach == DOCKER_REACH_NONE || index-- > 0)
            continue;
        fill(operation, slice_of(NULL, 0), info->name_reach, place_out);
        return true;
    }
    return false;
}

/* ---- registries ---- */

struct slice docker_reach_registry(struct slice reference)
{
    struct slice rest = reference, first = slice_cut(&rest, '/');
    bool is_host = slice_equal_text(first, "localhost");
    for (size_t i = 0; i < first.len; i++) {
        char byte = first.ptr[i];
        is_host |= byte == '.' || byte == ':' || (byte >= 'A' && byte <= 'Z');
    }
    bool is_hub =
        slice_equal_text(first, "docker.io") || slice_equal_text(first, "index.docker.io");
    return rest.ptr != NULL && is_host && !is_hub ? first : slice_of(NULL, 0);
}

/* Whether the reference leads somewhere else than to a registry's name on its own port. */
static bool is_odd_registry(struct slice reference)
{
    struct slice registry = docker_reach_registry(reference);
    struct host_name host;
    struct error ignored;
    if (registry.ptr == NULL)
        return false;
    return memchr(registry.ptr, ':', registry.len) != NULL ||
           !host_name_parse(registry, &host, &ignored) || host.is_address ||
           host_name_is_local(&host);
}

/* Each word between the punctuation of JSON, and behind the `=` of "type=registry,ref=…". An escape
 * could hide anything. */
static bool has_odd_registry(struct slice list)
{
    static const char between[] = "[]{}\",= \t\r\n";
    size_t start = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.ptr[i] == '\\')
            return true;
        if (i < list.len && (list.ptr[i] == '\0' || strchr(between, list.ptr[i]) == NULL))
            continue;
        if (is_odd_registry(slice_of(list.ptr + start, i - start)))
            return true;
        start = i + 1;
    }
    return false;
}

static bool reaches(enum docker_reach reach, struct slice value, struct slice harmless_one)
{
    switch (reach) {
    case DOCKER_REACH_NONE:
        break;
    case DOCKER_REACH_PATH:
    case DOCKER_REACH_ADDRESS:
        return value.len > 0 && !slice_equal(value, harmless_one);
    case DOCKER_REACH_REGISTRY:
        return docker_reach_registry(value).ptr != NULL;
    case DOCKER_REACH_PULL:
        return is_odd_registry(value);
    case DOCKER_REACH_PULLS:
        return has_odd_registry(value);
    }
    return false;
}

/* ---- requests ---- */

/* Positions are those of the parameters, then this one. */
enum { BEHIND_THE_NAME = INT_MAX };

static bool parameter_reaches(const struct docker_request *request,
                              const struct docker_reach_place *place)
{
    for (unsigned i = 0; i < request->parameter_count; i++) {
        if (slice_equal(request->parameters[i].key, place->parameter) &&
            reaches(place->reach, request->parameters[i].value, place->harmless))
            return true;
    }
    return false;
}

bool docker_reach_next(const struct docker_request *request, unsigned *position,
                       struct docker_reach_place *place_out)
{
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    if (*position == BEHIND_THE_NAME)
        return false;
    for (; request->parameter_count > 0 && info->parameters[*position].name.ptr != NULL;
         ++*position) {
        const struct docker_parameter_info *parameter = &info->parameters[*position];
        if (parameter->reach == DOCKER_REACH_NONE)
            continue;
        fill(request->operation, parameter->name, parameter->reach, place_out);
        if (parameter_reaches(request, place_out)) {
            ++*position;
            return true;
        }
    }
    *position = BEHIND_THE_NAME;
    if (info->name_reach == DOCKER_REACH_NONE ||
        !reaches(info->name_reach, request->object_name, slice_of("", 0)))
        return false;
    fill(request->operation, slice_of(NULL, 0), info->name_reach, place_out);
    return true;
}

/* ---- rules ---- */

/* Whether a path of the rule is the request's and spells the registry out. */
static bool path_spells(const struct docker_rule *rule, const struct docker_request *request)
{
    size_t name_at = (size_t)(request->object_name.ptr - request->path.ptr);
    struct slice registry = docker_reach_registry(request->object_name);
    struct slice spelled = slice_of(request->path.ptr, name_at + registry.len + 1);
    if (registry.ptr == NULL || memchr(registry.ptr, '*', registry.len) != NULL)
        return false;
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct docker_path_target *target = &rule->paths[i];
        if (docker_operation_set_has(&target->operations, request->operation) &&
            slice_starts_with(target->pattern.text, spelled) &&
            pattern_match_path(&target->pattern, request->path, name_at,
                               request->object_name.len) == PATTERN_YES)
            return true;
    }
    return false;
}

bool docker_reach_is_named(const struct docker_rule *rule, const struct docker_request *request,
                           const struct docker_reach_place *place)
{
    bool is_name = place->parameter.ptr == NULL;
    bool is_image = is_name || place->reach == DOCKER_REACH_PULL;
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct docker_condition *condition = &rule->conditions[i];
        if (condition->key == DOCKER_CONDITION_QUERY && !is_name &&
            slice_equal(condition->parameter, place->parameter))
            return true;
        if ((condition->key == DOCKER_FACT_IMAGE && is_image) ||
            (condition->key == DOCKER_FACT_NAME && is_name))
            return true;
    }
    return is_name && path_spells(rule, request);
}

const char *docker_reach_reason(const struct docker_reach_place *place)
{
    return place->parameter.ptr == NULL ? REASON_GUARD_NAME : REASON_GUARD_QUERY;
}

bool docker_reach_condition(const struct docker_reach_place *place, struct buffer *out)
{
    const struct docker_operation_info *info = docker_operation_info(place->operation);
    AUTO_BUFFER struct buffer unwanted = BUFFER_EMPTY;
    if (out == NULL)
        out = &unwanted;
    if (place->parameter.ptr == NULL && info->object == DOCKER_OBJECT_NONE)
        return false;
    if (place->parameter.ptr == NULL) {
        buffer_append_text(out, info->object == DOCKER_OBJECT_IMAGE ? "image" : "name");
        return true;
    }
    buffer_append_literal(out, "query.");
    buffer_append_slice(out, place->parameter);
    return true;
}
