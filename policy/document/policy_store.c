/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Since only the lock's holder writes, a temporary file that is there when the lock
 * is had belongs to nobody any more. */
#include "policy/document/policy_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write_all.h"
#include "policy/document/policy_file.h"
#include "policy/document/policy_lock.h"
#include "policy/document/yaml_edit.h"
#include "policy/document/yaml_write.h"

#define TEMPORARY_PREFIX "." POLICY_CLI_NAME "."

static const char header[] =
    "# Written by `dockreeve policy` (set-default, allow, deny, rm, reset): change it with these "
    "commands. Keys stay, comments are lost.\n";
enum { FIRST_LINE = 2, FOLDER_MODE = 0755, FILE_MODE = 0644, OPEN_TRIES = 100 };

struct policy_store {
    struct arena arena; /* owned: tree and names */
    const char *folder, *path;
    int folder_fd;
    int lock_fd; /* -1 = the folder may not be written, for `unlocked_reason` */
    int unlocked_reason;
    bool exists, is_link;
    struct yaml_tree_node *root;
};

/* ---- opening ---- */

static bool sync_folder(const char *path)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

/* Makes the folder and those above it that are missing. The mode holds whatever the umask: the
 * gate may be another user. */
static bool make_folder(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) || (errno = ENOTDIR, false);
    AUTO_FREE char *copy = slice_to_text(slice_from_text(path));
    const char *parent = dirname(copy);
    if (errno != ENOENT || strcmp(parent, path) == 0 || !make_folder(parent))
        return false;
    if (mkdir(path, FOLDER_MODE) != 0)
        return errno == EEXIST; /* another command was first */
    return chmod(path, FOLDER_MODE) == 0 && sync_folder(parent);
}

/* Whether the path still leads to what was locked: another folder may have taken its place while
 * the lock was waited for, and a change of the old one would be seen by nobody. */
static bool is_in_place(int fd, const char *path)
{
    struct stat locked, there;
    return fstat(fd, &locked) == 0 && stat(path, &there) == 0 && locked.st_dev == there.st_dev &&
           locked.st_ino == there.st_ino;
}

/* The folder, made if it is missing. */
static bool open_folder(struct policy_store *store, struct policy_messages *errors)
{
    if (!make_folder(store->folder)) {
        policy_messages_add(errors, store->folder, 0, 0, "cannot be made: %s", strerror(errno));
        return false;
    }
    store->folder_fd = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder_fd < 0)
        policy_messages_add(errors, store->folder, 0, 0, "cannot be opened: %s", strerror(errno));
    return store->folder_fd >= 0;
}

/* No lock is made in a folder whose policy is refused: it would be in its owner's way. */
static bool is_refused(const struct policy_store *store)
{
    CLEANUP(policy_messages_free) struct policy_messages ignored = {NULL, 0, 0};
    return !policy_file_check_folder(store->folder, true, &ignored);
}

/* The locked folder. What may be read all the same is read without a lock, so that everything else
 * that is wrong is said first. */
static bool open_locked(struct policy_store *store, struct policy_messages *errors)
{
    struct error error;
    for (unsigned tries = 0; tries < OPEN_TRIES; tries++) {
        if (!open_folder(store, errors))
            return false;
        store->unlocked_reason = EPERM;
        if (is_refused(store))
            return true;
        store->lock_fd =
            policy_lock_take(store->folder_fd, store->folder, POLICY_LOCK_TIMEOUT_MS, &error);
        store->unlocked_reason = error.system_error;
        if (store->lock_fd < 0 && (error.system_error == EACCES || error.system_error == EROFS))
            return true;
        if (store->lock_fd < 0) {
            policy_messages_add(errors, NULL, 0, 0, "%s", error.text);
            return false;
        }
        if (policy_lock_is_in_place(store->lock_fd, store->folder_fd) &&
            is_in_place(store->folder_fd, store->folder))
            return true;
        close(steal_fd(&store->lock_fd));
        close(steal_fd(&store->folder_fd));
    }
    policy_messages_add(errors, store->folder, 0, 0, "is replaced again and again");
    return false;
}

static void remove_stale(int folder_fd)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, TEMPORARY_PREFIX, sizeof(TEMPORARY_PREFIX) - 1) == 0)
            (void)unlinkat(folder_fd, entry->d_name, 0);
    }
    closedir(folder);
}

