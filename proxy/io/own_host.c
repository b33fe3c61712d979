/* SPDX-License-Identifier: Apache-2.0
 *
 * The question is RTM_GETROUTE of rtnetlink(7), which the kernel answers before sendto(2) returns:
 * a route of the type "local" says that the address is this machine's, be it on an interface or in
 * a routed prefix of its own. Where netlink cannot be had (RestrictAddressFamilies, some sandboxes)
 * an address is tried by bind(2), which only takes own ones unless ip_nonlocal_bind is set; then
 * all seem to be, which refuses too much and never too little. */
#include "proxy/io/own_host.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/endpoint.h"

const char own_host_container_note[] =
    "the gate runs in a container and cannot see the addresses of its host, so allowed names and "
    "addresses may lead to services of the host: list them (`own_addresses: [203.0.113.7]` in the "
    "policy, or DOCKREEVE_OWN_ADDRESSES), or say that there are none (`own_addresses: []`, `none`; "
    "with the host's network the gate sees them itself)";

struct own_host {
    int fd;            /* owned; -1 = netlink cannot be had */
    uint32_t sequence; /* of the last question */
    struct network_own_host asked;
};

struct question {
    struct nlmsghdr head;
    struct rtmsg route;
    struct rtattr attribute;
    uint8_t destination[16];
};

enum answer { ANSWER_OWN, ANSWER_OTHER, ANSWER_NONE };

static bool send_question(struct own_host *own_host, const struct ip_address *address)
{
    bool v4 = ip_address_is_v4(address);
    size_t len = v4 ? 4 : 16;
    struct question question = {
        .head = {.nlmsg_type = RTM_GETROUTE,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = ++own_host->sequence},
        .route = {.rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = (unsigned char)(len * 8)},
        .attribute = {.rta_type = RTA_DST, .rta_len = (unsigned short)RTA_LENGTH(len)},
    };
    memcpy(question.destination, address->bytes + 16 - len, len);
    size_t size = offsetof(struct question, destination) + len;
    question.head.nlmsg_len = (uint32_t)size;
    return send(own_host->fd, &question, size, 0) == (ssize_t)size;
}

/* A refusal (no route, a prohibited one) is an answer: nothing is there that could be reached. */
static enum answer read_answer(const struct own_host *own_host)
{
    union {
        struct nlmsghdr head;
        char bytes[2048];
    } message;
    for (;;) {
        ssize_t got = recv(own_host->fd, &message, sizeof(message), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg)))
            return ANSWER_NONE;
        if (message.head.nlmsg_seq != own_host->sequence)
            continue; /* of a question before, whose answer was given up */
        if (message.head.nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = NLMSG_DATA(&message.head);
            return error->error == -ENOMEM || error->error == -ENOBUFS ? ANSWER_NONE : ANSWER_OTHER;
        }
        if (message.head.nlmsg_type != RTM_NEWROUTE)
            return ANSWER_NONE;
        const struct rtmsg *route = NLMSG_DATA(&message.head);
        return route->rtm_type == RTN_LOCAL ? ANSWER_OWN : ANSWER_OTHER;
    }
}

static enum answer ask(struct own_host *own_host, const struct ip_address *address)
{
    if (own_host->fd < 0 || !send_question(own_host, address))
        return ANSWER_NONE;
    return read_answer(own_host);
}

static bool can_be_bound(const struct ip_address *address)
{
    struct endpoint endpoint;
    endpoint_from_ip(&endpoint, address, 0);
    AUTO_CLOSE int fd = socket(endpoint.address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno != EAFNOSUPPORT; /* not known: the careful answer */
    return bind(fd, &endpoint.address.any, endpoint.len) == 0;
}

bool own_host_holds(struct own_host *own_host, const struct ip_address *address)
{
    switch (ask(own_host, address)) {
    case ANSWER_OWN:
        return true;
    case ANSWER_OTHER:
        return false;
    case ANSWER_NONE:
        break;
    }
    return can_be_bound(address);
}

static bool holds(void *context, const struct ip_address *address)
{
    return own_host_holds(context, address);
}

struct own_host *own_host_open(void)
{
    struct own_host *own_host = calloc_or_abort(1, sizeof(*own_host));
    own_host->asked = (struct network_own_host){holds, own_host};
    own_host->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    /* There are kernels that open the socket and answer nothing. */
    if (own_host->fd >= 0 && ask(own_host, &ip_loopback[0]) != ANSWER_OWN)
        close(steal_fd(&own_host->fd));
    return own_host;
}

void own_host_close(struct own_host **own_host)
{
    struct own_host *freed = steal_pointer(own_host);
    if (freed == NULL)
        return;
    if (freed->fd >= 0)
        close(freed->fd);
    free(freed);
}

const struct network_own_host *own_host_asked(const struct own_host *own_host)
{
    return &own_host->asked;
}

bool own_host_is_container(void)
{
    static const char *const files[] = {"/.dockerenv", "/run/.containerenv"};
    static const char *const variables[] = {"container", "KUBERNETES_SERVICE_HOST"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (access(files[i], F_OK) == 0)
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0')
            return true;
    }
    return false;
}
