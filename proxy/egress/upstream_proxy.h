/* SPDX-License-Identifier: Apache-2.0
 *
 * A proxy that stands between this gate and the internet. Tunnels, and plain HTTP that is to become
 * one (WebSocket), are asked of it with CONNECT (RFC 9110 section 9.3.6); other plain HTTP with the
 * whole URL (RFC 9112 section 3.2.2), since most such proxies permit no CONNECT to port 80. It
 * resolves the names, so addresses cannot be judged here, which the log says; targets written as
 * addresses are judged as ever. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "proxy/egress/egress_options.h"
#include "rules/network/authority.h"

struct upstream_proxy; /* opaque: address, credentials, exceptions */

/* NULL with `error` (code 2) when the URL is not http://HOST:PORT, an exception is no pattern, or
 * credentials are not `user:password`. */
struct upstream_proxy *upstream_proxy_new(const struct upstream_proxy_options *options,
                                          struct error *error);
void upstream_proxy_free(struct upstream_proxy **proxy);

/* "http://proxy.example:3128", without credentials. */
const char *upstream_proxy_name(const struct upstream_proxy *proxy);
const struct authority *upstream_proxy_authority(const struct upstream_proxy *proxy);

/* Whether the target goes by the proxy: none of the exceptions matches it. */
bool upstream_proxy_takes(const struct upstream_proxy *proxy, const struct authority *target);

/* What the proxy's name led to. The last some dozens are kept: a name may lead to others each time.
 */
void upstream_proxy_learn(struct upstream_proxy *proxy, const struct ip_address *addresses,
                          unsigned count);

/* Whether address:port is the proxy, as far as its addresses are known (given, or learnt). Whatever
 * the address leads to counts too, and every loopback address for a proxy on the loopback. */
bool upstream_proxy_is_at(const struct upstream_proxy *proxy, const struct ip_address *address,
                          uint16_t port);

/* The addresses that are known of it. */
const struct ip_address *upstream_proxy_addresses(const struct upstream_proxy *proxy,
                                                  unsigned *count_out);

/* The value of Proxy-Authorization that it is sent; empty = none. */
struct slice upstream_proxy_authorization(const struct upstream_proxy *proxy);

/* What a client is told in place of its 407: the challenge is for the operator. */
extern const char upstream_proxy_wants_credentials[];

/* Appends the CONNECT for `target`. */
void upstream_proxy_write_connect(const struct upstream_proxy *proxy,
                                  const struct authority *target, struct buffer *out);

enum upstream_proxy_answer { UPSTREAM_PROXY_MORE, UPSTREAM_PROXY_OPEN, UPSTREAM_PROXY_REFUSED };
/* Reads its answer from bytes[0..len): OPEN with *consumed_out = bytes of its head, or REFUSED with
 * `error` (code 502, reason "upstream-proxy.refused", "upstream-proxy.credentials" or
 * "upstream-proxy.malformed"). */
MUST_CHECK enum upstream_proxy_answer
upstream_proxy_read(const char *bytes, size_t len, size_t *consumed_out, struct error *error);

