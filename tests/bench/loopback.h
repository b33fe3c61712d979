/* SPDX-License-Identifier: Apache-2.0
 *
 * What the bench programs share: the clock, a connection to a port of this machine, and a
 * CONNECT that waits for its answer. A bench that gets something unexpected ends with the reason:
 * its figures would mean nothing. */
#pragma once

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOPBACK_HEAD_MAX = 4096 };

static inline int64_t loopback_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline struct sockaddr_in loopback_address(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Blocking: on loopback the connection stands when connect() returns. -1 with errno on failure. */
static inline int loopback_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        err(1, "no socket");
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        close(fd);
        return -1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static inline int loopback_listen(const char *port)
{
    struct sockaddr_in address = loopback_address(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0)
        err(1, "cannot listen on 127.0.0.1:%s", port);
    return fd;
}

static inline void loopback_write(int fd, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t wrote = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
        if (wrote <= 0)
            err(1, "cannot write");
        done += (size_t)wrote;
    }
}

/* Reads up to and with the empty line, not a byte further than the socket held then, and needs
 * status 200. Returns how many bytes were read beyond the head. */
static inline size_t loopback_read_head(int fd, char *head)
{
    size_t have = 0;
    const char *end = NULL;
    while (end == NULL) {
        ssize_t got = recv(fd, head + have, LOOPBACK_HEAD_MAX - 1 - have, 0);
        if (got <= 0)
            err(1, "the connection ended inside a head: %.40s", have > 0 ? head : "");
        have += (size_t)got;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (strncmp(head, "HTTP/1.", 7) != 0 || strncmp(head + 8, " 200", 4) != 0)
        errx(1, "the answer is not a 200: %.60s", head);
    return have - (size_t)(end + 4 - head);
}

/* A connection to `target` through the proxy at `port`; target "-": to the port itself. */
static inline int loopback_tunnel(const char *port, const char *target)
{
    struct sockaddr_in address = loopback_address(port);
    int fd = loopback_connect(&address);
    if (fd < 0)
        err(1, "cannot connect to 127.0.0.1:%s", port);
    if (strcmp(target, "-") == 0)
        return fd;
    char head[LOOPBACK_HEAD_MAX];
    int len =
        snprintf(head, sizeof head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target);
    loopback_write(fd, head, (size_t)len);
    if (loopback_read_head(fd, head) > 0)
        errx(1, "bytes came through a tunnel that nobody had sent");
    return fd;
}
