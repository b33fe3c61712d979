/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations as rules. What changes something is narrowed to the objects it was used on, as long as
 * they are few and the log has their names; operations with the same condition share a rule, in
 * which the largest sets stand whose members were all used, and the rest by name. What hands over
 * more than its name says gets a warning: guards do not look into bodies yet. */
#include <string.h>

#include "base/json_write.h"
#include "policy/suggest/suggest.h"

static const struct {
    enum docker_operation operation;
    const char *warning;
} dangerous[] = {
    {DOCKER_CONTAINER_CREATE, "whoever may create containers is root on the host unless guards "
                              "refuse what makes it so"},
    {DOCKER_CONTAINER_UPDATE, "lifts the limits of any container"},
    {DOCKER_CONTAINER_EXEC, "runs any command in any container, privileged ones too"},
    {DOCKER_EXEC_START, "runs any command in any container, privileged ones too"},
    {DOCKER_CONTAINER_ATTACH, "reads and types into any container"},
    {DOCKER_CONTAINER_ATTACH_WEBSOCKET, "reads and types into any container"},
    {DOCKER_CONTAINER_ARCHIVE, "reads any file of any container"},
    {DOCKER_CONTAINER_EXPORT, "reads any file of any container"},
    {DOCKER_PUT_CONTAINER_ARCHIVE, "writes any file of any container"},
    {DOCKER_CHECKPOINT_CREATE, "writes the memory of a container to a folder of the host"},
    {DOCKER_IMAGE_BUILD, "a build runs what the client sends, and fetches what it names"},
    {DOCKER_SESSION, "a build runs what the client sends, and fetches what it names"},
    {DOCKER_GRPC, "a build runs what the client sends, and fetches what it names"},
    {DOCKER_IMAGE_LOAD, "puts any content under any image's name"},
    {DOCKER_IMAGE_TAG, "puts any image under any image's name"},
    {DOCKER_IMAGE_PUSH, "sends any image to any registry"},
    {DOCKER_IMAGE_GET, "reads every file of any image"},
    {DOCKER_IMAGE_GET_ALL, "reads every file of any image"},
    {DOCKER_VOLUME_CREATE, "with driver options a volume is any folder of the host"},
    {DOCKER_SERVICE_CREATE, "a service runs any container on any node: root on all of them"},
    {DOCKER_SERVICE_UPDATE, "a service runs any container on any node: root on all of them"},
    {DOCKER_NODE_UPDATE, "makes nodes managers of the swarm"},
    {DOCKER_SWARM_INIT, "hands over the swarm"},
    {DOCKER_SWARM_JOIN, "hands over the swarm"},
    {DOCKER_SWARM_LEAVE, "hands over the swarm"},
    {DOCKER_SWARM_UNLOCK, "hands over the swarm"},
    {DOCKER_SWARM_UPDATE, "hands over the swarm"},
    {DOCKER_SWARM_INSPECT, "shows the tokens to join the swarm"},
    {DOCKER_SWARM_UNLOCKKEY, "shows the key of the swarm"},
    {DOCKER_SECRET_CREATE, "changes the secrets of services"},
    {DOCKER_SECRET_UPDATE, "changes the secrets of services"},
    {DOCKER_SECRET_DELETE, "changes the secrets of services"},
    {DOCKER_CONFIG_CREATE, "changes the configuration of services"},
    {DOCKER_CONFIG_UPDATE, "changes the configuration of services"},
    {DOCKER_CONFIG_DELETE, "changes the configuration of services"},
    {DOCKER_CONFIG_INSPECT, "shows the configuration of services, which often holds passwords"},
    {DOCKER_CONFIG_LIST, "shows the configuration of services, which often holds passwords"},
    {DOCKER_PLUGIN_CREATE, "a plugin is root on the host"},
    {DOCKER_PLUGIN_ENABLE, "a plugin is root on the host"},
    {DOCKER_PLUGIN_PULL, "a plugin is root on the host"},
    {DOCKER_PLUGIN_SET, "a plugin is root on the host"},
    {DOCKER_PLUGIN_UPGRADE, "a plugin is root on the host"},
    {DOCKER_DEBUG, "shows the memory of the engine"},
};

