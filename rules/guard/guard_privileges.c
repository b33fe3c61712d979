/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process in a container may do to the host: Privileged, namespaces, capabilities, devices,
 * security options, runtimes, and the same of an exec. */
#include "rules/guard/guard_case.h"

#include "base/attributes.h"

void guard_privileged(struct guard_case *c, const struct json_tree_node *node)
{
    if (!c->set->values[GUARD_PRIVILEGED].any)
        guard_case_refuse(c, GUARD_PRIVILEGED, node, "a privileged container is root on the host",
                          "privileged: true");
}

/* ---- namespaces ---- */

/* Fields that take a namespace, and its word under `host_namespaces`. */
static const struct {
    const char *field, *word;
} namespaces[] = {
    {"PidMode", "pid"},     {"IpcMode", "ipc"},         {"UTSMode", "uts"},
    {"UsernsMode", "user"}, {"CgroupnsMode", "cgroup"}, {"NetworkMode", "network"},
};

static void join_host(struct guard_case *c, const struct json_tree_node *node, const char *word)
{
    char permit[64];
    if (guard_set_permits(c->set, GUARD_HOST_NAMESPACES, slice_from_text(word)))
        return;
    snprintf(permit, sizeof(permit), "host_namespaces: [%s]", word);
    guard_case_refuse(c, GUARD_HOST_NAMESPACES, node,
                      "it would share a namespace with the host or another container (%s)", permit);
}

static bool is_own_namespace(struct slice mode)
{
    return mode.len == 0 || slice_equal_text(mode, "private") || slice_equal_text(mode, "none") ||
           slice_equal_text(mode, "shareable");
}

void guard_host_namespaces(struct guard_case *c, const struct json_tree_node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        if (!guard_key_is(node, namespaces[i].field))
            continue;
        if (!is_own_namespace(node->text))
            join_host(c, node, namespaces[i].word);
        return;
    }
    /* CgroupParent, Cgroup: a place among the host's own groups. */
    if (!guard_set_permits(c->set, GUARD_HOST_NAMESPACES, SLICE_LITERAL("cgroup")))
        guard_case_refuse(c, GUARD_HOST_NAMESPACES, node,
                          "it would stand in a cgroup of the client's choice (%s)",
                          "host_namespaces: [cgroup]");
}

/* ---- capabilities ---- */

/* Those that a container has when nothing is said (moby's oci/caps, DefaultCapabilities). */
static const char *const default_capabilities[] = {
    "CHOWN",  "DAC_OVERRIDE", "FSETID",  "FOWNER",           "MKNOD",      "NET_RAW", "SETGID",
    "SETUID", "SETFCAP",      "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",    "AUDIT_WRITE",
};

/* "cap_net_admin" is NET_ADMIN, in `text`. */
static struct slice canonical_capability(struct slice name, char text[64])
{
    size_t len = 0;
    if (name.len > 4 && slice_equal_nocase(slice_of(name.ptr, 4), SLICE_LITERAL("CAP_")))
        name = slice_of(name.ptr + 4, name.len - 4);
    for (; len < name.len && len < 63; len++) {
        char byte = name.ptr[len];
        text[len] = byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
    }
    text[len] = '\0';
    return slice_of(text, len);
}

static void add_capability(struct guard_case *c, const struct json_tree_node *node)
{
    char text[64];
    struct slice name = canonical_capability(node->text, text);
    for (size_t i = 0; i < ARRAY_LEN(default_capabilities); i++) {
        if (slice_equal_text(name, default_capabilities[i]))
            return; /* no addition */
    }
    if (!guard_set_permits(c->set, GUARD_CAPABILITIES, name))
        guard_case_refuse_text(c, GUARD_CAPABILITIES, node, name, "it adds the capability %s",
                               "capabilities: [%s]");
}

void guard_capabilities(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "CapDrop") || guard_key_is(node, "CapabilityDrop"))
        return;
    if (node->kind == JSON_TREE_STRING)
        add_capability(c, node);
    for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
        add_capability(c, each);
}

/* ---- devices ---- */

/* A device has one name: an absolute path without dots and doubled slashes. */
static bool is_clean_path(struct slice path)
{
    struct slice rest = path;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    (void)slice_cut(&rest, '/');
    while (rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal_text(part, ".") || slice_equal_text(part, ".."))
            return false;
    }
    return true;
}

static void take_device(struct guard_case *c, const struct json_tree_node *node, struct slice path)
{
    if (!is_clean_path(path) || !guard_set_permits(c->set, GUARD_DEVICES, path))
        guard_case_refuse_text(c, GUARD_DEVICES, node, path, "it asks for the device %s",
                               "devices: [%s]");
}

