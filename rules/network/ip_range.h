/* SPDX-License-Identifier: Apache-2.0
 *
 * IP addresses and CIDR ranges. An IPv4 address is kept as its IPv4-mapped IPv6 form, so that
 * ::ffff:a.b.c.d and a.b.c.d are one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

struct ip_address {
    uint8_t bytes[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
};

/* 127.0.0.1 and ::1, what `localhost` stands for (RFC 6761 section 6.3). */
enum { IP_LOOPBACK_COUNT = 2 };
extern const struct ip_address ip_loopback[IP_LOOPBACK_COUNT];

struct ip_range {
    struct ip_address address; /* bits behind the prefix are zero */
    unsigned prefix;           /* 0 to 128; an IPv4 /n is 96+n */
};

/* 127.0.0.0/8 and ::1: the addresses that only the own machine has. */
extern const struct ip_range ip_loopback_ranges[IP_LOOPBACK_COUNT];

/* Dotted decimal with four parts (no octal, no hex, no leading zeros) or RFC 4291 text without zone
 * or brackets. */
MUST_CHECK bool ip_address_parse(struct slice text, struct ip_address *address_out);
/* From the four bytes of an IPv4 address in network order. */
struct ip_address ip_address_from_v4(const void *bytes);
bool ip_address_is_v4(const struct ip_address *address);
/* Appends the canonical text (RFC 5952; IPv4 dotted). */
void ip_address_write(const struct ip_address *address, struct buffer *out);
/* The same with a port behind it: "127.0.0.1:80", "[::1]:80". */
void ip_address_write_port(const struct ip_address *address, uint16_t port, struct buffer *out);

/* "10.0.0.0/8", "fd00::/8" or a single address. False for anything else, also when bits behind the
 * prefix are set. */
MUST_CHECK bool ip_range_parse(struct slice text, struct ip_range *range_out);
/* Appends the canonical text: "10.0.0.0/8", "2001:db8::/32"; a range of one address without prefix. */
void ip_range_write(const struct ip_range *range, struct buffer *out);
bool ip_range_contains(const struct ip_range *range, const struct ip_address *address);
