/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking HTTP request for commands that run and end. */
#include "proxy/serve/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "proxy/http/http_head.h"
#include "proxy/io/blocking_socket.h"
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
static bool read_answer(int fd, int64_t until_us, struct probe_api *api, struct error *error)
{
    AUTO_BUFFER struct buffer in = BUFFER_EMPTY;
    size_t scanned = 0, consumed;
    struct http_head head;
    static const struct http_sender sender = {
        "the gate", {HTTP_HEAD_LEN_MAX, HTTP_HEAD_TARGET_MAX, HTTP_HEAD_FIELDS_MAX}};
    enum http_head_result result = HTTP_HEAD_MORE;
    while (result == HTTP_HEAD_MORE) {
        if (!blocking_socket_receive(fd, &in, until_us))
            return error_set_system(error, errno, "%s",
                                    errno == ECONNRESET
                                        ? "the connection was closed without an answer"
                                        : strerror(errno));
        result =
            http_head_parse_response(&head, in.data, in.len, &scanned, &sender, &consumed, error);
    }
    if (result == HTTP_HEAD_BAD)
        return false;
    struct slice version = http_head_field(&head, SLICE_LITERAL("api-version"));
    api->status = head.status;
    if (version.len > 0 && version.len < sizeof(api->version))
        memcpy(api->version, version.ptr, version.len);
    api->minimum = api_version_of_refusal(slice_of(in.data + consumed, in.len - consumed));
    return true;
}

static int open_connection(const struct endpoint *endpoint, int64_t until_us, struct error *error)
{
    struct endpoint target = reachable(endpoint);
    int fd = blocking_socket_connect(&target, until_us);
    if (fd < 0)
        (void)error_set_system(error, errno, "%s", strerror(errno));
    return fd;
}

static int64_t end_of(uint64_t timeout_ms)
{
    return timestamp_monotonic_us() + (int64_t)timeout_ms * 1000;
}

static bool ask(const struct endpoint *endpoint, const char *prefix, uint64_t timeout_ms,
                struct probe_api *api, struct error *error)
{
    AUTO_BUFFER struct buffer request = BUFFER_EMPTY;
    int64_t until_us = end_of(timeout_ms);
    AUTO_CLOSE int fd = open_connection(endpoint, until_us, error);
    *api = (struct probe_api){0};
    if (fd < 0)
        return false;
    buffer_printf(&request,
                  "GET %s/_ping HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n"
                  "Connection: close\r\n\r\n",
                  prefix);
    if (!blocking_socket_send(fd, buffer_slice(&request), until_us))
        return error_set_system(error, errno, "%s", strerror(errno));
    return read_answer(fd, until_us, api, error);
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
    AUTO_CLOSE int fd = open_connection(endpoint, end_of(timeout_ms), error);
    return fd >= 0;
}
