/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are this machine's: what every machine has, and in a network of the test's own what
 * it was given. */
#include <criterion/criterion.h>

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proxy/io/endpoint.h"
#include "proxy/io/own_host.h"

static bool holds(struct own_host *own_host, const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    const struct network_own_host *asked = own_host_asked(own_host);
    bool answer = own_host_holds(own_host, &address);
    cr_expect_eq(asked->holds(asked->context, &address), answer, "%s", text);
    return answer;
}

Test(own_host, loopback_is_own_and_others_are_not)
{
    CLEANUP(own_host_close) struct own_host *own_host = own_host_open();
    cr_expect(holds(own_host, "127.0.0.1"));
    cr_expect(holds(own_host, "127.200.1.1"));
    cr_expect_not(holds(own_host, "192.0.2.1"));
    cr_expect_not(holds(own_host, "2001:db8::1"));
    cr_expect_not(holds(own_host, "224.0.0.1"));
    cr_expect_not(holds(own_host, "255.255.255.255"));
}

static bool set(int fd, unsigned long request, const char *text)
{
    struct ifreq address = {.ifr_name = "lo:1"};
    struct ip_address ip;
    struct endpoint endpoint;
    if (!ip_address_parse(slice_from_text(text), &ip))
        return false;
    endpoint_from_ip(&endpoint, &ip, 0);
    memcpy(&address.ifr_addr, &endpoint.address.in, sizeof(endpoint.address.in));
    return ioctl(fd, request, &address) == 0;
}

Test(own_host, an_address_is_own_from_the_moment_on_that_it_is_given)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        cr_skip_test("no network of one's own here");
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &loopback) != 0)
        cr_skip_test("no network of one's own here");
    CLEANUP(own_host_close) struct own_host *own_host = own_host_open();
    cr_expect_not(holds(own_host, "198.20.0.7"));
    cr_assert(set(fd, SIOCSIFADDR, "198.20.0.7") && set(fd, SIOCSIFNETMASK, "255.255.255.255"));
    cr_expect(holds(own_host, "198.20.0.7"));
    cr_expect_not(holds(own_host, "198.20.0.8"));
    cr_assert(set(fd, SIOCSIFADDR, "198.20.0.8") && set(fd, SIOCSIFNETMASK, "255.255.255.255"));
    cr_expect(holds(own_host, "198.20.0.8"));
    cr_expect_not(holds(own_host, "198.20.0.7"), "it was taken away");
}
