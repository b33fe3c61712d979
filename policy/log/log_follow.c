/* SPDX-License-Identifier: Apache-2.0
 *
 * Any event in the folder means: look again. The open file is read to its end first, whatever it is
 * called by now, then its name is looked up among the log's files; when it is no longer the newest,
 * those that came after it are read from their beginning. So a rotation loses no line, nor do
 * several between two looks. */
#include "policy/log/log_follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/log/log_reader.h"

/* Some file systems (network, FUSE) tell of no changes made elsewhere: we look by ourselves this
 * often. */
enum { LOOK_AGAIN_MS = 2000 };

struct log_follow {
    char *path;  /* owned */
    int inotify; /* owned */
    int signals; /* owned */
    int fd;      /* owned: the file being read */
    int older; /* owned: the one before it, open so that no new file can be taken for it; -1 = none */
    struct log_forward forward;
};

static bool watch_folder(struct log_follow *follow, struct error *error)
{
    const char *slash = strrchr(follow->path, '/');
    AUTO_FREE char *folder =
        slash == NULL
            ? strdup(".")
            : strndup(follow->path, slash == follow->path ? 1 : (size_t)(slash - follow->path));
    follow->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (folder == NULL || follow->inotify < 0 ||
        inotify_add_watch(follow->inotify, folder,
                          IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM) < 0)
        return error_set(error, errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED,
                         "cannot watch the folder of the log: %s", strerror(errno));
    return true;
}

/* SIGINT and SIGTERM end the following in order; without a reader (SIGPIPE) there is nothing to do
 * either. */
static bool catch_signals(struct log_follow *follow, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGPIPE);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return error_set(error, COMMAND_FAILED, "cannot block signals: %s", strerror(errno));
    follow->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (follow->signals < 0)
        return error_set(error, COMMAND_FAILED, "cannot wait for signals: %s", strerror(errno));
    return true;
}

struct log_follow *log_follow_new(const char *path, struct error *error)
{
    AUTO_LOG_FOLLOW struct log_follow *follow = malloc(sizeof(*follow));
    if (follow == NULL) {
        error_set(error, COMMAND_FAILED, "out of memory");
        return NULL;
    }
    *follow = (struct log_follow){
        .path = strdup(path), .inotify = -1, .signals = -1, .fd = -1, .older = -1};
    if (follow->path == NULL) {
        error_set(error, COMMAND_FAILED, "out of memory");
        return NULL;
    }
    if (!watch_folder(follow, error) || !catch_signals(follow, error))
        return NULL;
    return steal_pointer(&follow);
}

void log_follow_free(struct log_follow **follow)
{
    if (*follow == NULL)
        return;
    log_forward_free(&(*follow)->forward);
    cleanup_close(&(*follow)->inotify);
    cleanup_close(&(*follow)->signals);
    cleanup_close(&(*follow)->fd);
    cleanup_close(&(*follow)->older);
    free((*follow)->path);
    free(*follow);
    *follow = NULL;
}

/* Gives out what the open file has. */
static enum log_read drain(struct log_follow *follow, log_follow_take *take, void *context,
                           bool *stopped_out, struct error *error)
{
    struct slice line;
    enum log_read result;
    while ((result = log_forward_next(&follow->forward, &line, error)) == LOG_READ_LINE) {
        if (!take(context, line)) {
            *stopped_out = true;
            return LOG_READ_END;
        }
    }
    struct stat status;
    if (result == LOG_READ_END && fstat(follow->fd, &status) == 0 &&
        status.st_size < follow->forward.at) {
        fprintf(stderr, "note: the log was cut to %lld bytes; going on from its beginning\n",
                (long long)status.st_size);
        log_forward_free(&follow->forward);
        log_forward_init(&follow->forward, follow->fd, 0);
        return drain(follow, take, context, stopped_out, error);
    }
    return result;
}

