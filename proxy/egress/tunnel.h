/* SPDX-License-Identifier: Apache-2.0
 *
 * Two sockets and the bytes between them: a CONNECT that was allowed, or a transparent TLS
 * connection. The client's first bytes are looked at (tunnel_peek.c); after that nobody looks any
 * more and bytes go from socket to socket through a borrowed pipe. The end of one direction is
 * carried over as just that, a reset as a reset. Small: thousands of them stand idle. */
/* clang-format off */
/*
 * state    waits for                                deadline                       ended by
 * PEEK     the client's first bytes (the origin's   hello_timeout: from the start  a judgement
 *          may pass if the rule admits a protocol   where only TLS is admitted,
 *          in which the server speaks first)        else from the first byte
 * ANSWER   behind a ClientHello: the origin's       as OPEN; for the second        an answer, or a judgement
 *          answer, and if that asks for a second    hello: hello_timeout
 *          hello, the client's next one
 * OPEN     bytes from either side                   tunnel_idle, tunnel_lifetime   both ends, a reset, a limit
 * ENDING   the client to stop sending               2 s                            its end; then closing
 * CLOSED   the end of the turn                      -                              being freed
 */
/* clang-format on */
#pragma once

#include "proxy/egress/egress_exchange.h"
#include "proxy/io/fd_watch.h"
#include "proxy/io/io_buffer.h"
#include "proxy/loop/client_conn.h"
#include "proxy/io/splice_flow.h"
#include "proxy/io/stream.h"

enum tunnel_state { TUNNEL_PEEK, TUNNEL_ANSWER, TUNNEL_OPEN, TUNNEL_ENDING, TUNNEL_CLOSED };

enum { TUNNEL_CLIENT, TUNNEL_ORIGIN, TUNNEL_ENDS };

struct tunnel_end {
    struct stream stream; /* owned */
    struct fd_watch watch;
    struct splice_flow flow; /* from here to the other end */
    struct io_buffer early;  /* to be written here first */
    bool ended;              /* the end of what it sends was carried over */
    bool full;               /* it takes no more now */
};

struct tls_hello;
struct tunnel_peek;   /* opaque: what only the first bytes need */
struct tunnel_answer; /* opaque: what only the origin's answer to a ClientHello needs */

struct tunnel {
    struct client_conn client;
    struct egress *egress;     /* borrowed */
    struct listener *listener; /* a use, counted there */
    struct share_peer *peer;   /* a use, with a place among connections and one among tunnels */
    enum tunnel_state state;
    bool throttled;  /* in egress->throttled */
    bool kept_alive; /* the origin's socket looks for a peer that vanished */
    struct tunnel_end ends[TUNNEL_ENDS];
    struct tunnel_peek *peek;     /* owned; NULL once judged */
    struct tunnel_answer *answer; /* owned; in ANSWER only */
    struct egress_exchange exchange;
    int64_t moved_us;     /* monotonic: when bytes moved last */
    int64_t allowance_us; /* with a rate: the moment up to which bytes are paid for */
    TAILQ_ENTRY(tunnel) throttled_link;
};

/* What a tunnel is made of. Streams, buffers and exchange become the tunnel's. */
struct tunnel_plan {
    struct egress *egress;
    struct listener *listener; /* used once more */
    struct share_peer *peer;   /* a use with both places; becomes the tunnel's */
    struct stream streams[TUNNEL_ENDS];
    struct io_buffer to_client;       /* the answer's head */
    struct io_buffer to_origin;       /* what the client sent behind its request */
    struct egress_exchange *exchange; /* moved out of here; an open record was written */
    bool peek;                        /* false: the first bytes were judged already */
    size_t hello_len; /* they were a ClientHello of so many bytes; 0 = something else */
};
/* False when memory is out: the streams are closed then, the places given back and the closing
 * record is written. */
bool tunnel_start(struct tunnel_plan *plan);

/* The only writer of tunnel->state. A tunnel that begins or ends to wait begins a new silence. */
void tunnel_set_state(struct tunnel *tunnel, enum tunnel_state state);
/* Ends it for `reason` (static text), with its closing record. With `reset` both peers see a reset.
 */
void tunnel_close(struct tunnel *tunnel, const char *reason, bool reset);
/* Ends it so that the client still gets what was sent to it. */
void tunnel_end(struct tunnel *tunnel, const char *reason);
/* The same, refused by us whatever the rules say. */
void tunnel_refuse(struct tunnel *tunnel, const char *reason);
/* Writes what is to be written first, and waits for more. */
void tunnel_begin(struct tunnel *tunnel);
/* Writes what is to be written to an end before anything else. False when it broke. */
MUST_CHECK bool tunnel_flush_early(struct tunnel *tunnel, int which);
/* Bytes moved: no silence, and they are paid for. */
void tunnel_note_moved(struct tunnel *tunnel, size_t len);
/* Takes it out of egress->throttled, where a rate holds it up, and moves on. */
void tunnel_resume(struct tunnel *tunnel);

/* tunnel_peek.c */
MUST_CHECK bool tunnel_peek_start(struct tunnel *tunnel);
void tunnel_peek_free(struct tunnel_peek **peek);
/* The client's socket can be read. */
void tunnel_peek_read(struct tunnel *tunnel);
/* Whether the origin's bytes may pass before the client's first bytes were judged. */
bool tunnel_peek_lets_origin_speak(const struct tunnel *tunnel);
/* Begins to ask with what is known but the first bytes. False when the client is no more in the
 * policy, or memory was out. */
MUST_CHECK bool tunnel_inquire(const struct tunnel *tunnel, struct network_inquiry *inquiry);
/* Asks the policy about a ClientHello, and notes hello and verdict for the records. False when it
 * is denied: the tunnel ends then. */
MUST_CHECK bool tunnel_judge_hello(struct tunnel *tunnel, const struct tls_hello *hello);
/* Starts the deadline of a hello, unless it runs. */
void tunnel_start_hello_timer(struct tunnel *tunnel, struct event *timer);

/* tunnel_answer.c: the client's first `hello_len` bytes, a ClientHello, were let through. False
 * when memory is out. */
MUST_CHECK bool tunnel_answer_start(struct tunnel *tunnel, size_t hello_len);
void tunnel_answer_free(struct tunnel_answer **answer, struct loop *loop);
/* An end can be read, or else takes bytes again. */
void tunnel_answer_event(struct tunnel *tunnel, int which, bool reads);

