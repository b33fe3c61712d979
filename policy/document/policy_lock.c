/* SPDX-License-Identifier: Apache-2.0
 *
 * flock(2) waits in the kernel, in the order in which was asked; a timer interrupts it to see
 * whether it is still worth waiting. Who holds the lock stands in /proc/locks. */
#include "policy/document/policy_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/timestamp.h"
#include "policy/document/policy_load.h"

enum { LOOK_MS = 250, SAY_MS = 1000 };

/* Who holds the lock, and what has become of the file that it guards. */
struct progress {
    long holder; /* 0 = not known */
    ino_t inode;
    int64_t since_us;
};

static int open_file(int folder_fd, const char *folder, struct error *error)
{
    AUTO_CLOSE int fd =
        openat(folder_fd, POLICY_LOCK_NAME,
               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        error_set_system(error, errno, "the lock %s/" POLICY_LOCK_NAME " cannot be opened: %s",
                         folder, strerror(errno));
        return -1;
    }
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1 || (status.st_mode & 077) != 0 ||
        (status.st_uid != 0 && status.st_uid != geteuid())) {
        error_set_system(error, EPERM,
                         "%s/" POLICY_LOCK_NAME
                         " is not a file that only its owner can open, and so "
                         "others could keep it locked: remove it (rm -r '%s/" POLICY_LOCK_NAME "')",
                         folder, folder);
        return -1;
    }
    return steal_fd(&fd);
}

/* "1: FLOCK  ADVISORY  WRITE 4711 fd:01:1311 0 EOF"; those that wait have "->" behind the number. */
static long find_holder(const struct stat *file)
{
    AUTO_FCLOSE FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    while (locks != NULL && fgets(line, sizeof(line), locks) != NULL) {
        long pid;
        unsigned device_major, device_minor;
        uintmax_t inode;
        if (sscanf(line, "%*u: FLOCK %*s %*s %ld %x:%x:%" SCNuMAX, &pid, &device_major,
                   &device_minor, &inode) == 4 &&
            device_major == major(file->st_dev) && device_minor == minor(file->st_dev) &&
            inode == file->st_ino)
            return pid;
    }
    return 0;
}

/* "process 4711 (dockreeve policy allow …)" */
static void name_holder(long pid, char *out, size_t size)
{
    char path[64], command[96] = "";
    if (pid <= 0) {
        snprintf(out, size, "another process");
        return;
    }
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, command, sizeof(command) - 1);
    for (ssize_t i = 0; i + 1 < len; i++)
        command[i] = command[i] == '\0' ? ' ' : command[i];
    size_t words = strnlen(command, sizeof(command));
    if (words == 0)
        snprintf(out, size, "process %ld", pid);
    else
        snprintf(out, size, "process %ld (%s)", pid, quote(slice_of(command, words)).text);
}

/* Begins to count anew when somebody else holds the lock now, or the file was changed. */
static void look(int lock_fd, int folder_fd, struct progress *progress)
{
    struct stat lock, edited;
    long holder = fstat(lock_fd, &lock) == 0 ? find_holder(&lock) : 0;
    ino_t inode =
        fstatat(folder_fd, POLICY_CLI_NAME, &edited, AT_SYMLINK_NOFOLLOW) == 0 ? edited.st_ino : 0;
    if (progress->since_us == 0 || holder != progress->holder || inode != progress->inode)
        *progress = (struct progress){holder, inode, timestamp_monotonic_us()};
}

static bool wait_for(int lock_fd, int folder_fd, const char *folder, unsigned timeout_ms,
                     struct error *error)
{
    struct progress progress = {0};
    bool said = false;
    while (flock(lock_fd, LOCK_EX) != 0) {
        char holder[300];
        if (errno != EINTR)
            return error_set_system(error, errno, "%s/" POLICY_LOCK_NAME " cannot be locked: %s",
                                    folder, strerror(errno));
        look(lock_fd, folder_fd, &progress);
        int64_t waited_ms = (timestamp_monotonic_us() - progress.since_us) / 1000;
        name_holder(progress.holder, holder, sizeof(holder));
        if (waited_ms >= (int64_t)timeout_ms)
            return error_set_system(error, ETIMEDOUT,
                                    "%s has held the lock %s/" POLICY_LOCK_NAME
                                    " for %u seconds: wait "
                                    "until it has ended, or end it",
                                    holder, folder, timeout_ms / 1000);
        if (waited_ms >= SAY_MS && !said)
            fprintf(stderr, "dockreeve policy: waiting for %s, which holds the lock of %s\n",
                    holder, folder);
        said |= waited_ms >= SAY_MS;
    }
    return true;
}

static void on_alarm(int number)
{
    (void)number; /* its use is that flock() returns */
}

int policy_lock_take(int folder_fd, const char *folder, unsigned timeout_ms, struct error *error)
{
    static const struct itimerval every = {{0, LOOK_MS * 1000}, {0, LOOK_MS * 1000}};
    AUTO_CLOSE int fd = open_file(folder_fd, folder, error);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return steal_fd(&fd);
    struct sigaction action = {.sa_handler = on_alarm}, before; /* without SA_RESTART */
    struct itimerval timer_before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &every, &timer_before);
    bool taken = wait_for(fd, folder_fd, folder, timeout_ms, error);
    setitimer(ITIMER_REAL, &timer_before, NULL);
    sigaction(SIGALRM, &before, NULL);
    return taken ? steal_fd(&fd) : -1;
}

bool policy_lock_is_in_place(int lock_fd, int folder_fd)
{
    struct stat locked, there;
    return fstat(lock_fd, &locked) == 0 &&
           fstatat(folder_fd, POLICY_LOCK_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_dev == there.st_dev && locked.st_ino == there.st_ino;
}
