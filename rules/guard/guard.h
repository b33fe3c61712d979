/* SPDX-License-Identifier: Apache-2.0
 *
 * The guards: what a container, a volume, a network may be, whoever asks for it. Each field of the
 * engine's request bodies (rules/guard/body_table.c) says which of them judges it. */
#pragma once

/* NONE = nothing that a value there does reaches beyond the object itself. */
/* clang-format off */
#define GUARDS(G) \
    G(NONE, "none") \
    G(PRIVILEGED, "privileged") \
    G(HOST_NAMESPACES, "host_namespaces") \
    G(CAPABILITIES, "capabilities") \
    G(DEVICES, "devices") \
    G(SECURITY_OPT, "security_opt") \
    G(RUNTIMES, "runtimes") \
    G(BINDS, "binds") \
    G(VOLUMES, "volumes") \
    G(TMPFS, "tmpfs") \
    G(NETWORKS, "networks") \
    G(PUBLISH, "publish") \
    G(IMAGES, "images") \
    G(USERS, "users") \
    G(MEMORY, "memory") \
    G(CPUS, "cpus") \
    G(PIDS, "pids") \
    G(SYSCTLS, "sysctls") \
    G(ULIMITS, "ulimits") \
    G(LOG_DRIVERS, "log_drivers") \
    G(ANNOTATIONS, "annotations") \
    G(RESTART, "restart") \
    G(EXEC, "exec") \
    G(BUILD, "build") \
    G(SERVICES, "services") \
    G(PLUGINS, "plugins") \
    G(SWARM, "swarm")
/* clang-format on */

enum guard {
#define GUARD_DECLARE(symbol, name) GUARD_##symbol,
    GUARDS(GUARD_DECLARE)
#undef GUARD_DECLARE
        GUARD_COUNT,
};

