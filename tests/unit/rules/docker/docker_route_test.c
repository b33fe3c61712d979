/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "rules/docker/docker_route.h"

/* Writes an operation's path with `name` in place of what stands in braces. */
static void fill_template(const char *path, const char *name, struct buffer *out)
{
    buffer_clear(out);
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '{') {
            buffer_append_text(out, name);
            at = strchr(at, '}');
        } else {
            buffer_append_byte(out, *at);
        }
    }
}

Test(docker_route, every_operation_is_reached_by_its_own_path_and_method)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        struct slice name;
        fill_template(info->path, "some-thing", &path);
        enum docker_operation found = docker_route_find(info->method, buffer_slice(&path), &name);
        cr_expect_eq((int)found, i, "%s was found as %s", info->name,
                     docker_operation_info(found)->name);
        bool named = strchr(info->path, '{') != NULL && i != DOCKER_DEBUG && i != DOCKER_LIBPOD;
        cr_expect(slice_equal_text(name, named ? "some-thing" : ""), "%s", info->name);
    }
}

Test(docker_route, names_are_cut_as_the_engine_cuts_them)
{
    static const struct {
        enum http_method method;
        const char *path;
        enum docker_operation operation;
        const char *name;
    } rows[] = {
        {HTTP_METHOD_GET, "/images/json", DOCKER_IMAGE_LIST, ""},
        {HTTP_METHOD_GET, "/images/json/json", DOCKER_IMAGE_INSPECT, "json"},
        {HTTP_METHOD_GET, "/images/get", DOCKER_IMAGE_GET_ALL, ""},
        {HTTP_METHOD_GET, "/images/get/get", DOCKER_IMAGE_GET, "get"},
        {HTTP_METHOD_GET, "/images/get/json", DOCKER_IMAGE_INSPECT, "get"},
        {HTTP_METHOD_GET, "/images/reg/ns/img/get", DOCKER_IMAGE_GET, "reg/ns/img"},
        {HTTP_METHOD_GET, "/images/a/get/history", DOCKER_IMAGE_HISTORY, "a/get"},
        {HTTP_METHOD_GET, "/images/a/attestations", DOCKER_IMAGE_ATTESTATIONS, "a"},
        {HTTP_METHOD_DELETE, "/images/json", DOCKER_IMAGE_DELETE, "json"},
        {HTTP_METHOD_DELETE, "/images/a/b/c", DOCKER_IMAGE_DELETE, "a/b/c"},
        {HTTP_METHOD_GET, "/images/a", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_GET, "/containers/a/b/logs", DOCKER_CONTAINER_LOGS, "a/b"},
        {HTTP_METHOD_GET, "/containers/a/attach/ws", DOCKER_CONTAINER_ATTACH_WEBSOCKET, "a"},
        {HTTP_METHOD_GET, "/containers/attach/ws", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_POST, "/containers/create/start", DOCKER_CONTAINER_START, "create"},
        {HTTP_METHOD_POST, "/containers/prune", DOCKER_CONTAINER_PRUNE, ""},
        {HTTP_METHOD_DELETE, "/containers/prune", DOCKER_CONTAINER_DELETE, "prune"},
        {HTTP_METHOD_DELETE, "/containers/a/checkpoints/c", DOCKER_CHECKPOINT_DELETE, "a"},
        {HTTP_METHOD_DELETE, "/containers/a/b/checkpoints/c", DOCKER_CONTAINER_DELETE,
         "a/b/checkpoints/c"},
        {HTTP_METHOD_DELETE, "/containers/a/checkpoints/c/d", DOCKER_CONTAINER_DELETE,
         "a/checkpoints/c/d"},
        {HTTP_METHOD_DELETE, "/containers/a/checkpoints", DOCKER_CONTAINER_DELETE, "a/checkpoints"},
        {HTTP_METHOD_GET, "/networks/a/b", DOCKER_NETWORK_INSPECT, "a/b"},
        {HTTP_METHOD_GET, "/networks/create", DOCKER_NETWORK_INSPECT, "create"},
        {HTTP_METHOD_POST, "/networks/create/connect", DOCKER_NETWORK_CONNECT, "create"},
        {HTTP_METHOD_GET, "/volumes/create", DOCKER_VOLUME_INSPECT, "create"},
        {HTTP_METHOD_PUT, "/volumes/a", DOCKER_VOLUME_UPDATE, "a"},
        {HTTP_METHOD_GET, "/plugins/privileges", DOCKER_GET_PLUGIN_PRIVILEGES, ""},
        {HTTP_METHOD_GET, "/plugins/vieux/sshfs:latest/json", DOCKER_PLUGIN_INSPECT,
         "vieux/sshfs:latest"},
        {HTTP_METHOD_GET, "/services/a/b", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_GET, "/services/create", DOCKER_SERVICE_INSPECT, "create"},
        {HTTP_METHOD_GET, "/services/logs/logs", DOCKER_SERVICE_LOGS, "logs"},
        {HTTP_METHOD_GET, "/tasks/a/b/logs", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_GET, "/system", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_HEAD, "/_ping", DOCKER_SYSTEM_PING_HEAD, ""},
        {HTTP_METHOD_HEAD, "/containers/json", DOCKER_CONTAINER_LIST, ""},
        {HTTP_METHOD_HEAD, "/containers/a/archive", DOCKER_CONTAINER_ARCHIVE_INFO, "a"},
        {HTTP_METHOD_HEAD, "/containers/a/start", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_PATCH, "/libpod/x", DOCKER_LIBPOD, ""},
        {HTTP_METHOD_GET, "/debug", DOCKER_OPERATION_NONE, ""},
        {HTTP_METHOD_GET, "/", DOCKER_OPERATION_NONE, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice name;
        enum docker_operation found =
            docker_route_find(rows[i].method, slice_from_text(rows[i].path), &name);
        cr_expect_eq(found, rows[i].operation, "%s is %s", rows[i].path,
                     docker_operation_info(found)->name);
        if (found != DOCKER_OPERATION_NONE)
            cr_expect(slice_equal_text(name, rows[i].name), "%s", rows[i].path);
    }
}

Test(docker_route, the_methods_of_a_path_are_told)
{
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/version")),
                 1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_HEAD);
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/build")), 1u << HTTP_METHOD_POST);
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/volumes/a")),
                 1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_HEAD | 1u << HTTP_METHOD_PUT |
                     1u << HTTP_METHOD_DELETE);
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/containers/a/start")),
                 1u << HTTP_METHOD_POST);
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/containers/json;x=1")), 0);
    cr_assert_eq(docker_route_methods(SLICE_LITERAL("/nothing")), 0);
}
