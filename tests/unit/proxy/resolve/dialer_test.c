/* SPDX-License-Identifier: Apache-2.0
 *
 * Dialling on the loopback: 127.0.0.1 to 127.0.0.9 are hosts that listen, refuse or, with a full
 * backlog, never answer. */
#include <criterion/criterion.h>

#include <limits.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/resolve/dialer.h"
#include "proxy/io/endpoint.h"

enum { LONG_MS = 600000, SHORT_MS = 200, GUARD_S = 60, HOSTS_MAX = 4, FILLERS_MAX = 16 };

struct world {
    struct event_base *base;
    struct event *guard;
    uint16_t port; /* of all hosts */
    int listeners[HOSTS_MAX];
    int fillers[FILLERS_MAX];
    unsigned listener_count, filler_count;
    struct dial *dial;
    unsigned done;
    struct dial_result result;
    bool cancel_when_told;
};

static void on_guard(evutil_socket_t, short, void *)
{
    cr_assert_fail("the dial never ended");
}

static void world_open(struct world *world)
{
    static const struct timeval guard = {.tv_sec = GUARD_S};
    *world = (struct world){.base = event_base_new()};
    world->guard = event_new(world->base, -1, 0, on_guard, NULL);
    event_add(world->guard, &guard);
}

static void world_close(struct world *world)
{
    dial_cancel(&world->dial);
    if (world->done > 0 && world->result.fd >= 0)
        close(world->result.fd);
    for (unsigned i = 0; i < world->listener_count; i++)
        close(world->listeners[i]);
    for (unsigned i = 0; i < world->filler_count; i++)
        close(world->fillers[i]);
    event_free(world->guard);
    event_base_free(world->base);
}
#define AUTO_WORLD CLEANUP(world_close)

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address));
    return address;
}

/* Has `host` listen at the world's port, which the first host chooses. */
static int listen_at(struct world *world, const char *host, int backlog)
{
    struct ip_address address = address_of(host);
    struct endpoint at;
    endpoint_from_ip(&at, &address, world->port);
    int fd = socket(at.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, &at.address.any, at.len), 0, "%s: %s", host, strerror(errno));
    cr_assert_eq(listen(fd, backlog), 0);
    cr_assert_eq(getsockname(fd, &at.address.any, &at.len), 0);
    world->port = ntohs(at.address.in.sin_port);
    world->listeners[world->listener_count++] = fd;
    return fd;
}

/* A host whose backlog is full: the kernel drops what comes, as a filter on the way does. */
static void make_black_hole(struct world *world, const char *host)
{
    listen_at(world, host, 0);
    struct ip_address address = address_of(host);
    struct endpoint at;
    endpoint_from_ip(&at, &address, world->port);
    /* The first connections are accepted into the backlog within connect(2), on the loopback. */
    for (bool full = false; !full;) {
        cr_assert_lt(world->filler_count, FILLERS_MAX);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        cr_assert_geq(fd, 0);
        world->fillers[world->filler_count++] = fd;
        cr_assert(connect(fd, &at.address.any, at.len) != 0 && errno == EINPROGRESS);
        struct endpoint peer = {.len = sizeof(peer.address)};
        full = getpeername(fd, &peer.address.any, &peer.len) != 0;
    }
}

static void on_done(void *context, const struct dial_result *result)
{
    struct world *world = context;
    world->result = *result;
    world->done++;
    if (world->cancel_when_told)
        dial_cancel(&world->dial);
    world->dial = NULL;
}

static void start(struct world *world, const char *const *hosts, uint64_t timeout_ms)
{
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX];
    struct error error;
    unsigned count = 0;
    for (; hosts[count] != NULL; count++)
        addresses[count] = address_of(hosts[count]);
    world->dial = dial_start(world->base, addresses, count, world->port, INT_MAX, timeout_ms,
                             on_done, world, &error);
    cr_assert_not_null(world->dial, "%s", error.text);
    cr_assert_eq(world->done, 0, "nothing is told from within dial_start()");
}

