/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operations and the selectors that name several of them at once. The sets are lists,
 * not conditions, so that what a set opens can be read and an operation that is added to the table
 * later belongs to none until somebody decides it. */
#include "rules/docker/docker_operation.h"

/* Each parameter says how far it reaches: one that does not has an argument too few. */
#define ONCE(name_, reach_)                                                                        \
    {                                                                                              \
        .name = {name_, sizeof(name_) - 1}, .repeats = false, .reach = DOCKER_REACH_##reach_       \
    }
#define MANY(name_, reach_)                                                                        \
    {                                                                                              \
        .name = {name_, sizeof(name_) - 1}, .repeats = true, .reach = DOCKER_REACH_##reach_        \
    }
#define END_OF_PARAMETERS                                                                          \
    {                                                                                              \
        .name = { NULL, 0 }                                                                        \
    }
#define NO_PARAMETERS END_OF_PARAMETERS

#define OPERATION(symbol, name_, old_name_, method_, path_, object_, body_, upgrade_, first_,      \
                  last_, name_reach_, ...)                                                         \
    static const struct docker_parameter_info parameters_of_##symbol[] = {__VA_ARGS__,             \
                                                                          END_OF_PARAMETERS};
#include "rules/docker/docker_operation_table.inc"
#undef OPERATION

static const struct docker_parameter_info no_parameters[] = {END_OF_PARAMETERS};

static const struct docker_operation_info operations[DOCKER_OPERATION_COUNT] = {
    [DOCKER_OPERATION_NONE] = {.name = "unknown", .path = "", .parameters = no_parameters},
#define OPERATION(symbol, name_, old_name_, method_, path_, object_, body_, upgrade_, first_,      \
                  last_, name_reach_, ...)                                                         \
    [DOCKER_##symbol] = {.name = name_,                                                            \
                         .old_name = old_name_,                                                    \
                         .method = HTTP_METHOD_##method_,                                          \
                         .path = path_,                                                            \
                         .object = DOCKER_OBJECT_##object_,                                        \
                         .body = DOCKER_BODY_##body_,                                              \
                         .upgrade = DOCKER_UPGRADE_##upgrade_,                                     \
                         .first = first_,                                                          \
                         .last = last_,                                                            \
                         .name_reach = DOCKER_REACH_##name_reach_,                                 \
                         .parameters = parameters_of_##symbol},
#include "rules/docker/docker_operation_table.inc"
#undef OPERATION
};

/* Lists, inspects, ping, version, info, events, df and the plain numbers of stats. Not here, though
 * they are GET: whatever carries file or process contents (archive, changes, export, logs, top,
 * attach, attestations, configs, debug, checkpoints, image get), keys (swarm inspect and unlock
 * key) or makes the engine ask a registry (search, distribution, plugin privileges). */
static const uint8_t read_set[] = {
    DOCKER_CONTAINER_INSPECT, DOCKER_CONTAINER_LIST,  DOCKER_CONTAINER_STATS,
    DOCKER_EXEC_INSPECT,      DOCKER_IMAGE_HISTORY,   DOCKER_IMAGE_INSPECT,
    DOCKER_IMAGE_LIST,        DOCKER_NETWORK_INSPECT, DOCKER_NETWORK_LIST,
    DOCKER_NODE_INSPECT,      DOCKER_NODE_LIST,       DOCKER_PLUGIN_INSPECT,
    DOCKER_PLUGIN_LIST,       DOCKER_SECRET_INSPECT,  DOCKER_SECRET_LIST,
    DOCKER_SERVICE_INSPECT,   DOCKER_SERVICE_LIST,    DOCKER_SYSTEM_DATA_USAGE,
    DOCKER_SYSTEM_EVENTS,     DOCKER_SYSTEM_INFO,     DOCKER_SYSTEM_PING,
    DOCKER_SYSTEM_PING_HEAD,  DOCKER_SYSTEM_VERSION,  DOCKER_TASK_INSPECT,
    DOCKER_TASK_LIST,         DOCKER_VOLUME_INSPECT,  DOCKER_VOLUME_LIST,
};

static const uint8_t logs_set[] = {DOCKER_CONTAINER_LOGS, DOCKER_SERVICE_LOGS, DOCKER_TASK_LOGS};

static const uint8_t lifecycle_set[] = {
    DOCKER_CONTAINER_START, DOCKER_CONTAINER_STOP,  DOCKER_CONTAINER_RESTART,
    DOCKER_CONTAINER_KILL,  DOCKER_CONTAINER_PAUSE, DOCKER_CONTAINER_UNPAUSE,
    DOCKER_CONTAINER_WAIT,
};

