/* SPDX-License-Identifier: Apache-2.0
 *
 * The one canonical form of a destination's host, used by rules, requests, DNS, dialling, SNI, log
 * and `policy check` alike. What has two readings is refused here, so that nothing behind this file
 * can read it in the other one. Not a general host parser: Unicode, percent escapes, userinfo,
 * zones and every number form that C libraries take for an address are errors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "rules/network/ip_range.h"

enum { HOST_NAME_LEN_MAX = 253, HOST_LABEL_LEN_MAX = 63 };

struct host_name {
    char text[HOST_NAME_LEN_MAX + 1]; /* lower case, no trailing dot, no brackets; NUL behind len */
    uint8_t len;
    bool is_address;           /* text is the canonical text of `address` (ip_address_write) */
    struct ip_address address; /* with is_address; IPv4 and mapped IPv6 as ::ffff:a.b.c.d */
};

/* Reads a name (LDH labels and underscores of 1 to 63 bytes, no hyphen at either end of a label, at
 * most 253 bytes, one trailing dot is taken off, ASCII letters become lower case), an IPv4 address
 * of just four decimal parts (a dot behind it is taken off too), or an IPv6 address between
 * brackets, without zone. A name whose last label is all digits or 0x-hexadecimal and that is no
 * such IPv4 address is an error (RFC 6943 section 3.1.1; WHATWG URL "ends in a number"). Returns
 * false with `error`: code 400, reason "malformed.host". */
MUST_CHECK bool host_name_parse(struct slice text, struct host_name *host_out, struct error *error);

/* The same for names that stand where only a name may stand, as in SNI or a DNS question: an
 * address is an error. */
MUST_CHECK bool host_name_parse_dns(struct slice text, struct host_name *host_out,
                                    struct error *error);

/* An address as host. */
void host_name_from_address(struct host_name *host_out, const struct ip_address *address);

bool host_name_equal(const struct host_name *a, const struct host_name *b);

/* localhost, every name below .localhost (RFC 6761), ip6-localhost and ip6-loopback: never asked of
 * a resolver. */
bool host_name_is_local(const struct host_name *host);

enum { HOST_NAME_LOCALHOST_COUNT = 3 };
extern const char *const host_name_localhost[HOST_NAME_LOCALHOST_COUNT];

/* Of those the names of the machine itself, which stand in the list above: not the names below .localhost, by which services tell
 * themselves apart. */
bool host_name_is_localhost(const struct host_name *host);

/* Appends the host as a URL shows it: an IPv6 address between brackets. */
void host_name_write(const struct host_name *host, struct buffer *out);

static inline struct slice host_name_slice(const struct host_name *host)
{
    return slice_of(host->text, host->len);
}
