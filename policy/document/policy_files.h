/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files a policy was made of, or would have been: each one that policy_load() asked for,
 * there or not, as it was when it was asked for. As long as none of them has changed, loading the
 * policy again makes the same of it. From that follows what is to be watched: the folders in which
 * they really lie, and those of every link and missing entry on the way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct policy_files; /* opaque; not thread-safe */

struct policy_files *policy_files_new(void);
void policy_files_free(struct policy_files **files);

/* Forgets all. Each of these does nothing where `files` is NULL. */
void policy_files_clear(struct policy_files *files);
/* Notes a file; `status` as its descriptor has it, NULL when it could not be opened: then as it is
 * found by its name, if it is. */
void policy_files_add(struct policy_files *files, const char *path, const struct stat *status);
/* Notes the folder of drop-ins, before it is listed. */
void policy_files_add_folder(struct policy_files *files, const char *path);

/* Whether some of them is not what it was. */
bool policy_files_changed(const struct policy_files *files);

/* A folder to be watched. It always matters when it is moved or removed itself. */
struct policy_files_folder {
    char *path;   /* owned; absolute, without links when it was looked at */
    bool is_file; /* no folder but a file that can be written without its folder's hearing of it: by
                     another name of it, or where it is mounted from */
    char **names; /* owned: entries that matter */
    size_t name_count, name_capacity;
    bool drop_ins; /* every *.yaml matters */
    bool all;      /* every entry does: too many names */
};

struct policy_files_plan {
    struct policy_files_folder *folders; /* owned */
    size_t count, capacity;
    bool is_cut; /* there are more than POLICY_FILES_FOLDERS_MAX */
};

enum { POLICY_FILES_FOLDERS_MAX = 256 };

/* Appends what is to be watched, as the file system is now. */
void policy_files_plan(const struct policy_files *files, struct policy_files_plan *plan);
void policy_files_plan_clear(struct policy_files_plan *plan);

/* Whether a change of that entry matters. */
bool policy_files_folder_wants(const struct policy_files_folder *folder, const char *name);

/* Whether such a name in policy.d is one of a drop-in: "*.yaml", not beginning with a dot. */
bool policy_files_is_drop_in(const char *name);
/* Whether it is none and may have been meant as one: "60.yml", "60.YAML", "60.json". */
bool policy_files_is_like_drop_in(const char *name);
