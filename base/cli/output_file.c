/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing beside and renaming. */
#include "base/cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/write_all.h"

static bool fail(const char *path, struct error *error)
{
    int failure = errno;
    return error_set(error, COMMAND_FAILED, "cannot write %s: %s", quote_text(path).text,
                     strerror(failure));
}

static bool replace(const char *path, struct slice bytes, mode_t mode)
{
    AUTO_BUFFER struct buffer beside = BUFFER_EMPTY;
    buffer_printf(&beside, "%s.XXXXXX", path);
    AUTO_FREE char *temporary = slice_to_text(buffer_slice(&beside));
    AUTO_CLOSE int fd = mkstemp(temporary);
    if (fd < 0)
        return false;
    mode_t mask = umask(0);
    umask(mask);
    if (write_all(fd, bytes) && fchmod(fd, mode & ~mask) == 0 && fsync(fd) == 0 &&
        rename(temporary, path) == 0)
        return true;
    int failure = errno;
    unlink(temporary);
    errno = failure;
    return false;
}

bool output_file_write(const char *path, struct slice bytes, mode_t mode, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0 || S_ISREG(status.st_mode))
        return replace(path, bytes, mode) || fail(path, error);
    /* A link is left to open(2): the system refuses to follow one that another user put into a
     * shared folder, and /dev/stdout must stay what it is. */
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    return (fd >= 0 && write_all(fd, bytes)) || fail(path, error);
}
