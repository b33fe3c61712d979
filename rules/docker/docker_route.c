/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of dockerd (moby api/server/router), grouped by first segment. Within a group the rows
 * stand in the order in which the engine registers them (checkpoint before container, as in its
 * initRouter), since the first match wins there too. */
#include "rules/docker/docker_route.h"

#include "base/near_word.h"

enum route_shape {
    ROUTE_EXACT,      /* the rest is `tail` and nothing else */
    ROUTE_NAME,       /* "/" name tail; the name may hold slashes: {name:.*} */
    ROUTE_SEGMENT,    /* "/" name tail; the name is one segment: {id} */
    ROUTE_CHECKPOINT, /* "/" segment "/checkpoints/" segment; the first is the name */
    ROUTE_TREE,       /* anything that is not empty; it names no object */
};

enum { METHOD_ANY = HTTP_METHOD_COUNT };

struct route {
    uint8_t operation, method, shape, tail_len;
    const char *tail;
};

#define ROUTE(shape, method, operation, tail)                                                      \
    {                                                                                              \
        DOCKER_##operation, HTTP_METHOD_##method, ROUTE_##shape, sizeof(tail) - 1, tail            \
    }

static const struct route container_routes[] = {
    ROUTE(EXACT, GET, CONTAINER_LIST, "/json"),
    ROUTE(NAME, GET, CHECKPOINT_LIST, "/checkpoints"),
    ROUTE(NAME, POST, CHECKPOINT_CREATE, "/checkpoints"),
    ROUTE(CHECKPOINT, DELETE, CHECKPOINT_DELETE, ""),
    ROUTE(NAME, HEAD, CONTAINER_ARCHIVE_INFO, "/archive"),
    ROUTE(NAME, GET, CONTAINER_EXPORT, "/export"),
    ROUTE(NAME, GET, CONTAINER_CHANGES, "/changes"),
    ROUTE(NAME, GET, CONTAINER_INSPECT, "/json"),
    ROUTE(NAME, GET, CONTAINER_TOP, "/top"),
    ROUTE(NAME, GET, CONTAINER_LOGS, "/logs"),
    ROUTE(NAME, GET, CONTAINER_STATS, "/stats"),
    ROUTE(NAME, GET, CONTAINER_ATTACH_WEBSOCKET, "/attach/ws"),
    ROUTE(NAME, GET, CONTAINER_ARCHIVE, "/archive"),
    ROUTE(EXACT, POST, CONTAINER_CREATE, "/create"),
    ROUTE(NAME, POST, CONTAINER_KILL, "/kill"),
    ROUTE(NAME, POST, CONTAINER_PAUSE, "/pause"),
    ROUTE(NAME, POST, CONTAINER_UNPAUSE, "/unpause"),
    ROUTE(NAME, POST, CONTAINER_RESTART, "/restart"),
    ROUTE(NAME, POST, CONTAINER_START, "/start"),
    ROUTE(NAME, POST, CONTAINER_STOP, "/stop"),
    ROUTE(NAME, POST, CONTAINER_WAIT, "/wait"),
    ROUTE(NAME, POST, CONTAINER_RESIZE, "/resize"),
    ROUTE(NAME, POST, CONTAINER_ATTACH, "/attach"),
    ROUTE(NAME, POST, CONTAINER_EXEC, "/exec"),
    ROUTE(NAME, POST, CONTAINER_RENAME, "/rename"),
    ROUTE(NAME, POST, CONTAINER_UPDATE, "/update"),
    ROUTE(EXACT, POST, CONTAINER_PRUNE, "/prune"),
    ROUTE(NAME, PUT, PUT_CONTAINER_ARCHIVE, "/archive"),
    ROUTE(NAME, DELETE, CONTAINER_DELETE, ""),
};

static const struct route exec_routes[] = {
    ROUTE(NAME, GET, EXEC_INSPECT, "/json"),
    ROUTE(NAME, POST, EXEC_START, "/start"),
    ROUTE(NAME, POST, EXEC_RESIZE, "/resize"),
};

