/* SPDX-License-Identifier: Apache-2.0
 *
 * What libevent's evutil.c and helpers of c-ares refer to, and nothing calls: the gate reads addresses itself
 * (proxy/io/endpoint.c) and asks name servers itself (proxy/resolve/dns_channel.c). The C library's own would load
 * shared libraries at run time, which a program of one file does not have. These find nothing. */
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found_out)
{
    (void)node, (void)service, (void)hints, (void)found_out;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *found)
{
    (void)found;
}

struct protoent *getprotobynumber(int number)
{
    (void)number;
    return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *bytes,
                    size_t size, struct servent **found_out)
{
    (void)name, (void)protocol, (void)entry, (void)bytes, (void)size;
    *found_out = NULL;
    return 0;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *bytes, size_t size,
                    struct servent **found_out)
{
    (void)port, (void)protocol, (void)entry, (void)bytes, (void)size;
    *found_out = NULL;
    return 0;
}
