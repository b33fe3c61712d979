/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket addresses as people write them, and as the log shows them. Numeric only: nothing here asks
 * a resolver, so the static binary needs no NSS. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "rules/network/ip_range.h"

struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
    socklen_t len;
};

/* Reads "unix:/path", "unix:@abstract", "tcp:ADDRESS:PORT" or "tcp:[V6]:PORT" and the forms that
 * SOCKET_PATH of the replaced images takes: "/path", "unix@/path", "abns@name", "ADDRESS:PORT",
 * "ipv4@…", "ipv6@…"; "localhost" stands for 127.0.0.1. */
MUST_CHECK bool endpoint_parse(struct endpoint *endpoint, struct slice text, struct error *error);

/* Makes a TCP endpoint. */
void endpoint_from_ip(struct endpoint *endpoint, const struct ip_address *address, uint16_t port);
/* Makes a unix endpoint; false when the path is too long for the kernel (107 bytes). */
MUST_CHECK bool endpoint_from_path(struct endpoint *endpoint, struct slice path);

bool endpoint_is_unix(const struct endpoint *endpoint);
/* The address of a TCP endpoint, IPv4 in mapped form. */
struct ip_address endpoint_ip(const struct endpoint *endpoint);
/* The port of a TCP endpoint. */
uint16_t endpoint_port(const struct endpoint *endpoint);
/* Whether a TCP endpoint is on the loopback. */
bool endpoint_is_loopback(const struct endpoint *endpoint);
/* Whether a TCP peer is in one of the ranges; others are, and all where there are no ranges. */
bool endpoint_is_within(const struct endpoint *peer, const struct ip_range *ranges, size_t count);
/* Appends "unix:/path" or "tcp:127.0.0.1:2375". */
void endpoint_write(const struct endpoint *endpoint, struct buffer *out);

/* Lets the kernel look for a TCP peer that vanished: after 60 s of silence, four times. On a
 * listening socket it holds for those accepted from it (Linux). */
void endpoint_keep_alive(int fd);
