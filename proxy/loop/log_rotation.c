/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and renaming of the audit log's files. Nothing here allocates: it runs between two turns
 * of the loop, possibly when memory is what the machine has run out of. */
#include "proxy/loop/log_rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path_trust.h"

enum {
    NAME_SIZE = LOG_PATH_MAX + 16,
    QUOTED_SIZE = 256,
    OPEN_FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
    FILE_MODE = 0640,
};

static const char *quote_path(const char *path, char *quoted)
{
    return error_quote(slice_from_text(path), quoted, QUOTED_SIZE);
}

/* Says which folder is missing: the first one, from the root on, that is not there. */
static bool missing_folder(const char *path, struct error *error)
{
    char name[NAME_SIZE];
    char quoted[QUOTED_SIZE];
    struct stat status;
    snprintf(name, sizeof(name), "%s", path);
    for (char *slash = strchr(name + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(name, &status) != 0)
            return error_set_system(
                error, errno,
                "the log's folder %s does not exist: create it, writable for this "
                "user, or choose another file with --log",
                quote_path(name, quoted));
        *slash = '/';
    }
    return error_set_system(error, ENOENT, "the log %s cannot be created: %s",
                            quote_path(path, quoted), strerror(ENOENT));
}

/* A descriptor of this process, which whoever started it has chosen. */
static bool is_own_descriptor(const char *path)
{
    static const char *const names[] = {"/dev/stdout", "/dev/stderr"};
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(path, names[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    }
    return false;
}

static bool refuse_owner(const char *what, const char *path, uid_t owner, struct error *error)
{
    char quoted[QUOTED_SIZE];
    return error_set_system(
        error, EPERM,
        "%s %s belongs to user %u: the log and its folder must belong to root or to "
        "the gate's user (chown), or choose another file with --log",
        what, quote_path(path, quoted), (unsigned)owner);
}

static bool refuse_mode(const char *what, const char *path, unsigned mode, struct error *error)
{
    char quoted[QUOTED_SIZE];
    return error_set_system(
        error, EPERM,
        "%s %s has mode %04o, so others can write it: the log and its folder must be "
        "writable by their owner only (chmod go-w), or choose another file with --log",
        what, quote_path(path, quoted), mode);
}

/* Whether somebody else could put another file in the log's place. */
static bool check_folders(const char *path, const struct path_trust_rules *rules,
                          struct error *error)
{
    struct path_trust_fault fault;
    if (path_trust_check(path, rules, &fault))
        return true;
    return fault.kind == PATH_TRUST_OWNER
               ? refuse_owner("the log's folder", fault.path, fault.owner, error)
               : refuse_mode("the log's folder", fault.path, fault.mode, error);
}

static bool check_opened(const char *path, int fd, const struct path_trust_rules *rules,
                         struct error *error)
{
    char quoted[QUOTED_SIZE];
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_system(error, errno, "the log %s cannot be examined: %s",
                                quote_path(path, quoted), strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
        return error_set_system(error, EINVAL, "the log %s is no file: choose another with --log",
                                quote_path(path, quoted));
    if (!path_trust_owner(rules, status.st_uid))
        return refuse_owner("the log", path, status.st_uid, error);
    if (!S_ISCHR(status.st_mode) && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse_mode("the log", path, (unsigned)status.st_mode & 07777, error);
    return true;
}

bool log_rotation_open(const char *path, const struct log_rotation_user *user, int *fd_out,
                       struct error *error)
{
    const struct path_trust_rules rules = {.sticky_is_enough = true,
                                           .group_is_fine_above = true,
                                           .has_other_user = user->is_set,
                                           .other_user = user->uid};
    bool is_own = is_own_descriptor(path);
    char quoted[QUOTED_SIZE];
    if (path[0] == '\0' || strlen(path) > LOG_PATH_MAX)
        return error_set_system(error, EINVAL, "the log's path must have 1 to %d bytes",
                                LOG_PATH_MAX);
    if (!is_own && !check_folders(path, &rules, error))
        return false;
    AUTO_CLOSE int fd = open(path, OPEN_FLAGS | O_NONBLOCK, FILE_MODE);
    /* The way once more: somebody may have put a link there after it was looked at. */
    if (fd >= 0 && !is_own &&
        (!check_folders(path, &rules, error) || !check_opened(path, fd, &rules, error)))
        return false;
    if (fd >= 0) {
        *fd_out = steal_fd(&fd);
        return true;
    }
    if (errno == ENOENT)
        return missing_folder(path, error);
    if (errno == ENXIO)
        return error_set_system(error, ENXIO,
                                "the log %s is a FIFO that nobody reads: start its reader first",
                                quote_path(path, quoted));
    int reason = errno;
    return error_set_system(error, reason, "the log %s cannot be opened for writing: %s",
                            quote_path(path, quoted), strerror(reason));
}

bool log_rotation_is_torn(const char *path)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    char last;
    if (fd < 0 || fstat(fd, &status) != 0)
        return true;
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    return pread(fd, &last, 1, status.st_size - 1) != 1 || last != '\n';
}

static void numbered(const char *path, unsigned number, char name[static NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s.%u", path, number);
}

/* PATH.n-1 → PATH.n for n = keep … 2. A gap in the row is no failure. */
static bool shift_older(const char *path, unsigned keep)
{
    char from[NAME_SIZE];
    char to[NAME_SIZE];
    /* Only names that exist need a turn, so that a large `keep` costs nothing. */
    unsigned last = 1;
    for (struct stat status; last < keep; last++) {
        numbered(path, last, from);
        if (lstat(from, &status) != 0)
            break;
    }
    for (unsigned n = last; n >= 2; n--) {
        numbered(path, n - 1, from);
        numbered(path, n, to);
        if (rename(from, to) != 0 && errno != ENOENT)
            return false;
    }
    return true;
}

static void remove_above(const char *path, unsigned keep)
{
    char name[NAME_SIZE];
    for (unsigned n = keep + 1; n != 0; n++) {
        numbered(path, n, name);
        if (unlink(name) != 0)
            return;
    }
}

static bool shift_names(const char *path, const char *fresh, unsigned keep)
{
    char first[NAME_SIZE];
    if (keep == 0)
        return rename(fresh, path) == 0;
    if (!shift_older(path, keep))
        return false;
    numbered(path, 1, first);
    /* ENOENT: somebody else has moved the file away, which is as good. */
    if (rename(path, first) != 0 && errno != ENOENT)
        return false;
    if (rename(fresh, path) == 0)
        return true;
    int reason = errno;
    (void)!rename(first, path);
    errno = reason;
    return false;
}

bool log_rotation_shift(const char *path, unsigned keep, int *fd_out, struct error *error)
{
    char fresh[NAME_SIZE];
    char quoted[QUOTED_SIZE];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    (void)unlink(fresh); /* whoever made it may still have it open */
    AUTO_CLOSE int fd = open(fresh, OPEN_FLAGS | O_EXCL, FILE_MODE);
    if (fd < 0 || !shift_names(path, fresh, keep)) {
        int reason = errno;
        if (fd >= 0)
            unlink(fresh);
        return error_set_system(
            error, reason,
            "the log %s cannot be rotated (%s): it grows on until its folder lets "
            "files be created and renamed",
            quote_path(path, quoted), strerror(reason));
    }
    remove_above(path, keep);
    *fd_out = steal_fd(&fd);
    return true;
}