static const struct route image_routes[] = {
    ROUTE(EXACT, GET, IMAGE_LIST, "/json"),
    ROUTE(EXACT, GET, IMAGE_SEARCH, "/search"),
    ROUTE(EXACT, GET, IMAGE_GET_ALL, "/get"),
    ROUTE(NAME, GET, IMAGE_GET, "/get"),
    ROUTE(NAME, GET, IMAGE_HISTORY, "/history"),
    ROUTE(NAME, GET, IMAGE_INSPECT, "/json"),
    ROUTE(NAME, GET, IMAGE_ATTESTATIONS, "/attestations"),
    ROUTE(EXACT, POST, IMAGE_LOAD, "/load"),
    ROUTE(EXACT, POST, IMAGE_CREATE, "/create"),
    ROUTE(NAME, POST, IMAGE_PUSH, "/push"),
    ROUTE(NAME, POST, IMAGE_TAG, "/tag"),
    ROUTE(EXACT, POST, IMAGE_PRUNE, "/prune"),
    ROUTE(NAME, DELETE, IMAGE_DELETE, ""),
};

static const struct route network_routes[] = {
    ROUTE(EXACT, GET, NETWORK_LIST, ""),
    ROUTE(NAME, GET, NETWORK_INSPECT, ""),
    ROUTE(EXACT, POST, NETWORK_CREATE, "/create"),
    ROUTE(NAME, POST, NETWORK_CONNECT, "/connect"),
    ROUTE(NAME, POST, NETWORK_DISCONNECT, "/disconnect"),
    ROUTE(EXACT, POST, NETWORK_PRUNE, "/prune"),
    ROUTE(NAME, DELETE, NETWORK_DELETE, ""),
};

static const struct route volume_routes[] = {
    ROUTE(EXACT, GET, VOLUME_LIST, ""),           ROUTE(NAME, GET, VOLUME_INSPECT, ""),
    ROUTE(EXACT, POST, VOLUME_CREATE, "/create"), ROUTE(EXACT, POST, VOLUME_PRUNE, "/prune"),
    ROUTE(NAME, PUT, VOLUME_UPDATE, ""),          ROUTE(NAME, DELETE, VOLUME_DELETE, ""),
};

static const struct route service_routes[] = {
    ROUTE(EXACT, GET, SERVICE_LIST, ""),           ROUTE(SEGMENT, GET, SERVICE_INSPECT, ""),
    ROUTE(EXACT, POST, SERVICE_CREATE, "/create"), ROUTE(SEGMENT, POST, SERVICE_UPDATE, "/update"),
    ROUTE(SEGMENT, DELETE, SERVICE_DELETE, ""),    ROUTE(SEGMENT, GET, SERVICE_LOGS, "/logs"),
};

static const struct route task_routes[] = {
    ROUTE(EXACT, GET, TASK_LIST, ""),
    ROUTE(SEGMENT, GET, TASK_INSPECT, ""),
    ROUTE(SEGMENT, GET, TASK_LOGS, "/logs"),
};

static const struct route node_routes[] = {
    ROUTE(EXACT, GET, NODE_LIST, ""),
    ROUTE(SEGMENT, GET, NODE_INSPECT, ""),
    ROUTE(SEGMENT, DELETE, NODE_DELETE, ""),
    ROUTE(SEGMENT, POST, NODE_UPDATE, "/update"),
};

static const struct route secret_routes[] = {
    ROUTE(EXACT, GET, SECRET_LIST, ""),
    ROUTE(EXACT, POST, SECRET_CREATE, "/create"),
    ROUTE(SEGMENT, DELETE, SECRET_DELETE, ""),
    ROUTE(SEGMENT, GET, SECRET_INSPECT, ""),
    ROUTE(SEGMENT, POST, SECRET_UPDATE, "/update"),
};

static const struct route config_routes[] = {
    ROUTE(EXACT, GET, CONFIG_LIST, ""),
    ROUTE(EXACT, POST, CONFIG_CREATE, "/create"),
    ROUTE(SEGMENT, DELETE, CONFIG_DELETE, ""),
    ROUTE(SEGMENT, GET, CONFIG_INSPECT, ""),
    ROUTE(SEGMENT, POST, CONFIG_UPDATE, "/update"),
};