struct policy_store *policy_store_open(const char *config_path, struct policy_messages *errors)
{
    struct policy_store *store = calloc_or_abort(1, sizeof(*store));
    const char *slash = strrchr(config_path, '/');
    /* Spelled as policy_load() spells it, so that messages can be compared. */
    int parent = slash == NULL ? 1 : slash == config_path ? 1 : (int)(slash - config_path);
    store->folder =
        arena_printf(&store->arena, "%.*s/policy.d", parent, slash == NULL ? "." : config_path);
    store->path = arena_printf(&store->arena, "%s/%s", store->folder, POLICY_CLI_NAME);
    store->folder_fd = store->lock_fd = -1;
    if (!open_locked(store, errors)) {
        policy_store_close(&store);
        return NULL;
    }
    if (store->lock_fd >= 0)
        remove_stale(store->folder_fd);
    struct stat status;
    store->exists = fstatat(store->folder_fd, POLICY_CLI_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0;
    store->is_link = store->exists && S_ISLNK(status.st_mode);
    return store;
}

void policy_store_close(struct policy_store **store)
{
    struct policy_store *closed = steal_pointer(store);
    if (closed == NULL)
        return;
    if (closed->folder_fd >= 0)
        close(closed->folder_fd);
    if (closed->lock_fd >= 0)
        close(closed->lock_fd);
    arena_free(&closed->arena);
    free(closed);
}

/* ---- reading ---- */

static struct yaml_tree_node *new_document(struct policy_store *store)
{
    struct yaml_tree_node *root = yaml_edit_collection(&store->arena, YAML_TREE_MAPPING);
    struct yaml_tree_node *version = yaml_edit_scalar(&store->arena, SLICE_LITERAL("1"));
    version->quoted = false;
    yaml_edit_set(&store->arena, root, "version", version);
    return root;
}

bool policy_store_read(struct policy_store *store, struct policy_messages *errors)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (store->is_link) {
        policy_messages_add(errors, store->path, 0, 0,
                            "is a link, which a change would replace by a file: remove it, or give "
                            "what it leads to another name in the folder, like 50-mine.yaml");
        return false;
    }
    if (!policy_file_check_folder(store->folder, true, errors))
        return false;
    switch (policy_file_read(store->path, true, &text, errors)) {
    case POLICY_FILE_BAD:
        return false;
    case POLICY_FILE_MISSING:
        break;
    case POLICY_FILE_READ:
        if (!yaml_tree_parse(&store->arena, text.data, text.len, store->path, errors, &store->root))
            return false;
        break;
    }
    if (store->root == NULL)
        store->root = new_document(store);
    if (store->root->kind == YAML_TREE_MAPPING)
        return true;
    policy_messages_add(errors, store->path, store->root->line, store->root->column,
                        "a policy is a map that begins with `version: 1`, not %s",
                        yaml_tree_kind_name(store->root));
    return false;
}

struct yaml_tree_node *policy_store_root(const struct policy_store *store)
{
    return store->root;
}

struct arena *policy_store_arena(struct policy_store *store)
{
    return &store->arena;
}

const char *policy_store_path(const struct policy_store *store)
{
    return store->path;
}

bool policy_store_exists(const struct policy_store *store)
{
    return store->exists;
}

/* The order in which a person would write the keys; what is not named here stands behind `use`. */
static size_t rank_of(struct slice key)
{
    static const char *const first[] = {"version", "default", "use"};
    static const char *const last[] = {"docker", "network", "clients"};
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        if (slice_equal_text(key, first[i]))
            return i;
        if (slice_equal_text(key, last[i]))
            return ARRAY_LEN(first) + 1 + i;
    }
    return ARRAY_LEN(first);
}

static void order_keys(struct yaml_tree_node *root)
{
    enum { RANKS = 7 };
    struct yaml_tree_node *rest = root->first, **end = &root->first;
    struct yaml_tree_node *of_rank[RANKS] = {NULL}, **ends[RANKS];
    for (size_t rank = 0; rank < RANKS; rank++)
        ends[rank] = &of_rank[rank];
    for (; rest != NULL; rest = rest->next) {
        size_t rank = rank_of(rest->text);
        *ends[rank] = rest;
        ends[rank] = &rest->next;
    }
    for (size_t rank = 0; rank < RANKS; rank++) {
        *ends[rank] = NULL;
        *end = of_rank[rank];
        if (of_rank[rank] != NULL)
            end = ends[rank];
    }
}

void policy_store_text(struct policy_store *store, struct buffer *out)
{
    order_keys(store->root);
    buffer_append_literal(out, header);
    yaml_write(store->root, FIRST_LINE, out);
}

/* ---- writing ---- */

bool policy_store_write(struct policy_store *store, struct slice text, struct error *error)
{
    char name[sizeof(TEMPORARY_PREFIX) + 24];
    if (store->lock_fd < 0)
        return error_set_system(error, store->unlocked_reason, "%s cannot be written: %s",
                                store->path, strerror(store->unlocked_reason));
    snprintf(name, sizeof(name), "%s%ld", TEMPORARY_PREFIX, (long)getpid());
    AUTO_CLOSE int fd =
        openat(store->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write_all(fd, text) && fchmod(fd, FILE_MODE) == 0 && fsync(fd) == 0 &&
        renameat(store->folder_fd, name, store->folder_fd, POLICY_CLI_NAME) == 0 &&
        fsync(store->folder_fd) == 0) {
        store->exists = true;
        return true;
    }
    error_set_system(error, errno, "%s cannot be written: %s", store->path, strerror(errno));
    if (fd >= 0)
        (void)unlinkat(store->folder_fd, name, 0);
    return false;
}

bool policy_store_remove(struct policy_store *store, struct error *error)
{
    if (store->lock_fd < 0)
        return error_set_system(error, store->unlocked_reason, "%s cannot be removed: %s",
                                store->path, strerror(store->unlocked_reason));
    if ((unlinkat(store->folder_fd, POLICY_CLI_NAME, 0) != 0 && errno != ENOENT) ||
        fsync(store->folder_fd) != 0)
        return error_set_system(error, errno, "%s cannot be removed: %s", store->path,
                                strerror(errno));
    store->exists = false;
    return true;
}
