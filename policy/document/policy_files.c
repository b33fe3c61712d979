/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/document/policy_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/arena.h"
#include "base/path_walk.h"

enum { NAMES_MAX = 256 };

struct noted {
    char *path; /* owned */
    bool is_folder, is_there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct policy_files {
    struct noted *items; /* owned */
    size_t count, capacity;
};

struct policy_files *policy_files_new(void)
{
    struct policy_files *files = calloc_or_abort(1, sizeof(*files));
    return files;
}

void policy_files_clear(struct policy_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++)
        free(files->items[i].path);
    files->count = 0;
}

void policy_files_free(struct policy_files **files)
{
    struct policy_files *freed = steal_pointer(files);
    if (freed == NULL)
        return;
    policy_files_clear(freed);
    free(freed->items);
    free(freed);
}

static struct noted note(const struct stat *status)
{
    if (status == NULL)
        return (struct noted){0};
    return (struct noted){.is_there = true,
                          .device = status->st_dev,
                          .inode = status->st_ino,
                          .size = status->st_size,
                          .modified = status->st_mtim,
                          .changed = status->st_ctim};
}

static void add(struct policy_files *files, const char *path, struct noted noted)
{
    files->items =
        array_grow(files->items, files->count, &files->capacity, sizeof(files->items[0]));
    noted.path = slice_to_text(slice_from_text(path));
    files->items[files->count++] = noted;
}

void policy_files_add(struct policy_files *files, const char *path, const struct stat *status)
{
    struct stat found;
    if (files == NULL)
        return;
    if (status == NULL && stat(path, &found) == 0)
        status = &found;
    add(files, path, note(status));
}

void policy_files_add_folder(struct policy_files *files, const char *path)
{
    struct stat status;
    if (files == NULL)
        return;
    struct noted noted = note(stat(path, &status) == 0 ? &status : NULL);
    noted.is_folder = true;
    add(files, path, noted);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool policy_files_changed(const struct policy_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct noted *then = &files->items[i];
        struct stat status;
        struct noted now = note(stat(then->path, &status) == 0 ? &status : NULL);
        if (now.is_there != then->is_there || now.device != then->device ||
            now.inode != then->inode || now.size != then->size ||
            !same_time(&now.modified, &then->modified) || !same_time(&now.changed, &then->changed))
            return true;
    }
    return false;
}

/* ---- what is to be watched ---- */

bool policy_files_is_drop_in(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".yaml") == 0;
}

bool policy_files_is_like_drop_in(const char *name)
{
    static const char *const endings[] = {"yaml", "yml", "json"};
    const char *dot = strrchr(name, '.');
    return dot != NULL && name[0] != '.' && !policy_files_is_drop_in(name) &&
           slice_find_nocase(slice_from_text(dot + 1), endings, ARRAY_LEN(endings)) <
               ARRAY_LEN(endings);
}

bool policy_files_folder_wants(const struct policy_files_folder *folder, const char *name)
{
    if (folder->all || (folder->drop_ins && policy_files_is_drop_in(name)))
        return true;
    for (size_t i = 0; i < folder->name_count; i++) {
        if (strcmp(folder->names[i], name) == 0)
            return true;
    }
    return false;
}

/* NULL when there are too many. */
static struct policy_files_folder *folder_of(struct policy_files_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->folders[i].path, path) == 0)
            return &plan->folders[i];
    }
    plan->is_cut |= plan->count == POLICY_FILES_FOLDERS_MAX;
    if (plan->is_cut)
        return NULL;
    plan->folders =
        array_grow(plan->folders, plan->count, &plan->capacity, sizeof(plan->folders[0]));
    plan->folders[plan->count] =
        (struct policy_files_folder){.path = slice_to_text(slice_from_text(path))};
    return &plan->folders[plan->count++];
}

static void want(struct policy_files_folder *folder, const char *name)
{
    if (folder == NULL || policy_files_folder_wants(folder, name))
        return;
    folder->all |= folder->name_count == NAMES_MAX;
    if (folder->all)
        return;
    folder->names = array_grow(folder->names, folder->name_count, &folder->name_capacity,
                               sizeof(folder->names[0]));
    folder->names[folder->name_count++] = slice_to_text(slice_from_text(name));
}

/* Whether it can be written where its folder does not hear of it (inotify(7) tells the folder by
 * whose entry the file was opened). */
static bool has_another_way(const char *path, const struct stat *status)
{
    struct statx more;
    return status->st_nlink > 1 || (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &more) == 0 &&
                                    (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
}

static void take_file(struct policy_files_plan *plan, const struct path_walk_step *step)
{
    char path[PATH_MAX];
    const char *separator = strcmp(step->folder, "/") == 0 ? "" : "/";
    if (snprintf(path, sizeof(path), "%s%s%s", step->folder, separator, step->name) >=
            (int)sizeof(path) ||
        !has_another_way(path, step->status))
        return;
    struct policy_files_folder *file = folder_of(plan, path);
    if (file != NULL)
        file->is_file = true;
}

/* A folder in the middle of the way is watched itself; of its entry there is nothing more to know. */
static void take_step(void *context, const struct path_walk_step *step)
{
    struct policy_files_folder *folder = folder_of(context, step->folder);
    if (step->status == NULL || step->is_last || S_ISLNK(step->status->st_mode) ||
        !S_ISDIR(step->status->st_mode))
        want(folder, step->name);
    if (step->status != NULL && step->is_last && S_ISREG(step->status->st_mode))
        take_file(context, step);
}

void policy_files_plan(const struct policy_files *files, struct policy_files_plan *plan)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct noted *noted = &files->items[i];
        char real[PATH_MAX];
        (void)path_walk(noted->path, take_step, plan);
        if (!noted->is_folder || realpath(noted->path, real) == NULL)
            continue;
        struct policy_files_folder *folder = folder_of(plan, real);
        if (folder != NULL)
            folder->drop_ins = true;
    }
}

void policy_files_plan_clear(struct policy_files_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t j = 0; j < plan->folders[i].name_count; j++)
            free(plan->folders[i].names[j]);
        free(plan->folders[i].names);
        free(plan->folders[i].path);
    }
    free(plan->folders);
    *plan = (struct policy_files_plan){0};
}
