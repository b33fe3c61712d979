/* SPDX-License-Identifier: Apache-2.0
 *
 * `host:port`, as CONNECT, Host fields and absolute URIs carry it (RFC 9112 section 3.2.3), made
 * canonical or refused. */
#pragma once

#include "rules/network/host_name.h"

struct authority {
    struct host_name host;
    uint16_t port; /* 1 to 65535 */
};

/* Reads `host:port`; without ":port" the port is default_port, and 0 there means that the port must
 * be written. A port is 1 to 5 digits without leading zero, 1 to 65535; an empty one is an error,
 * as are userinfo, a second colon, a path. Returns false with `error`: code 400, reason
 * "malformed.authority", "malformed.port" or "malformed.host". */
MUST_CHECK bool authority_parse(struct slice text, unsigned default_port,
                                struct authority *authority_out, struct error *error);

/* Whether `text`, a Host field, names it: in whatever spelling, without a port for its own one. */
bool authority_is_named(const struct authority *authority, struct slice text);

bool authority_equal(const struct authority *a, const struct authority *b);

/* Appends "host:port"; without ":port" when it is `default_port` (0 = always with). */
void authority_write(const struct authority *authority, unsigned default_port, struct buffer *out);
