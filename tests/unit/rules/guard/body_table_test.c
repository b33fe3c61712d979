/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of bodies against the published descriptions of the API, 1.25 to 1.55, both ways:
 * docker_api_bodies.tsv has a row for each field of a body (operation, path, type, first and last
 * minor version; [] an element of an array, {} a value of a map). What differs stands in two lists. */
#include "rules/guard/body_type.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buffer.h"

/* Described, and not in the tables: by the end of the path. */
static const char *const not_taken[] = {
    "Data[]",                       /* a text in base 64; an array in descriptions before 1.31 */
    "PortBindings{}.HostIp",        /* an element of the list is meant */
    "PortBindings{}.HostPort",      /* likewise */
    "Volumes.additionalProperties", /* a keyword of the description's own language */
    "IPAM.Config[]{}",              /* the fields have names since 1.41 */
    "IPAM.Options[]",               /* a map since 1.39, and in every engine */
    "IPAM.Options[]{}",             /* likewise */
    "NanoCPUs",                     /* of HostConfig: another spelling */
    "TaskTemplate.ContainerSpec.HealthCheck",
    "AccessMode.AccessibilityRequirements",
    "AccessMode.Availability",
    "AccessMode.CapacityRange",
    "AccessMode.Secrets",
    "TaskTemplate.PluginSpec.Name", /* the engine's own names are in lower case */
    "TaskTemplate.PluginSpec.Remote",
    "TaskTemplate.PluginSpec.Disabled",
    "TaskTemplate.PluginSpec.PluginPrivilege",
};

/* In the tables, and not described: what clients send and engines read, or pass over. */
static const char *const not_described[] = {
    "ExecStart hijack",
    "ExecStart stdin",
    "ContainerCreate Runtime",
    "ContainerExec Container",
    "ContainerExec Detach",
    "Mounts[].ClusterOptions",
    "TaskTemplate.ContainerSpec.Healthcheck",
    "TaskTemplate.PluginSpec.name",
    "TaskTemplate.PluginSpec.remote",
    "TaskTemplate.PluginSpec.disabled",
    "TaskTemplate.PluginSpec.env",
    "TaskTemplate.PluginSpec.privileges",
    "ClusterVolumeSpec.AccessibilityRequirements",
    "ClusterVolumeSpec.Availability",
    "ClusterVolumeSpec.CapacityRange",
    "ClusterVolumeSpec.Secrets",
    "AccessMode.BlockVolume",
    "AccessMode.MountVolume.FsType",
    "AccessMode.MountVolume.MountFlags",
    "VolumeUpdate Spec.AccessibilityRequirements",
    "VolumeUpdate Spec.Availability",
    "VolumeUpdate Spec.CapacityRange",
    "VolumeUpdate Spec.Secrets",
    "SwarmInit AutoLockManagers",
    "SwarmInit Availability",
    "SwarmJoin Availability",
    "SystemAuth auth",
    "SystemAuth identitytoken",
    "SystemAuth registrytoken",
    "ImagePush ",
    "CheckpointCreate ",
};

/* Whether a path ends with one of the texts, or goes on from there. */
static bool is_listed(const char *const *list, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = strstr(path, list[i]);
        size_t len = strlen(list[i]);
        if (at != NULL && (list[i][len - 1] == ' ' || strchr(".[{", at[len]) != NULL))
            return true;
    }
    return false;
}

struct place {
    const struct body_type *type;
    unsigned first, last;
};

static unsigned max(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* The type at a path, and the versions that have all of it. False when there is none. */
static bool follow(struct place *place, const char *path)
{
    while (*path != '\0') {
        if (*path == '[' || *path == '{') {
            place->type = place->type->element;
            path += 2;
        } else {
            path += *path == '.';
            struct slice key = slice_of(path, strcspn(path, ".[{"));
            const struct body_field *field =
                place->type->kind == BODY_OBJECT ? body_type_field(place->type, key) : NULL;
            if (field == NULL || !slice_equal(field->key, key))
                return false;
            *place = (struct place){field->type, max(place->first, field->first),
                                    field->last < place->last ? field->last : place->last};
            path += key.len;
        }
        if (place->type == NULL)
            return false;
    }
    return true;
}

static bool is_described_as(enum body_kind kind, const char *type)
{
    static const struct {
        const char *begins;
        enum body_kind kind, or_kind;
    } words[] = {
        {"string", BODY_TEXT, BODY_TEXT},        {"boolean", BODY_FLAG, BODY_FLAG},
        {"integer", BODY_INTEGER, BODY_INTEGER}, {"number", BODY_NUMBER, BODY_NUMBER},
        {"array", BODY_LIST, BODY_TEXT_OR_LIST}, {"map", BODY_MAP, BODY_MAP},
        {"object", BODY_OBJECT, BODY_OBJECT},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strncmp(type, words[i].begins, strlen(words[i].begins)) == 0)
            return kind == words[i].kind || kind == words[i].or_kind;
    }
    return false;
}

