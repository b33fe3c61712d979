/* SPDX-License-Identifier: Apache-2.0
 *
 * Default paths. A user without a home, or with one that is closed to it (a container with any uid),
 * gets root's paths: there is nobody else to keep apart. */
#include "policy/document/policy_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"

/* A home that somebody else's rights keep us out of is none; one that is not there can be made. */
static bool is_home(const char *path)
{
    return path != NULL && path[0] == '/' && path[1] != '\0' &&
           (access(path, X_OK) == 0 || errno != EACCES);
}

bool policy_path_state_is_own(void)
{
    const char *folder = getenv("XDG_STATE_HOME");
    return geteuid() == 0 || (folder != NULL && folder[0] == '/') || is_home(getenv("HOME"));
}

/* `system` for root, else `user` under the folder that `variable` names, or under HOME's
 * `fallback`. The XDG specification says to ignore a relative path in the variable. */
static char *choose(const char *system, const char *variable, const char *fallback,
                    const char *user)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    const char *folder = getenv(variable), *home = getenv("HOME");
    if (geteuid() == 0) {
        buffer_append_text(&path, system);
    } else if (folder != NULL && folder[0] == '/') {
        buffer_printf(&path, "%s%s", folder, user);
    } else if (is_home(home)) {
        buffer_printf(&path, "%s%s%s", home, fallback, user);
    } else {
        buffer_append_text(&path, system);
    }
    return slice_to_text(buffer_slice(&path));
}

char *policy_path_config(void)
{
    return choose("/etc/dockreeve/policy.yaml", "XDG_CONFIG_HOME", "/.config",
                  "/dockreeve/policy.yaml");
}

char *policy_path_log(void)
{
    return choose("/var/log/dockreeve/access.jsonl", "XDG_STATE_HOME", "/.local/state",
                  "/dockreeve/access.jsonl");
}

char *policy_path_state(void)
{
    return choose("/var/lib/dockreeve", "XDG_STATE_HOME", "/.local/state", "/dockreeve");
}
