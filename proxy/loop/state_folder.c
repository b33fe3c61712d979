/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and judging the state folder. */
#include "proxy/loop/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/loop/confine.h"

static bool give_to(const char *path, const char *user, struct error *error)
{
    uid_t uid;
    gid_t gid;
    if (!confine_find_user(user, &uid, &gid, error))
        return false;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return (fd >= 0 && fchown(fd, uid, gid) == 0) ||
           error_set(error, 1, "%s cannot be given to user %s: %s", path, user, strerror(errno));
}

bool state_folder_make(const char *path, const char *user, struct error *error)
{
    AUTO_FREE char *folder = slice_to_text(slice_from_text(path));
    bool made = false;
    for (char *at = folder + 1; at[-1] != '\0'; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char here = *at;
        *at = '\0';
        made = mkdir(folder, 0755) == 0;
        if (!made && errno != EEXIST)
            return error_set(error, 1, "%s cannot be made: %s", folder, strerror(errno));
        *at = here;
    }
    return !made || user == NULL || give_to(path, user, error);
}

bool state_folder_check(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, 1, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return error_set(error, 1, "%s is no folder", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(error, 1, "%s belongs to user %u, neither root nor the gate's user %u",
                         path, (unsigned)status.st_uid, (unsigned)geteuid());
    return (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
           error_set(error, 1, "%s has mode %04o, so others can write it (chmod go-w)", path,
                     (unsigned)status.st_mode & 07777);
}
