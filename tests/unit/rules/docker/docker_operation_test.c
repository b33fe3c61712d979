/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "rules/docker/docker_names.h"
#include "rules/docker/docker_operation.h"

static bool selects(const char *selector, const char *name)
{
    struct docker_operation_set set = {{0}};
    cr_assert(docker_operation_set_add_selector(&set, slice_from_text(selector)), "%s", selector);
    return docker_operation_set_has(&set, docker_operation_from_name(slice_from_text(name)));
}

Test(docker_operation, names_and_old_names_are_found_exactly)
{
    cr_assert_eq(docker_operation_from_name(SLICE_LITERAL("ContainerCreate")),
                 DOCKER_CONTAINER_CREATE);
    cr_assert_eq(docker_operation_from_name(SLICE_LITERAL("ContainerGetArchive")),
                 DOCKER_CONTAINER_ARCHIVE);
    cr_assert_eq(docker_operation_from_name(SLICE_LITERAL("containercreate")),
                 DOCKER_OPERATION_NONE);
    cr_assert_eq(docker_operation_from_name(SLICE_LITERAL("Container")), DOCKER_OPERATION_NONE);
    cr_assert_eq(docker_operation_from_name(SLICE_LITERAL("")), DOCKER_OPERATION_NONE);
    cr_assert_str_eq(docker_operation_info(DOCKER_OPERATION_NONE)->name, "unknown");
}

Test(docker_operation, no_name_stands_twice_and_the_parameters_fit_the_seen_mask)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        cr_expect_eq((int)docker_operation_from_name(slice_from_text(info->name)), i, "%s",
                     info->name);
        unsigned count = 0;
        for (; info->parameters[count].name.ptr != NULL; count++)
            cr_expect_eq(docker_operation_find_parameter(info, info->parameters[count].name),
                         (int)count, "%s", info->name);
        cr_expect_leq(count, 64, "%s", info->name);
        bool named = docker_name_of_object((enum docker_operation)i).ptr != NULL;
        cr_expect(info->object == DOCKER_OBJECT_NONE || named || strchr(info->path, '{') != NULL,
                  "%s", info->name);
    }
}

Test(docker_operation, the_read_set_has_no_contents_and_no_keys)
{
    static const char *const in[] = {
        "ContainerList", "ContainerInspect", "SystemPing",      "SystemPingHead", "SystemVersion",
        "SystemInfo",    "SystemEvents",     "SystemDataUsage", "ImageList",      "TaskList"};
    static const char *const out[] = {"ContainerArchive",    "ContainerArchiveInfo",
                                      "ContainerExport",     "ContainerLogs",
                                      "ServiceLogs",         "TaskLogs",
                                      "ContainerAttach",     "ContainerAttachWebsocket",
                                      "ContainerTop",        "ImageGet",
                                      "ImageGetAll",         "ImageSearch",
                                      "SwarmInspect",        "SwarmUnlockkey",
                                      "ConfigList",          "ConfigInspect",
                                      "GetPluginPrivileges", "DistributionInspect",
                                      "ContainerChanges",    "Debug",
                                      "CheckpointList",      "Libpod"};
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        cr_expect(selects("@read", in[i]), "%s", in[i]);
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        cr_expect_not(selects("@read", out[i]), "%s", out[i]);
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        if (selects("@read", info->name))
            cr_expect(http_method_is_read(info->method), "%s", info->name);
    }
}

Test(docker_operation, all_leaves_out_libpod_and_nothing_else)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const char *name = docker_operation_info((enum docker_operation)i)->name;
        cr_expect_eq(selects("@all", name), i != DOCKER_LIBPOD, "%s", name);
    }
    cr_assert_not(selects("*", "Libpod"));
}

Test(docker_operation, globs_match_whole_names)
{
    cr_assert(selects("Container*", "ContainerCreate"));
    cr_assert(selects("*Delete", "ContainerDelete"));
    cr_assert(selects("Con*er*e", "ContainerDelete"));
    cr_assert_not(selects("Container*", "PutContainerArchive"));
    cr_assert_not(selects("*List", "ContainerListen"));
}

Test(docker_operation, every_set_that_is_named_selects_something)
{
    const char *const *names = docker_operation_set_names();
    unsigned count = 0;
    for (; names[count] != NULL; count++) {
        struct docker_operation_set set = {{0}};
        cr_expect(docker_operation_set_add_selector(&set, slice_from_text(names[count])), "%s",
                  names[count]);
    }
    cr_assert_eq(count, 8);
}

Test(docker_operation, selectors_of_nothing_are_refused)
{
    static const char *const rows[] = {
        "", "@", "@reads", "Foo*", "containercreate", "Libpod", "Libpod*", "Container", "unknown"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct docker_operation_set set = {{0}};
        cr_expect_not(docker_operation_set_add_selector(&set, slice_from_text(rows[i])), "%s",
                      rows[i]);
        for (size_t word = 0; word < ARRAY_LEN(set.bits); word++)
            cr_expect_eq(set.bits[word], 0, "%s", rows[i]);
    }
}

Test(docker_operation, these_parameters_may_repeat_and_no_others)
{
    static const char expected[] =
        "ImageAttestations.platform ImageAttestations.type ImageBuild.t ImageBuild.extrahosts "
        "ImageBuild.securityopt ImageCommit.changes ImageCreate.changes ImageDelete.platforms "
        "ImageGet.platform ImageGetAll.names ImageGetAll.platform ImageLoad.platform "
        "SystemDataUsage.type ";
    AUTO_BUFFER struct buffer found = BUFFER_EMPTY;
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        for (unsigned p = 0; info->parameters[p].name.ptr != NULL; p++) {
            if (info->parameters[p].repeats)
                buffer_printf(&found, "%s.%.*s ", info->name, (int)info->parameters[p].name.len,
                              info->parameters[p].name.ptr);
        }
    }
    cr_assert_str_eq(buffer_text(&found), expected);
}

Test(docker_operation, a_name_stands_in_the_place_of_the_braces)
{
    static const struct {
        enum docker_operation operation;
        const char *path;
    } rows[] = {
        {DOCKER_CONTAINER_START, "/containers/web/start"},
        {DOCKER_CONTAINER_DELETE, "/containers/web"},
        {DOCKER_CONTAINER_CREATE, "/containers/create"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        docker_operation_write_path(docker_operation_info(rows[i].operation), "web", &out);
        cr_expect_str_eq(buffer_text(&out), rows[i].path);
    }
}
