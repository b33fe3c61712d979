/* SPDX-License-Identifier: Apache-2.0
 *
 * How much a container may use of the host, and how it lives: limits that the policy sets must be
 * asked for and kept; sysctls, ulimits, log drivers, annotations and restart policies stand in lists. */
#include "rules/guard/guard_case.h"

#include "base/attributes.h"

static void refuse_unlisted(struct guard_case *c, enum guard guard,
                            const struct json_tree_node *node, struct slice text, const char *what,
                            const char *permit)
{
    if (!guard_set_permits(c->set, guard, text))
        guard_case_refuse_text(c, guard, node, text, what, permit);
}

/* ---- limits ---- */

static void keep_below(struct guard_case *c, enum guard guard, const struct json_tree_node *node,
                       int64_t asked, const char *what)
{
    const struct guard_value *value = &c->set->values[guard];
    if (value->has_max && (asked <= 0 || asked > value->max))
        guard_case_refuse(c, guard, node, what, NULL);
}

void guard_memory(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Memory")) {
        keep_below(c, GUARD_MEMORY, node, guard_number(node, NULL),
                   "%s bytes of memory are more "
                   "than the policy permits");
    } else if (guard_key_is(node, "OomKillDisable") ||
               (guard_key_is(node, "OomScoreAdj") && node->text.ptr[0] == '-')) {
        if (!c->set->values[GUARD_MEMORY].any)
            guard_case_refuse(c, GUARD_MEMORY, node,
                              "it would outlive others when the host's memory is out", NULL);
    }
}

void guard_cpus(struct guard_case *c, const struct json_tree_node *node)
{
    const int64_t billion = 1000000000, default_period = 100000;
    if (guard_key_is(node, "NanoCpus")) {
        keep_below(c, GUARD_CPUS, node, guard_number(node, NULL),
                   "%s billionths of a processor are "
                   "more than the policy permits");
    } else if (guard_key_is(node, "CpuQuota")) {
        int64_t period = guard_number(node->parent, "CpuPeriod");
        int64_t quota = guard_number(node, NULL);
        period = period > 0 ? period : default_period;
        bool huge = quota > INT64_MAX / billion;
        keep_below(c, GUARD_CPUS, node, huge ? INT64_MAX : quota * billion / period,
                   "a quota of %s is more than the policy permits");
    } else if (guard_key_is(node, "CpuRealtimeRuntime") ||
               guard_key_is(node, "CpuRealtimePeriod")) {
        if (!c->set->values[GUARD_CPUS].any)
            guard_case_refuse(c, GUARD_CPUS, node,
                              "real-time processor time is taken from the whole host", NULL);
    }
}

void guard_pids(struct guard_case *c, const struct json_tree_node *node)
{
    keep_below(c, GUARD_PIDS, node, guard_number(node, NULL),
               "%s processes are more than the policy permits");
}

static void require(struct guard_case *c, enum guard guard, bool asked, const char *what)
{
    if (c->set->values[guard].has_max && !asked)
        guard_case_refuse(c, guard, c->body->tree.root, what, NULL);
}

void guard_limits_missing(struct guard_case *c, const struct json_tree_node *host)
{
    require(c, GUARD_MEMORY, guard_number(host, "Memory") != 0,
            "no limit of memory is asked for (HostConfig.Memory), and the policy sets one");
    require(c, GUARD_CPUS,
            guard_number(host, "NanoCpus") != 0 || guard_number(host, "CpuQuota") != 0,
            "no limit of processors is asked for (HostConfig.NanoCpus), and the policy sets one");
    require(c, GUARD_PIDS, guard_number(host, "PidsLimit") != 0,
            "no limit of processes is asked for (HostConfig.PidsLimit), and the policy sets one");
}

/* ---- lists ---- */

void guard_sysctls(struct guard_case *c, const struct json_tree_node *node)
{
    for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
        refuse_unlisted(c, GUARD_SYSCTLS, each, each->key, "it sets %s of the kernel",
                        "sysctls: [%s]");
}

void guard_ulimits(struct guard_case *c, const struct json_tree_node *node)
{
    /* What takes from other processes of the host. */
    static const char *const risky[] = {"rtprio",  "nice",       "rttime",
                                        "memlock", "sigpending", "msgqueue"};
    if (guard_key_is(node, "Name") &&
        slice_find_nocase(node->text, risky, ARRAY_LEN(risky)) < ARRAY_LEN(risky))
        refuse_unlisted(c, GUARD_ULIMITS, node, node->text, "it raises the limit %s",
                        "ulimits: [%s]");
}

void guard_log_drivers(struct guard_case *c, const struct json_tree_node *node)
{
    static const char *const local[] = {"json-file", "local", "journald", "none"};
    if (guard_key_is(node, "Type") &&
        slice_find(node->text, local, ARRAY_LEN(local)) == ARRAY_LEN(local))
        refuse_unlisted(c, GUARD_LOG_DRIVERS, node, node->text,
                        "the log driver %s lets the engine send elsewhere", "log_drivers: [%s]");
}

void guard_annotations(struct guard_case *c, const struct json_tree_node *node)
{
    for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
        refuse_unlisted(c, GUARD_ANNOTATIONS, each, each->key,
                        "the annotation %s is read by runtimes and plugins of the host",
                        "annotations: [%s]");
}

void guard_restart(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Name") && !slice_equal_text(node->text, "no"))
        refuse_unlisted(c, GUARD_RESTART, node, node->text,
                        "the restart policy %s lets it come back by itself", "restart: [%s]");
}
