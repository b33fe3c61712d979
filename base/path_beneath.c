/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attributes.h"

/* glibc has no wrapper for it yet. */
static int open_without_links(int below, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve =
            RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (below == AT_FDCWD ? 0 : RESOLVE_BENEATH),
    };
    return (int)syscall(SYS_openat2, below, path, &how, sizeof(how));
}

static const char *reason(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return "it is not there";
    case ELOOP:
    case EXDEV:
        return "a part of it is a link";
    case EACCES:
        return "it is closed to the gate";
    default:
        return "it cannot be looked at";
    }
}

bool path_beneath(void *context, struct slice folder, struct slice path, const char **why_out)
{
    char text[PATH_MAX];
    (void)context;
    *why_out = "its name is too long";
    if (path.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)folder.len, folder.ptr);
    AUTO_CLOSE int above = open_without_links(AT_FDCWD, text);
    if (above < 0) {
        *why_out = reason(errno);
        return false;
    }
    if (path.len == folder.len)
        return true;
    snprintf(text, sizeof(text), "%.*s", (int)(path.len - folder.len - 1),
             path.ptr + folder.len + 1);
    AUTO_CLOSE int found = open_without_links(above, text);
    *why_out = found < 0 ? reason(errno) : NULL;
    return found >= 0;
}
