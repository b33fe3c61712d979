/* SPDX-License-Identifier: Apache-2.0
 *
 * A body before the guards: what is judged, by which values, and what was found. Each guard is a
 * function of one field; a field that a guard does not know is refused. */
#pragma once

#include "base/json_tree.h"
#include "rules/guard/body.h"
#include "rules/guard/guard_set.h"

enum { GUARD_FIELD_MAX = 160, GUARD_TEXT_MAX = 480 };

/* The first violation, and how many there are. */
struct guard_finding {
    unsigned count;
    enum guard guard;
    const char *source;          /* in the policy, or static */
    char field[GUARD_FIELD_MAX]; /* "HostConfig.Binds[0]" */
    char text[GUARD_TEXT_MAX];   /* what is asked for, and what would permit it; escaped */
};

/* Appends "`HostConfig.Binds[0]`: it mounts ... To permit it, ... (and 2 more)". */
void guard_finding_write(const struct guard_finding *finding, struct buffer *out);

/* Whether the path of the host, which was found to be permitted, is what it says: it is there, and no
 * part of it below `root` is a link, so that it cannot mean another place. The text of *why_out says
 * what it is instead. */
typedef bool guard_host_path(void *context, struct slice root, struct slice path,
                             const char **why_out);

struct guard_case {
    const struct guard_set *set;
    const struct body *body;
    guard_host_path *host_path; /* NULL = the host's files cannot be seen: nothing is permitted */
    void *context;
    struct guard_finding *finding; /* filled */
};

/* Notes a violation of `guard` at `node`: `what` is wrong with it, and `permit` would permit it (a line
 * under `guard:`, or NULL when nothing does). Both may have one %s, for the quoted value of the node. */
void guard_case_refuse(struct guard_case *c, enum guard guard, const struct json_tree_node *node,
                       const char *what, const char *permit);
/* The same with that text in place of the node's. */
void guard_case_refuse_text(struct guard_case *c, enum guard guard,
                            const struct json_tree_node *node, struct slice text, const char *what,
                            const char *permit);

static inline bool guard_key_is(const struct json_tree_node *node, const char *key)
{
    return node->key.ptr != NULL && slice_equal_text(node->key, key);
}

/* The number there; 0 where none is. */
int64_t guard_number(const struct json_tree_node *node, const char *key);

/* A guard: judges a field that is there and says something. */
typedef void guard_judgement(struct guard_case *c, const struct json_tree_node *node);

/* Guards on what a container may do (guard_privileges.c). */
guard_judgement guard_privileged, guard_host_namespaces, guard_capabilities, guard_devices,
    guard_security_opt, guard_runtimes, guard_exec;
/* On what of the host's files it sees (guard_mounts.c). */
guard_judgement guard_binds, guard_volumes, guard_tmpfs;
/* On whom it reaches, and who reaches it (guard_networks.c). */
guard_judgement guard_networks, guard_publish;
/* On how much it may use, and how it lives (guard_limits.c). */
guard_judgement guard_memory, guard_cpus, guard_pids, guard_sysctls, guard_ulimits,
    guard_log_drivers, guard_annotations, guard_restart;
/* What a create must have said to stay below the limits that are set. */
void guard_limits_missing(struct guard_case *c, const struct json_tree_node *host);