/* Reads the descriptions; each path goes into `paths`, a line "Operation path". */
static void check_described(struct buffer *paths)
{
    AUTO_FCLOSE FILE *file = fopen(BODIES, "r");
    cr_assert_not_null(file, "%s", BODIES);
    char operation[64], path[200], type[100], line[512];
    unsigned first, last;
    while (fgets(line, sizeof(line), file) != NULL) {
        cr_assert_eq(sscanf(line, "%63[^\t]\t%199[^\t]\t%99[^\t]\t%u\t%u", operation, path, type,
                            &first, &last),
                     5, "%s", line);
        buffer_printf(paths, "%s %s\n", operation, path);
        if (is_listed(not_taken, ARRAY_LEN(not_taken), path) &&
            strstr(path, "Limits.NanoCPUs") == NULL &&
            strstr(path, "Reservations.NanoCPUs") == NULL)
            continue;
        enum docker_operation found = docker_operation_from_name(slice_from_text(operation));
        struct place place = {body_type_of(found), docker_operation_info(found)->first, 55};
        cr_assert_not_null(place.type, "%s", operation);
        cr_expect(follow(&place, path), "%s %s is not in the tables", operation, path);
        cr_expect(is_described_as(place.type->kind, type), "%s %s: %s", operation, path, type);
        if (path[strlen(path) - 1] != ']' && path[strlen(path) - 1] != '}') {
            /* Described as maps before: the configurations of IPAM, and a binding of a port. */
            cr_expect(place.first == first || strstr(path, "IPAM.Config[].") != NULL ||
                          strstr(path, "PortBindings{}[].") != NULL,
                      "%s %s: first 1.%u, in the tables 1.%u", operation, path, first, place.first);
            cr_expect_eq(place.last, last, "%s %s: last 1.%u, in the tables 1.%u", operation, path,
                         last, place.last);
        }
    }
}

/* Every field of the tables stands in the descriptions. */
static void check_taken(const struct body_type *type, struct buffer *path, const char *described)
{
    size_t len = path->len;
    if (type->kind == BODY_LIST || type->kind == BODY_TEXT_OR_LIST || type->kind == BODY_MAP) {
        buffer_append_text(path, type->kind == BODY_MAP ? "{}" : "[]");
        check_taken(type->element, path, described);
    }
    for (size_t i = 0; i < type->count; i++) {
        path->len = len;
        if (path->data[len - 1] != ' ')
            buffer_append_byte(path, '.');
        buffer_append_slice(path, type->fields[i].key);
        size_t end = path->len;
        buffer_append_byte(path, '\n');
        bool is_described = strstr(described, buffer_text(path)) != NULL;
        path->len = end;
        cr_expect(is_described ||
                      is_listed(not_described, ARRAY_LEN(not_described), buffer_text(path)),
                  "%s is not described", buffer_text(path));
        check_taken(type->fields[i].type, path, described);
    }
    path->len = len;
}

Test(body_table, has_what_is_described_and_nothing_else)
{
    AUTO_BUFFER struct buffer paths = BUFFER_EMPTY, path = BUFFER_EMPTY;
    check_described(&paths);
    for (enum docker_operation i = 1; i < DOCKER_OPERATION_COUNT; i++) {
        bool json = docker_operation_info(i)->body == DOCKER_BODY_JSON;
        cr_expect_eq(body_type_of(i) != NULL, json, "%s", docker_operation_info(i)->name);
        if (!json)
            continue;
        buffer_clear(&path);
        buffer_printf(&path, "%s ", docker_operation_info(i)->name);
        check_taken(body_type_of(i), &path, buffer_text(&paths));
    }
}
