/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a path through folders and links, entry by entry: what the kernel looks up between
 * the root and the file that a name stands for. Who asks: which of these folders somebody else can
 * write (base/path_trust.h), which are to be watched (policy/document/policy_files.h), and whether a file
 * that cannot be opened was never there or is a link that leads nowhere. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* One look at one entry of one folder. Valid during the call. */
struct path_walk_step {
    const char *folder;        /* absolute, without links; "/" for the root */
    const char *name;          /* the entry in it */
    const struct stat *status; /* of the entry itself (lstat); NULL = there is none */
    bool is_last;              /* nothing follows: what the path, or a link of it, stands for */
};

enum path_walk_result {
    PATH_WALK_FOUND,
    PATH_WALK_ABSENT, /* an entry is not there (ENOENT), and no link leads to it */
    PATH_WALK_FAILED, /* errno: a link that leads nowhere (ENOENT), no folder in the middle
                         (ENOTDIR), too many links (ELOOP), no right to look, and the like */
};

/* Follows `path`, a relative one from the working folder, and calls `step`, which may be NULL, for
 * each entry on the way, the missing one included. */
enum path_walk_result path_walk(const char *path,
                                void (*step)(void *context, const struct path_walk_step *step),
                                void *context);