/* What a rule has to name (rules/docker/docker_reach.h); the log does not hold queries. */
static const struct {
    enum docker_operation operation;
    const char *note;
} guarded[] = {
    {DOCKER_CONTAINER_START,
     "`checkpoint` and `checkpoint-dir` stay refused unless a rule names them"},
    {DOCKER_IMAGE_CREATE,
     "`fromSrc`, and registries given by address, as localhost or with a port, "
     "stay refused unless a rule names them"},
    {DOCKER_IMAGE_PUSH, "registries given by address, as localhost or with a port stay refused "
                        "unless a rule names them in `where: {image: ...}`"},
    {DOCKER_IMAGE_BUILD,
     "`remote`, `outputs` and a registry of its own in `cachefrom` stay refused "
     "unless a rule names them"},
    {DOCKER_IMAGE_SEARCH, "registries other than Docker Hub stay refused unless a rule names them"},
    {DOCKER_DISTRIBUTION_INSPECT,
     "registries other than Docker Hub stay refused unless a rule spells them in its path"},
    {DOCKER_GET_PLUGIN_PRIVILEGES,
     "registries other than Docker Hub stay refused unless a rule names them"},
    {DOCKER_PLUGIN_PULL, "registries other than Docker Hub stay refused unless a rule names them"},
    {DOCKER_PLUGIN_PUSH, "registries other than Docker Hub stay refused unless a rule names them"},
    {DOCKER_PLUGIN_UPGRADE,
     "registries other than Docker Hub stay refused unless a rule names them"},
    {DOCKER_CHECKPOINT_LIST, "`dir` stays refused unless a rule names it"},
    {DOCKER_CHECKPOINT_DELETE, "`dir` stays refused unless a rule names it"},
};

static const char *warning_of(enum docker_operation operation)
{
    for (size_t i = 0; i < ARRAY_LEN(dangerous); i++) {
        if (dangerous[i].operation == operation)
            return dangerous[i].warning;
    }
    return NULL;
}

static const char *note_of(enum docker_operation operation)
{
    for (size_t i = 0; i < ARRAY_LEN(guarded); i++) {
        if (guarded[i].operation == operation)
            return guarded[i].note;
    }
    return NULL;
}

/* ---- conditions ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_narrowed(const struct suggest_operation *operation,
                        const struct suggest_options *options)
{
    bool known = operation->nameable && operation->object_count > 0;
    return !options->any_object && (known || operation->project != NULL) &&
           suggest_goes_by_name(operation->operation);
}

/* The value of `where`; "" = the operation goes without. */
static const char *where_of(struct arena *arena, const struct suggest_operation *operation,
                            const struct suggest_options *options)
{
    const char *names[SUGGEST_OBJECTS_MAX];
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (!is_narrowed(operation, options))
        return "";
    if (!operation->nameable) {
        buffer_append_literal(&out, "{\"label\": ");
        json_write_quoted(&out, slice_from_text(operation->project));
        buffer_append_byte(&out, '}');
        return arena_text(arena, buffer_slice(&out));
    }
    memcpy(names, operation->objects, sizeof(names));
    qsort(names, operation->object_count, sizeof(names[0]), compare_texts);
    buffer_append_literal(&out, "{\"name\": [");
    for (unsigned i = 0; i < operation->object_count; i++) {
        buffer_append_text(&out, i > 0 ? ", " : "");
        json_write_string(&out, slice_from_text(names[i]));
    }
    buffer_append_literal(&out, "]}");
    return arena_text(arena, buffer_slice(&out));
}

/* ---- one group: the operations with the same condition ---- */

struct group {
    struct suggestion *suggestion;
    const char *client, *where;
    bool any_object; /* nobody wants to be told of operations that no name narrows */
    const struct suggest_operation *used[DOCKER_OPERATION_COUNT]; /* NULL = not used, or covered */
    struct docker_operation_set admitted;                         /* used, or always allowed */
};

/* preset/negotiate: they need no rule, and a set that holds them opens nothing with them. */
static bool is_always_allowed(enum docker_operation operation)
{
    return operation == DOCKER_SYSTEM_PING || operation == DOCKER_SYSTEM_PING_HEAD ||
           operation == DOCKER_SYSTEM_VERSION;
}

