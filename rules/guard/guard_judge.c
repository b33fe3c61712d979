/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/guard/guard_judge.h"

/* Nothing of this version judges what these ask for, and no value permits it. */
static void refuse_unjudged(struct guard_case *c, const struct json_tree_node *node)
{
    guard_case_refuse(c, GUARD_SERVICES, node,
                      "what services, plugins and the swarm are asked for is not judged in this "
                      "version, and refused; `mode: report` under `guard:` lets it pass",
                      NULL);
}

/* Judged by rules alone. */
static void pass(struct guard_case *c, const struct json_tree_node *node)
{
    (void)c;
    (void)node;
}

static guard_judgement *const judges[GUARD_COUNT] = {
    [GUARD_NONE] = pass,
    [GUARD_PRIVILEGED] = guard_privileged,
    [GUARD_HOST_NAMESPACES] = guard_host_namespaces,
    [GUARD_CAPABILITIES] = guard_capabilities,
    [GUARD_DEVICES] = guard_devices,
    [GUARD_SECURITY_OPT] = guard_security_opt,
    [GUARD_RUNTIMES] = guard_runtimes,
    [GUARD_BINDS] = guard_binds,
    [GUARD_VOLUMES] = guard_volumes,
    [GUARD_TMPFS] = guard_tmpfs,
    [GUARD_NETWORKS] = guard_networks,
    [GUARD_PUBLISH] = guard_publish,
    [GUARD_IMAGES] = pass,
    [GUARD_USERS] = pass,
    [GUARD_MEMORY] = guard_memory,
    [GUARD_CPUS] = guard_cpus,
    [GUARD_PIDS] = guard_pids,
    [GUARD_SYSCTLS] = guard_sysctls,
    [GUARD_ULIMITS] = guard_ulimits,
    [GUARD_LOG_DRIVERS] = guard_log_drivers,
    [GUARD_ANNOTATIONS] = guard_annotations,
    [GUARD_RESTART] = guard_restart,
    [GUARD_EXEC] = guard_exec,
    [GUARD_BUILD] = pass,
    [GUARD_SERVICES] = refuse_unjudged,
    [GUARD_PLUGINS] = refuse_unjudged,
    [GUARD_SWARM] = refuse_unjudged,
};

/* An empty list unmasks paths, and publishes a port that has none: only what is null says nothing. */
static bool says_something(const struct body_field *field, const struct json_tree_node *node)
{
    bool empty_list_says = field->guard == GUARD_SECURITY_OPT || field->guard == GUARD_PUBLISH;
    return !body_is_empty(node) || (empty_list_says && node->kind == JSON_TREE_ARRAY);
}

static void walk(struct guard_case *c, const struct body_type *type,
                 const struct json_tree_node *node)
{
    for (const struct json_tree_node *child = node->first; child != NULL; child = child->next) {
        const struct body_field *field =
            type->kind == BODY_OBJECT ? body_type_field(type, child->key) : NULL;
        if (type->kind == BODY_OBJECT && (field == NULL || field->type->kind == BODY_IGNORED))
            continue; /* it is not sent on, and may hold anything */
        if (field != NULL && says_something(field, child))
            judges[field->guard](c, child);
        walk(c, field != NULL ? field->type : type->element, child);
    }
}

void guard_judge(struct guard_case *c)
{
    const struct json_tree_node *root = c->body->tree.root;
    c->finding->count = 0;
    if (root == NULL || c->body->type == NULL)
        return;
    walk(c, c->body->type, root);
    if (c->body->operation == docker_operation_info(DOCKER_CONTAINER_CREATE))
        guard_limits_missing(c, json_tree_at(root, "HostConfig"));
}
