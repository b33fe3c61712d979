/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection on an egress or transparent listener, and the one exchange that is under
 * way on it. A CONNECT that succeeds, and a transparent TLS connection, leave it as a struct
 * tunnel. */
/* clang-format off */
/*
 * state         waits for                           deadline        ended by
 * IDLE          the first byte of a request         none            a byte; room needed by this or a smaller peer
 * HEAD          the end of a head                   header_timeout  the head, a refusal; room needed, as above
 * HELLO         the end of a ClientHello            hello_timeout   the hello, a refusal; room needed, as above
 * RESOLVE       the resolver's answer               its own         addresses, or 502, 504
 * DIAL          one of the addresses to connect     dial_timeout    a socket, or 502, 504
 * HANDSHAKE     the upstream proxy's answer         dial_timeout    its 200, or 502
 * LOG_OPEN      the record, written                 none            the end of the turn
 * FORWARD       the origin's answer                 see below       a response head
 * LOG_RESPONSE  the record of the answer            none            the end of the turn
 * RELAY         more of the answer's body           see below       its end
 * LOG_REFUSAL   the record of a refusal             none            the end of the turn
 * FLUSH         the client to take the last bytes   header_timeout  an empty buffer
 * LINGER        the client to stop sending          2 s             its end, room needed; then closing
 * CLOSED        the end of the turn                 -               being freed
 *
 * While a request's body is on its way (FORWARD to RELAY), upload_timeout bounds the time between
 * two reads. FLUSH has its deadline for answers of our own: one of the origin's may be read as slowly
 * as the client likes; what is held for it is bounded. */
/* clang-format on */
#ifndef DOCKREEVE_PROXY_EGRESS_CONN_H
#define DOCKREEVE_PROXY_EGRESS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/resolve/dialer.h"
#include "proxy/egress/egress_exchange.h"
#include "proxy/io/event_timer.h"
#include "proxy/io/fd_watch.h"
#include "proxy/loop/client_conn.h"
#include "proxy/http/http_exchange.h"
#include "proxy/io/stream.h"
#include "rules/network/url_target.h"

struct tunnel_plan;

enum egress_conn_state {
    EGRESS_CONN_IDLE,
    EGRESS_CONN_HEAD,
    EGRESS_CONN_HELLO,
    EGRESS_CONN_RESOLVE,
    EGRESS_CONN_DIAL,
    EGRESS_CONN_HANDSHAKE,
    EGRESS_CONN_LOG_OPEN,
    EGRESS_CONN_FORWARD,
    EGRESS_CONN_LOG_RESPONSE,
    EGRESS_CONN_RELAY,
    EGRESS_CONN_LOG_REFUSAL,
    EGRESS_CONN_FLUSH,
    EGRESS_CONN_LINGER,
    EGRESS_CONN_CLOSED,
};

/* What the client wants of the destination. */
enum egress_aim {
    EGRESS_AIM_CONNECT, /* a tunnel, announced with 200 */
    EGRESS_AIM_TLS,     /* a tunnel on a transparent listener: nothing is announced */
    EGRESS_AIM_FORWARD, /* one plain HTTP request */
};

/* The connection to an origin, of a plain HTTP exchange; kept for the next one to the same place.
 */
struct egress_origin {
    struct stream stream; /* owned; closed = none */
    struct authority authority;
    struct ip_address address;
    struct buffer cnames; /* owned: the aliases that led to it, a name_chain's text */
    bool is_proxy; /* the upstream proxy itself, which is asked for any target with its whole URL */
    struct fd_watch watch;
    struct io_buffer in, out;
    bool reused; /* it has answered before: an early end may just mean that it was idle too long */
};

struct egress_conn {
    struct client_conn client;
    struct egress *egress;     /* borrowed */
    struct loop *loop;         /* borrowed */
    struct listener *listener; /* a use, counted there */
    struct stream stream;      /* owned */
    enum egress_conn_state state;
    enum egress_aim aim;
    enum network_step step; /* what is wanted next since the policy was asked last */
    struct endpoint peer;
    uint32_t uid;
    int32_t pid; /* unix peers */
    struct fd_watch watch;
    struct event timer;
    struct share_peer *peer_share; /* a use, with a place among its connections */
    struct share_seat seat;        /* waits in IDLE, HEAD, HELLO and LINGER */
    bool has_tunnel_place;         /* among the peer's tunnels: one may open */
    uint64_t kept_bytes;           /* of the peer's share: of a head or hello that is not whole */
    bool has_asked;                /* something was asked for */
    bool input_ended;              /* the client sent its FIN */
    bool close_after;              /* the connection ends with this exchange */
    struct io_buffer in, out;
    size_t hello_len; /* transparent TLS: of the ClientHello in front of `in` */

