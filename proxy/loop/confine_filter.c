/* SPDX-License-Identifier: Apache-2.0
 *
 * Three answers, from three tables:
 *
 *   allowed   what serving needs, some of it only with certain arguments
 *   killed    calls that no code of ours or of our libraries makes: they can only come from an
 * attacker who already runs code here, so the process ends at once and the kernel's audit log names
 * the call EPERM     everything else. Not death: the C library of tomorrow may try a call that we
 * do not know and go on without it, and an attacker gains nothing from the difference
 *
 * Two calls answer ENOSYS: the C library takes that for an old kernel and falls back to a call
 * whose arguments can be checked (clone3 hands them over in memory, where a filter cannot look). */
#include "proxy/loop/confine_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)

static const int allowed[] = {
    /* bytes */
    CALL(read),
    CALL(readv),
    CALL(pread64),
    CALL(write),
    CALL(writev),
    CALL(pwrite64),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(sendto),
    CALL(sendmsg),
    CALL(splice),
    CALL(pipe2),
    CALL(close),
    /* sockets; socket() itself stands below */
    CALL(connect),
    CALL(bind),
    CALL(listen),
    CALL(accept),
    CALL(accept4),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(getsockname),
    CALL(getpeername),
    CALL(shutdown),
    /* waiting */
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(poll),
    CALL(ppoll),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(timerfd_gettime),
    CALL(eventfd2),
    CALL(inotify_init1),
    CALL(inotify_add_watch),
    CALL(inotify_rm_watch),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(restart_syscall),
    /* files: policy reload, log rotation, sockets of new listeners */
    CALL(open),
    CALL(openat),
    CALL(openat2),
    CALL(stat),
    CALL(lstat),
    CALL(fstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getcwd),
    CALL(lseek),
    CALL(getdents64),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(unlink),
    CALL(unlinkat),
    CALL(rmdir),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(chmod),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(chown),
    CALL(fchown),
    CALL(lchown),
    CALL(fchownat),
    CALL(umask),
    CALL(fsync),
    CALL(fdatasync),
    CALL(ftruncate),
    CALL(flock),
    /* memory; mmap and mprotect stand below */
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(brk),
    CALL(membarrier),
    /* threads and signals */
    CALL(futex),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    CALL(exit),
    CALL(exit_group),
    /* questions */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(time),
    CALL(getrandom),
    CALL(getpid),
    CALL(getppid),
    CALL(gettid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getgroups),
    CALL(getrlimit),
    CALL(getrusage),
    CALL(sysinfo),
    CALL(uname),
};

static const int killed[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(pidfd_getfd),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(setns),
    CALL(unshare),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(kexec_file_load),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(io_uring_setup),
    CALL(open_by_handle_at),
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
};

static const int absent[] = {CALL(clone3), CALL(openat2)};

/* Allowed when (argument & mask) == value. */
struct condition {
    int call;
    unsigned argument;
    scmp_datum_t mask;
    scmp_datum_t value;
};

#define WHOLE (~(scmp_datum_t)0)
#define ONLY_INT(call, argument, value)                                                            \
    {                                                                                              \
        CALL(call), argument, WHOLE, (scmp_datum_t)(value)                                         \
    }
#define WITHOUT(call, argument, bits)                                                              \
    {                                                                                              \
        CALL(call), argument, (scmp_datum_t)(bits), 0                                              \
    }
#define WITH(call, argument, bits)                                                                 \
    {                                                                                              \
        CALL(call), argument, (scmp_datum_t)(bits), (scmp_datum_t)(bits)                           \
    }

static const struct condition conditions[] = {
    ONLY_INT(socket, 0, AF_UNIX),
    ONLY_INT(socket, 0, AF_INET),
    ONLY_INT(socket, 0, AF_INET6),
    ONLY_INT(socketpair, 0, AF_UNIX),
    WITHOUT(mmap, 2, PROT_EXEC),
    WITHOUT(mprotect, 2, PROT_EXEC),
    ONLY_INT(ioctl, 1, FIONREAD),
    ONLY_INT(ioctl, 1, FIONBIO),
    ONLY_INT(fcntl, 1, F_GETFD),
    ONLY_INT(fcntl, 1, F_SETFD),
    ONLY_INT(fcntl, 1, F_GETFL),
    ONLY_INT(fcntl, 1, F_SETFL),
    ONLY_INT(fcntl, 1, F_DUPFD_CLOEXEC),
    ONLY_INT(fcntl, 1, F_SETLK),
    ONLY_INT(fcntl, 1, F_GETPIPE_SZ),
    ONLY_INT(fcntl, 1, F_SETPIPE_SZ),
    ONLY_INT(prlimit64, 0, 0), /* itself */
    ONLY_INT(prctl, 0, PR_SET_NAME),
    ONLY_INT(setpriority, 1, 0), /* the loader gives way to the loop */
    /* a thread, never a process: the loader of policies */
    WITH(clone, 0, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND),
};

static int add_rule(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
                    const struct scmp_arg_cmp *compares)
{
    int result = seccomp_rule_add_array(filter, action, call, count, compares);
    /* A call that this processor does not have (open on arm64) needs no rule. */
    return result == -EDOM ? 0 : result;
}

static int add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_rule(filter, action, calls[i], 0, NULL);
    return result;
}

static int add_conditions(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(conditions) && result == 0; i++) {
        const struct condition *condition = &conditions[i];
        struct scmp_arg_cmp compare = {condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                                       condition->value};
        result = add_rule(filter, SCMP_ACT_ALLOW, condition->call, 1, &compare);
    }
    if (result == 0) {
        /* abort() signals the own process; nobody else may be signalled. */
        struct scmp_arg_cmp self = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
        result = add_rule(filter, SCMP_ACT_ALLOW, CALL(tgkill), 1, &self);
    }
    return result;
}

static void release(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
}

bool confine_filter_load(struct error *error)
{
    CLEANUP(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return error_set_system(error, ENOMEM, "there is no memory for the system call filter");
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* A tree instead of a row of comparisons: the filter runs for every call of a busy loop. */
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = add_calls(filter, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
    if (result == 0)
        result = add_calls(filter, SCMP_ACT_KILL_PROCESS, killed, ARRAY_LEN(killed));
    if (result == 0)
        result = add_calls(filter, SCMP_ACT_ERRNO(ENOSYS), absent, ARRAY_LEN(absent));
    if (result == 0)
        result = add_conditions(filter);
    if (result == 0)
        result = seccomp_load(filter);
    if (result == 0)
        return true;
    return error_set_system(
        error, -result,
        "the system call filter cannot be set (%s): the kernel or the container's "
        "runtime does not allow filters",
        strerror(-result));
}
