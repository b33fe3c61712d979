/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/loop/service_manager.h"

#define AUTO_MANAGER CLEANUP(service_manager_close)

/* A manager's end of the socket; `name` as $NOTIFY_SOCKET spells it. */
static int bind_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0, "%s", strerror(errno));
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *receive(int fd)
{
    static char text[1024];
    ssize_t len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[len < 0 ? 0 : len] = '\0';
    return text;
}

static void converse(const char *name)
{
    struct error error;
    AUTO_CLOSE int fd = bind_manager(name);
    AUTO_MANAGER struct service_manager *manager = NULL;
    cr_assert(service_manager_open(&manager, &error), "%s", error.text);
    cr_assert_not_null(manager);
    cr_assert_null(getenv("NOTIFY_SOCKET"));
    service_manager_ready(manager, "2 listeners");
    cr_assert_str_eq(receive(fd), "READY=1\nSTATUS=2 listeners");
    service_manager_ready(manager, "x\nSTOPPING=1\033[0m");
    cr_assert_str_eq(receive(fd), "READY=1\nSTATUS=x STOPPING=1 [0m");
    int64_t before = timestamp_monotonic_us();
    int64_t stamp = 0;
    service_manager_reloading(manager);
    cr_assert_eq(sscanf(receive(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &stamp), 1);
    cr_assert_geq(stamp, before);
    cr_assert_leq(stamp, timestamp_monotonic_us());
    service_manager_stopping(manager);
    cr_assert_str_eq(receive(fd), "STOPPING=1");
    service_manager_watchdog(manager);
    cr_assert_str_eq(receive(fd), "WATCHDOG=1");
}

Test(service_manager, messages_arrive_over_a_path)
{
    char name[64];
    snprintf(name, sizeof(name), "/tmp/dockreeve-notify-%d", (int)getpid());
    converse(name);
    unlink(name);
}

Test(service_manager, messages_arrive_over_an_abstract_name)
{
    char name[64];
    snprintf(name, sizeof(name), "@dockreeve-notify-%d", (int)getpid());
    converse(name);
}

Test(service_manager, without_a_manager_every_call_is_quiet)
{
    struct error error;
    struct service_manager *manager = NULL;
    unsetenv("NOTIFY_SOCKET");
    cr_assert(service_manager_open(&manager, &error));
    cr_assert_null(manager);
    service_manager_ready(manager, "");
    service_manager_reloading(manager);
    service_manager_stopping(manager);
    service_manager_watchdog(manager);
    cr_assert_eq(service_manager_watchdog_interval_us(manager), 0);
}

Test(service_manager, a_manager_that_reads_nothing_does_not_block_us)
{
    char name[64];
    struct error error;
    snprintf(name, sizeof(name), "@dockreeve-deaf-%d", (int)getpid());
    AUTO_CLOSE int fd = bind_manager(name);
    AUTO_MANAGER struct service_manager *manager = NULL;
    cr_assert(service_manager_open(&manager, &error));
    cr_assert_geq(fd, 0);
    for (int i = 0; i < 10000; i++)
        service_manager_watchdog(manager);
}

Test(service_manager, an_unusable_notify_socket_is_an_error)
{
    static const char *const names[] = {"relative", "/", "@", "/tmp/dockreeve-nobody-listens"};
    struct error error;
    struct service_manager *manager = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        cr_assert_not(service_manager_open(&manager, &error), "%s", names[i]);
        cr_assert_null(manager);
    }
}

Test(service_manager, the_watchdog_interval_is_half_and_only_ours)
{
    static const struct {
        const char *row, *usec;
        int pid; /* 0 = unset, 1 = our own, 2 = another's */
        uint64_t interval;
    } rows[] = {
        {"not asked", NULL, 0, 0},
        {"asked of anybody", "30000000", 0, 15000000},
        {"asked of us", "30000000", 1, 15000000},
        {"asked of another", "30000000", 2, 0},
        {"no number", "30s", 0, 0},
    };
    char name[64];
    char pid[32];
    struct error error;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(name, sizeof(name), "@dockreeve-dog-%d-%zu", (int)getpid(), i);
        AUTO_CLOSE int fd = bind_manager(name);
        cr_assert_geq(fd, 0);
        snprintf(pid, sizeof(pid), "%d", (int)getpid() + rows[i].pid - 1);
        if (rows[i].usec != NULL)
            setenv("WATCHDOG_USEC", rows[i].usec, 1);
        if (rows[i].pid != 0)
            setenv("WATCHDOG_PID", pid, 1);
        AUTO_MANAGER struct service_manager *manager = NULL;
        cr_assert(service_manager_open(&manager, &error));
        cr_assert_eq(service_manager_watchdog_interval_us(manager), rows[i].interval, "%s",
                     rows[i].row);
        cr_assert_null(getenv("WATCHDOG_USEC"));
    }
}

enum handed {
    HANDED_UNIX,
    HANDED_TCP,
    HANDED_TCP6,
    HANDED_NOT_LISTENING,
    HANDED_DATAGRAM,
    HANDED_PIPE
};

