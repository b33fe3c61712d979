/* SPDX-License-Identifier: Apache-2.0
 *
 * As the kernel does it (path_resolution(7)), with what is left to be looked up in one buffer: a
 * link's target is put in front of it. */
#include "base/path_walk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

struct walk {
    char at[PATH_MAX];   /* the folder; "" = the root */
    char rest[PATH_MAX]; /* what is to be looked up in it */
    char entry[PATH_MAX];
    char name[NAME_MAX + 1];
    unsigned links;
    bool in_target;     /* what is looked up next belongs to the target of a link */
    size_t behind_link; /* length of `rest` that is no target */
};

static bool too_long(void)
{
    errno = ENAMETOOLONG;
    return false;
}

static bool begin(struct walk *walk, const char *path)
{
    walk->at[0] = '\0';
    walk->links = 0;
    walk->in_target = false;
    if (path[0] == '\0') {
        errno = ENOENT;
        return false;
    }
    if (path[0] != '/' && getcwd(walk->at, sizeof(walk->at)) == NULL)
        return false;
    if (strcmp(walk->at, "/") == 0)
        walk->at[0] = '\0';
    return snprintf(walk->rest, sizeof(walk->rest), "%s", path) < (int)sizeof(walk->rest) ||
           too_long();
}

/* Moves the next component from `rest` to `name`; "" = there is none. */
static bool take_name(struct walk *walk)
{
    const char *from = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(from, "/");
    if (len > NAME_MAX)
        return too_long();
    walk->in_target = walk->in_target && strlen(walk->rest) > walk->behind_link;
    memcpy(walk->name, from, len);
    walk->name[len] = '\0';
    from += len;
    from += strspn(from, "/");
    memmove(walk->rest, from, strlen(from) + 1);
    return true;
}

static void go_up(struct walk *walk)
{
    char *slash = strrchr(walk->at, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* Puts the target of the link `entry` in front of what is left. */
static bool follow(struct walk *walk)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t len = readlink(walk->entry, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    if (++walk->links > LINKS_MAX) {
        errno = ELOOP;
        return false;
    }
    target[len] = '\0';
    if (!walk->in_target)
        walk->behind_link = strlen(walk->rest);
    walk->in_target = true;
    if (target[0] == '/')
        walk->at[0] = '\0';
    memcpy(rest, walk->rest, strlen(walk->rest) + 1);
    return snprintf(walk->rest, sizeof(walk->rest), "%s%s%s", target, rest[0] == '\0' ? "" : "/",
                    rest) < (int)sizeof(walk->rest) ||
           too_long();
}

/* Goes on from the entry that was found. */
static bool advance(struct walk *walk, const struct stat *status)
{
    if (S_ISLNK(status->st_mode))
        return follow(walk);
    if (walk->rest[0] != '\0' && !S_ISDIR(status->st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    memcpy(walk->at, walk->entry, strlen(walk->entry) + 1);
    return true;
}

enum path_walk_result path_walk(const char *path,
                                void (*step)(void *context, const struct path_walk_step *step),
                                void *context)
{
    struct walk walk;
    if (!begin(&walk, path))
        return PATH_WALK_FAILED;
    for (;;) {
        struct stat status;
        if (!take_name(&walk))
            return PATH_WALK_FAILED;
        if (walk.name[0] == '\0')
            return PATH_WALK_FOUND;
        if (strcmp(walk.name, ".") == 0)
            continue;
        if (strcmp(walk.name, "..") == 0) {
            go_up(&walk);
            continue;
        }
        if (snprintf(walk.entry, sizeof(walk.entry), "%s/%s", walk.at, walk.name) >=
            (int)sizeof(walk.entry)) {
            too_long();
            return PATH_WALK_FAILED;
        }
        bool found = lstat(walk.entry, &status) == 0;
        int reason = errno;
        struct path_walk_step here = {walk.at[0] == '\0' ? "/" : walk.at, walk.name,
                                      found ? &status : NULL, walk.rest[0] == '\0'};
        if (step != NULL)
            step(context, &here);
        errno = reason;
        if (!found)
            return reason == ENOENT && !walk.in_target ? PATH_WALK_ABSENT : PATH_WALK_FAILED;
        if (!advance(&walk, &status))
            return PATH_WALK_FAILED;
    }
}
