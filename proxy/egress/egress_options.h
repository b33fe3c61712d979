/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of the egress gate, from serve's option table. */
#pragma once

#include <stdint.h>

#include "proxy/resolve/resolver.h"

/* A proxy between this gate and the internet. */
struct upstream_proxy_options {
    const char *url;         /* "http://HOST:PORT"; NULL = none */
    const char *credentials; /* "user:password"; NULL = none */
    const char *exceptions; /* hosts that are dialled directly: patterns with commas; NULL = none */
};

/* Times in milliseconds; 0 = none unless said otherwise. */
struct egress_options {
    struct resolver_options resolver;
    uint64_t dial_timeout_ms;
    uint64_t hello_timeout_ms;
    uint64_t tunnel_idle_ms, tunnel_lifetime_ms;
    uint64_t tunnel_rate;            /* bytes a second in both directions of one tunnel together */
    unsigned max_client_connections; /* of one client, beside its tunnels */
    unsigned max_tunnels;            /* of one client */
    struct upstream_proxy_options upstream_proxy;
};

