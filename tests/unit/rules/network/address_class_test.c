/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/address_class.h"

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    return address;
}

static void expect(const char *name, const struct ip_address *address, enum address_class wanted)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    ip_address_write(address, &text);
    enum address_class got = address_class_of(address);
    cr_expect(got == wanted, "%s: %s is %s, not %s", name, buffer_text(&text),
              address_class_name(wanted), address_class_name(got));
}

/* By definition: the longest row that holds the address, without looking into it. */
static enum address_class class_of_longest_row(const struct ip_address *address)
{
    size_t count;
    const struct address_class_row *rows = address_class_rows(&count);
    enum address_class class = ADDRESS_CLASS_COUNT;
    unsigned longest = 0;
    for (size_t i = 0; i < count; i++) {
        struct ip_range range;
        cr_assert(ip_range_parse(slice_from_text(rows[i].range), &range), "%s", rows[i].range);
        if (ip_range_contains(&range, address) && range.prefix >= longest) {
            longest = range.prefix;
            class = rows[i].class;
        }
    }
    cr_assert(class != ADDRESS_CLASS_COUNT, "the rows hold every address");
    return class;
}

static enum address_class more_special(enum address_class a, enum address_class b)
{
    static const enum address_class order[] = {
        ADDRESS_METADATA,   ADDRESS_LOOPBACK, ADDRESS_THIS_NETWORK, ADDRESS_OWN_HOST,
        ADDRESS_LINK_LOCAL, ADDRESS_PRIVATE,  ADDRESS_SHARED,       ADDRESS_BROADCAST,
        ADDRESS_MULTICAST,  ADDRESS_PROTOCOL, ADDRESS_BENCHMARKING, ADDRESS_DOCUMENTATION,
        ADDRESS_DISCARD,    ADDRESS_RESERVED, ADDRESS_TRANSLATION,  ADDRESS_PUBLIC,
    };
    _Static_assert(ARRAY_LEN(order) == ADDRESS_CLASS_COUNT, "every class has its place");
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] == a || order[i] == b)
            return order[i];
    }
    cr_assert_fail("a class without a place");
    return a;
}

/* The IPv4 address in bytes[at..at+4), every byte xor `flip`. */
static enum address_class class_of_embedded(const struct ip_address *address, unsigned at,
                                            unsigned flip)
{
    struct ip_address inner = {.bytes = {[10] = 0xff, [11] = 0xff}};
    for (unsigned i = 0; i < 4; i++)
        inner.bytes[12 + i] = (uint8_t)(address->bytes[at + i] ^ flip);
    return class_of_longest_row(&inner);
}

/* The same from any four bytes; what begins with 0 is no host. */
static enum address_class class_of_bytes(const struct ip_address *address, const char places[4])
{
    struct ip_address inner = {.bytes = {[10] = 0xff, [11] = 0xff}};
    for (unsigned i = 0; i < 4; i++)
        inner.bytes[12 + i] = address->bytes[(unsigned char)places[i]];
    return inner.bytes[12] == 0 ? ADDRESS_PUBLIC : class_of_longest_row(&inner);
}

static bool is_in(const struct ip_address *address, const char *text)
{
    struct ip_range range;
    cr_assert(ip_range_parse(slice_from_text(text), &range));
    return ip_range_contains(&range, address);
}

/* The same answer from the rows' text alone, form by form. */
static enum address_class naive_class(const struct ip_address *address)
{
    enum address_class class = class_of_longest_row(address);
    if (ip_address_is_v4(address))
        return class;
    if (is_in(address, "::/96"))
        class = more_special(class, class_of_embedded(address, 12, 0));
    if (is_in(address, "::ffff:0:0:0/96"))
        class = more_special(class, class_of_embedded(address, 12, 0));
    if (is_in(address, "64:ff9b:1::/48")) {
        static const char places[][4] = {
            {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}};
        for (size_t i = 0; i < ARRAY_LEN(places); i++)
            class = more_special(class, class_of_bytes(address, places[i]));
    }
    if (is_in(address, "64:ff9b::/96"))
        class = more_special(class, class_of_embedded(address, 12, 0));
    if (is_in(address, "2002::/16"))
        class = more_special(class, class_of_embedded(address, 2, 0));
    if (is_in(address, "2001::/32")) {
        class = more_special(class, class_of_embedded(address, 4, 0));
        class = more_special(class, class_of_embedded(address, 12, 0xff));
    }
    struct ip_address interface = *address;
    memset(interface.bytes, 0, 8);
    if (is_in(&interface, "::5efe:0:0/96") || is_in(&interface, "::200:5efe:0:0/96")) {
        class = more_special(class, ADDRESS_TRANSLATION);
        class = more_special(class, class_of_embedded(address, 12, 0));
    }
    return class;
}