    struct egress_exchange exchange;
    int64_t expires_us; /* Unix time from which on the exchange's policy may say otherwise */
    struct authority target;
    bool takes_proxy;          /* the target goes by the upstream proxy */
    struct tunnel_facts facts; /* transparent TLS: what the hello said; a WebSocket: other */
    struct log_waiter waiter;
    struct resolver_query query;
    struct dial *dial;                                   /* owned: under way; NULL = none */
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* checked: those that may be dialled */
    unsigned address_count;

    struct egress_origin origin;
    struct io_buffer forward; /* the head to be sent to the origin, until an answer begins */
    struct http_exchange http;
    bool origin_full; /* the origin takes no more bytes now */
};

static inline struct egress_conn *egress_conn_of_waiter(struct log_waiter *waiter)
{
    return container_of(waiter, struct egress_conn, waiter);
}

/* egress_conn.c: takes over a socket that was let in. */
void egress_conn_accept(struct listener *listener, struct arrival *arrival);
/* Ends the connection for `reason` (static text): writes the closing record that is owed, stops
 * every event and queues the free. */
void egress_conn_close(struct egress_conn *conn, const char *reason);
/* The only writer of conn->state; stops the state's deadline. */
void egress_conn_set_state(struct egress_conn *conn, enum egress_conn_state state);
void egress_conn_read_enable(struct egress_conn *conn, bool enable);
void egress_conn_want_write(struct egress_conn *conn);
/* Sends what is in `out` unless it is held; with `more` something else follows at once. False when
 * the socket broke and the connection was closed. */
MUST_CHECK bool egress_conn_send(struct egress_conn *conn, bool more);
/* The answer is in `out`: the next request, or the end. */
void egress_conn_exchange_done(struct egress_conn *conn);
/* Sends "100 Continue" if it is owed. False when the connection was closed. */
MUST_CHECK bool egress_conn_send_continue(struct egress_conn *conn);
/* Takes the place of a tunnel that is to open; given back when the exchange ends without one. False
 * when there was none: it was refused. */
MUST_CHECK bool egress_conn_take_tunnel(struct egress_conn *conn);
/* The client's socket leaves for a tunnel, with the peer and its places: what is left of the
 * connection is freed at the end of the turn. */
void egress_conn_detach(struct egress_conn *conn, struct tunnel_plan *plan);
/* Whose connection it is in the policy now; NULL once a reload took the listener away. */
const struct policy_client *egress_conn_client(const struct egress_conn *conn);

/* egress_request.c: begins to ask about the destination with what is known of it. Texts live until
 * the next return to the loop. */
void egress_request_inquire(const struct egress_conn *conn, struct network_inquiry *inquiry);
/* Asks, and notes the policy's word. Whether it may pass as far as it is known. */
MUST_CHECK bool egress_request_ask(struct egress_conn *conn, struct network_inquiry *inquiry);
void egress_request_start(struct egress_conn *conn);       /* `in` may hold a whole head */
void egress_request_start_hello(struct egress_conn *conn); /* `in` may hold a whole ClientHello */
/* The head or hello did not arrive in time. */
void egress_request_late(struct egress_conn *conn);
/* There is no room to keep what has come of it. */
void egress_request_no_room(struct egress_conn *conn, enum share_level level);

/* egress_route.c: from an allowed name to a connected socket. Whether the target is one for the
 * upstream proxy comes first: the request is written for it. */
bool egress_route_takes_proxy(const struct egress_conn *conn);
void egress_route_start(struct egress_conn *conn);
/* Stops what is under way. */
void egress_route_cancel(struct egress_conn *conn);

/* egress_forward.c: the request's way to the origin. */
void egress_forward_start(struct egress_conn *conn, int fd, const struct ip_address *address);
void egress_forward_send(struct egress_conn *conn);
/* Whether to read what the origin sends. */
void egress_origin_read_enable(struct egress_conn *conn, bool enable);
void egress_origin_close(struct egress_conn *conn);
/* Closes a kept connection that the origin has ended meanwhile. */
void egress_origin_sweep(struct egress_conn *conn);

/* egress_response.c: the way back. */
void egress_response_read(struct egress_conn *conn);

/* egress_refusal.c: an answer of our own. */
void egress_refusal_send(struct egress_conn *conn, unsigned status, const char *reason,
                         const char *message, const char *fix);
void egress_refusal_error(struct egress_conn *conn, const struct error *error);
void egress_refusal_denied(struct egress_conn *conn, const struct network_request *request);
void egress_refusal_unlogged(struct egress_conn *conn);

#endif
