/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/log/log_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write_all.h"

enum { BLOCK_LEN = 256 * 1024, LINE_MAX_LEN = 16 * 1024 * 1024 };

bool log_input_is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

static ssize_t read_some(char *bytes, size_t len, struct error *error)
{
    ssize_t count;
    do {
        count = read(STDIN_FILENO, bytes, len);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        error_set(error, COMMAND_FAILED, "cannot read standard input: %s", strerror(errno));
    return count;
}

/* On a disk, since logs are long; in memory where there is no place for that, as in an image. */
static int make_file(void)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder != NULL && folder[0] != '\0' ? folder : "/tmp",
                  O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("log", MFD_CLOEXEC);
}

static bool copy_to(int fd, struct error *error)
{
    char block[BLOCK_LEN];
    ssize_t count = 0;
    while ((count = read_some(block, sizeof(block), error)) > 0) {
        if (!write_all(fd, slice_of(block, (size_t)count)))
            return error_set(error, COMMAND_FAILED, "cannot keep standard input in a file: %s",
                             strerror(errno));
    }
    return count == 0;
}

bool log_input_open(struct log_files *files, const char *path, struct error *error)
{
    struct stat status;
    if (!log_input_is_standard(path))
        return log_files_open(files, path, error);
    bool is_file = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    AUTO_CLOSE int fd = is_file ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : make_file();
    files->count = 0;
    if (fd < 0)
        return error_set(error, COMMAND_FAILED, "cannot keep standard input in a file: %s",
                         strerror(errno));
    if (!is_file && !copy_to(fd, error))
        return false;
    if (fstat(fd, &status) == 0 && status.st_size == 0)
        return error_set(error, COMMAND_NOT_FOUND,
                         "standard input is empty; pipe the log in: docker logs CONTAINER | "
                         "dockreeve policy log --log -");
    files->fds[files->count++] = steal_fd(&fd);
    return true;
}

/* Gives out the whole lines, and keeps the rest. */
static bool give_out(struct buffer *bytes, log_follow_take *take, void *context)
{
    struct slice rest = buffer_slice(bytes);
    for (const char *end; rest.len > 0 && (end = memchr(rest.ptr, '\n', rest.len)) != NULL;) {
        if (!take(context, slice_cut(&rest, '\n')))
            return false;
    }
    size_t left = rest.ptr == NULL ? 0 : rest.len;
    if (left > 0)
        memmove(bytes->data, rest.ptr, left);
    bytes->len = left;
    return true;
}

bool log_input_follow(log_follow_take *take, void *context, struct error *error)
{
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    for (;;) {
        if (bytes.len > LINE_MAX_LEN || !buffer_reserve(&bytes, BLOCK_LEN))
            return error_set(error, COMMAND_FAILED, "a line of standard input is too long");
        /* No event is asked of standard output: poll() reports a closed pipe anyway. */
        struct pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
        if (poll(waits, ARRAY_LEN(waits), -1) < 0 && errno != EINTR)
            return error_set(error, COMMAND_FAILED, "cannot wait for standard input: %s",
                             strerror(errno));
        if ((waits[1].revents & (POLLERR | POLLHUP)) != 0)
            return true;
        ssize_t count = read_some(bytes.data + bytes.len, BLOCK_LEN, error);
        if (count <= 0)
            return count == 0;
        bytes.len += (size_t)count;
        if (!give_out(&bytes, take, context))
            return true;
    }
}