static void step(struct ip_address *address, int by)
{
    for (unsigned i = 16; i-- > 0;) {
        address->bytes[i] = (uint8_t)(address->bytes[i] + by);
        if (address->bytes[i] != (by > 0 ? 0 : 0xff))
            return;
    }
}

static struct ip_address last_of(const struct ip_range *range)
{
    struct ip_address last = range->address;
    for (unsigned bit = range->prefix; bit < 128; bit++)
        last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return last;
}

Test(address_class, first_and_last_of_every_row_are_in_it_and_their_neighbours_as_the_rows_say)
{
    size_t count;
    const struct address_class_row *rows = address_class_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct ip_range range;
        cr_assert(ip_range_parse(slice_from_text(rows[i].range), &range), "%s", rows[i].range);
        struct ip_address before = range.address, first = range.address;
        struct ip_address last = last_of(&range), after = last;
        step(&before, -1);
        step(&after, 1);
        expect(rows[i].range, &before, naive_class(&before));
        expect(rows[i].range, &first, naive_class(&first));
        expect(rows[i].range, &last, naive_class(&last));
        expect(rows[i].range, &after, naive_class(&after));
        cr_expect(rows[i].source[0] != '\0', "%s has a source", rows[i].range);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(rows[i].range, rows[j].range);
    }
}

