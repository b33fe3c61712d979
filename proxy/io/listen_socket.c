/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding, and what it takes on each family. */
#include "proxy/io/listen_socket.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static bool fail(const char *name, int reason, struct error *error)
{
    return error_set(error, reason == EADDRINUSE ? COMMAND_CONFLICT : COMMAND_FAILED,
                     "cannot listen on %s: %s", name, strerror(reason));
}

/* True when nothing is at the path any more. */
static bool remove_dead(const struct endpoint *endpoint, struct error *error)
{
    const char *path = endpoint->address.un.sun_path;
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ||
               error_set(error, 1, "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, 1, "%s exists and is no socket: remove it, or listen elsewhere",
                         path);
    AUTO_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return error_set(error, 1, "cannot make a socket: %s", strerror(errno));
    if (connect(probe, &endpoint->address.any, endpoint->len) == 0 || errno == EAGAIN)
        return error_set(error, COMMAND_CONFLICT, "something listens on %s already", path);
    return unlink(path) == 0 ||
           error_set(error, 1, "cannot remove the dead socket %s: %s", path, strerror(errno));
}

static int make_socket(struct endpoint *endpoint, int type)
{
    static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
    int fd = socket(endpoint->address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 || errno != EAFNOSUPPORT || endpoint->address.any.sa_family != AF_INET6 ||
        memcmp(&endpoint->address.in6.sin6_addr, &any6, sizeof(any6)) != 0)
        return fd;
    struct ip_address any4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
    endpoint_from_ip(endpoint, &any4, endpoint_port(endpoint));
    return socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int listen_socket_bind(struct endpoint *endpoint, int type, mode_t mask, const char *name,
                       struct error *error)
{
    int on = 1, off = 0;
    bool has_file = endpoint_is_unix(endpoint) && endpoint->address.un.sun_path[0] != '\0';
    if (has_file && !remove_dead(endpoint, error))
        return -1;
    AUTO_CLOSE int fd = make_socket(endpoint, type);
    if (!endpoint_is_unix(endpoint) && type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (endpoint->address.any.sa_family ==
        AF_INET6) /* [::] takes IPv4 too, as the replaced images do */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    mode_t before = umask(mask);
    bool bound = fd >= 0 && bind(fd, &endpoint->address.any, endpoint->len) == 0;
    int reason = errno;
    umask(before);
    if (!bound) {
        (void)fail(name, reason, error);
        return -1;
    }
    endpoint->len = sizeof(endpoint->address);
    getsockname(fd, &endpoint->address.any, &endpoint->len);
    return steal_fd(&fd);
}

bool listen_socket_begin(int fd, const char *name, struct error *error)
{
    return listen(fd, BACKLOG) == 0 || fail(name, errno, error);
}
