/* SPDX-License-Identifier: Apache-2.0
 *
 * What libevent's evutil.c and helpers of c-ares refer to, and nothing calls: the gate reads addresses itself
 * (proxy/io/endpoint.c) and asks name servers itself (proxy/resolve/dns_channel.c). The C library's own would load
 * shared libraries at run time, which a program of one file does not have. These find nothing. */
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **)
{
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *)
{
}

struct protoent *getprotobynumber(int)
{
    return NULL;
}

struct servent *getservbyname(const char *, const char *)
{
    return NULL;
}

int getservbyname_r(const char *, const char *, struct servent *, char *, size_t,
                    struct servent **found_out)
{
    *found_out = NULL;
    return 0;
}

int getservbyport_r(int, const char *, struct servent *, char *, size_t, struct servent **found_out)
{
    *found_out = NULL;
    return 0;
}