static const struct route plugin_routes[] = {
    ROUTE(EXACT, GET, PLUGIN_LIST, ""),
    ROUTE(NAME, GET, PLUGIN_INSPECT, "/json"),
    ROUTE(EXACT, GET, GET_PLUGIN_PRIVILEGES, "/privileges"),
    ROUTE(NAME, DELETE, PLUGIN_DELETE, ""),
    ROUTE(NAME, POST, PLUGIN_ENABLE, "/enable"),
    ROUTE(NAME, POST, PLUGIN_DISABLE, "/disable"),
    ROUTE(EXACT, POST, PLUGIN_PULL, "/pull"),
    ROUTE(NAME, POST, PLUGIN_PUSH, "/push"),
    ROUTE(NAME, POST, PLUGIN_UPGRADE, "/upgrade"),
    ROUTE(NAME, POST, PLUGIN_SET, "/set"),
    ROUTE(EXACT, POST, PLUGIN_CREATE, "/create"),
};

static const struct route swarm_routes[] = {
    ROUTE(EXACT, POST, SWARM_INIT, "/init"),          ROUTE(EXACT, POST, SWARM_JOIN, "/join"),
    ROUTE(EXACT, POST, SWARM_LEAVE, "/leave"),        ROUTE(EXACT, GET, SWARM_INSPECT, ""),
    ROUTE(EXACT, GET, SWARM_UNLOCKKEY, "/unlockkey"), ROUTE(EXACT, POST, SWARM_UPDATE, "/update"),
    ROUTE(EXACT, POST, SWARM_UNLOCK, "/unlock"),
};

static const struct route build_routes[] = {
    ROUTE(EXACT, POST, IMAGE_BUILD, ""),
    ROUTE(EXACT, POST, BUILD_PRUNE, "/prune"),
    ROUTE(EXACT, POST, BUILD_CANCEL, "/cancel"),
};

static const struct route ping_routes[] = {
    ROUTE(EXACT, GET, SYSTEM_PING, ""),
    ROUTE(EXACT, HEAD, SYSTEM_PING_HEAD, ""),
};

static const struct route distribution_routes[] = {
    ROUTE(NAME, GET, DISTRIBUTION_INSPECT, "/json"),
};
static const struct route events_routes[] = {ROUTE(EXACT, GET, SYSTEM_EVENTS, "")};
static const struct route info_routes[] = {ROUTE(EXACT, GET, SYSTEM_INFO, "")};
static const struct route version_routes[] = {ROUTE(EXACT, GET, SYSTEM_VERSION, "")};
static const struct route system_routes[] = {ROUTE(EXACT, GET, SYSTEM_DATA_USAGE, "/df")};
static const struct route auth_routes[] = {ROUTE(EXACT, POST, SYSTEM_AUTH, "")};
static const struct route commit_routes[] = {ROUTE(EXACT, POST, IMAGE_COMMIT, "")};
static const struct route session_routes[] = {ROUTE(EXACT, POST, SESSION, "")};
static const struct route grpc_routes[] = {ROUTE(EXACT, POST, GRPC, "")};
static const struct route debug_routes[] = {ROUTE(TREE, GET, DEBUG, "")};
static const struct route libpod_routes[] = {{DOCKER_LIBPOD, METHOD_ANY, ROUTE_TREE, 0, ""}};

struct route_group {
    const char *segment; /* with its slash */
    uint8_t segment_len, count;
    const struct route *routes;
};

#define GROUP(segment, routes)                                                                     \
    {                                                                                              \
        "/" segment, sizeof("/" segment) - 1, ARRAY_LEN(routes), routes                            \
    }

/* The busy ones first. */
static const struct route_group groups[] = {
    GROUP("containers", container_routes),
    GROUP("_ping", ping_routes),
    GROUP("images", image_routes),
    GROUP("exec", exec_routes),
    GROUP("networks", network_routes),
    GROUP("volumes", volume_routes),
    GROUP("events", events_routes),
    GROUP("info", info_routes),
    GROUP("version", version_routes),
    GROUP("services", service_routes),
    GROUP("tasks", task_routes),
    GROUP("nodes", node_routes),
    GROUP("secrets", secret_routes),
    GROUP("configs", config_routes),
    GROUP("plugins", plugin_routes),
    GROUP("swarm", swarm_routes),
    GROUP("build", build_routes),
    GROUP("distribution", distribution_routes),
    GROUP("system", system_routes),
    GROUP("auth", auth_routes),
    GROUP("commit", commit_routes),
    GROUP("session", session_routes),
    GROUP("grpc", grpc_routes),
    GROUP("debug", debug_routes),
    GROUP("libpod", libpod_routes),
};

