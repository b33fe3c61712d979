/* SPDX-License-Identifier: Apache-2.0
 *
 * A second reader of `host[:port]`, by another way than rules/network/authority: the text is taken
 * apart with strtok and friends and addresses are the C library's. What both readers say of a text
 * is compared. */
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

struct place {
    char name[256]; /* in lower case, without a dot behind it; empty when it is an address */
    unsigned char address[16]; /* of IPv4 as ::ffff:a.b.c.d */
    unsigned port;
};

static bool place_reads_address(int family, const char *text, struct place *place)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(place->address, mapped, sizeof(mapped));
    return inet_pton(family, text, place->address + (family == AF_INET ? sizeof(mapped) : 0)) == 1;
}

static bool place_ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.'), *last = dot == NULL ? name : dot + 1;
    if (last[strspn(last, "0123456789")] == '\0')
        return true;
    return strncmp(last, "0x", 2) == 0 && last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
}

static bool place_reads_name(char *name, struct place *place)
{
    size_t len = strlen(name);
    for (char *at = name; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    if (len > 0 && name[len - 1] == '.')
        name[--len] = '\0';
    if (len == 0 || len > 253 || name[0] == '.' || name[len - 1] == '.' ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] != '\0' ||
        strstr(name, "..") != NULL || strstr(name, ".-") != NULL || strstr(name, "-.") != NULL ||
        name[0] == '-' || name[len - 1] == '-')
        return false;
    if (place_reads_address(AF_INET, name, place))
        return true;
    memset(place->address, 0, sizeof(place->address));
    strcpy(place->name, name);
    for (char *rest = name, *label; (label = strsep(&rest, ".")) != NULL;) {
        if (strlen(label) > 63)
            return false;
    }
    return !place_ends_in_number(place->name);
}

/* Reads it; without a port it is `port`, 0 = one has to be there. */
static bool place_read(struct slice text, unsigned port, struct place *place)
{
    char copy[512];
    *place = (struct place){.port = port};
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    snprintf(copy, sizeof(copy), "%.*s", (int)text.len, text.ptr);
    char *end = copy[0] == '[' ? strchr(copy, ']') : copy + strcspn(copy, ":");
    if (end == NULL)
        return false;
    const char *behind = *end == ']' ? end + 1 : end;
    if (*behind == ':') {
        if (strlen(behind) > 6 || behind[1] < '1' || behind[1] > '9' ||
            behind[1 + strspn(behind + 1, "0123456789")] != '\0')
            return false;
        place->port = (unsigned)atoi(behind + 1);
    } else if (*behind != '\0') {
        return false;
    }
    bool bracketed = *end == ']';
    *end = '\0';
    return place->port > 0 && place->port < 65536 &&
           (bracketed ? place_reads_address(AF_INET6, copy + 1, place)
                      : place_reads_name(copy, place));
}

static bool place_same(const struct place *a, const struct place *b)
{
    return a->port == b->port && strcmp(a->name, b->name) == 0 &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}
