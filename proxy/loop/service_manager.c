/* SPDX-License-Identifier: Apache-2.0
 *
 * sd_listen_fds(3) and sd_notify(3) by their documented protocols. */
#include "proxy/loop/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/io/endpoint.h"

enum { LISTEN_FDS_START = 3, STATUS_MAX = 400 };

struct service_manager {
    int fd; /* owned; connected datagram socket */
    uint64_t watchdog_interval_us;
};

/* A number from the environment; false when the variable is unset or no number. */
static bool read_number(const char *name, uint64_t *number_out)
{
    const char *text = getenv(name);
    return text != NULL && slice_to_u64(slice_from_text(text), number_out);
}

static int get_option(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static bool take_socket(struct service_socket *socket, int fd, struct slice name,
                        struct error *error)
{
    int family = get_option(fd, SO_DOMAIN);
    int flags = fcntl(fd, F_GETFL);
    const struct quoted quoted = quote(name);
    if (get_option(fd, SO_TYPE) != SOCK_STREAM || get_option(fd, SO_ACCEPTCONN) != 1)
        return error_set(error, 2,
                         "descriptor %d (%s) from the service manager is not a listening stream "
                         "socket: use ListenStream= in the socket unit, without Accept=yes",
                         fd, quoted.text);
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
        return error_set(error, 2,
                         "descriptor %d (%s) from the service manager has address family %d: only "
                         "unix, IPv4 and IPv6 sockets are served",
                         fd, quoted.text, family);
    if (name.len > SERVICE_SOCKET_NAME_MAX)
        return error_set(error, 2, "LISTEN_FDNAMES has a name of %zu bytes; %d are allowed",
                         name.len, SERVICE_SOCKET_NAME_MAX);
    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return error_set(error, 2, "descriptor %d (%s) cannot be set up: %s", fd, quoted.text,
                         strerror(errno));
    socket->fd = fd;
    socket->family = family;
    memset(socket->name, 0, sizeof(socket->name));
    memcpy(socket->name, name.ptr, name.len);
    return true;
}

static bool take_sockets(struct service_socket *sockets, unsigned *count_out, struct error *error)
{
    uint64_t pid;
    uint64_t count;
    const char *names = getenv("LISTEN_FDNAMES");
    struct slice rest = slice_from_text(names);
    *count_out = 0;
    if (getenv("LISTEN_FDS") == NULL || getenv("LISTEN_PID") == NULL)
        return true;
    if (!read_number("LISTEN_PID", &pid) || !read_number("LISTEN_FDS", &count))
        return error_set(error, 2, "LISTEN_PID and LISTEN_FDS must be numbers");
    if (pid != (uint64_t)getpid())
        return true;
    if (count > SERVICE_SOCKETS_MAX)
        return error_set(error, 2,
                         "LISTEN_FDS hands over %" PRIu64 " sockets; at most %d are taken", count,
                         SERVICE_SOCKETS_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct slice name = SLICE_LITERAL("unknown");
        if (names != NULL && rest.ptr == NULL)
            return error_set(error, 2, "LISTEN_FDNAMES has fewer names than LISTEN_FDS sockets");
        if (names != NULL)
            name = slice_cut(&rest, ':');
        if (!take_socket(&sockets[i], LISTEN_FDS_START + (int)i, name, error))
            return false;
        *count_out = i + 1;
    }
    if (count > 0 && rest.ptr != NULL)
        return error_set(error, 2, "LISTEN_FDNAMES has more names than LISTEN_FDS sockets");
    return true;
}

bool service_manager_sockets(struct service_socket sockets[static SERVICE_SOCKETS_MAX],
                             unsigned *count_out, struct error *error)
{
    bool taken = take_sockets(sockets, count_out, error);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return taken;
}

/* The interval is ours only when WATCHDOG_PID is absent or our own. */
static uint64_t read_watchdog(void)
{
    uint64_t pid;
    uint64_t limit_us;
    if (!read_number("WATCHDOG_USEC", &limit_us))
        return 0;
    if (getenv("WATCHDOG_PID") != NULL &&
        (!read_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
        return 0;
    return limit_us / 2;
}

static bool connect_to(struct service_manager *manager, const char *name, struct error *error)
{
    struct endpoint endpoint;
    size_t len = strlen(name);
    if ((name[0] != '@' && name[0] != '/') || len < 2 ||
        !endpoint_from_path(&endpoint, slice_of(name, len)))
        return error_set_system(error, EINVAL,
                                "NOTIFY_SOCKET is %s: it must be an absolute path or @ and a name",
                                quote_text(name).text);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (manager->fd < 0 || connect(manager->fd, &endpoint.address.any, endpoint.len) != 0)
        return error_set_system(error, errno,
                                "the service manager's socket %s cannot be reached: %s",
                                quote_text(name).text, strerror(errno));
    return true;
}

static bool open_manager(struct service_manager **out, struct error *error)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *out = NULL;
    if (name == NULL || name[0] == '\0')
        return true;
    struct service_manager *manager = calloc(1, sizeof(*manager));
    if (manager == NULL)
        return error_set_system(error, ENOMEM,
                                "there is no memory for the service manager's socket");
    manager->fd = -1;
    manager->watchdog_interval_us = read_watchdog();
    if (!connect_to(manager, name, error)) {
        service_manager_close(&manager);
        return false;
    }
    *out = manager;
    return true;
}

bool service_manager_open(struct service_manager **out, struct error *error)
{
    bool opened = open_manager(out, error);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return opened;
}

void service_manager_close(struct service_manager **manager)
{
    struct service_manager *closing = steal_pointer(manager);
    if (closing == NULL)
        return;
    if (closing->fd >= 0)
        close(closing->fd);
    free(closing);
}

static void notify(struct service_manager *manager, const char *text)
{
    if (manager != NULL)
        (void)!send(manager->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void service_manager_ready(struct service_manager *manager, const char *status)
{
    char text[STATUS_MAX + 64];
    int prefix = snprintf(text, sizeof(text), "READY=1\nSTATUS=");
    snprintf(text + prefix, sizeof(text) - (size_t)prefix, "%.*s", STATUS_MAX, status);
    for (char *at = text + prefix; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    notify(manager, text);
}

void service_manager_reloading(struct service_manager *manager)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, timestamp_monotonic_us());
    notify(manager, text);
}

void service_manager_stopping(struct service_manager *manager)
{
    notify(manager, "STOPPING=1");
}

uint64_t service_manager_watchdog_interval_us(const struct service_manager *manager)
{
    return manager == NULL ? 0 : manager->watchdog_interval_us;
}

void service_manager_watchdog(struct service_manager *manager)
{
    notify(manager, "WATCHDOG=1");
}
