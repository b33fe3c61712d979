/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. In a container the engine keeps what the gate writes, and nobody in there can ask
 * it: the line to paste is for the host, and needs no other program there. */
#include "policy/command/command_log_source.h"

#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "policy/document/policy_paths.h"
#include "policy/log/log_input.h"

enum { CONTAINER_ID_LEN = 12, PATH_LEN_MAX = 200 };

/* Docker names the host after the container, unless it is told to name it otherwise. */
static bool find_container(char name[static 64])
{
    return access("/.dockerenv", F_OK) == 0 && gethostname(name, 64) == 0 &&
           strlen(name) == CONTAINER_ID_LEN && strspn(name, HEX_DIGITS) == CONTAINER_ID_LEN;
}

static void refuse(const char *command, struct error *error)
{
    char container[64], program[PATH_LEN_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program));
    struct slice path = slice_of(program, len > 0 && len < PATH_LEN_MAX ? (size_t)len : 0);
    if (path.len > 0 && find_container(container))
        error_set(error, COMMAND_NOT_FOUND,
                  "this gate's log goes to standard output, which the engine keeps; on the host: "
                  "docker logs %s | docker exec -i %s %.*s %s --log -",
                  container, container, (int)path.len, path.ptr, command);
    else
        error_set(error, COMMAND_NOT_FOUND,
                  "this gate's log goes to standard output; pipe in what is kept of it: "
                  "docker logs CONTAINER | dockreeve %s --log -, or "
                  "journalctl -o cat -u dockreeve | dockreeve %s --log -",
                  command, command);
}

char *command_log_source(const char *command, const struct option_value *log, struct error *error)
{
    AUTO_FREE char *path = option_text_or(log, policy_path_log);
    /* What the gate is told is not what somebody typed who has a log to read. */
    if (!log_input_is_standard(path) || (log->flag && !isatty(STDIN_FILENO)))
        return steal_pointer(&path);
    refuse(command, error);
    return NULL;
}
