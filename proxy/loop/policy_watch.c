/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder that only stands on the way is watched for its own end and for who may write it; its
 * entries, which may be those of /tmp, wake nobody. */
#include "proxy/loop/policy_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WATCHED_SELF = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    WATCHED_ENTRIES =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB,
    WATCHED_FILE = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
};

struct policy_watch {
    int fd, reason;                    /* reason: why fd is -1 */
    struct policy_files_plan plan;     /* owned */
    int wds[POLICY_FILES_FOLDERS_MAX]; /* of the plan's folders; -1 = not watched */
};

struct policy_watch *policy_watch_new(void)
{
    struct policy_watch *watch = calloc_or_abort(1, sizeof(*watch));
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->reason = errno;
    return watch;
}

void policy_watch_free(struct policy_watch **watch)
{
    struct policy_watch *freed = steal_pointer(watch);
    if (freed == NULL)
        return;
    if (freed->fd >= 0)
        close(freed->fd);
    policy_files_plan_clear(&freed->plan);
    free(freed);
}

int policy_watch_fd(const struct policy_watch *watch)
{
    return watch->fd;
}

static bool is_watched(const int *wds, size_t count, int wd)
{
    for (size_t i = 0; i < count; i++) {
        if (wds[i] == wd)
            return true;
    }
    return false;
}

static bool wants_entries(const struct policy_files_folder *folder)
{
    return folder->all || folder->drop_ins || folder->name_count > 0;
}

/* Of a folder in which others have entries, as of /tmp, there is no hearing of modes: they could
 * flood us with changes of theirs. */
static uint32_t mask_of(const struct policy_files_folder *folder)
{
    struct stat status;
    if (folder->is_file)
        return WATCHED_FILE;
    if (wants_entries(folder))
        return (uint32_t)WATCHED_SELF | (uint32_t)WATCHED_ENTRIES;
    bool others_write = stat(folder->path, &status) != 0 || (status.st_mode & S_ISVTX) != 0;
    return (uint32_t)WATCHED_SELF | (others_write ? 0 : (uint32_t)IN_ATTRIB);
}

/* Two names of one folder (a bind mount) have one watch. */
static int add(const struct policy_watch *watch, const struct policy_files_folder *folder,
               const int *wds, size_t count)
{
    int wd = inotify_add_watch(watch->fd, folder->path, mask_of(folder));
    if (wd >= 0 && !folder->is_file && is_watched(wds, count, wd))
        wd = inotify_add_watch(watch->fd, folder->path, WATCHED_SELF | WATCHED_ENTRIES);
    return wd;
}

/* Whether events of everything that is wanted there were heard already. */
static bool was_heard(const struct policy_files_folder *before,
                      const struct policy_files_folder *now)
{
    if ((now->all && !before->all) || (now->drop_ins && !before->drop_ins && !before->all))
        return false;
    for (size_t i = 0; i < now->name_count; i++) {
        if (!policy_files_folder_wants(before, now->names[i]))
            return false;
    }
    return true;
}

static bool is_fresh(const struct policy_watch *watch, int wd,
                     const struct policy_files_folder *folder)
{
    for (size_t i = 0; i < watch->plan.count; i++) {
        if (watch->wds[i] == wd && was_heard(&watch->plan.folders[i], folder))
            return false;
    }
    return true;
}

bool policy_watch_set(struct policy_watch *watch, struct policy_files_plan *plan, bool *fresh_out,
                      struct error *error)
{
    int wds[POLICY_FILES_FOLDERS_MAX];
    bool good = watch->fd >= 0 && !plan->is_cut;
    *fresh_out = false;
    if (watch->fd < 0)
        error_set_system(error, watch->reason, "there is no inotify: %s", strerror(watch->reason));
    else if (plan->is_cut)
        error_set_system(error, E2BIG, "they lie in more than %d folders",
                         POLICY_FILES_FOLDERS_MAX);
    for (size_t i = 0; i < plan->count; i++) {
        wds[i] = watch->fd < 0 ? -1 : add(watch, &plan->folders[i], wds, i);
        if (wds[i] < 0 && good) {
            int reason = errno;
            good =
                error_set_system(error, reason, "%s cannot be watched: %s", plan->folders[i].path,
                                 reason == ENOSPC ? "inotify has no more watches for this user "
                                                    "(fs.inotify.max_user_watches)"
                                                  : strerror(reason));
        }
        *fresh_out |= wds[i] >= 0 && is_fresh(watch, wds[i], &plan->folders[i]);
    }
    for (size_t i = 0; i < watch->plan.count; i++) {
        if (watch->wds[i] >= 0 && !is_watched(wds, plan->count, watch->wds[i]))
            (void)inotify_rm_watch(watch->fd, watch->wds[i]);
    }
    policy_files_plan_clear(&watch->plan);
    watch->plan = *plan;
    *plan = (struct policy_files_plan){0};
    memcpy(watch->wds, wds, watch->plan.count * sizeof(wds[0]));
    return good;
}

static bool matters(const struct policy_watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        return true;
    for (size_t i = 0; i < watch->plan.count; i++) {
        if (watch->wds[i] != event->wd || (event->mask & IN_IGNORED) != 0)
            continue;
        if (event->len == 0 || policy_files_folder_wants(&watch->plan.folders[i], event->name))
            return true;
    }
    return false;
}

bool policy_watch_read(struct policy_watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    bool changed = false;
    for (ssize_t len; (len = read(watch->fd, events, sizeof(events))) > 0;) {
        const struct inotify_event *event;
        for (const char *at = events; at < events + len; at += sizeof(*event) + event->len) {
            event = (const void *)at;
            changed |= matters(watch, event);
        }
    }
    return changed;
}