static size_t first_segment_len(struct slice path)
{
    const char *end = path.len < 2 ? NULL : memchr(path.ptr + 1, '/', path.len - 1);
    return end == NULL ? path.len : (size_t)(end - path.ptr);
}

static const struct route_group *find_group(struct slice path, struct slice *rest_out)
{
    size_t len = first_segment_len(path);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (groups[i].segment_len == len && memcmp(groups[i].segment, path.ptr, len) == 0) {
            *rest_out = slice_of(path.ptr + len, path.len - len);
            return &groups[i];
        }
    }
    return NULL;
}

/* Matches "/" segment "/checkpoints/" segment. */
static bool match_checkpoint(struct slice rest, struct slice *name_out)
{
    static const char middle[] = "/checkpoints/";
    const size_t middle_len = sizeof(middle) - 1;
    size_t name_len = first_segment_len(rest);
    if (rest.len <= name_len + middle_len || memcmp(rest.ptr + name_len, middle, middle_len) != 0)
        return false;
    size_t tail = name_len + middle_len;
    if (memchr(rest.ptr + tail, '/', rest.len - tail) != NULL)
        return false;
    *name_out = slice_of(rest.ptr + 1, name_len - 1);
    return true;
}

static bool match_route(const struct route *route, struct slice rest, struct slice *name_out)
{
    *name_out = slice_of(NULL, 0);
    size_t tail = route->tail_len;
    switch ((enum route_shape)route->shape) {
    case ROUTE_EXACT:
        return rest.len == tail && memcmp(rest.ptr, route->tail, tail) == 0;
    case ROUTE_NAME:
    case ROUTE_SEGMENT:
        if (rest.len < tail + 2 || memcmp(rest.ptr + rest.len - tail, route->tail, tail) != 0)
            return false;
        if (route->shape == ROUTE_SEGMENT && memchr(rest.ptr + 1, '/', rest.len - tail - 1) != NULL)
            return false;
        *name_out = slice_of(rest.ptr + 1, rest.len - tail - 1);
        return true;
    case ROUTE_CHECKPOINT:
        return match_checkpoint(rest, name_out);
    case ROUTE_TREE:
        return rest.len > 1;
    }
    return false;
}

static const struct route *find_in_group(const struct route_group *group, enum http_method method,
                                         struct slice rest, struct slice *name_out)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct route *route = &group->routes[i];
        if ((route->method == method || route->method == METHOD_ANY) &&
            match_route(route, rest, name_out))
            return route;
    }
    return NULL;
}

static const struct route *find_route(enum http_method method, struct slice path,
                                      struct slice *name_out)
{
    *name_out = slice_of(NULL, 0);
    struct slice rest;
    bool known = method != HTTP_METHOD_UNKNOWN && method < HTTP_METHOD_CORE_COUNT;
    const struct route_group *group = known ? find_group(path, &rest) : NULL;
    if (group == NULL)
        return NULL;
    const struct route *route = find_in_group(group, method, rest, name_out);
    if (route == NULL && method == HTTP_METHOD_HEAD)
        route = find_in_group(group, HTTP_METHOD_GET, rest, name_out);
    return route;
}

enum docker_operation docker_route_find(enum http_method method, struct slice path,
                                        struct slice *name_out)
{
    const struct route *route = find_route(method, path, name_out);
    return route == NULL ? DOCKER_OPERATION_NONE : (enum docker_operation)route->operation;
}

unsigned docker_route_methods(struct slice path)
{
    unsigned methods = 0, catch_all = 0;
    struct slice name;
    for (int method = HTTP_METHOD_GET; method < HTTP_METHOD_CORE_COUNT; method++) {
        const struct route *route = find_route((enum http_method)method, path, &name);
        if (route == NULL)
            continue;
        methods |= 1u << method;
        if (route->shape == ROUTE_NAME && route->tail_len == 0)
            catch_all |= 1u << method;
    }
    /* DELETE /containers/{name:.*} takes any path at all, so that it alone does not make one known. */
    return catch_all == 1u << HTTP_METHOD_DELETE ? methods & ~catch_all : methods;
}

const char *docker_route_near(struct slice path)
{
    struct slice rest;
    if (find_group(path, &rest) != NULL)
        return NULL;
    struct near_word near;
    near_word_init(&near, slice_of(path.ptr, first_segment_len(path)));
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        near_word_offer(&near, groups[i].segment);
    return near.best;
}