static void dial(struct world *world, const char *const *hosts, uint64_t timeout_ms)
{
    start(world, hosts, timeout_ms);
    while (world->done == 0)
        cr_assert_eq(event_base_loop(world->base, EVLOOP_ONCE), 0);
}

static void expect_reached(const struct world *world, const char *host)
{
    struct ip_address wanted = address_of(host);
    struct endpoint peer = {.len = sizeof(peer.address)};
    cr_assert_geq(world->result.fd, 0, "%s", world->result.error.text);
    cr_expect_eq(memcmp(&world->result.address, &wanted, sizeof(wanted)), 0);
    cr_assert_eq(getpeername(world->result.fd, &peer.address.any, &peer.len), 0);
    struct ip_address reached = endpoint_ip(&peer);
    cr_expect_eq(memcmp(&reached, &wanted, sizeof(wanted)), 0);
}

static void expect_failed(const struct world *world, const char *host, int code, const char *reason)
{
    struct ip_address wanted = address_of(host);
    cr_assert_eq(world->result.fd, -1);
    cr_expect_eq(world->result.error.status, code, "%s", world->result.error.text);
    cr_expect_str_eq(world->result.error.reason, reason);
    cr_expect_eq(memcmp(&world->result.address, &wanted, sizeof(wanted)), 0);
    cr_expect(strstr(world->result.error.text, host) != NULL, "%s", world->result.error.text);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    cr_assert_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

Test(dialer, a_connection_is_made_ready_for_a_tunnel)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    listen_at(&world, "127.0.0.1", 8);
    dial(&world, (const char *[]){"127.0.0.1", NULL}, LONG_MS);
    expect_reached(&world, "127.0.0.1");
    cr_expect_eq(option(world.result.fd, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_expect_eq(option(world.result.fd, SOL_SOCKET, SO_DOMAIN), AF_INET,
                 "a mapped address is dialled as IPv4");
    cr_expect(fcntl(world.result.fd, F_GETFL) & O_NONBLOCK);
    cr_expect(fcntl(world.result.fd, F_GETFD) & FD_CLOEXEC);
}

Test(dialer, the_next_address_is_tried_when_one_refuses)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    listen_at(&world, "127.0.0.3", 8);
    dial(&world, (const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", NULL},
         LONG_MS);
    expect_reached(&world, "127.0.0.3");
}

Test(dialer, what_is_no_host_does_not_keep_from_the_next)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    listen_at(&world, "127.0.0.1", 8);
    /* connect(2) itself fails for a broadcast address. */
    dial(&world, (const char *[]){"255.255.255.255", "127.0.0.1", NULL}, LONG_MS);
    expect_reached(&world, "127.0.0.1");
}

Test(dialer, says_why_the_last_address_failed)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    listen_at(&world, "127.0.0.9", 8);
    dial(&world, (const char *[]){"127.0.0.1", "127.0.0.2", NULL}, LONG_MS);
    expect_failed(&world, "127.0.0.2", 502, "connect.refused");
    world.done = 0;
    dial(&world, (const char *[]){"255.255.255.255", NULL}, LONG_MS);
    cr_expect_eq(world.result.fd, -1);
    cr_expect_eq(world.result.error.status, 502);
}

Test(dialer, a_host_that_does_not_answer_runs_into_the_timeout)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    make_black_hole(&world, "127.0.0.1");
    dial(&world, (const char *[]){"127.0.0.1", NULL}, SHORT_MS);
    expect_failed(&world, "127.0.0.1", 504, "connect.timeout");
}

Test(dialer, a_timeout_names_the_address_that_hangs)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    make_black_hole(&world, "127.0.0.1");
    dial(&world, (const char *[]){"127.0.0.1", "127.0.0.2", NULL}, 2000);
    expect_failed(&world, "127.0.0.1", 504, "connect.timeout");
}

Test(dialer, another_address_is_tried_beside_one_that_does_not_answer)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    make_black_hole(&world, "127.0.0.1");
    listen_at(&world, "127.0.0.2", 8);
    unsigned before = open_descriptors();
    /* Only an attempt beside the first one can end this before the guard does. */
    dial(&world, (const char *[]){"127.0.0.1", "127.0.0.2", NULL}, LONG_MS);
    expect_reached(&world, "127.0.0.2");
    cr_expect_eq(open_descriptors(), before + 1, "the attempts that lost are closed");
}

