/* SPDX-License-Identifier: Apache-2.0
 *
 * What the egress gate of one `serve` has beside the rest: its client connections, its tunnels, the
 * resolver. Hung on the gate. The parts: egress_conn.c (connections of clients), egress_request.c
 * (what is asked for), egress_route.c (resolving, checking and dialling), egress_origin.c and
 * egress_answer.c (plain HTTP, and answers of our own), tunnel.c, tunnel_peek.c and tunnel_answer.c
 * (CONNECT and transparent TLS), egress_log.c. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "proxy/egress/egress_options.h"
#include "proxy/loop/loop.h"
#include "proxy/resolve/resolver.h"

struct client_conn;
struct tunnel;
TAILQ_HEAD(tunnel_list, tunnel);

struct egress {
    struct loop *loop;                    /* borrowed */
    const struct egress_options *options; /* borrowed: outlives us */
    struct resolver *resolver;            /* owned; NULL until a network listener is there */
    struct upstream_proxy *proxy;         /* owned; NULL = none */
    struct tunnel_list throttled;
    struct event throttle; /* while `throttled` is not empty */
    int descriptor_limit;  /* a socket with this number or a higher one is one too many */
};

/* Aborts when memory is out (start-up). */
struct egress *egress_new(struct loop *loop, const struct egress_options *options);
/* Its connections and tunnels are closed and freed already. */
void egress_free(struct egress **egress);

/* A policy has network listeners: sets up the resolver if there is none yet. */
MUST_CHECK bool egress_prepare(struct loop *loop, struct error *error);

/* "http://proxy.example:3128", for the log; NULL = no upstream proxy. */
const char *egress_upstream_proxy_name(const struct egress *egress);

/* Sees to it that tunnels in `throttled` are resumed. */
void egress_start_throttle(struct egress *egress);
/* egress_revoke.c: whether a tunnel would not be let open any more by the policy in force; with `cuts`
 * it is ended. */
bool egress_revoke_tunnel(struct client_conn *client, bool cuts);

