/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing of socket addresses. */
#include "proxy/io/endpoint.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

bool endpoint_from_path(struct endpoint *endpoint, struct slice path)
{
    memset(endpoint, 0, sizeof(*endpoint));
    struct sockaddr_un *un = &endpoint->address.un;
    if (path.len == 0 || path.len >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.ptr, path.len);
    endpoint->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    if (path.ptr[0] == '@')
        un->sun_path[0] = '\0'; /* abstract: the length ends the name */
    else
        endpoint->len++;
    return true;
}

void endpoint_from_ip(struct endpoint *endpoint, const struct ip_address *address, uint16_t port)
{
    memset(endpoint, 0, sizeof(*endpoint));
    if (ip_address_is_v4(address)) {
        endpoint->address.in.sin_family = AF_INET;
        endpoint->address.in.sin_port = htons(port);
        memcpy(&endpoint->address.in.sin_addr, address->bytes + 12, 4);
        endpoint->len = sizeof(struct sockaddr_in);
    } else {
        endpoint->address.in6.sin6_family = AF_INET6;
        endpoint->address.in6.sin6_port = htons(port);
        memcpy(&endpoint->address.in6.sin6_addr, address->bytes, 16);
        endpoint->len = sizeof(struct sockaddr_in6);
    }
}

static bool parse_tcp(struct endpoint *endpoint, struct slice text, struct error *error)
{
    const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
    if (colon == NULL)
        return error_set(error, 2, "%s has no port: write tcp:ADDRESS:PORT", quote(text).text);
    struct slice host = slice_of(text.ptr, (size_t)(colon - text.ptr));
    struct slice port_text = slice_of(colon + 1, text.len - host.len - 1);
    uint64_t port;
    if (port_text.len > 5 || !slice_to_u64(port_text, &port) || port > 65535)
        return error_set(error, 2, "%s is not a port: use a number up to 65535",
                         quote(port_text).text);
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = slice_of(host.ptr + 1, host.len - 2);
    if (slice_equal_text(host, "localhost"))
        host = SLICE_LITERAL("127.0.0.1");
    struct ip_address address;
    if (!ip_address_parse(host, &address))
        return error_set(error, 2, "%s is not an IP address (names are not resolved here)",
                         quote(host).text);
    endpoint_from_ip(endpoint, &address, (uint16_t)port);
    return true;
}

static bool strip(struct slice *text, const char *prefix)
{
    struct slice wanted = slice_from_text(prefix);
    if (!slice_starts_with(*text, wanted))
        return false;
    *text = slice_of(text->ptr + wanted.len, text->len - wanted.len);
    return true;
}

bool endpoint_parse(struct endpoint *endpoint, struct slice text, struct error *error)
{
    struct slice rest = text;
    if (strip(&rest, "tcp:") || strip(&rest, "ipv4@") || strip(&rest, "ipv6@")) {
        strip(&rest, "//");
        return parse_tcp(endpoint, rest, error);
    }
    bool abstract = strip(&rest, "abns@");
    bool path = abstract || strip(&rest, "unix:") || strip(&rest, "unix@") ||
                slice_starts_with(rest, SLICE_LITERAL("/"));
    if (!path)
        return parse_tcp(endpoint, rest, error);
    while (!abstract && slice_starts_with(rest, SLICE_LITERAL("//")))
        rest = slice_of(rest.ptr + 1, rest.len - 1); /* unix:///path, as DOCKER_HOST spells it */
    char name[sizeof(endpoint->address.un.sun_path) + 1];
    if (abstract) {
        /* What is too long for the kernel is cut to a length that is still too long. */
        size_t len = rest.len < sizeof(name) - 1 ? rest.len : sizeof(name) - 1;
        name[0] = '@';
        memcpy(name + 1, rest.ptr, len);
        rest = slice_of(name, len + 1);
    }
    if (slice_equal_text(rest, "@"))
        return error_set(error, 2, "`@` is a name without characters");
    if (rest.len == 0 || (rest.ptr[0] != '/' && rest.ptr[0] != '@'))
        return error_set(error, 2, "%s is not an absolute path", quote(rest).text);
    if (!endpoint_from_path(endpoint, rest))
        return error_set(error, 2, "%s is longer than the 107 bytes a socket path may have",
                         quote(rest).text);
    return true;
}

bool endpoint_is_unix(const struct endpoint *endpoint)
{
    return endpoint->address.any.sa_family == AF_UNIX;
}

struct ip_address endpoint_ip(const struct endpoint *endpoint)
{
    struct ip_address ip;
    if (endpoint->address.any.sa_family != AF_INET6)
        return ip_address_from_v4(&endpoint->address.in.sin_addr);
    memcpy(ip.bytes, &endpoint->address.in6.sin6_addr, 16);
    return ip;
}

uint16_t endpoint_port(const struct endpoint *endpoint)
{
    return ntohs(endpoint->address.any.sa_family == AF_INET6 ? endpoint->address.in6.sin6_port
                                                             : endpoint->address.in.sin_port);
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    struct ip_address ip = endpoint_ip(endpoint);
    if (endpoint_is_unix(endpoint))
        return false;
    return ip_address_is_v4(&ip) ? ip.bytes[12] == 127
                                 : memcmp(&ip, &ip_loopback[1], sizeof(ip)) == 0;
}

bool endpoint_is_within(const struct endpoint *peer, const struct ip_range *ranges, size_t count)
{
    if (endpoint_is_unix(peer) || count == 0)
        return true;
    struct ip_address address = endpoint_ip(peer);
    for (size_t i = 0; i < count; i++) {
        if (ip_range_contains(&ranges[i], &address))
            return true;
    }
    return false;
}

void endpoint_write(const struct endpoint *endpoint, struct buffer *out)
{
    if (endpoint_is_unix(endpoint)) {
        const struct sockaddr_un *un = &endpoint->address.un;
        size_t len = endpoint->len - offsetof(struct sockaddr_un, sun_path);
        buffer_append_literal(out, "unix:");
        if (len > 0 && un->sun_path[0] == '\0') {
            buffer_append_byte(out, '@');
            buffer_append(out, un->sun_path + 1, len - 1);
        } else {
            buffer_append_text(out, un->sun_path);
        }
        return;
    }
    struct ip_address ip = endpoint_ip(endpoint);
    buffer_append_literal(out, "tcp:");
    ip_address_write_port(&ip, endpoint_port(endpoint), out);
}

void endpoint_keep_alive(int fd)
{
    int on = 1, idle_s = 60, interval_s = 15, count = 4;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}
