/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rule writes for hosts (docs/design.md 3.2): `example.com`, `*.example.com` (every subdomain, never
 * the apex; `**.example.com` is the same), `*`, `~expression`, an address, a CIDR range; each with
 * `:ports` behind it if wanted. An IPv6 address or range with ports stands in brackets:
 * `[2001:db8::1]:443`, `[2001:db8::]/32:443`; without ports brackets may be left out. */
#pragma once

#include "rules/network/host_name.h"
#include "rules/network/port_set.h"

enum host_pattern_kind {
    HOST_PATTERN_EXACT,      /* host: a name */
    HOST_PATTERN_SUBDOMAINS, /* host: the name behind "*." */
    HOST_PATTERN_ANY,        /* `*`: every name and every address */
    HOST_PATTERN_RANGE,      /* range: an address is a range of one */
    HOST_PATTERN_REGEX,      /* expression: what follows the `~`, without ports */
};

/* A parsed pattern; slices point into the text that was parsed. */
struct host_pattern {
    enum host_pattern_kind kind;
    struct host_name host;
    struct ip_range range;
    struct slice expression;
    struct port_set ports;
    bool has_ports; /* else `ports` is the default of the effect */
};

/* Reads one pattern. Fast: no allocation (a policy may have a million). False with `error` (text
 * without the pattern itself, in words that say how to mend it): a Unicode name (write the
 * A-label), a star elsewhere, a URL (`https://x/y`: write the host and use `paths`), a name that no
 * request can have, bits behind a prefix. For an expression the ports are what follows the last
 * colon if that is made of the bytes of a port list (then it must be one); the expression itself is
 * compiled by the caller. */
MUST_CHECK bool host_pattern_parse(struct slice text, bool allows, struct host_pattern *pattern_out,
                                   struct error *error);

/* Whether the pattern matches, by definition and without an index: what the index is tested
 * against. Not for expressions (false). */
bool host_pattern_matches(const struct host_pattern *pattern, const struct host_name *host);

/* Appends the canonical spelling, ports only when they were written. */
void host_pattern_write(const struct host_pattern *pattern, struct buffer *out);
