/* SPDX-License-Identifier: Apache-2.0
 *
 * What kind of place an IP address is: public, or one of the special purposes that a program behind
 * the gate must not be able to reach by a name it controls. One table, made from the IANA
 * special-purpose address registries (IPv4 and IPv6; the date stands beside the table) and the
 * cloud providers' metadata addresses. Forms that carry an IPv4 address inside an IPv6 one (mapped,
 * compatible, translated, NAT64, 6to4, Teredo, ISATAP) are as special as the most special address
 * in them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rules/network/ip_range.h"

enum address_class {
    ADDRESS_PUBLIC,   /* the only one that a rule need not name */
    ADDRESS_OWN_HOST, /* of this machine, public ones too; address_class_of() does not know it */
    ADDRESS_LOOPBACK,
    ADDRESS_THIS_NETWORK, /* 0.0.0.0/8, :: */
    ADDRESS_PRIVATE,      /* RFC 1918, fc00::/7, fec0::/10 */
    ADDRESS_SHARED,       /* 100.64.0.0/10 */
    ADDRESS_LINK_LOCAL,
    ADDRESS_METADATA, /* 169.254.169.254 and the like, also in public space */
    ADDRESS_PROTOCOL, /* 192.0.0.0/24 and other protocol assignments, 192.88.99.0/24 */
    ADDRESS_DOCUMENTATION,
    ADDRESS_BENCHMARKING,
    ADDRESS_MULTICAST,
    ADDRESS_BROADCAST,
    ADDRESS_TRANSLATION, /* 64:ff9b:1::/48; Teredo, 6to4 and ISATAP as such */
    ADDRESS_DISCARD,     /* 100::/64, 100:0:0:1::/64 */
    ADDRESS_RESERVED,    /* 240.0.0.0/4, all of IPv6 outside 2000::/3 that has no other class */
    ADDRESS_CLASS_COUNT,
};

/* Costs the same for every address of a family: one comparison a row, some 20 ns in all. */
enum address_class address_class_of(const struct ip_address *address);

/* The class of an address of that class which is one of this machine's too: of two the one that is
 * told. What
 * nothing but this machine has anyway (loopback, 0.0.0.0, metadata addresses) stays what it is. */
enum address_class address_class_with_own(enum address_class class, bool is_own);

/* Where a connection to the address may come to, beside the address itself: the loopback addresses
 * for 0.0.0.0 and ::, and the IPv4 addresses that an IPv6 address is a way to: compatible,
 * translated, NAT64, 6to4, Teredo and ISATAP forms; in 64:ff9b:1::/48 as many readings as
 * translators may have. Returns their number, 0 for any other IPv4 address, mapped or not. */
enum { ADDRESS_LEADS_TO_MAX = 6 };
unsigned address_class_leads_to(const struct ip_address *address,
                                struct ip_address led_out[ADDRESS_LEADS_TO_MAX]);

/* "loopback", as it stands behind "address-class." in reasons; "public". */
const char *address_class_name(enum address_class class);
/* "address-class.loopback": static text for the log. */
const char *address_class_reason(enum address_class class);

/* One row: everything in `range` is of that class, unless a longer range says otherwise. */
struct address_class_row {
    const char *range; /* "169.254.0.0/16" */
    enum address_class class;
    const char *source; /* "RFC 3927" */
};
const struct address_class_row *address_class_rows(size_t *count_out);