static int make_handed(enum handed kind)
{
    int fd = -1;
    int ends[2];
    switch (kind) {
    case HANDED_UNIX:
    case HANDED_TCP:
    case HANDED_TCP6:
        fd = socket(kind == HANDED_UNIX  ? AF_UNIX
                    : kind == HANDED_TCP ? AF_INET
                                         : AF_INET6,
                    SOCK_STREAM, 0);
        if (kind == HANDED_UNIX) {
            /* An address of its family alone makes the kernel choose an abstract name. */
            sa_family_t family = AF_UNIX;
            cr_assert_eq(bind(fd, (struct sockaddr *)&(struct sockaddr_un){.sun_family = family},
                              sizeof(family)),
                         0);
        }
        cr_assert_eq(listen(fd, 1), 0, "%s", strerror(errno));
        return fd;
    case HANDED_NOT_LISTENING:
        return socket(AF_UNIX, SOCK_STREAM, 0);
    case HANDED_DATAGRAM:
        return socket(AF_INET, SOCK_DGRAM, 0);
    case HANDED_PIPE:
        cr_assert_eq(pipe(ends), 0);
        close(ends[1]);
        return ends[0];
    }
    return fd;
}

/* Puts what was made at descriptor 3 + index, out of the way of whatever the test program has
 * there. */
static void hand_over(const enum handed *kinds, unsigned count, const char *names, int pid_offset)
{
    char text[32];
    int made[8];
    for (unsigned i = 0; i < count; i++) {
        int fd = make_handed(kinds[i]);
        made[i] = fcntl(fd, F_DUPFD, 100);
        close(fd);
    }
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(dup2(made[i], 3 + (int)i), 3 + (int)i);
        close(made[i]);
    }
    snprintf(text, sizeof(text), "%d", (int)getpid() + pid_offset);
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%u", count);
    setenv("LISTEN_FDS", text, 1);
    if (names == NULL)
        unsetenv("LISTEN_FDNAMES");
    else
        setenv("LISTEN_FDNAMES", names, 1);
}

/* Descriptors 3 and up belong to the test framework: they are put aside and back again, and nothing
 * is asserted in between. */
static void sockets_case(const char *row, const enum handed *kinds, unsigned count,
                         const char *names, int pid_offset, int expected)
{
    struct service_socket sockets[SERVICE_SOCKETS_MAX];
    unsigned taken = 0;
    struct error error = {0};
    int saved[8];
    for (int i = 0; i < 8; i++)
        saved[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 200);
    hand_over(kinds, count, names, pid_offset);
    bool good = service_manager_sockets(sockets, &taken, &error);
    bool flags = true;
    for (unsigned i = 0; good && i < taken; i++) {
        flags = flags && fcntl(sockets[i].fd, F_GETFD) == FD_CLOEXEC;
        flags = flags && (fcntl(sockets[i].fd, F_GETFL) & O_NONBLOCK) != 0;
        flags = flags && sockets[i].fd == 3 + (int)i;
    }
    for (int i = 0; i < 8; i++) {
        close(3 + i);
        if (saved[i] >= 0) {
            dup2(saved[i], 3 + i);
            close(saved[i]);
        }
    }
    cr_assert_eq(good, expected >= 0, "%s: %s", row, error.text);
    cr_assert(expected < 0 || taken == (unsigned)expected, "%s", row);
    cr_assert(flags, "%s", row);
    cr_assert_null(getenv("LISTEN_FDS"), "%s", row);
    cr_assert_null(getenv("LISTEN_PID"), "%s", row);
    cr_assert_null(getenv("LISTEN_FDNAMES"), "%s", row);
    if (good && taken == 3) {
        cr_assert_str_eq(sockets[0].name, "traefik");
        cr_assert_str_eq(sockets[1].name, "");
        cr_assert_str_eq(sockets[2].name, "agents");
        cr_assert_eq(sockets[0].family, AF_UNIX);
        cr_assert_eq(sockets[1].family, AF_INET);
        cr_assert_eq(sockets[2].family, AF_INET6);
    }
    if (good && taken == 1)
        cr_assert_str_eq(sockets[0].name, "unknown");
}

Test(service_manager, listening_sockets_are_taken_and_nothing_else)
{
    static const struct {
        const char *row;
        enum handed kinds[3];
        unsigned count;
        const char *names;
        int pid_offset;
        int expected; /* sockets taken, -1 = refused */
    } rows[] = {
        {"three families", {HANDED_UNIX, HANDED_TCP, HANDED_TCP6}, 3, "traefik::agents", 0, 3},
        {"no names", {HANDED_UNIX}, 1, NULL, 0, 1},
        {"none", {HANDED_UNIX}, 0, "", 0, 0},
        {"for another process", {HANDED_PIPE}, 1, NULL, 1, 0},
        {"not listening", {HANDED_NOT_LISTENING}, 1, NULL, 0, -1},
        {"a datagram socket", {HANDED_DATAGRAM}, 1, NULL, 0, -1},
        {"a pipe", {HANDED_PIPE}, 1, NULL, 0, -1},
        {"too few names", {HANDED_UNIX, HANDED_UNIX}, 2, "a", 0, -1},
        {"too many names", {HANDED_UNIX}, 1, "a:b", 0, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        sockets_case(rows[i].row, rows[i].kinds, rows[i].count, rows[i].names, rows[i].pid_offset,
                     rows[i].expected);
}

Test(service_manager, absurd_counts_are_refused)
{
    static const char *const counts[] = {"65", "-1", "x", "99999999999999999999", ""};
    struct service_socket sockets[SERVICE_SOCKETS_MAX];
    unsigned taken;
    struct error error;
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", counts[i], 1);
        cr_assert_not(service_manager_sockets(sockets, &taken, &error), "%s", counts[i]);
        cr_assert_eq(error.exit_code, 2);
    }
}
