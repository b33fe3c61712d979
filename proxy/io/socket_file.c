/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A descriptor that is good for nothing but naming the file (O_PATH) holds it while
 * it is looked at and changed; /proc gives it a name that chmod(2) takes. */
#include "proxy/io/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"

static int open_path(const char *path, struct stat *status)
{
    AUTO_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && fstat(fd, status) == 0 ? steal_fd(&fd) : -1;
}

static bool is_same(const struct socket_file *file, const struct stat *status)
{
    return status->st_dev == file->device && status->st_ino == file->inode;
}

bool socket_file_claim(struct socket_file *file, const char *path, struct error *error)
{
    struct stat status;
    AUTO_CLOSE int fd = open_path(path, &status);
    if (fd < 0 || !S_ISSOCK(status.st_mode))
        return error_set(error, 1, "%s is not the socket that was just made", path);
    *file = (struct socket_file){
        .path = slice_to_text(slice_from_text(path)),
        .device = status.st_dev,
        .inode = status.st_ino,
        .made_owner = status.st_uid,
        .made_group = status.st_gid,
        .now = {(unsigned)status.st_mode & 0777, -1, -1},
    };
    return true;
}

bool socket_file_is_in_place(const struct socket_file *file)
{
    struct stat status;
    return lstat(file->path, &status) == 0 && is_same(file, &status);
}

static bool are_equal(const struct socket_permissions *a, const struct socket_permissions *b)
{
    return a->mode == b->mode && a->owner == b->owner && a->group == b->group;
}

bool socket_permissions_include(const struct socket_permissions *after,
                                const struct socket_permissions *before)
{
    bool same_ids = after->owner == before->owner && after->group == before->group;
    /* Connecting takes the right to write; who is in a class that lacks it is in no other. */
    return (after->mode & 0222) == 0222 || (same_ids && (before->mode & ~after->mode & 0222) == 0);
}

static bool set_mode(int fd, const char *path, unsigned mode)
{
    char name[40];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return chmod(name, mode) == 0 || (errno == ENOENT && chmod(path, mode) == 0);
}

static uid_t owner_of(const struct socket_file *file, const struct socket_permissions *permissions)
{
    return permissions->owner < 0 ? file->made_owner : (uid_t)permissions->owner;
}

static gid_t group_of(const struct socket_file *file, const struct socket_permissions *permissions)
{
    return permissions->group < 0 ? file->made_group : (gid_t)permissions->group;
}

static bool set_owner(int fd, const struct socket_file *file,
                      const struct socket_permissions *before,
                      const struct socket_permissions *after)
{
    uid_t owner = owner_of(file, after);
    gid_t group = group_of(file, after);
    bool same_owner = owner == owner_of(file, before), same_group = group == group_of(file, before);
    if (same_owner && same_group)
        return true;
    return fchownat(fd, "", same_owner ? (uid_t)-1 : owner, same_group ? (gid_t)-1 : group,
                    AT_EMPTY_PATH) == 0;
}

/* First what both have in common, then the new owner, then all of it. */
static bool permit(int fd, const struct socket_file *file, const struct socket_permissions *before,
                   const struct socket_permissions *after)
{
    unsigned common = before->mode & after->mode;
    return (common == before->mode || set_mode(fd, file->path, common)) &&
           set_owner(fd, file, before, after) &&
           (common == after->mode || set_mode(fd, file->path, after->mode));
}

bool socket_file_permit(struct socket_file *file, const struct socket_permissions *permissions,
                        struct error *error)
{
    struct stat status;
    if (are_equal(&file->now, permissions))
        return true;
    AUTO_CLOSE int fd = open_path(file->path, &status);
    if (fd < 0 || !is_same(file, &status))
        return error_set(error, 1, "%s is no longer the socket of this listener", file->path);
    if (permit(fd, file, &file->now, permissions)) {
        file->now = *permissions;
        return true;
    }
    int reason = errno;
    (void)!set_owner(fd, file, permissions, &file->now);
    if (fstat(fd, &status) == 0 && status.st_uid == owner_of(file, &file->now) &&
        status.st_gid == group_of(file, &file->now))
        (void)set_mode(fd, file->path, file->now.mode); /* else it stays narrower than both */
    return error_set(
        error, 1,
        "cannot give %s mode %04o, owner %lld and group %lld (-1: as it was made): %s; "
        "a running gate has given up the right to give files away: restart it",
        file->path, permissions->mode, (long long)permissions->owner, (long long)permissions->group,
        strerror(reason));
}

void socket_file_remove(struct socket_file *file)
{
    if (file->path != NULL && socket_file_is_in_place(file))
        unlink(file->path);
    socket_file_clear(file);
}

void socket_file_clear(struct socket_file *file)
{
    free(file->path);
    *file = (struct socket_file){0};
}
