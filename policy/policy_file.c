/* SPDX-License-Identifier: Apache-2.0
 *
 * Opened first, judged by the descriptor afterwards: what was judged is what is read. */
#include "policy/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/yaml_tree.h"

static bool check_status(const char *path, const struct stat *status,
                         struct policy_messages *errors)
{
    uid_t own = geteuid();
    bool good = true;
    if (status->st_uid != 0 && status->st_uid != own) {
        policy_messages_add(
            errors, path, 0, 0,
            "belongs to user %u: a policy and its folder must belong to root or to the gate's "
            "user (chown %u '%s')",
            (unsigned)status->st_uid, (unsigned)own, path);
        good = false;
    }
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        policy_messages_add(
            errors, path, 0, 0,
            "has mode %04o, so others can write it: a policy and its folder must be writable by "
            "their owner only (chmod go-w '%s')",
            (unsigned)(status->st_mode & 07777), path);
        good = false;
    }
    return good;
}

bool policy_file_check_folder(const char *path, struct policy_messages *errors)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno == ENOENT)
            return true;
        policy_messages_add(errors, path, 0, 0, "cannot be looked at: %s", strerror(errno));
        return false;
    }
    return check_status(path, &status, errors);
}

static bool check_folders(const char *path, struct policy_messages *errors)
{
    AUTO_FREE char *named = slice_to_text(slice_from_text(path));
    const char *named_folder = dirname(named);
    if (!policy_file_check_folder(named_folder, errors))
        return false;
    char target[PATH_MAX];
    if (realpath(path, target) == NULL)
        return true; /* the descriptor is open: its file may be gone, which the next load sees */
    char *target_folder = dirname(target);
    char resolved[PATH_MAX];
    if (realpath(named_folder, resolved) != NULL && strcmp(resolved, target_folder) == 0)
        return true;
    return policy_file_check_folder(target_folder, errors);
}

static bool read_all(int fd, const char *path, struct buffer *out, struct policy_messages *errors)
{
    for (;;) {
        if (out->len > YAML_TREE_BYTES_MAX) {
            policy_messages_add(errors, path, 0, 0, "larger than 128 MB");
            return false;
        }
        if (!buffer_reserve(out, 64 * 1024))
            abort();
        ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
        if (got == 0)
            return true;
        if (got > 0) {
            out->len += (size_t)got;
        } else if (errno != EINTR) {
            policy_messages_add(errors, path, 0, 0, "cannot be read: %s", strerror(errno));
            return false;
        }
    }
}

enum policy_file_result policy_file_read(const char *path, bool check_owner, struct buffer *out,
                                         struct policy_messages *errors)
{
    int64_t modified_us;
    return policy_file_read_dated(path, check_owner, out, &modified_us, errors);
}

enum policy_file_result policy_file_read_dated(const char *path, bool check_owner,
                                               struct buffer *out, int64_t *modified_us_out,
                                               struct policy_messages *errors)
{
    /* O_NONBLOCK: a named pipe in place of the file must not stop us. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return POLICY_FILE_MISSING;
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        policy_messages_add(errors, path, 0, 0, "cannot be opened: %s", strerror(errno));
        return POLICY_FILE_BAD;
    }
    if (!S_ISREG(status.st_mode)) {
        policy_messages_add(errors, path, 0, 0, "is not a regular file");
        return POLICY_FILE_BAD;
    }
    if (check_owner) {
        bool good = check_status(path, &status, errors);
        if (!check_folders(path, errors) || !good)
            return POLICY_FILE_BAD;
    }
    *modified_us_out = (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
    return read_all(fd, path, out, errors) ? POLICY_FILE_READ : POLICY_FILE_BAD;
}