/* What the operation opens in this group; NULL = nothing but what it says. */
static const char *group_warning(const struct group *group, enum docker_operation operation)
{
    const char *warning = warning_of(operation);
    if (warning != NULL || group->any_object || group->where[0] != '\0' ||
        group->used[operation] == NULL || !suggest_goes_by_name(operation))
        return warning;
    return group->used[operation]->object_count == SUGGEST_OBJECTS_MAX
               ? "for everything, since it was used on more than a rule should name"
               : "for everything, since it was used by an id or by no name";
}

static void add_rule(const struct group *group, const struct suggest_item *item)
{
    struct suggest_rule wanted = {.client = group->client};
    if (group->where[0] != '\0')
        suggest_keys_add(&wanted.keys, "where", group->where);
    suggest_rule_add(suggest_rule_for(group->suggestion, &wanted), item);
}

/* How many operations the set would take off the list; 0 when a member was not used. */
static size_t gain_of(const struct group *group, const struct docker_operation_set *set)
{
    size_t gain = 0;
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(set, &operation)) {
        if (!docker_operation_set_has(&group->admitted, operation))
            return 0;
        gain += group->used[operation] != NULL && !is_always_allowed(operation);
    }
    return gain;
}

/* The operation by itself. One that was not used adds nothing but what is to be said of it. */
static struct suggest_item item_of(const struct group *group, enum docker_operation operation)
{
    const char *name = docker_operation_info(operation)->name;
    struct suggest_item item = {.text = name,
                                .order = name,
                                .permitted = true,
                                .warning = group_warning(group, operation),
                                .note = note_of(operation)};
    if (group->used[operation] != NULL) {
        item.span = group->used[operation]->span;
        item.members = 1;
        item.permitted = group->used[operation]->permitted;
    }
    return item;
}

/* Writes the set and takes its members off the list. */
static void take_set(struct group *group, const char *name, const struct docker_operation_set *set)
{
    struct suggest_item item = {.text = name, .order = name, .permitted = true};
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(set, &operation)) {
        struct suggest_item member = item_of(group, operation);
        if (member.warning != NULL && item.warning == NULL)
            member.warning =
                arena_printf(&group->suggestion->arena, "%s: %s", member.text, member.warning);
        suggest_item_add(&item, &member);
        group->used[operation] = NULL;
    }
    add_rule(group, &item);
}

/* Largest first; a set that would stand for one operation only is no help. */
static void take_sets(struct group *group)
{
    for (;;) {
        const char *best = NULL;
        struct docker_operation_set best_set = {{0}};
        size_t best_gain = 1;
        for (const char *const *name = docker_operation_set_names(); *name != NULL; name++) {
            struct docker_operation_set set = {{0}};
            if (!docker_operation_set_add_selector(&set, slice_from_text(*name)))
                continue;
            size_t gain = gain_of(group, &set);
            if (gain > best_gain) {
                best = *name;
                best_gain = gain;
                best_set = set;
            }
        }
        if (best == NULL)
            return;
        take_set(group, best, &best_set);
    }
}

static void take_names(struct group *group)
{
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        if (group->used[i] == NULL || is_always_allowed((enum docker_operation)i))
            continue;
        const struct suggest_item item = item_of(group, (enum docker_operation)i);
        add_rule(group, &item);
    }
}

void suggest_docker(struct suggestion *suggestion, struct suggest_operation *const *operations,
                    size_t count, const struct suggest_options *options)
{
    const char *wheres[DOCKER_OPERATION_COUNT];
    for (size_t i = 0; i < count; i++)
        wheres[i] = where_of(&suggestion->arena, operations[i], options);
    for (size_t i = 0; i < count; i++) {
        if (wheres[i] == NULL)
            continue;
        struct group group = {
            suggestion, operations[i]->client, wheres[i], options->any_object, {NULL}, {{0}}};
        for (size_t other = i; other < count; other++) {
            if (wheres[other] == NULL || strcmp(wheres[other], group.where) != 0)
                continue;
            wheres[other] = NULL;
            group.used[operations[other]->operation] = operations[other];
            docker_operation_set_add(&group.admitted, operations[other]->operation);
        }
        for (unsigned n = DOCKER_OPERATION_NONE + 1; n < DOCKER_OPERATION_COUNT; n++) {
            if (group.where[0] == '\0' && is_always_allowed((enum docker_operation)n))
                docker_operation_set_add(&group.admitted, (enum docker_operation)n);
        }
        take_sets(&group);
        take_names(&group);
    }
}