static bool same_file(int a, int b)
{
    struct stat status_a, status_b;
    return fstat(a, &status_a) == 0 && fstat(b, &status_b) == 0 &&
           status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

/* The place of an open file among the log's, newest first; their count when it is none of them. */
static unsigned place_of(const struct log_files *files, int fd)
{
    unsigned place = 0;
    while (place < files->count && (fd < 0 || !same_file(files->fds[place], fd)))
        place++;
    return place;
}

/* Remembers what stands before the file at `place`, which is the one being read. */
static void note_older(struct log_follow *follow, struct log_files *files, unsigned place)
{
    cleanup_close(&follow->older);
    follow->older = place + 1 < files->count ? steal_fd(&files->fds[place + 1]) : -1;
}

/* Goes on with the file that came after the open one, which is no longer the newest. Where
 * rotations have pushed that one out, with the one after what stood before it; where that is gone,
 * too, all that are left are newer. *moved_out is false while there is none: between the renaming
 * and the making of the new one; the next event finds it. */
static bool step_to_next_file(struct log_follow *follow, bool *moved_out, struct error *error)
{
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    *moved_out = false;
    if (!log_files_open(&files, follow->path, error))
        return error->exit_code == COMMAND_NOT_FOUND;
    unsigned place = place_of(&files, follow->fd);
    if (place == files.count) {
        place = place_of(&files, follow->older);
        if (place == files.count && follow->older >= 0)
            fputs("note: the log was rotated faster than it was read: records may be missing\n",
                  stderr);
    } else if (place == 0) {
        return true;
    }
    unsigned next = place > 0 ? place - 1 : 0;
    cleanup_close(&follow->fd);
    note_older(follow, &files, next);
    follow->fd = steal_fd(&files.fds[next]);
    log_forward_free(&follow->forward);
    log_forward_init(&follow->forward, follow->fd, 0);
    *moved_out = true;
    return true;
}

/* Reads until nothing is left, through every file there is. */
static bool catch_up(struct log_follow *follow, log_follow_take *take, void *context,
                     bool *stopped_out, struct error *error)
{
    for (;;) {
        struct stat named, opened;
        /* Whether there is a newer file is asked before the old one is read: once the gate has made
         * it, it writes nothing more to the old one, so that reading it to the end now really is
         * its end. */
        bool newer = stat(follow->path, &named) == 0 && fstat(follow->fd, &opened) == 0 &&
                     (named.st_dev != opened.st_dev || named.st_ino != opened.st_ino);
        if (drain(follow, take, context, stopped_out, error) == LOG_READ_FAILED)
            return false;
        bool moved = false;
        if (!*stopped_out && newer && !step_to_next_file(follow, &moved, error))
            return false;
        if (!moved)
            return true;
    }
}

/* Forgets the events: that something happened is all we need. */
static void discard_events(int inotify)
{
    char events[4096];
    while (read(inotify, events, sizeof(events)) > 0) {
    }
}

bool log_follow_run(struct log_follow *follow, int fd, off_t at, log_follow_take *take,
                    void *context, struct error *error)
{
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    follow->fd = fd;
    log_forward_init(&follow->forward, fd, at);
    if (log_files_open(&files, follow->path, error))
        note_older(follow, &files, place_of(&files, fd));
    log_files_close(&files);
    for (;;) {
        bool stopped = false;
        if (!catch_up(follow, take, context, &stopped, error))
            return false;
        if (stopped)
            return true;
        /* No event is asked of standard output: poll() reports a closed pipe anyway. */
        struct pollfd waits[] = {
            {follow->inotify, POLLIN, 0}, {follow->signals, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
        if (poll(waits, ARRAY_LEN(waits), LOOK_AGAIN_MS) < 0 && errno != EINTR)
            return error_set(error, COMMAND_FAILED, "cannot wait for the log: %s", strerror(errno));
        if ((waits[1].revents & POLLIN) != 0 || (waits[2].revents & (POLLERR | POLLHUP)) != 0)
            return true;
        discard_events(follow->inotify);
    }
}
