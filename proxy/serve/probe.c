/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking HTTP request for commands that run and end. */
#include "proxy/serve/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/http/http_head.h"
#include "rules/docker/api_version.h"
#include "rules/docker/docker_operation.h"

/* A listener on [::] takes IPv4 too, and a container often has no ::1: the mapped 127.0.0.1 is
 * there in both. */
static struct endpoint reachable(const struct endpoint *endpoint)
{
    static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
    static const struct in6_addr mapped_loopback = {
        {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}}};
    struct endpoint target = *endpoint;
    if (target.address.any.sa_family == AF_INET &&
        target.address.in.sin_addr.s_addr == htonl(INADDR_ANY))
        target.address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (target.address.any.sa_family == AF_INET6 &&
        memcmp(&target.address.in6.sin6_addr, &any6, sizeof(any6)) == 0)
        target.address.in6.sin6_addr = mapped_loopback;
    return target;
}

/* Reads until the head is whole, and what came with it of the body. */
static bool read_answer(int fd, struct probe_api *api, struct error *error)
{
    char bytes[8192];
    size_t len = 0, scanned = 0, consumed;
    struct http_head head;
    for (;;) {
        ssize_t got = recv(fd, bytes + len, sizeof(bytes) - len, 0);
        if (got <= 0)
            return error_set_system(error, got == 0 ? ECONNRESET : errno, "%s",
                                    got == 0 ? "the connection was closed without an answer"
                                             : strerror(errno));
        len += (size_t)got;
        switch (http_head_parse_response(&head, bytes, len, &scanned, &consumed, error)) {
        case HTTP_HEAD_MORE:
            continue;
        case HTTP_HEAD_BAD:
            return false;
        case HTTP_HEAD_OK:
            break;
        }
        struct slice version = http_head_field(&head, SLICE_LITERAL("api-version"));
        api->status = head.status;
        if (version.len > 0 && version.len < sizeof(api->version))
            memcpy(api->version, version.ptr, version.len);
        api->minimum = api_version_of_refusal(slice_of(bytes + consumed, len - consumed));
        return true;
    }
}

/* A connected socket whose reads and writes have the timeout, or -1. */
static int open_connection(const struct endpoint *endpoint, uint64_t timeout_ms,
                           struct error *error)
{
    struct endpoint target = reachable(endpoint);
    struct timeval timeout = duration_timeval_ms(timeout_ms);
    int off = 0;
    AUTO_CLOSE int fd = socket(target.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && target.address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    }
    if (fd < 0 || connect(fd, &target.address.any, target.len) != 0) {
        (void)error_set_system(error, errno, "%s", strerror(errno));
        return -1;
    }
    return steal_fd(&fd);
}

static bool ask(const struct endpoint *endpoint, const char *prefix, uint64_t timeout_ms,
                struct probe_api *api, struct error *error)
{
    char request[160];
    int len = snprintf(request, sizeof(request),
                       "GET %s/_ping HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n"
                       "Connection: close\r\n\r\n",
                       prefix);
    AUTO_CLOSE int fd = open_connection(endpoint, timeout_ms, error);
    *api = (struct probe_api){0};
    if (fd < 0)
        return false;
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        return error_set_system(error, errno, "%s", strerror(errno));
    return read_answer(fd, api, error);
}

bool probe_ping(const struct endpoint *endpoint, uint64_t timeout_ms, unsigned *status_out,
                struct error *error)
{
    struct probe_api api;
    bool answered = ask(endpoint, "", timeout_ms, &api, error);
    *status_out = api.status;
    return answered;
}

bool probe_api_ask(const struct endpoint *endpoint, uint64_t timeout_ms, struct probe_api *api_out,
                   struct error *error)
{
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "/v1.%d", DOCKER_API_NEWEST);
    return ask(endpoint, prefix, timeout_ms, api_out, error);
}

bool probe_connect(const struct endpoint *endpoint, uint64_t timeout_ms, struct error *error)
{
    AUTO_CLOSE int fd = open_connection(endpoint, timeout_ms, error);
    return fd >= 0;
}
