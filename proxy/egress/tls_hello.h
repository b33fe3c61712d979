/* SPDX-License-Identifier: Apache-2.0
 *
 * The first bytes of a tunnel, looked at and never changed: is it TLS, and if so, which name does
 * the ClientHello ask for (RFC 8446 section 4.1.2, RFC 6066 section 3)? A hello may come in any
 * number of segments and of records; it is put together before it is read. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "rules/network/network_rule.h"

enum { TLS_HELLO_LEN_MAX = 16384, TLS_HELLO_ALPN_MAX = 64 };

enum tls_hello_result {
    TLS_HELLO_MORE, /* not enough bytes to say */
    TLS_HELLO_BAD,  /* begins as TLS and is no well-formed ClientHello, or too long, or is a hello
                       of SSL 2; `error` (reason "malformed.client-hello", "limit.client-hello") */
    TLS_HELLO_OK,
};

struct tls_hello {
    struct tunnel_facts facts;
    size_t len;                    /* TLS: bytes of its records; what follows is not of the hello */
    char alpn[TLS_HELLO_ALPN_MAX]; /* "h2,http/1.1", printable ASCII, cut at a comma when too long;
                                      "" = none */
};

/* Looks at bytes[0..len), the beginning of what the client sent. TLS is what begins with a record
 * of version 3.x, and a first record that is no handshake is malformed: servers read over an alert
 * and go by the hello behind it. So are a hello of SSL 2, which names no server, and a hello or
 * alert in a record of another version, which some servers take. SSH begins with "SSH-"; HTTP with a method and a blank. Two SNI
 * entries, an empty or malformed name, a name with an address in it: facts.sni_bad. Keeps nothing,
 * allocates nothing; cost is linear in len. */
MUST_CHECK enum tls_hello_result tls_hello_read(const char *bytes, size_t len,
                                                struct tls_hello *hello_out, struct error *error);