Test(dialer, an_attempt_stays_under_way_when_the_next_one_fails)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    make_black_hole(&world, "127.0.0.1");
    start(&world, (const char *[]){"127.0.0.1", "127.0.0.2", NULL}, LONG_MS);
    /* Two timers: the attempt delay, and what a refused connection then needs. */
    for (int i = 0; i < 4 && world.done == 0; i++) {
        struct timeval wait = {.tv_usec = 150000};
        event_base_loopexit(world.base, &wait);
        event_base_loop(world.base, 0);
    }
    cr_assert_eq(world.done, 0);
    /* Room in the backlog: the kernel's next SYN gets through. */
    for (unsigned i = 0; i < world.filler_count; i++)
        close(world.fillers[i]);
    world.filler_count = 0;
    int fd;
    while ((fd = accept(world.listeners[0], NULL, NULL)) >= 0)
        close(fd);
    while (world.done == 0)
        event_base_loop(world.base, EVLOOP_ONCE);
    expect_reached(&world, "127.0.0.1");
}

Test(dialer, a_dial_can_be_cancelled_at_every_moment)
{
    for (int turns = 0; turns < 4; turns++) {
        AUTO_WORLD struct world world;
        world_open(&world);
        make_black_hole(&world, "127.0.0.1");
        unsigned before = open_descriptors();
        start(&world, (const char *[]){"127.0.0.2", "127.0.0.1", NULL}, LONG_MS);
        for (int i = 0; i < turns; i++)
            event_base_loop(world.base, EVLOOP_NONBLOCK);
        dial_cancel(&world.dial);
        cr_expect_null(world.dial);
        dial_cancel(&world.dial);
        cr_expect_eq(open_descriptors(), before);
        for (int i = 0; i < 4; i++)
            event_base_loop(world.base, EVLOOP_NONBLOCK);
        cr_expect_eq(world.done, 0);
    }
}

Test(dialer, a_dial_can_be_cancelled_while_it_tells_its_result)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    world.cancel_when_told = true;
    listen_at(&world, "127.0.0.1", 8);
    dial(&world, (const char *[]){"127.0.0.1", NULL}, LONG_MS);
    expect_reached(&world, "127.0.0.1");
}

Test(dialer, a_lack_of_descriptors_is_a_refusal_of_ours)
{
    AUTO_WORLD struct world world;
    struct rlimit before, none;
    world_open(&world);
    listen_at(&world, "127.0.0.1", 8);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    start(&world, (const char *[]){"127.0.0.1", NULL}, LONG_MS);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (world.done == 0)
        event_base_loop(world.base, EVLOOP_ONCE);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect_failed(&world, "127.0.0.1", 503, "limit.descriptors");
}

/* A network of its own in which the kernel has one port for outgoing connections. */
static bool enter_network_of_one_port(unsigned port)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) != 0)
        return false;
    FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");
    if (range == NULL)
        return false;
    bool written = fprintf(range, "%u %u", port, port) > 0;
    return fclose(range) == 0 && written;
}

Test(dialer, a_connection_to_itself_counts_as_refused)
{
    AUTO_WORLD struct world world;
    world_open(&world);
    world.port = 40000;
    if (!enter_network_of_one_port(world.port))
        cr_skip_test("no network of one's own here");
    dial(&world, (const char *[]){"127.0.0.1", NULL}, LONG_MS);
    expect_failed(&world, "127.0.0.1", 502, "connect.self");
    world.done = 0;
    dial(&world, (const char *[]){"::1", NULL}, LONG_MS);
    cr_expect_str_eq(world.result.error.reason, "connect.self");
    world.done = 0;
    /* A network without a way out. */
    dial(&world, (const char *[]){"192.0.2.1", NULL}, LONG_MS);
    expect_failed(&world, "192.0.2.1", 502, "connect.unreachable");
}
