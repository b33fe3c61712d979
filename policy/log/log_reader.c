/* SPDX-License-Identifier: Apache-2.0
 *
 * Both directions keep one buffer that holds at least the current line and grows with it up to
 * LINE_MAX_LEN: a file with no line ends is no log and must not fill the memory. */
#include "policy/log/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_LEN = 256 * 1024, LINE_MAX_LEN = 16 * 1024 * 1024 };

static bool is_open_already(const struct log_files *files, const struct stat *candidate)
{
    struct stat opened;
    for (unsigned i = 0; i < files->count; i++) {
        if (files->inodes[i] == candidate->st_ino && fstat(files->fds[i], &opened) == 0 &&
            opened.st_dev == candidate->st_dev)
            return true;
    }
    return false;
}

/* Opens one file of the log. A missing one is no failure: *fd_out is -1 then. */
static bool open_one(const char *path, int *fd_out, struct stat *status_out, struct error *error)
{
    /* O_NONBLOCK: a FIFO in place of the log must not hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        *fd_out = -1;
        return true;
    }
    const struct quoted quoted = quote_text(path);
    if (fd < 0 || fstat(fd, status_out) != 0) {
        int failure = errno;
        if (fd >= 0)
            close(fd);
        return error_set(error, COMMAND_FAILED, "cannot read the log %s: %s%s", quoted.text,
                         strerror(failure),
                         failure == EACCES ? " (read it as the user that runs the gate)" : "");
    }
    if (!S_ISREG(status_out->st_mode)) {
        close(fd);
        return error_set(error, COMMAND_FAILED,
                         "%s is not a regular file; a log that goes to standard output is piped "
                         "in: docker logs CONTAINER | dockreeve policy log --log -",
                         quoted.text);
    }
    *fd_out = fd;
    return true;
}

bool log_files_open(struct log_files *files, const char *path, struct error *error)
{
    files->count = 0;
    for (unsigned number = 0; files->count < LOG_FILES_MAX; number++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
        buffer_append_text(&name, path);
        if (number > 0)
            buffer_printf(&name, ".%u", number);
        int fd = -1;
        struct stat status;
        if (!open_one(buffer_text(&name), &fd, &status, error)) {
            log_files_close(files);
            return false;
        }
        if (fd < 0 && number > 0)
            return true;
        if (fd < 0) {
            return error_set(error, COMMAND_NOT_FOUND,
                             "there is no log at %s; name another with --log FILE or DOCKREEVE_LOG",
                             quote_text(path).text);
        }
        if (is_open_already(files, &status)) {
            close(fd); /* rotated between two of our steps: what was .1 is .2 now */
        } else {
            files->inodes[files->count] = status.st_ino;
            files->fds[files->count++] = fd;
        }
    }
    return true;
}

void log_files_close(struct log_files *files)
{
    for (unsigned i = 0; i < files->count; i++)
        cleanup_close(&files->fds[i]);
    files->count = 0;
}

