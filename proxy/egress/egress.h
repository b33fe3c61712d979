/* SPDX-License-Identifier: Apache-2.0
 *
 * What the egress gate of one `serve` has beside the rest: its client connections, its tunnels, the
 * resolver. Hung on the gate. The parts: egress_conn.c (connections of clients), egress_request.c
 * (what is asked for), egress_route.c (resolving, checking and dialling), egress_forward.c and
 * egress_response.c (plain HTTP), tunnel.c, tunnel_peek.c and tunnel_answer.c (CONNECT and transparent
 * TLS),
 * egress_refusal.c, egress_log.c. */
#ifndef DOCKREEVE_PROXY_EGRESS_H
#define DOCKREEVE_PROXY_EGRESS_H

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "proxy/loop/gate.h"
#include "proxy/resolve/resolver.h"

struct egress_conn;
struct revocation;
struct tunnel;
TAILQ_HEAD(egress_conn_list, egress_conn);
TAILQ_HEAD(tunnel_list, tunnel);

struct egress {
    struct gate *gate;                    /* borrowed */
    const struct egress_options *options; /* borrowed: of the gate's options */
    struct resolver *resolver;            /* owned; NULL until a network listener is there */
    struct upstream_proxy *proxy;         /* owned; NULL = none */
    struct egress_conn_list conns, dead;
    struct tunnel_list tunnels, throttled, dead_tunnels;
    struct event throttle; /* while `throttled` is not empty */
    int descriptor_limit;  /* a socket with this number or a higher one is one too many */
};

/* Aborts when memory is out (start-up). */
struct egress *egress_new(struct gate *gate);
/* Closes what is open, each with its closing record, and frees. */
void egress_free(struct egress **egress);

/* Whether any client of the policy has a network listener. */
bool egress_has_listeners(const struct policy *policy);

/* Sets up the resolver if the policy has network listeners and there is none yet. */
MUST_CHECK bool egress_prepare(struct egress *egress, const struct policy *policy,
                               struct error *error);

/* "http://proxy.example:3128", for the log; NULL = no upstream proxy. */
const char *egress_upstream_proxy_name(const struct egress *egress);

/* Whether connections or tunnels are open. */
bool egress_is_busy(const struct egress *egress);
/* Closes the client connections between requests. */
void egress_close_idle(struct egress *egress);
/* Ends everything for `reason`. */
void egress_close_all(struct egress *egress, const char *reason);
/* Sees to it that tunnels in `throttled` are resumed. */
void egress_start_throttle(struct egress *egress);
/* Once a second: limits of idle time and lifetime, clients that have gone. */
void egress_tick(struct egress *egress);
/* At the end of each turn. */
void egress_free_dead(struct egress *egress);
/* Counts the tunnels and streams that the policy in force would not let open any more; with `cuts`
 * ends them. */
void egress_revoke(struct egress *egress, bool cuts, struct revocation *revocation);
/* Ends the connections and tunnels of whoever may not connect any more. */
void egress_end_unadmitted(struct egress *egress);

#endif
