/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/loop/confine.h"
#include "proxy/loop/confine_filter.h"

/* What is given up cannot be had again, so each case runs in a child. It returns 0, or the line
 * that failed, which it leaves in shared memory because an exit status is too small. _exit() keeps
 * a sanitizer's leak check out of the confined child. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

struct outcome {
    int line;   /* 0 = the body came to its end */
    int signal; /* that ended the child, 0 = none */
};

static struct outcome run(int (*body)(const void *), const void *argument)
{
    int *line =
        mmap(NULL, sizeof(*line), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    cr_assert_neq(line, MAP_FAILED);
    *line = -1;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        *line = body(argument);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    struct outcome outcome = {*line, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    munmap(line, sizeof(*line));
    return outcome;
}

static void passes(int (*body)(const void *))
{
    struct outcome outcome = run(body, NULL);
    cr_assert_eq(outcome.signal, 0, "ended by signal %d", outcome.signal);
    cr_assert_eq(outcome.line, 0, "failed in line %d", outcome.line);
}

static bool filter(void)
{
    struct error error;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && confine_filter_load(&error);
}

static int use_sockets(const void *)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(address);
    char bytes[4];
    int ends[2];
    EXPECT(filter());
    EXPECT(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno == EAFNOSUPPORT);
    EXPECT(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) >= 0);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
    EXPECT(listen(listener, 5) == 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    EXPECT(connect(client, (struct sockaddr *)&address, len) == 0);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    EXPECT(server >= 0);
    struct ucred peer;
    len = sizeof(peer);
    EXPECT(getsockopt(server, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0);
    EXPECT(send(client, "abcd", 4, MSG_NOSIGNAL) == 4);
    EXPECT(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    EXPECT(splice(server, NULL, ends[1], NULL, 4, SPLICE_F_MOVE) == 4);
    int left;
    EXPECT(ioctl(ends[0], FIONREAD, &left) == 0 && left == 4);
    EXPECT(read(ends[0], bytes, 4) == 4 && memcmp(bytes, "abcd", 4) == 0);
    EXPECT(shutdown(client, SHUT_WR) == 0);
    EXPECT(recv(server, bytes, 4, 0) == 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event) == 0);
    EXPECT(epoll_wait(epoll, &event, 1, 0) == 1);
    EXPECT(eventfd(0, EFD_CLOEXEC) >= 0);
    EXPECT(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) >= 0);
    EXPECT(fcntl(server, F_SETFL, O_NONBLOCK) == 0);
    return 0;
}

static int use_files(const void *)
{
    char folder[] = "/tmp/dockreeve-confine-XXXXXX";
    char old[64];
    char new[64];
    struct stat status;
    EXPECT(mkdtemp(folder) != NULL);
    EXPECT(filter());
    snprintf(old, sizeof(old), "%s/a", folder);
    snprintf(new, sizeof(new), "%s/b", folder);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    EXPECT(inotify_add_watch(watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
    FILE *file = fopen(old, "we");
    EXPECT(file != NULL && fputs("text\n", file) >= 0 && fflush(file) == 0);
    EXPECT(fsync(fileno(file)) == 0 && ftruncate(fileno(file), 1) == 0 && fclose(file) == 0);
    EXPECT(chmod(old, 0600) == 0 && chown(old, geteuid(), (gid_t)-1) == 0);
    EXPECT(rename(old, new) == 0 && stat(new, &status) == 0 && status.st_size == 1);
    char *resolved = realpath(new, NULL);
    EXPECT(resolved != NULL);
    free(resolved);
    EXPECT(unlink(new) == 0);
    EXPECT(mkdir(new, 0700) == 0 && rmdir(new) == 0 && rmdir(folder) == 0);
    return 0;
}

static void *allocate(void *)
{
    char *block = malloc(1 << 22);
    if (block == NULL)
        return NULL;
    memset(block, 1, 1 << 22);
    free(block);
    return "done";
}

static int use_memory_threads_and_time(const void *)
{
    pthread_t thread;
    void *result = NULL;
    char bytes[16];
    struct rlimit limit;
    struct timespec now = {0, 1000};
    EXPECT(filter());
    EXPECT(allocate(NULL) != NULL);
    EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
    EXPECT(pthread_join(thread, &result) == 0 && result != NULL);
    EXPECT(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
    EXPECT(nanosleep(&now, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
    EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    EXPECT(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    EXPECT(getpid() > 0 && geteuid() == getuid() && sysconf(_SC_NPROCESSORS_ONLN) > 0);
    return 0;
}

Test(confine_filter, sockets_and_waiting_work)
{
    passes(use_sockets);
}

Test(confine_filter, files_can_be_reloaded_and_rotated)
{
    passes(use_files);
}

Test(confine_filter, memory_threads_and_clocks_work)
{
    passes(use_memory_threads_and_time);
}

static int is_refused(long result)
{
    return result == -1 && errno == EPERM;
}

static int try_refused(const void *)
{
    char name[] = "/tmp/x";
    struct rlimit limit;
    pid_t parent = getppid();
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(filter());
    EXPECT(is_refused(socket(AF_NETLINK, SOCK_RAW, 0)));
    EXPECT(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
    EXPECT(is_refused(syscall(SYS_socket, (1L << 32) | AF_NETLINK, SOCK_RAW, 0)));
    EXPECT(is_refused(
        (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    EXPECT(is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)));
    EXPECT(is_refused(syscall(SYS_pkey_mprotect, page, 4096, PROT_EXEC, -1)));
    EXPECT(is_refused(ioctl(STDIN_FILENO, TIOCSTI, name)));
    EXPECT(is_refused(kill(parent, 0)));
    EXPECT(is_refused(syscall(SYS_tgkill, parent, parent, 0)));
    EXPECT(is_refused(prlimit(parent, RLIMIT_NOFILE, NULL, &limit)));
    EXPECT(is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
    EXPECT(is_refused(memfd_create("x", 0)));
    EXPECT(is_refused(symlink(name, name)));
    EXPECT(is_refused(setuid(0)));
    EXPECT(is_refused(fcntl(STDIN_FILENO, F_SETOWN, parent)));
    EXPECT(is_refused(prctl(PR_SET_DUMPABLE, 1)));
    EXPECT(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
    return 0;
}

Test(confine_filter, what_serving_does_not_need_is_refused)
{
    passes(try_refused);
}

static int call_by_number(const void *number)
{
    EXPECT(filter());
    syscall(*(const long *)number, 0, 0, 0, 0, 0, 0);
    return 0;
}

Test(confine_filter, what_only_an_attacker_does_ends_the_process)
{
    static const struct {
        const char *name;
        long number;
    } rows[] = {
        {"execve", SYS_execve},   {"execveat", SYS_execveat},
        {"ptrace", SYS_ptrace},   {"process_vm_writev", SYS_process_vm_writev},
        {"unshare", SYS_unshare}, {"mount", SYS_mount},
        {"bpf", SYS_bpf},         {"io_uring_setup", SYS_io_uring_setup},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert_eq(run(call_by_number, &rows[i].number).signal, SIGSYS, "%s", rows[i].name);
}

struct other {
    int go[2];
    int result; /* of the call in the other thread */
};

static void *try_in_thread(void *argument)
{
    struct other *other = argument;
    char byte;
    if (read(other->go[0], &byte, 1) == 1)
        other->result = is_refused(socket(AF_NETLINK, SOCK_RAW, 0)) ? 1 : 2;
    return NULL;
}

static int filter_other_thread(const void *)
{
    struct other other = {.result = 0};
    pthread_t thread;
    EXPECT(pipe(other.go) == 0);
    EXPECT(pthread_create(&thread, NULL, try_in_thread, &other) == 0);
    EXPECT(filter());
    EXPECT(write(other.go[1], "x", 1) == 1);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(other.result == 1);
    return 0;
}

Test(confine_filter, threads_that_run_already_are_filtered_too)
{
    passes(filter_other_thread);
}

static bool status_has(const char *line)
{
    char text[8192];
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return false;
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    return strstr(text, line) != NULL;
}

static int lock(const void *enabled)
{
    struct error error;
    EXPECT(confine_lock(enabled != NULL, &error));
    EXPECT(status_has("\nNoNewPrivs:\t1\n"));
    bool filtered = status_has("\nSeccomp:\t2\n");
    EXPECT(filtered == (error.text[0] == '\0'));
    EXPECT(enabled != NULL || !filtered);
    EXPECT(filtered || prctl(PR_GET_DUMPABLE) == 0);
    return 0;
}

Test(confine, lock_sets_the_flags_and_says_when_there_is_no_filter)
{
    passes(lock);
    struct outcome outcome = run(lock, "enabled");
    cr_assert_eq(outcome.line, 0, "failed in line %d", outcome.line);
}

static int drop_capabilities(const void *)
{
    struct error error;
    EXPECT(confine_capabilities(&error));
    EXPECT(status_has("\nCapEff:\t0000000000000000\n"));
    EXPECT(status_has("\nCapPrm:\t0000000000000000\n"));
    EXPECT(status_has("\nCapInh:\t0000000000000000\n"));
    EXPECT(status_has("\nCapAmb:\t0000000000000000\n"));
    EXPECT(getuid() != 0 || status_has("\nCapBnd:\t0000000000000000\n"));
    EXPECT(confine_capabilities(&error)); /* a second time there is nothing left to drop */
    return 0;
}

Test(confine, every_capability_goes)
{
    passes(drop_capabilities);
}

static int drop_user(const void *)
{
    static const gid_t groups[] = {4242};
    static const gid_t others[] = {4243};
    gid_t held[8];
    struct error error;
    EXPECT(confine_drop_user("60001:60002", groups, 1, &error));
    EXPECT(getuid() == 60001 && geteuid() == 60001 && getgid() == 60002 && getegid() == 60002);
    EXPECT(getgroups(ARRAY_LEN(held), held) == 1 && held[0] == 4242);
    EXPECT(setuid(0) != 0 && setgid(0) != 0 && setgroups(0, NULL) != 0);
    EXPECT(status_has("\nCapPrm:\t0000000000000000\n"));
    EXPECT(status_has("\nCapBnd:\t0000000000000000\n"));
    EXPECT(confine_drop_user("60001:60002", groups, 1, &error)); /* is that already */
    EXPECT(!confine_drop_user("60001:60002", others, 1, &error) && error.system_error == EPERM);
    EXPECT(!confine_drop_user("60003:60002", groups, 1, &error) && error.system_error == EPERM);
    EXPECT(!confine_drop_user("root", groups, 1, &error) && error.system_error == EPERM);
    return 0;
}

static int drop_to_name(const void *)
{
    struct error error;
    EXPECT(confine_drop_user("nobody", NULL, 0, &error));
    EXPECT(getuid() == 65534 && getgid() != 0);
    EXPECT(getgroups(0, NULL) == 0);
    return 0;
}

Test(confine, another_user_is_become_for_good)
{
    if (geteuid() != 0)
        return; /* needs root to begin with */
    passes(drop_user);
    passes(drop_to_name);
}

Test(confine, users_that_are_not_there_are_refused)
{
    static const char *const users[] = {"",           ":",         ":5",          "no-such-user",
                                        "60001",      "60001:",    "60001:nogrp", "4294967295:5",
                                        "root:root:", "60001:5:6", "-1:5"};
    struct error error;
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        cr_assert_not(confine_drop_user(users[i], NULL, 0, &error), "%s", users[i]);
        cr_assert_eq(error.exit_code, 2, "%s: %s", users[i], error.text);
    }
}