/* LD_PRELOAD and its like are run on the host by the hooks of some runtimes (CVE-2025-23266). */
static void judge_environment(struct guard_case *c, const struct json_tree_node *list)
{
    const struct json_tree_node *host = json_tree_at(c->body->tree.root, "HostConfig");
    const struct json_tree_node *requests = json_tree_at(host, "DeviceRequests");
    bool hooks = (requests != NULL && requests->count > 0) ||
                 json_tree_text(host, "Runtime").len > 0 ||
                 json_tree_text(c->body->tree.root, "Runtime").len > 0;
    for (const struct json_tree_node *each = list->first; hooks && each != NULL;
         each = each->next) {
        if (slice_starts_with(each->text, SLICE_LITERAL("LD_")))
            guard_case_refuse_text(c, GUARD_DEVICES, each, SLICE_LITERAL("LD_"),
                                   "a variable that begins with %s, beside devices or another "
                                   "runtime, can run code on the host",
                                   NULL);
    }
}

void guard_devices(struct guard_case *c, const struct json_tree_node *node)
{
    const struct json_tree_node *holder = node->parent == NULL ? NULL : node->parent->parent;
    if (guard_key_is(node, "Env")) {
        judge_environment(c, node);
    } else if (guard_key_is(node, "DeviceCgroupRules")) {
        for (const struct json_tree_node *each = node->first; each != NULL; each = each->next) {
            if (!guard_set_permits(c->set, GUARD_DEVICES, each->text))
                guard_case_refuse(c, GUARD_DEVICES, each, "it asks for the devices %s",
                                  "devices: [%s]");
        }
    } else if (guard_key_is(node, "PathOnHost") || guard_key_is(node, "Path")) {
        take_device(c, node, node->text);
    } else if (guard_key_is(node, "DeviceRequests")) {
        if (!guard_set_permits(c->set, GUARD_DEVICES, SLICE_LITERAL("gpu")))
            guard_case_refuse(c, GUARD_DEVICES, node, "it asks a driver for devices (%s)",
                              "devices: [gpu]");
    } else if (holder == NULL || node->kind == JSON_TREE_ARRAY || holder->key.ptr == NULL) {
        return; /* a list of those above, or what stands beside one */
    }
}

/* ---- security options ---- */

static bool weakens(struct slice option)
{
    struct slice value = option;
    struct slice name = slice_cut(&value, memchr(option.ptr, '=', option.len) != NULL ? '=' : ':');
    if (slice_equal_text(name, "no-new-privileges"))
        return false; /* without it a container is as it is by default */
    if (slice_equal_text(name, "apparmor"))
        return !slice_equal_text(value, "docker-default");
    return true;
}

void guard_security_opt(struct guard_case *c, const struct json_tree_node *node)
{
    if (!guard_key_is(node,
                      "SecurityOpt")) { /* MaskedPaths, ReadonlyPaths, a service's privileges */
        if (!guard_set_permits(c->set, GUARD_SECURITY_OPT, SLICE_LITERAL("systempaths=unconfined")))
            guard_case_refuse(c, GUARD_SECURITY_OPT, node,
                              "it changes what of /proc and /sys is kept from the container",
                              "security_opt: [\"systempaths=unconfined\"]");
        return;
    }
    for (const struct json_tree_node *each = node->first; each != NULL; each = each->next) {
        if (weakens(each->text) && !guard_set_permits(c->set, GUARD_SECURITY_OPT, each->text))
            guard_case_refuse(c, GUARD_SECURITY_OPT, each, "the security option %s may open it",
                              "security_opt: [%s]");
    }
}

/* ---- runtimes, execs ---- */

void guard_runtimes(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Isolation") && slice_equal_text(node->text, "default"))
        return;
    if (!guard_set_permits(c->set, GUARD_RUNTIMES, node->text))
        guard_case_refuse(c, GUARD_RUNTIMES, node, "the runtime %s is a program of the host",
                          "runtimes: [%s]");
}

void guard_exec(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Privileged") && !c->set->values[GUARD_EXEC].any)
        guard_case_refuse(c, GUARD_EXEC, node, "a privileged exec is root on the host",
                          "exec: {privileged: true}");
    else if (guard_key_is(node, "WorkingDir") &&
             slice_starts_with(node->text, SLICE_LITERAL("/proc")))
        guard_case_refuse(c, GUARD_EXEC, node,
                          "a working directory under /proc can lead out of the container", NULL);
}
