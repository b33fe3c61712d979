/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes of addresses. One list of ranges, kept as text for documents and tests and as numbers for
 * matching; the longest range that holds an address decides. An address meets the ranges of its
 * family that begin before it. What cannot be known from an address is
 * an operator's own NAT64 prefix in public space: only the two well-known ones are unwrapped. No
 * row has the class of this machine's own addresses: who has sockets knows them. */
#include "rules/network/address_class.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "rules/reason.h"

/* The IANA IPv4 and IPv6 Special-Purpose Address Registries as last updated on 2025-10-09, each row
 * of them, the globally reachable protocol anycasts included: no web server lives there, and some
 * (port control, TURN) open ways through a NAT. Beside them multicast, the deprecated site-local
 * and compatible forms, and cloud providers' metadata, credential and host agent addresses as their
 * manuals give them. 64:ff9b::/96 is as public as what it carries. Ascending, and of two ranges
 * that begin alike the longer prefix last. */
#define ADDRESS_ROWS(V4, V6)                                                                       \
    V4("0.0.0.0/0", 0x00000000, 0, PUBLIC, "RFC 791")                                              \
    V4("0.0.0.0/8", 0x00000000, 8, THIS_NETWORK, "RFC 791 section 3.2")                            \
    V4("10.0.0.0/8", 0x0a000000, 8, PRIVATE, "RFC 1918")                                           \
    V4("100.64.0.0/10", 0x64400000, 10, SHARED, "RFC 6598")                                        \
    V4("100.100.100.200/32", 0x646464c8, 32, METADATA, "Alibaba Cloud")                            \
    V4("127.0.0.0/8", 0x7f000000, 8, LOOPBACK, "RFC 1122 section 3.2.1.3")                         \
    V4("168.63.129.16/32", 0xa83f8110, 32, METADATA, "Azure host agent, in public space")          \
    V4("169.254.0.0/16", 0xa9fe0000, 16, LINK_LOCAL, "RFC 3927")                                   \
    V4("169.254.0.23/32", 0xa9fe0017, 32, METADATA, "Tencent Cloud")                               \
    V4("169.254.42.42/32", 0xa9fe2a2a, 32, METADATA, "Scaleway")                                   \
    V4("169.254.169.123/32", 0xa9fea97b, 32, METADATA, "Amazon EC2, time")                         \
    V4("169.254.169.253/32", 0xa9fea9fd, 32, METADATA, "Amazon EC2, resolver")                     \
    V4("169.254.169.254/32", 0xa9fea9fe, 32, METADATA, "Amazon EC2, Azure, Google and others")     \
    V4("169.254.170.2/32", 0xa9feaa02, 32, METADATA, "Amazon ECS, credentials")                    \
    V4("169.254.170.23/32", 0xa9feaa17, 32, METADATA, "Amazon EKS, credentials")                   \
    V4("172.16.0.0/12", 0xac100000, 12, PRIVATE, "RFC 1918")                                       \
    V4("192.0.0.0/24", 0xc0000000, 24, PROTOCOL, "RFC 6890 section 2.1")                           \
    V4("192.0.0.0/29", 0xc0000000, 29, PROTOCOL, "RFC 7335")                                       \
    V4("192.0.0.8/32", 0xc0000008, 32, PROTOCOL, "RFC 7600")                                       \
    V4("192.0.0.9/32", 0xc0000009, 32, PROTOCOL, "RFC 7723")                                       \
    V4("192.0.0.10/32", 0xc000000a, 32, PROTOCOL, "RFC 8155")                                      \
    V4("192.0.0.170/32", 0xc00000aa, 32, PROTOCOL, "RFC 7050 section 2.2")                         \
    V4("192.0.0.171/32", 0xc00000ab, 32, PROTOCOL, "RFC 7050 section 2.2")                         \
    V4("192.0.0.192/32", 0xc00000c0, 32, METADATA, "Oracle Cloud classic")                         \
    V4("192.0.2.0/24", 0xc0000200, 24, DOCUMENTATION, "RFC 5737")                                  \
    V4("192.31.196.0/24", 0xc01fc400, 24, PROTOCOL, "RFC 7535")                                    \
    V4("192.52.193.0/24", 0xc034c100, 24, PROTOCOL, "RFC 7450")                                    \
    V4("192.88.99.0/24", 0xc0586300, 24, PROTOCOL, "RFC 7526")                                     \
    V4("192.88.99.2/32", 0xc0586302, 32, PROTOCOL, "RFC 6751")                                     \
    V4("192.168.0.0/16", 0xc0a80000, 16, PRIVATE, "RFC 1918")                                      \
    V4("192.175.48.0/24", 0xc0af3000, 24, PROTOCOL, "RFC 7534")                                    \
    V4("198.18.0.0/15", 0xc6120000, 15, BENCHMARKING, "RFC 2544")                                  \
    V4("198.51.100.0/24", 0xc6336400, 24, DOCUMENTATION, "RFC 5737")                               \
    V4("203.0.113.0/24", 0xcb007100, 24, DOCUMENTATION, "RFC 5737")                                \
    V4("224.0.0.0/4", 0xe0000000, 4, MULTICAST, "RFC 5771")                                        \
    V4("240.0.0.0/4", 0xf0000000, 4, RESERVED, "RFC 1112 section 4")                               \
    V4("255.255.255.255/32", 0xffffffff, 32, BROADCAST, "RFC 919 section 7")                       \
    V6("::/0", 0, 0, 0, RESERVED, "RFC 4291 section 4")                                            \
    V6("::/96", 0, 0, 96, RESERVED, "RFC 4291 section 2.5.5.1")                                    \
    V6("::/128", 0, 0, 128, THIS_NETWORK, "RFC 4291 section 2.5.2")                                \
    V6("::1/128", 0, 1, 128, LOOPBACK, "RFC 4291 section 2.5.3")                                   \
    V6("64:ff9b::/96", 0x0064ff9b00000000, 0, 96, PUBLIC, "RFC 6052")                              \
    V6("64:ff9b:1::/48", 0x0064ff9b00010000, 0, 48, TRANSLATION, "RFC 8215")                       \
    V6("100::/64", 0x0100000000000000, 0, 64, DISCARD, "RFC 6666")                                 \
    V6("100:0:0:1::/64", 0x0100000000000001, 0, 64, DISCARD, "RFC 9780")                           \
    V6("2000::/3", 0x2000000000000000, 0, 3, PUBLIC, "RFC 4291 section 4")                         \
    V6("2001::/23", 0x2001000000000000, 0, 23, PROTOCOL, "RFC 2928")                               \
    V6("2001::/32", 0x2001000000000000, 0, 32, TRANSLATION, "RFC 4380 (Teredo)")                   \
    V6("2001:1::1/128", 0x2001000100000000, 1, 128, PROTOCOL, "RFC 7723")                          \
    V6("2001:1::2/128", 0x2001000100000000, 2, 128, PROTOCOL, "RFC 8155")                          \
    V6("2001:1::3/128", 0x2001000100000000, 3, 128, PROTOCOL, "RFC 9665")                          \
    V6("2001:2::/48", 0x2001000200000000, 0, 48, BENCHMARKING, "RFC 5180")                         \
    V6("2001:3::/32", 0x2001000300000000, 0, 32, PROTOCOL, "RFC 7450")                             \
    V6("2001:4:112::/48", 0x2001000401120000, 0, 48, PROTOCOL, "RFC 7535")                         \
    V6("2001:10::/28", 0x2001001000000000, 0, 28, PROTOCOL, "RFC 4843")                            \
    V6("2001:20::/28", 0x2001002000000000, 0, 28, PROTOCOL, "RFC 7343")                            \
    V6("2001:30::/28", 0x2001003000000000, 0, 28, PROTOCOL, "RFC 9374")                            \
    V6("2001:db8::/32", 0x20010db800000000, 0, 32, DOCUMENTATION, "RFC 3849")                      \
    V6("2002::/16", 0x2002000000000000, 0, 16, TRANSLATION, "RFC 3056 (6to4)")                     \
    V6("2620:4f:8000::/48", 0x2620004f80000000, 0, 48, PROTOCOL, "RFC 7534")                       \
    V6("3fff::/20", 0x3fff000000000000, 0, 20, DOCUMENTATION, "RFC 9637")                          \
    V6("5f00::/16", 0x5f00000000000000, 0, 16, PROTOCOL, "RFC 9602")                               \
    V6("fc00::/7", 0xfc00000000000000, 0, 7, PRIVATE, "RFC 4193")                                  \
    V6("fd00:42::42/128", 0xfd00004200000000, 0x42, 128, METADATA, "Scaleway")                     \
    V6("fd00:c1::a9fe:a9fe/128", 0xfd0000c100000000, 0xa9fea9fe, 128, METADATA, "Oracle Cloud")    \
    V6("fd00:ec2::23/128", 0xfd000ec200000000, 0x23, 128, METADATA, "Amazon EKS, credentials")     \
    V6("fd00:ec2::123/128", 0xfd000ec200000000, 0x123, 128, METADATA, "Amazon EC2, time")          \
    V6("fd00:ec2::253/128", 0xfd000ec200000000, 0x253, 128, METADATA, "Amazon EC2, resolver")      \
    V6("fd00:ec2::254/128", 0xfd000ec200000000, 0x254, 128, METADATA, "Amazon EC2")                \
    V6("fd00:a9fe:a9fe::1/128", 0xfd00a9fea9fe0000, 1, 128, METADATA, "Linode")                    \
    V6("fd20:ce::254/128", 0xfd2000ce00000000, 0x254, 128, METADATA, "Google Cloud")               \
    V6("fe80::/10", 0xfe80000000000000, 0, 10, LINK_LOCAL, "RFC 4291 section 2.5.6")               \
    V6("fe80::a9fe:a9fe/128", 0xfe80000000000000, 0xa9fea9fe, 128, METADATA, "OpenStack")          \
    V6("fec0::/10", 0xfec0000000000000, 0, 10, PRIVATE, "RFC 3879")                                \
    V6("ff00::/8", 0xff00000000000000, 0, 8, MULTICAST, "RFC 4291 section 2.7")