/* Reads up to `len` bytes at `at` into `bytes`. -1 with `error`. */
static ssize_t read_at(int fd, char *bytes, size_t len, off_t at, struct error *error)
{
    ssize_t count;
    do {
        count = pread(fd, bytes, len, at);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        error_set(error, COMMAND_FAILED, "cannot read the log: %s", strerror(errno));
    return count;
}

static bool make_room(struct buffer *bytes, size_t more, struct error *error)
{
    if (bytes->len > LINE_MAX_LEN)
        return error_set(error, COMMAND_FAILED,
                         "a line of the log is longer than %d MB: this is not a log of ours",
                         LINE_MAX_LEN >> 20);
    if (!buffer_reserve(bytes, more))
        return error_set(error, COMMAND_FAILED, "out of memory while reading the log");
    return true;
}

void log_forward_init(struct log_forward *forward, int fd, off_t at)
{
    *forward = (struct log_forward){.fd = fd, .at = at};
}

void log_forward_free(struct log_forward *forward)
{
    buffer_free(&forward->bytes);
}

off_t log_forward_position(const struct log_forward *forward)
{
    return forward->at - (off_t)(forward->bytes.len - forward->used);
}

bool log_forward_is_torn(const struct log_forward *forward)
{
    return forward->bytes.len > forward->used;
}

/* Forgets what was given out and appends a block of the file. LOG_READ_LINE when there was one. */
static enum log_read load_behind(struct log_forward *forward, struct error *error)
{
    struct buffer *bytes = &forward->bytes;
    if (forward->used > 0) {
        memmove(bytes->data, bytes->data + forward->used, bytes->len - forward->used);
        bytes->len -= forward->used;
        forward->used = 0;
    }
    if (!make_room(bytes, BLOCK_LEN, error))
        return LOG_READ_FAILED;
    ssize_t count = read_at(forward->fd, bytes->data + bytes->len, BLOCK_LEN, forward->at, error);
    if (count <= 0)
        return count < 0 ? LOG_READ_FAILED : LOG_READ_END;
    bytes->len += (size_t)count;
    forward->at += count;
    return LOG_READ_LINE;
}

enum log_read log_forward_next(struct log_forward *forward, struct slice *line_out,
                               struct error *error)
{
    struct buffer *bytes = &forward->bytes;
    size_t searched = forward->used;
    for (;;) {
        if (bytes->len > searched) {
            char *start = bytes->data + searched;
            char *end = memchr(start, '\n', bytes->len - searched);
            if (end != NULL) {
                size_t behind = (size_t)(end - bytes->data);
                *line_out = slice_of(bytes->data + forward->used, behind - forward->used);
                forward->used = behind + 1;
                return LOG_READ_LINE;
            }
        }
        searched = bytes->len - forward->used;
        enum log_read result = load_behind(forward, error);
        if (result != LOG_READ_LINE)
            return result;
    }
}

void log_backward_init(struct log_backward *backward, int fd)
{
    *backward = (struct log_backward){.fd = fd};
}

void log_backward_init_at(struct log_backward *backward, int fd, off_t at)
{
    *backward = (struct log_backward){.fd = fd, .at = at, .end = at, .begun = true};
}

void log_backward_free(struct log_backward *backward)
{
    buffer_free(&backward->bytes);
}

/* Puts the block before bytes[0] in front of it. The block is as long as what is there, so that a
 * long line costs a constant number of copies a byte. */
static bool load_before(struct log_backward *backward, struct error *error)
{
    struct buffer *bytes = &backward->bytes;
    size_t len = bytes->len > BLOCK_LEN ? bytes->len : BLOCK_LEN;
    if ((off_t)len > backward->at)
        len = (size_t)backward->at;
    if (!make_room(bytes, len, error))
        return false;
    memmove(bytes->data + len, bytes->data, bytes->len);
    for (size_t filled = 0; filled < len;) {
        ssize_t count = read_at(backward->fd, bytes->data + filled, len - filled,
                                backward->at - (off_t)(len - filled), error);
        if (count < 0)
            return false;
        if (count == 0)
            return error_set(error, COMMAND_FAILED, "the log was cut while it was read; try again");
        filled += (size_t)count;
    }
    bytes->len += len;
    backward->at -= (off_t)len;
    return true;
}

/* The last line end in bytes[0..len), loading more of the file as long as there is none. *found_out
 * is false at its beginning. */
static bool find_line_end(struct log_backward *backward, size_t *len, size_t *position_out,
                          bool *found_out, struct error *error)
{
    for (;;) {
        char *end = *len > 0 ? memrchr(backward->bytes.data, '\n', *len) : NULL;
        *found_out = end != NULL;
        if (end != NULL) {
            *position_out = (size_t)(end - backward->bytes.data);
            return true;
        }
        if (backward->at == 0)
            return true;
        size_t before = backward->bytes.len;
        if (!load_before(backward, error))
            return false;
        *len += backward->bytes.len - before;
    }
}

/* Drops what stands behind the last line end. */
bool log_backward_begin(struct log_backward *backward, struct error *error)
{
    struct stat status;
    if (backward->begun)
        return true;
    if (fstat(backward->fd, &status) != 0)
        return error_set(error, COMMAND_FAILED, "cannot read the log: %s", strerror(errno));
    backward->at = status.st_size;
    backward->begun = true;
    size_t len = 0, position = 0;
    bool found;
    if (!find_line_end(backward, &len, &position, &found, error))
        return false;
    backward->bytes.len = found ? position + 1 : 0;
    backward->end = backward->at + (off_t)backward->bytes.len;
    backward->torn = backward->end < status.st_size;
    return true;
}

enum log_read log_backward_next(struct log_backward *backward, struct slice *line_out,
                                struct error *error)
{
    struct buffer *bytes = &backward->bytes;
    if (!log_backward_begin(backward, error))
        return LOG_READ_FAILED;
    if (bytes->len == 0) {
        if (backward->at == 0)
            return LOG_READ_END;
        if (!load_before(backward, error))
            return LOG_READ_FAILED;
    }
    /* bytes ends with the line end of the wanted line: look for the one before. */
    size_t len = bytes->len - 1, position = 0;
    bool found;
    if (!find_line_end(backward, &len, &position, &found, error))
        return LOG_READ_FAILED;
    size_t start = found ? position + 1 : 0;
    *line_out = slice_of(bytes->data + start, len - start);
    bytes->len = start;
    return LOG_READ_LINE;
}
