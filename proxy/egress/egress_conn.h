/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection on an egress or transparent listener, and the one exchange that is under
 * way on it: what the egress gate adds to proxy/exchange. A CONNECT that succeeds, and a transparent
 * TLS connection, leave it as a struct tunnel. In the state FIND a name is resolved, an address
 * dialled, an upstream proxy asked to connect. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/resolve/dialer.h"
#include "proxy/egress/egress_exchange.h"
#include "proxy/exchange/http_conn.h"
#include "proxy/io/fd_watch.h"
#include "rules/network/url_target.h"

struct tunnel_plan;

/* What the client wants of the destination. */
enum egress_aim {
    EGRESS_AIM_CONNECT, /* a tunnel, announced with 200 */
    EGRESS_AIM_TLS,     /* a tunnel on a transparent listener: nothing is announced */
    EGRESS_AIM_FORWARD, /* one plain HTTP request */
};

/* The connection to an origin, of a plain HTTP exchange; kept for the next one to the same place.
 */
struct egress_origin {
    struct http_upstream upstream;
    struct authority authority;
    struct ip_address address;
    struct buffer cnames; /* owned: the aliases that led to it, a name_chain's text */
    bool is_proxy; /* the upstream proxy itself, which is asked for any target with its whole URL */
    struct fd_watch watch;
};

struct egress_conn {
    struct http_conn client;
    struct egress *egress; /* borrowed */
    enum egress_aim aim;
    enum network_step step; /* what is wanted next since the policy was asked last */
    bool has_tunnel_place;  /* among the peer's tunnels: one may open */
    size_t hello_len;       /* transparent TLS: of the ClientHello in front of `in` */

    struct egress_exchange exchange;
    struct authority target;
    bool takes_proxy;          /* the target goes by the upstream proxy */
    struct tunnel_facts facts; /* transparent TLS: what the hello said; a WebSocket: other */
    struct resolver_query query;
    struct dial *dial;                                   /* owned: under way; NULL = none */
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* checked: those that may be dialled */
    unsigned address_count;
    struct egress_origin origin;
};

static inline struct egress_conn *egress_conn_of(const struct http_conn *client)
{
    return container_of(client, struct egress_conn, client);
}

/* egress_conn.c: takes over a socket that was let in. */
void egress_conn_accept(struct listener *listener, struct arrival *arrival);
/* Takes the place of a tunnel that is to open; given back when the exchange ends without one. False
 * when there was none: it was refused. */
MUST_CHECK bool egress_conn_take_tunnel(struct egress_conn *conn);
/* The client's socket leaves for a tunnel, with the peer and its places: what is left of the
 * connection is freed at the end of the turn. */
void egress_conn_detach(struct egress_conn *conn, struct tunnel_plan *plan);

/* egress_request.c: begins to ask about the destination with what is known of it. Texts live until
 * the next return to the loop. */
void egress_request_inquire(const struct egress_conn *conn, struct network_inquiry *inquiry);
/* Asks, and notes the policy's word. Whether it may pass as far as it is known. */
MUST_CHECK bool egress_request_ask(struct egress_conn *conn, struct network_inquiry *inquiry);
void egress_request_start(struct egress_conn *conn);       /* `in` may hold a whole head */
void egress_request_start_hello(struct egress_conn *conn); /* `in` may hold a whole ClientHello */
/* What was sent is refused before it was read to its end: notes what the record needs. */
void egress_request_unread(struct egress_conn *conn);

/* egress_route.c: from an allowed name to a connected socket. Whether the target is one for the
 * upstream proxy comes first: the request is written for it. */
bool egress_route_takes_proxy(const struct egress_conn *conn);
void egress_route_start(struct egress_conn *conn);
/* Its record is written: the tunnel, or the request. */
void egress_route_recorded(struct egress_conn *conn);
/* Asks the policy in force once more. False when it refused. */
MUST_CHECK bool egress_route_judge_again(struct egress_conn *conn);
/* Stops what is under way. */
void egress_route_cancel(struct egress_conn *conn);

/* egress_origin.c: the connection that a request goes to. `address` NULL = an upstream proxy's. */
void egress_origin_open(struct egress_conn *conn, int fd, const struct ip_address *address);
void egress_origin_close(struct egress_conn *conn);
/* Whether to be told when there is something to read, or when it takes bytes. */
void egress_origin_watch(struct egress_conn *conn, short what, bool enable);
/* Closes a kept connection that the origin has ended meanwhile. */
void egress_origin_sweep(struct egress_conn *conn);

/* egress_revoke.c: whether the policy in force would let it open; with `note` a denial is taken over. */
bool egress_revoke_is_allowed(struct egress_conn *conn, bool note);

/* egress_answer.c: an http_conn_ops.answer and write_refusal. */
enum http_answer egress_answer_begin(struct http_conn *client, const struct http_head *head,
                                     struct slice behind, size_t *taken_out);
void egress_answer_write_refusal(struct http_conn *client, unsigned status, const char *message,
                                 const char *fix, struct buffer *text);
/* A switch to WebSocket makes the two connections a tunnel that nobody looks into any more. */
void egress_answer_start_tunnel(struct egress_conn *conn);
/* Refuses what the policy denies. */
void egress_answer_denied(struct egress_conn *conn, const struct network_request *request);

