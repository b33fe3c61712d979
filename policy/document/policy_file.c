/* SPDX-License-Identifier: Apache-2.0
 *
 * Opened first, judged by the descriptor afterwards: what was judged is what is read. */
#include "policy/document/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path_trust.h"
#include "base/path_walk.h"
#include "policy/document/yaml_tree.h"

static const struct path_trust_rules rules = {0};

/* What is wrong with it, in words. */
static bool refuse_owner(const char *path, uid_t owner, struct policy_messages *errors)
{
    uid_t own = geteuid();
    policy_messages_add(
        errors, path, 0, 0,
        "belongs to user %u: a policy and its folder must belong to root or to the gate's "
        "user (chown %u '%s')",
        (unsigned)owner, (unsigned)own, path);
    return false;
}

static bool refuse_mode(const char *path, unsigned mode, struct policy_messages *errors)
{
    policy_messages_add(
        errors, path, 0, 0,
        "has mode %04o, so others can write it: a policy and its folder must be writable by "
        "their owner only (chmod go-w '%s')",
        mode, path);
    return false;
}

static bool check_status(const char *path, const struct stat *status,
                         struct policy_messages *errors)
{
    bool good =
        path_trust_owner(&rules, status->st_uid) || refuse_owner(path, status->st_uid, errors);
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse_mode(path, (unsigned)status->st_mode & 07777, errors);
    return good;
}

/* Whoever can write one of the folders on the way can put another file there. */
static bool check_folders(const char *path, struct policy_messages *errors)
{
    struct path_trust_fault fault;
    if (path_trust_check(path, &rules, &fault))
        return true;
    return fault.kind == PATH_TRUST_OWNER ? refuse_owner(fault.path, fault.owner, errors)
                                          : refuse_mode(fault.path, fault.mode, errors);
}

/* Whether nothing of that name is there, no link either. False with a message in `errors`. */
static bool is_absent(const char *path, struct policy_messages *errors)
{
    switch (path_walk(path, NULL, NULL)) {
    case PATH_WALK_ABSENT:
        return true;
    case PATH_WALK_FOUND:
        policy_messages_add(errors, path, 0, 0, "came or went while it was looked for");
        return false;
    case PATH_WALK_FAILED:
        break;
    }
    if (errno == ENOENT)
        policy_messages_add(errors, path, 0, 0,
                            "is a link, or behind a link, that leads nowhere: remove the link, or "
                            "put back what it leads to");
    else
        policy_messages_add(errors, path, 0, 0, "cannot be looked at: %s", strerror(errno));
    return false;
}

bool policy_file_check_folder(const char *path, bool check_owner, struct policy_messages *errors)
{
    struct stat status;
    if (stat(path, &status) != 0 && errno == ENOENT)
        return is_absent(path, errors);
    if (stat(path, &status) != 0) {
        policy_messages_add(errors, path, 0, 0, "cannot be looked at: %s", strerror(errno));
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        policy_messages_add(errors, path, 0, 0,
                            "is no folder: drop-ins are the *.yaml files of a folder of this name");
        return false;
    }
    return !check_owner || (check_status(path, &status, errors) && check_folders(path, errors));
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
    return policy_file_read_noted(path, check_owner, NULL, out, &modified_us, errors);
}

enum policy_file_result policy_file_read_noted(const char *path, bool check_owner,
                                               struct policy_files *files, struct buffer *out,
                                               int64_t *modified_us_out,
                                               struct policy_messages *errors)
{
    /* O_NONBLOCK: a named pipe in place of the file must not stop us. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int reason = errno;
    struct stat status;
    bool opened = fd >= 0 && fstat(fd, &status) == 0;
    policy_files_add(files, path, opened ? &status : NULL);
    errno = reason;
    if (fd < 0 && errno == ENOENT)
        return is_absent(path, errors) ? POLICY_FILE_MISSING : POLICY_FILE_BAD;
    if (!opened) {
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