#define NOTHING(...)
#define TEXT_V4(text, bits, prefix, class, source) {text, ADDRESS_##class, source},
#define TEXT_V6(text, high, low, prefix, class, source) {text, ADDRESS_##class, source},
static const struct address_class_row rows[] = {ADDRESS_ROWS(TEXT_V4, TEXT_V6)};

/* The first `prefix` of 64 bits; more than 64 mean all, less than 0 none. */
#define MASK(prefix)                                                                               \
    ((prefix) >= 64 ? UINT64_MAX : (prefix) <= 0 ? 0 : ~(UINT64_MAX >> ((prefix)&63)))

struct v4_row {
    uint32_t bits, mask;
    enum address_class class;
};
#define NUMBER_V4(text, bits, prefix, class, source)                                               \
    {bits, (uint32_t)(MASK(prefix) >> 32), ADDRESS_##class},
static const struct v4_row v4_rows[] = {ADDRESS_ROWS(NUMBER_V4, NOTHING)};

struct v6_row {
    uint64_t high, low, high_mask, low_mask;
    enum address_class class;
};
#define NUMBER_V6(text, high, low, prefix, class, source)                                          \
    {high, low, MASK(prefix), MASK((prefix)-64), ADDRESS_##class},
static const struct v6_row v6_rows[] = {ADDRESS_ROWS(NOTHING, NUMBER_V6)};

static const struct {
    const char *reason;
    uint8_t rank; /* of two classes of one address the one with the higher rank is told */
} classes[ADDRESS_CLASS_COUNT] = {
    [ADDRESS_PUBLIC] = {"address-class.public", 0},
    [ADDRESS_TRANSLATION] = {REASON_ADDRESS_CLASS_TRANSLATION, 1},
    [ADDRESS_RESERVED] = {REASON_ADDRESS_CLASS_RESERVED, 2},
    [ADDRESS_DISCARD] = {REASON_ADDRESS_CLASS_DISCARD, 3},
    [ADDRESS_DOCUMENTATION] = {REASON_ADDRESS_CLASS_DOCUMENTATION, 4},
    [ADDRESS_BENCHMARKING] = {REASON_ADDRESS_CLASS_BENCHMARKING, 5},
    [ADDRESS_PROTOCOL] = {REASON_ADDRESS_CLASS_PROTOCOL, 6},
    [ADDRESS_MULTICAST] = {REASON_ADDRESS_CLASS_MULTICAST, 7},
    [ADDRESS_BROADCAST] = {REASON_ADDRESS_CLASS_BROADCAST, 8},
    [ADDRESS_SHARED] = {REASON_ADDRESS_CLASS_SHARED, 9},
    [ADDRESS_PRIVATE] = {REASON_ADDRESS_CLASS_PRIVATE, 10},
    [ADDRESS_LINK_LOCAL] = {REASON_ADDRESS_CLASS_LINK_LOCAL, 11},
    [ADDRESS_OWN_HOST] = {REASON_ADDRESS_CLASS_OWN_HOST, 12},
    [ADDRESS_THIS_NETWORK] = {REASON_ADDRESS_CLASS_THIS_NETWORK, 13},
    [ADDRESS_LOOPBACK] = {REASON_ADDRESS_CLASS_LOOPBACK, 14},
    [ADDRESS_METADATA] = {REASON_ADDRESS_CLASS_METADATA, 15},
};

const char *address_class_reason(enum address_class class)
{
    return classes[class].reason;
}

const char *address_class_name(enum address_class class)
{
    return classes[class].reason + sizeof("address-class.") - 1;
}

const struct address_class_row *address_class_rows(size_t *count_out)
{
    *count_out = ARRAY_LEN(rows);
    return rows;
}

static enum address_class most_special(enum address_class a, enum address_class b)
{
    return classes[a].rank >= classes[b].rank ? a : b;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t read_u64(const uint8_t *bytes)
{
    return (uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4);
}

/* A range stands behind those that hold it, so the last match is the longest. */
static enum address_class class_of_v4(uint32_t bits)
{
    enum address_class class = ADDRESS_PUBLIC;
    for (size_t i = 0; i < ARRAY_LEN(v4_rows) && v4_rows[i].bits <= bits; i++) {
        const struct v4_row *row = &v4_rows[i];
        if (((bits ^ row->bits) & row->mask) == 0)
            class = row->class;
    }
    return class;
}

static enum address_class class_of_v6(uint64_t high, uint64_t low)
{
    enum address_class class = ADDRESS_RESERVED;
    for (size_t i = 0; i < ARRAY_LEN(v6_rows) && v6_rows[i].high <= high; i++) {
        const struct v6_row *row = &v6_rows[i];
        if ((((high ^ row->high) & row->high_mask) | ((low ^ row->low) & row->low_mask)) == 0)
            class = row->class;
    }
    return class;
}

/* RFC 5214 section 6.1: under any prefix; the second has the universal bit set. */
static bool is_isatap(uint64_t low)
{
    return low >> 32 == 0x00005efe || low >> 32 == 0x02005efe;
}

/* RFC 6052 section 2.2: where a translator with a prefix of that length finds the IPv4 address. The
 * octet at bits 64 to 71 is passed over. */
static const uint8_t nat64_places[][4] = {
    {6, 7, 9, 10},    /* 48 */
    {7, 9, 10, 11},   /* 56 */
    {9, 10, 11, 12},  /* 64 */
    {12, 13, 14, 15}, /* 96 */
};

/* RFC 8215: a network may translate by any part of 64:ff9b:1::/48, and the address does not say
 * which, so each reading counts but those that begin with 0, which is no host anywhere (the zeros
 * in front of a form that stands further behind). */
static unsigned local_nat64(const struct ip_address *address, struct ip_address *carried_out)
{
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_LEN(nat64_places); i++) {
        uint8_t bytes[4];
        for (size_t b = 0; b < sizeof(bytes); b++)
            bytes[b] = address->bytes[nat64_places[i][b]];
        if (bytes[0] != 0)
            carried_out[count++] = ip_address_from_v4(bytes);
    }
    return count;
}

/* The IPv4 addresses that stand in an IPv6 one. */
static unsigned carried_in(const struct ip_address *address, struct ip_address *carried_out)
{
    uint64_t high = read_u64(address->bytes), low = read_u64(address->bytes + 8);
    bool compatible = high == 0 && low >> 32 == 0 && low > 1; /* :: and ::1 are no such thing */
    bool translated = high == 0 && low >> 32 == UINT64_C(0xffff0000); /* RFC 2765 section 2.1 */
    bool nat64 = high == UINT64_C(0x0064ff9b00000000) && low >> 32 == 0;
    unsigned count = 0;
    if (compatible || translated || nat64 || is_isatap(low))
        carried_out[count++] = ip_address_from_v4(address->bytes + 12);
    if (high >> 16 == UINT64_C(0x0064ff9b0001))
        count += local_nat64(address, carried_out + count);
    if (high >> 48 == 0x2002)
        carried_out[count++] = ip_address_from_v4(address->bytes + 2);
    if (high >> 32 == 0x20010000) { /* RFC 4380 section 4: the server, and the client with every bit
                                       turned over */
        uint32_t client;
        memcpy(&client, address->bytes + 12, sizeof(client));
        client = ~client;
        carried_out[count++] = ip_address_from_v4(address->bytes + 4);
        carried_out[count++] = ip_address_from_v4(&client);
    }
    return count;
}

static bool is_unspecified(const struct ip_address *address)
{
    static const uint8_t none[16] = {0}, none_v4[16] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->bytes, none, sizeof(none)) == 0 ||
           memcmp(address->bytes, none_v4, sizeof(none_v4)) == 0;
}

unsigned address_class_leads_to(const struct ip_address *address,
                                struct ip_address led_out[ADDRESS_LEADS_TO_MAX])
{
    if (is_unspecified(address)) {
        memcpy(led_out, ip_loopback, sizeof(ip_loopback));
        return IP_LOOPBACK_COUNT;
    }
    return ip_address_is_v4(address) ? 0 : carried_in(address, led_out);
}

enum address_class address_class_with_own(enum address_class class, bool is_own)
{
    return is_own ? most_special(class, ADDRESS_OWN_HOST) : class;
}

enum address_class address_class_of(const struct ip_address *address)
{
    struct ip_address carried[ADDRESS_LEADS_TO_MAX];
    if (ip_address_is_v4(address))
        return class_of_v4(read_u32(address->bytes + 12));
    uint64_t high = read_u64(address->bytes), low = read_u64(address->bytes + 8);
    enum address_class class = class_of_v6(high, low);
    if (is_isatap(low))
        class = most_special(class, ADDRESS_TRANSLATION);
    unsigned count = carried_in(address, carried);
    for (unsigned i = 0; i < count; i++)
        class = most_special(class, class_of_v4(read_u32(carried[i].bytes + 12)));
    return class;
}