Test(address_class, named_addresses_have_the_class_of_their_purpose)
{
    static const struct {
        const char *name, *address;
        enum address_class class;
    } rows[] = {
        {"public", "93.184.216.34", ADDRESS_PUBLIC},
        {"public IPv6", "2606:4700::1111", ADDRESS_PUBLIC},
        {"lowest public", "1.0.0.0", ADDRESS_PUBLIC},
        {"highest public", "223.255.255.255", ADDRESS_PUBLIC},
        {"this network", "0.1.2.3", ADDRESS_THIS_NETWORK},
        {"this network, last", "0.255.255.255", ADDRESS_THIS_NETWORK},
        {"unspecified", "::", ADDRESS_THIS_NETWORK},
        {"loopback", "127.0.0.2", ADDRESS_LOOPBACK},
        {"before loopback", "126.255.255.255", ADDRESS_PUBLIC},
        {"loopback, last", "127.255.255.255", ADDRESS_LOOPBACK},
        {"behind loopback", "128.0.0.0", ADDRESS_PUBLIC},
        {"loopback IPv6", "::1", ADDRESS_LOOPBACK},
        {"ten", "10.0.0.0", ADDRESS_PRIVATE},
        {"eleven", "11.0.0.0", ADDRESS_PUBLIC},
        {"before 172.16", "172.15.255.255", ADDRESS_PUBLIC},
        {"172.16, last", "172.31.255.255", ADDRESS_PRIVATE},
        {"behind 172.16", "172.32.0.0", ADDRESS_PUBLIC},
        {"192.168", "192.168.0.1", ADDRESS_PRIVATE},
        {"behind 192.168", "192.169.0.0", ADDRESS_PUBLIC},
        {"unique local", "fdff::1", ADDRESS_PRIVATE},
        {"site local", "fec0::1", ADDRESS_PRIVATE},
        {"shared, before", "100.63.255.255", ADDRESS_PUBLIC},
        {"shared", "100.64.0.0", ADDRESS_SHARED},
        {"shared, last", "100.127.255.255", ADDRESS_SHARED},
        {"shared, behind", "100.128.0.0", ADDRESS_PUBLIC},
        {"link-local", "169.254.1.1", ADDRESS_LINK_LOCAL},
        {"link-local IPv6", "fe80::1", ADDRESS_LINK_LOCAL},
        {"link-local IPv6, last", "febf:ffff::1", ADDRESS_LINK_LOCAL},
        {"metadata", "169.254.169.254", ADDRESS_METADATA},
        {"before metadata", "169.254.169.252", ADDRESS_LINK_LOCAL},
        {"metadata, ECS", "169.254.170.2", ADDRESS_METADATA},
        {"metadata, EKS", "169.254.170.23", ADDRESS_METADATA},
        {"metadata, Azure", "168.63.129.16", ADDRESS_METADATA},
        {"beside Azure's", "168.63.129.17", ADDRESS_PUBLIC},
        {"metadata, Alibaba", "100.100.100.200", ADDRESS_METADATA},
        {"beside Alibaba's", "100.100.100.201", ADDRESS_SHARED},
        {"metadata, Oracle", "192.0.0.192", ADDRESS_METADATA},
        {"metadata, EC2 IPv6", "fd00:ec2::254", ADDRESS_METADATA},
        {"metadata, Google IPv6", "fd20:ce::254", ADDRESS_METADATA},
        {"metadata, OpenStack IPv6", "fe80::a9fe:a9fe", ADDRESS_METADATA},
        {"protocol", "192.0.0.1", ADDRESS_PROTOCOL},
        {"port control anycast", "192.0.0.9", ADDRESS_PROTOCOL},
        {"6to4 relay", "192.88.99.1", ADDRESS_PROTOCOL},
        {"IETF IPv6", "2001:1ff:ffff::1", ADDRESS_PROTOCOL},
        {"behind IETF IPv6", "2001:200::1", ADDRESS_PUBLIC},
        {"SRv6", "5f00::1", ADDRESS_PROTOCOL},
        {"documentation 1", "192.0.2.1", ADDRESS_DOCUMENTATION},
        {"documentation 2", "198.51.100.1", ADDRESS_DOCUMENTATION},
        {"documentation 3", "203.0.113.1", ADDRESS_DOCUMENTATION},
        {"documentation IPv6", "2001:db8::1", ADDRESS_DOCUMENTATION},
        {"documentation IPv6, new", "3fff:fff::1", ADDRESS_DOCUMENTATION},
        {"behind documentation IPv6", "3fff:1000::1", ADDRESS_PUBLIC},
        {"benchmarking", "198.18.0.0", ADDRESS_BENCHMARKING},
        {"benchmarking, last", "198.19.255.255", ADDRESS_BENCHMARKING},
        {"benchmarking IPv6", "2001:2::1", ADDRESS_BENCHMARKING},
        {"multicast", "224.0.0.1", ADDRESS_MULTICAST},
        {"multicast, last", "239.255.255.255", ADDRESS_MULTICAST},
        {"multicast IPv6", "ff02::1", ADDRESS_MULTICAST},
        {"broadcast", "255.255.255.255", ADDRESS_BROADCAST},
        {"reserved", "240.0.0.0", ADDRESS_RESERVED},
        {"reserved, last", "255.255.255.254", ADDRESS_RESERVED},
        {"reserved IPv6", "4000::1", ADDRESS_RESERVED},
        {"reserved IPv6, low", "1fff:ffff::1", ADDRESS_RESERVED},
        {"discard", "100::1", ADDRESS_DISCARD},
        {"dummy", "100:0:0:1::1", ADDRESS_DISCARD},
        {"behind dummy", "100:0:0:2::1", ADDRESS_RESERVED},
        {"mapped loopback", "::ffff:127.0.0.2", ADDRESS_LOOPBACK},
        {"mapped public", "::ffff:93.184.216.34", ADDRESS_PUBLIC},
        {"compatible loopback", "::7f00:1", ADDRESS_LOOPBACK},
        {"compatible public", "::808:808", ADDRESS_RESERVED},
        {"NAT64 public", "64:ff9b::808:808", ADDRESS_PUBLIC},
        {"NAT64 loopback", "64:ff9b::7f00:1", ADDRESS_LOOPBACK},
        {"NAT64 metadata in public space", "64:ff9b::a83f:8110", ADDRESS_METADATA},
        {"behind NAT64", "64:ff9b::1:808:808", ADDRESS_RESERVED},
        {"local NAT64", "64:ff9b:1::808:808", ADDRESS_TRANSLATION},
        {"local NAT64 of private, /96", "64:ff9b:1::10.0.0.1", ADDRESS_PRIVATE},
        {"local NAT64 of private, /96 further on", "64:ff9b:1:2:3:4:10.0.0.1", ADDRESS_PRIVATE},
        {"local NAT64 of private, /64", "64:ff9b:1:2:a:0:100:0", ADDRESS_PRIVATE},
        {"local NAT64 of private, /56", "64:ff9b:1:20a::1:0:0", ADDRESS_PRIVATE},
        {"local NAT64 of private, /48", "64:ff9b:1:a00:0:100::", ADDRESS_PRIVATE},
        {"local NAT64 of metadata, /48", "64:ff9b:1:a9fe:a9:fe00::", ADDRESS_METADATA},
        {"behind local NAT64", "64:ff9b:2::10.0.0.1", ADDRESS_RESERVED},
        {"translated loopback", "::ffff:0:127.0.0.1", ADDRESS_LOOPBACK},
        {"translated public", "::ffff:0:8.8.8.8", ADDRESS_RESERVED},
        {"6to4 public", "2002:808:808::1", ADDRESS_TRANSLATION},
        {"6to4 loopback", "2002:7f00:1::", ADDRESS_LOOPBACK},
        {"6to4 private", "2002:a00:1::1", ADDRESS_PRIVATE},
        {"Teredo public", "2001:0:808:808:8000:ffff:f7f7:f7f7", ADDRESS_TRANSLATION},
        {"Teredo, private client", "2001:0:808:808:8000:ffff:f5ff:fffe", ADDRESS_PRIVATE},
        {"Teredo, metadata server", "2001:0:a9fe:a9fe:8000:ffff:f7f7:f7f7", ADDRESS_METADATA},
        {"ISATAP public", "2606:4700::5efe:808:808", ADDRESS_TRANSLATION},
        {"ISATAP, universal bit", "2606:4700::200:5efe:808:808", ADDRESS_TRANSLATION},
        {"ISATAP loopback", "2606:4700::5efe:7f00:1", ADDRESS_LOOPBACK},
        {"ISATAP, link-local", "fe80::5efe:808:808", ADDRESS_LINK_LOCAL},
        {"ISATAP, link-local to metadata", "fe80::200:5efe:a9fe:a9fe", ADDRESS_METADATA},
        {"ISATAP in 6to4", "2002:808:808::5efe:7f00:1", ADDRESS_LOOPBACK},
        {"no ISATAP", "2606:4700::100:5efe:7f00:1", ADDRESS_PUBLIC},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_address address = address_of(rows[i].address);
        expect(rows[i].name, &address, rows[i].class);
        cr_expect(naive_class(&address) == rows[i].class, "%s", rows[i].name);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* An address in or around a row, in one of the forms that carry an IPv4 address. */
static struct ip_address random_address(uint64_t *state)
{
    static const char *const forms[] = {
        "::", "64:ff9b::", "2606::5efe:0:0", "fe80::200:5efe:0:0", "::ffff:0:0:0", "64:ff9b:1::"};
    size_t count;
    const struct address_class_row *rows = address_class_rows(&count);
    struct ip_range range;
    cr_assert(ip_range_parse(slice_from_text(rows[next_random(state) % count].range), &range));
    struct ip_address inner = range.address;
    unsigned fixed = range.prefix + (unsigned)(next_random(state) % 3) - 1;
    for (unsigned bit = fixed < 128 ? fixed : 127; bit < 128; bit++)
        inner.bytes[bit / 8] ^= (uint8_t)((next_random(state) & 1) << (7 - bit % 8));
    unsigned form = (unsigned)(next_random(state) % 10);
    if (form < ARRAY_LEN(forms)) {
        struct ip_address outer = address_of(forms[form]);
        memcpy(outer.bytes + 12, inner.bytes + 12, 4);
        return outer;
    }
    if (form == 6) {
        struct ip_address outer = address_of("2002::1");
        memcpy(outer.bytes + 2, inner.bytes + 12, 4);
        return outer;
    }
    if (form == 7) {
        struct ip_address outer = address_of("2001:0:808:808::");
        for (unsigned i = 12; i < 16; i++)
            outer.bytes[i] = (uint8_t)~inner.bytes[i];
        return outer;
    }
    return inner;
}

Test(address_class, matching_agrees_with_the_rows_for_random_addresses)
{
    uint64_t state = 20261121;
    for (unsigned i = 0; i < 20000; i++) {
        struct ip_address address = random_address(&state);
        expect("random", &address, naive_class(&address));
    }
}

/* The addresses in the order in which they are handed out. */
static void show_ways(const char *address_text, struct buffer *out)
{
    struct ip_address address = address_of(address_text);
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    unsigned count = address_class_leads_to(&address, led);
    for (unsigned i = 0; i < count; i++) {
        buffer_append_text(out, i > 0 ? " " : "");
        ip_address_write(&led[i], out);
    }
}

Test(address_class, an_address_leads_to_every_address_it_stands_for_or_carries)
{
    static const struct {
        const char *name, *address, *led;
    } rows[] = {
        {"IPv4", "8.8.8.8", ""},
        {"IPv6", "2606:4700::1", ""},
        {"mapped, which is IPv4", "::ffff:10.0.0.1", ""},
        {"loopback", "::1", ""},
        {"zeros", "0.0.0.0", "127.0.0.1 ::1"},
        {"mapped zeros", "::ffff:0.0.0.0", "127.0.0.1 ::1"},
        {"unspecified", "::", "127.0.0.1 ::1"},
        {"the rest of this network", "0.0.0.1", ""},
        {"compatible", "::10.0.0.1", "10.0.0.1"},
        {"translated", "::ffff:0:10.0.0.1", "10.0.0.1"},
        {"NAT64", "64:ff9b::10.0.0.1", "10.0.0.1"},
        {"local NAT64, zeros in front are no host", "64:ff9b:1::10.0.0.1", "10.0.0.1"},
        {"local NAT64, each reading", "64:ff9b:1:102:3:405:607:809",
         "1.2.3.4 2.3.4.5 3.4.5.6 6.7.8.9"},
        {"6to4", "2002:a00:1::1", "10.0.0.1"},
        {"Teredo, server and client", "2001:0:808:808:8000:ffff:f5ff:fffe", "8.8.8.8 10.0.0.1"},
        {"ISATAP", "2606:4700::5efe:a00:1", "10.0.0.1"},
        {"ISATAP in 6to4", "2002:808:808::5efe:a00:1", "10.0.0.1 8.8.8.8"},
        {"ISATAP in local NAT64", "64:ff9b:1:102:0:5efe:a00:1",
         "10.0.0.1 1.2.0.94 2.0.94.254 10.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer led = BUFFER_EMPTY;
        show_ways(rows[i].address, &led);
        cr_expect_str_eq(buffer_text(&led), rows[i].led, "%s: %s", rows[i].name, buffer_text(&led));
    }
}

Test(address_class, an_own_address_is_told_unless_its_class_says_it_already)
{
    static const struct {
        enum address_class class, told;
    } rows[] = {
        {ADDRESS_PUBLIC, ADDRESS_OWN_HOST},           {ADDRESS_PRIVATE, ADDRESS_OWN_HOST},
        {ADDRESS_DOCUMENTATION, ADDRESS_OWN_HOST},    {ADDRESS_LINK_LOCAL, ADDRESS_OWN_HOST},
        {ADDRESS_LOOPBACK, ADDRESS_LOOPBACK},         {ADDRESS_METADATA, ADDRESS_METADATA},
        {ADDRESS_THIS_NETWORK, ADDRESS_THIS_NETWORK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_eq(address_class_with_own(rows[i].class, true), rows[i].told, "%s",
                     address_class_name(rows[i].class));
        cr_expect_eq(address_class_with_own(rows[i].class, false), rows[i].class);
    }
}

Test(address_class, every_class_has_its_name_and_its_reason)
{
    for (int class = 0; class < ADDRESS_CLASS_COUNT; class ++) {
        const char *name = address_class_name((enum address_class) class);
        char reason[64];
        snprintf(reason, sizeof(reason), "address-class.%s", name);
        cr_expect_str_eq(address_class_reason((enum address_class) class), reason);
        cr_expect(name[0] != '\0');
    }
    cr_expect_str_eq(address_class_name(ADDRESS_PUBLIC), "public");
    cr_expect_str_eq(address_class_reason(ADDRESS_LOOPBACK), "address-class.loopback");
    cr_expect_str_eq(address_class_reason(ADDRESS_LINK_LOCAL), "address-class.link-local");
    cr_expect_str_eq(address_class_reason(ADDRESS_THIS_NETWORK), "address-class.this-network");
}
