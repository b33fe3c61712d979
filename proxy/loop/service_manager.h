/* SPDX-License-Identifier: Apache-2.0
 *
 * The two conversations with systemd, without its library: sockets that it opened for us
 * (sd_listen_fds(3)) and what we tell it about our state (sd_notify(3)). Without a service manager
 * both do nothing. Call both before threads exist: the variables are taken out of the environment,
 * so that no child and no later call mistakes them for its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct service_manager; /* opaque; owns the notification socket */

enum { SERVICE_SOCKETS_MAX = 64, SERVICE_SOCKET_NAME_MAX = 255 };

/* One listening socket that was handed to us. */
struct service_socket {
    int fd;     /* belongs to the caller; close-on-exec and non-blocking */
    int family; /* AF_UNIX, AF_INET or AF_INET6 */
    char name[SERVICE_SOCKET_NAME_MAX + 1]; /* FileDescriptorName= of the unit; "unknown" without */
};

/* Fills sockets[0..*count_out) from LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES and takes them out of
 * the environment. No sockets, or sockets meant for another process, is no error. False (code 2)
 * when what was handed over is not a listening stream socket of a known family, or there are too
 * many: the unit is wrong, and starting on fewer sockets would hide it. */
MUST_CHECK bool service_manager_sockets(struct service_socket sockets[static SERVICE_SOCKETS_MAX],
                                        unsigned *count_out, struct error *error);

/* Connects to $NOTIFY_SOCKET (a path, or @name for an abstract socket) and takes it and
 * WATCHDOG_USEC out of the environment. *out is NULL, and that is success, when nobody asks. False
 * (code: an errno) when the socket cannot be used. */
MUST_CHECK bool service_manager_open(struct service_manager **out, struct error *error);
void service_manager_close(struct service_manager **manager);

/* All of these accept NULL. They never block; a message that the manager has no room for is
 * dropped. */
/* `status` is one line for `systemctl status`; control bytes become spaces: a line end would start
 * another assignment. */
void service_manager_ready(struct service_manager *manager, const char *status);
/* With MONOTONIC_USEC, as Type=notify-reload asks. Call service_manager_ready() when it is done,
 * also when it failed. */
void service_manager_reloading(struct service_manager *manager);
void service_manager_stopping(struct service_manager *manager);

/* How often service_manager_watchdog() must be called (half of what the unit allows), 0 = not asked
 * for. */
uint64_t service_manager_watchdog_interval_us(const struct service_manager *manager);
void service_manager_watchdog(struct service_manager *manager);