static const uint8_t run_set[] = {
    DOCKER_SYSTEM_PING,      DOCKER_SYSTEM_PING_HEAD, DOCKER_CONTAINER_CREATE,
    DOCKER_CONTAINER_START,  DOCKER_CONTAINER_ATTACH, DOCKER_CONTAINER_WAIT,
    DOCKER_CONTAINER_RESIZE, DOCKER_CONTAINER_DELETE, DOCKER_CONTAINER_INSPECT,
};

static const uint8_t exec_set[] = {
    DOCKER_CONTAINER_EXEC,
    DOCKER_EXEC_START,
    DOCKER_EXEC_RESIZE,
    DOCKER_EXEC_INSPECT,
};

/* /session and /grpc are how BuildKit talks: `docker build` of the CLI from 23.0 on does not work
 * without them. */
static const uint8_t build_set[] = {
    DOCKER_IMAGE_BUILD, DOCKER_BUILD_CANCEL, DOCKER_BUILD_PRUNE, DOCKER_SESSION, DOCKER_GRPC,
};

static const uint8_t pull_set[] = {DOCKER_IMAGE_CREATE};

static const struct {
    const char *name;
    const uint8_t *members;
    size_t count;
} sets[] = {
    {"@read", read_set, sizeof(read_set)},
    {"@logs", logs_set, sizeof(logs_set)},
    {"@lifecycle", lifecycle_set, sizeof(lifecycle_set)},
    {"@run", run_set, sizeof(run_set)},
    {"@exec", exec_set, sizeof(exec_set)},
    {"@build", build_set, sizeof(build_set)},
    {"@pull", pull_set, sizeof(pull_set)},
};

_Static_assert(DOCKER_OPERATION_COUNT <= UINT8_MAX,
               "the sets and the routes keep an operation in one byte");

const struct docker_operation_info *docker_operation_info(enum docker_operation operation)
{
    return &operations[operation < DOCKER_OPERATION_COUNT ? operation : DOCKER_OPERATION_NONE];
}

int docker_operation_find_parameter(const struct docker_operation_info *info, struct slice name)
{
    for (unsigned i = 0; info->parameters[i].name.ptr != NULL; i++) {
        if (slice_equal(info->parameters[i].name, name))
            return (int)i;
    }
    return -1;
}

void docker_operation_write_path(const struct docker_operation_info *info, const char *name,
                                 struct buffer *out)
{
    struct slice behind = slice_from_text(info->path);
    buffer_append_slice(out, slice_cut(&behind, '{'));
    buffer_append_text(out, behind.ptr == NULL ? "" : name);
    (void)slice_cut(&behind, '}');
    buffer_append_slice(out, behind);
}

enum docker_operation docker_operation_from_name(struct slice name)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const char *old_name = operations[i].old_name;
        if (slice_equal_text(name, operations[i].name) ||
            (old_name != NULL && slice_equal_text(name, old_name)))
            return (enum docker_operation)i;
    }
    return DOCKER_OPERATION_NONE;
}

/* Whether `name` matches `glob`, in which `*` stands for any run of letters. Goes back to the last
 * star only, so that the cost is the product of the lengths at worst. */
static bool glob_matches(struct slice glob, struct slice name)
{
    size_t at = 0, star = SIZE_MAX, resume = 0;
    for (size_t i = 0; i < name.len;) {
        if (at < glob.len && glob.ptr[at] == '*') {
            star = at++;
            resume = i;
        } else if (at < glob.len && glob.ptr[at] == name.ptr[i]) {
            at++;
            i++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (at < glob.len && glob.ptr[at] == '*')
        at++;
    return at == glob.len;
}

static bool add_glob(struct docker_operation_set *set, struct slice glob)
{
    bool found = false;
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        if (i == DOCKER_LIBPOD || !glob_matches(glob, slice_from_text(operations[i].name)))
            continue;
        docker_operation_set_add(set, (enum docker_operation)i);
        found = true;
    }
    return found;
}

bool docker_operation_set_add_selector(struct docker_operation_set *set, struct slice selector)
{
    if (slice_equal_text(selector, "@all"))
        return add_glob(set, SLICE_LITERAL("*"));
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        if (!slice_equal_text(selector, sets[i].name))
            continue;
        for (size_t member = 0; member < sets[i].count; member++)
            docker_operation_set_add(set, (enum docker_operation)sets[i].members[member]);
        return true;
    }
    if (selector.len > 0 && memchr(selector.ptr, '*', selector.len) != NULL)
        return add_glob(set, selector);
    enum docker_operation operation = docker_operation_from_name(selector);
    if (operation == DOCKER_OPERATION_NONE || operation == DOCKER_LIBPOD)
        return false;
    docker_operation_set_add(set, operation);
    return true;
}

const char *const *docker_operation_set_names(void)
{
    static const char *const names[] = {"@read",  "@logs", "@lifecycle", "@run", "@exec",
                                        "@build", "@pull", "@all",       NULL};
    return names;
}
