/* SPDX-License-Identifier: Apache-2.0
 *
 * A unix socket is looked at: most of what goes wrong with one can be seen. */
#include "proxy/serve/engine_advice.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_socket(const char *path, const struct error *why, struct buffer *out)
{
    struct stat status;
    if (stat(path, &status) != 0)
        buffer_printf(out,
                      "%s: %s; is the Docker Engine installed and running, or its socket mounted?",
                      path, strerror(errno));
    else if (!S_ISSOCK(status.st_mode))
        buffer_printf(out,
                      "%s is no socket; a mount made a folder of it before the engine ran: mount "
                      "the folder that holds the socket",
                      path);
    else if (why->system_error == EACCES)
        buffer_printf(out,
                      "%s belongs to uid %u, group %u, mode %03o, and this is uid %u: add group %u "
                      "(docker run --group-add %u, systemd SupplementaryGroups=)",
                      path, status.st_uid, status.st_gid, (unsigned)status.st_mode & 0777,
                      geteuid(), status.st_gid, status.st_gid);
    else
        buffer_printf(out,
                      "%s: %s; a socket that was left behind, or a single-file mount of one that "
                      "the engine has made anew: mount the folder",
                      path, why->text);
}

void engine_advice_write(const struct endpoint *engine, const struct error *why, struct buffer *out)
{
    if (endpoint_is_unix(engine) && engine->address.un.sun_path[0] == '/') {
        write_socket(engine->address.un.sun_path, why, out);
        return;
    }
    endpoint_write(engine, out);
    buffer_printf(out, " does not answer: %s", why->text);
}
