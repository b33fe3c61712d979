/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's connection on which one HTTP exchange after another is made, and the exchange that is
 * under way on it, in either gate. A gate embeds it in its own connection, does what its protocol is
 * about (what a head means, where a request goes, what is recorded) and says so in a table of
 * functions; everything else is here: http_conn.c (life, reading, deadlines), http_forward.c (the
 * request's way), http_answer.c (the way back), http_refusal.c (answers of our own). */
/* clang-format off */
/*
 * state         waits for                           deadline        ended by
 * IDLE          the first byte of a request         none            a byte; room needed by this or a smaller peer
 * HEAD          the end of a head                   header_timeout  the head, a refusal; room needed, as above
 * HELLO         the end of a ClientHello            its gate's      the hello, a refusal; room needed, as above
 * COLLECT       the end of a JSON body              body_timeout    its end, or 413
 * DROP_BODY     the end of a body nobody reads      body_timeout    its end, or 413
 * FIND          what the request names, or where    its gate's      the answer, or a refusal
 *               it goes
 * LOG_OPEN      the record of a change, written     none            the end of the turn
 * FORWARD       the upstream's answer               see below       a response head
 * LOG_RESPONSE  the record of the answer            none            the end of the turn
 * RELAY         more of the answer's body           see below       its end
 * TUNNEL        bytes from either side              none            both ends, or a broken socket
 * LOG_REFUSAL   the record of a refusal             none            the end of the turn
 * FLUSH         the client to take the last bytes   header_timeout  an empty buffer
 * LINGER        the client to stop sending          2 s             its end, room needed; then closing
 * CLOSED        the end of the turn                 -               being freed
 *
 * body_timeout is one for the whole body. While a body is on its way (FORWARD to RELAY), upload_timeout
 * bounds the time between two reads. FLUSH has its deadline for answers of our own: one of the
 * upstream's may be read as slowly as the client likes, since a process that is stopped must not lose
 * its download; what is held for it is bounded. Whatever the state, a connection ends at once when a
 * new policy does not admit its client or address any more. */
/* clang-format on */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/http_upstream.h"
#include "proxy/http/held_body.h"
#include "proxy/http/http_exchange.h"
#include "proxy/io/endpoint.h"
#include "proxy/io/event_timer.h"
#include "proxy/io/fd_watch.h"
#include "proxy/loop/client_conn.h"
#include "proxy/loop/listener.h"

enum http_conn_state {
    HTTP_CONN_IDLE,
    HTTP_CONN_HEAD,
    HTTP_CONN_HELLO,
    HTTP_CONN_COLLECT,
    HTTP_CONN_DROP_BODY,
    HTTP_CONN_FIND,
    HTTP_CONN_LOG_OPEN,
    HTTP_CONN_FORWARD,
    HTTP_CONN_LOG_RESPONSE,
    HTTP_CONN_RELAY,
    HTTP_CONN_TUNNEL,
    HTTP_CONN_LOG_REFUSAL,
    HTTP_CONN_FLUSH,
    HTTP_CONN_LINGER,
    HTTP_CONN_CLOSED,
};

struct http_conn;

/* What became of the head of an answer. */
enum http_answer {
    HTTP_ANSWER_WRITTEN, /* the client's stands in `out` */
    HTTP_ANSWER_MORE,    /* it waits for more of the body */
    HTTP_ANSWER_REFUSED, /* one of ours was sent instead */
    HTTP_ANSWER_NO_ROOM,
};

/* What differs in the gates. Functions may be NULL where that is said. */
struct http_conn_ops {
    enum share_gate gate;     /* whom refusals without a record are counted for */
    const char *revoked_text; /* to a client whose request was cut before its answer */

    /* ---- a request comes in ---- */
    /* `in` may hold a whole head; in HELLO, a whole ClientHello. */
    void (*read_head)(struct http_conn *conn);
    /* What was sent is refused before it was read to its end: notes what the record needs. NULL =
     * nothing. */
    void (*unread)(struct http_conn *conn);
    /* More of a body is in `in`, in COLLECT and DROP_BODY. NULL = never waits for one. */
    void (*collect)(struct http_conn *conn);
    /* The deadline of HELLO or FIND has passed. */
    void (*late)(struct http_conn *conn);
    /* The open record is in the log: the request goes on. */
    void (*recorded)(struct http_conn *conn);
    /* The verdict is not of the policy in force: asks for it once more, right before the request is
     * sent. False when it was refused, or something else is to be found out first. */
    bool (*judge_again)(struct http_conn *conn);
    /* Lets go what only `forward` was made of: the request will not be written again. NULL =
     * nothing. */
    void (*drop_head)(struct http_conn *conn);

    /* ---- the upstream ---- */
    /* What reading its answers goes by; its name stands in messages. */
    struct http_sender (*sender)(const struct http_conn *conn);
    void (*upstream_read)(struct http_conn *conn, bool enable);
    /* Calls http_forward_send() whenever it takes bytes, until it is not asked any more. */
    void (*upstream_write)(struct http_conn *conn, bool enable);
    /* It has the whole request. NULL = nothing is to be done. */
    void (*sent)(struct http_conn *conn);
    /* The answer is complete; with `reusable` nothing is left on the connection. */
    void (*upstream_done)(struct http_conn *conn, bool reusable);
    void (*upstream_drop)(struct http_conn *conn);
    void (*count_error)(struct loop *loop);
    /* It ended before it answered: says so. */
    void (*closed_early)(struct http_conn *conn);
    /* Sends the request once more on another connection. */
    void (*retry)(struct http_conn *conn);

    /* ---- an answer goes out ---- */
    /* Whether a 101 is one that was asked for. */
    bool (*may_switch)(const struct http_conn *conn, const struct http_head *head);
    /* Writes the client's head. Of `behind`, what came behind it, *taken_out bytes are done with. */
    enum http_answer (*answer)(struct http_conn *conn, const struct http_head *head,
                               struct slice behind, size_t *taken_out);
    /* The answer switched to a stream (http.switched); its head is in `out`. */
    void (*tunnel_start)(struct http_conn *conn);
    /* Moves bytes in TUNNEL. NULL = that state is not used. */
    void (*tunnel_move)(struct http_conn *conn);
    /* Writes an answer of ours, head and body; exchange->reason is set. `fix` may be NULL. */
    void (*write_refusal)(struct http_conn *conn, unsigned status, const char *message,
                          const char *fix, struct buffer *text);

    /* ---- records and policy ---- */
    uint64_t (*log_open)(struct http_conn *conn);
    /* `close` where an open record was written, else `request`; 0, and nothing, where that was done
     * before or nothing was asked. */
    uint64_t (*log_last)(struct http_conn *conn, const char *reason);
    /* Counts for the rule that decided. Records do it themselves; a refusal without one has to. */
    void (*count_rule)(struct http_conn *conn);
    /* Whether the policy in force would let it open; with `note` a denial is taken over. */
    bool (*is_allowed)(struct http_conn *conn, bool note);

    /* ---- ends ---- */
    /* Stops what is under way to find out about the request. */
    void (*stop_finding)(struct http_conn *conn);
    /* Lets go all that is the exchange's own; the upstream may stay. */
    void (*forget)(struct http_conn *conn);
    /* Whether what is under way has no end of its own. NULL = never. */
    bool (*is_endless)(const struct http_conn *conn);
    /* Once a second in IDLE. NULL = nothing. */
    void (*idle)(struct http_conn *conn);
    /* Frees the gate's connection, this part of it included. */
    void (*free)(struct http_conn *conn);
};

struct http_conn {
    struct client_conn entry;
    const struct http_conn_ops *ops; /* static */
    struct loop *loop;               /* borrowed */
    struct listener *listener;       /* a use, counted there */
    struct stream stream;            /* owned */
    enum http_conn_state state;
    struct endpoint peer;
    uint32_t uid;
    int32_t pid; /* unix peers */
    struct fd_watch watch;
    struct event timer;
    struct share_peer *peer_share; /* a use, with a place among its connections */
    struct share_seat seat;        /* waits in IDLE, HEAD, HELLO and LINGER */
    uint64_t kept_bytes;           /* of the peer's share: of a head or a body that has to wait */
    bool has_asked;                /* some request was read */
    bool input_ended;              /* the client sent its FIN */
    bool close_after;              /* the connection ends with this exchange */
    struct io_buffer in, out;

    struct exchange *exchange; /* borrowed: the first part of the gate's own */
    int64_t expires_us;        /* Unix time from which on its policy may say otherwise */
    struct log_waiter waiter;
    struct http_upstream *upstream; /* borrowed; NULL or closed = none */
    struct held_body held;          /* the body, when it is collected */
    struct io_buffer forward; /* the head to be sent upstream, until it cannot be sent again */
    struct http_exchange http;
};

/* ---- http_conn.c ---- */

/* Takes over a socket that was let in. Nothing is read yet. */
void http_conn_open(struct http_conn *conn, const struct http_conn_ops *ops,
                    struct exchange *exchange, struct loop *loop, struct listener *listener,
                    struct arrival *arrival);
/* There was no memory to open it. */
void http_conn_turn_away(struct arrival *arrival);
/* Ends the connection for `reason` (static text): writes the closing record that is owed, stops
 * every event and queues the free. */
void http_conn_close(struct http_conn *conn, const char *reason);
/* The same but for the record: the socket and the peer with its places stay with the caller. */
void http_conn_leave(struct http_conn *conn);
/* The exchange is over while the client still sends: its last bytes reach it, then the connection
 * is closed. */
void http_conn_linger(struct http_conn *conn, const char *reason);
/* The only writer of conn->state; stops the state's deadline. */
void http_conn_set_state(struct http_conn *conn, enum http_conn_state state);
void http_conn_read_enable(struct http_conn *conn, bool enable);
/* Calls back (by state) once the client takes bytes again. */
void http_conn_want_write(struct http_conn *conn);
/* The client's socket may have something to read. */
void http_conn_readable(struct http_conn *conn);
/* Sends what is in `out` unless it is held; with `more` something follows at once. False when the
 * socket broke and the connection was closed. */
MUST_CHECK bool http_conn_send(struct http_conn *conn, bool more);
/* Sends the 100 that is owed once the request is let through while the client waits to send its
 * body; not behind an answer that has begun. False when the socket broke and the connection was
 * closed. */
MUST_CHECK bool http_conn_send_continue(struct http_conn *conn);
/* Whether bytes came behind a request that could have begun a stream, before the client knew that
 * it did not: they may be input of that stream and must not be read as the next request. */
bool http_conn_has_early_input(struct http_conn *conn);
/* So many bytes of the client are kept until they are whole. False when it was refused, having no
 * room for them. */
MUST_CHECK bool http_conn_keep(struct http_conn *conn, size_t len);
/* An exchange begins with its number, once there is something to answer. */
void http_conn_number(struct http_conn *conn);
/* The exchange is over and its last bytes are in `out`: go on with the next request, or close. */
void http_conn_exchange_done(struct http_conn *conn);
/* The request will not be sent (again): gives back what it is made of. */
void http_conn_drop_request(struct http_conn *conn);
/* Nothing of the request is left that could be sent. */
bool http_conn_request_has_ended(const struct http_conn *conn);
/* Whether the verdict is what the policy in force would say now. */
bool http_conn_verdict_holds(const struct http_conn *conn);
/* Whose connection it is in the policy now; NULL once a reload took the listener away. */
static inline const struct policy_client *http_conn_client(const struct http_conn *conn)
{
    return listener_policy_client(conn->listener);
}

/* ---- http_forward.c ---- */

typedef enum http_head_result http_head_parser(struct http_head *head, const char *bytes,
                                               size_t len, size_t *scanned,
                                               const struct http_head_limits *limits,
                                               size_t *consumed_out, struct error *error);
/* Reads the head in `in`. False when more bytes are awaited, or it was refused. */
MUST_CHECK bool http_forward_read_head(struct http_conn *conn, http_head_parser *parse,
                                       struct http_head *head, size_t *len_out);
/* A request that is refused at its head: its body, as far as it is here already, is read over, so
 * that a client that asks politely keeps its connection. What is still to come makes the answer the
 * last one. */
void http_forward_skip(struct http_conn *conn, const struct http_head *head, size_t head_len);
/* Sets `forward`. False when memory is out. */
MUST_CHECK bool http_forward_set(struct http_conn *conn, const struct buffer *text);
/* False when it was refused, because nobody could read of what would follow. */
MUST_CHECK bool http_forward_can_be_logged(struct http_conn *conn);
/* Writes the open record; ops->recorded() follows, or a refusal. */
void http_forward_log_open(struct http_conn *conn);
/* Sends the head and as much of the body as there is and the upstream takes. */
void http_forward_send(struct http_conn *conn);
/* `forward` will not be sent (again). */
void http_forward_drop_head(struct http_conn *conn);

/* ---- http_answer.c ---- */

/* Begins the answer's body, of a request with that method. */
struct http_answer_plan http_answer_begin(struct http_conn *conn, const struct http_head *head,
                                          enum http_method method);
/* The answer has no body, and what follows is a stream. */
void http_answer_switch(struct http_conn *conn);
/* The upstream may have something to read. */
void http_answer_read(struct http_conn *conn);

/* ---- http_refusal.c ---- */

/* Answers with an error of ours (HTTP status, stable reason, sentence, and what would permit it or
 * NULL) and ends the exchange. */
void http_refusal_send(struct http_conn *conn, unsigned status, const char *reason,
                       const char *message, const char *fix);
/* The same for an error whose status is an HTTP status. */
void http_refusal_error(struct http_conn *conn, const struct error *error);
/* The same for what was not read to its end: nobody knows where the next request would begin. */
void http_refusal_unread(struct http_conn *conn, unsigned status, const char *reason,
                         const char *message);
/* The answer to what cannot be logged (docs/design.md 1.7). */
void http_refusal_unlogged(struct http_conn *conn);
/* Appends the member `message` as the client is to be told it; `rule` is the one that denied, if one
 * did. For write_refusal(). */
void http_refusal_write_words(const struct http_conn *conn, unsigned status, const char *message,
                              struct slice rule, struct buffer *body);
/* How that client is told. */
const struct policy_refusal *http_refusal_told_how(const struct http_conn *conn);
/* The upstream, not the request, is to blame: counted there, 502. */
void http_refusal_upstream(struct http_conn *conn, const char *reason, const char *message);
