/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection on a Docker listener and the one exchange (request and answer) that is
 * under way on it. The parts that work on it: docker_conn.c (life, reading of heads, deadlines),
 * docker_exchange.c (judging), docker_collect.c (bodies that are read first), docker_refusal.c
 * (answers of our own), docker_body.c (sending on), docker_response.c (the way back),
 * docker_tunnel.c (hijacked streams), docker_lookup.c (asking what an object is), docker_log.c (its
 * records). */
/* clang-format off */
/*
 * state         waits for                          deadline        ended by
 * IDLE          the first byte of a request        none            a byte; room needed by this or a smaller peer
 * HEAD          the end of a head                  header_timeout  the head, a refusal; room needed, as above
 * COLLECT       the end of a JSON body             body_timeout    its end, or 413
 * DROP_BODY     the end of a body nobody reads     body_timeout    its end, or 413
 * LOOKUP        a turn, the engine's word on it    lookup_timeout  its answer, or 503, 504
 * LOG_OPEN      the record of a change, written    none            the end of the turn
 * FORWARD       the engine's answer                see below       a response head
 * LOG_RESPONSE  the record of the answer           none            the end of the turn
 * RELAY         more of the answer's body          see below       its end
 * TUNNEL        bytes from either side             none            both ends, or a broken socket
 * LOG_REFUSAL   the record of a refusal            none            the end of the turn
 * FLUSH         the client to take the last bytes  header_timeout  an empty buffer
 * LINGER        the client to stop sending         2 s             its end, room needed; then closing
 * CLOSED        the end of the turn                -               being freed
 *
 * body_timeout is one for the whole body. While an archive is on its way (FORWARD to RELAY),
 * upload_timeout bounds the time between two reads. FLUSH has its deadline for answers of our own:
 * one of the engine's may be read as slowly as the client likes, since a process that is stopped must
 * not lose its download; what is held for it is bounded. Whatever the state, a connection ends at once
 * when a new policy does not admit its client or address any more. */
/* clang-format on */
#ifndef DOCKREEVE_PROXY_DOCKER_CONN_H
#define DOCKREEVE_PROXY_DOCKER_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "base/buffer.h"
#include "policy/snapshot/policy.h"
#include "proxy/io/endpoint.h"
#include "proxy/docker/engine.h"
#include "proxy/loop/client_conn.h"
#include "proxy/loop/loop.h"
#include "proxy/http/held_body.h"
#include "proxy/http/http_exchange.h"
#include "proxy/io/event_timer.h"
#include "proxy/io/io_buffer.h"
#include "proxy/io/stream.h"
#include "rules/docker/docker_object.h"
#include "rules/docker/docker_operation.h"

enum docker_conn_state {
    DOCKER_CONN_IDLE,
    DOCKER_CONN_HEAD,
    DOCKER_CONN_COLLECT,
    DOCKER_CONN_DROP_BODY,
    DOCKER_CONN_LOOKUP,
    DOCKER_CONN_LOG_OPEN,
    DOCKER_CONN_FORWARD,
    DOCKER_CONN_LOG_RESPONSE,
    DOCKER_CONN_RELAY,
    DOCKER_CONN_TUNNEL,
    DOCKER_CONN_LOG_REFUSAL,
    DOCKER_CONN_FLUSH,
    DOCKER_CONN_LINGER,
    DOCKER_CONN_CLOSED,
};

/* What the records of an exchange say; the texts are kept in `facts`, since the head's bytes are
 * gone by then. */
struct docker_exchange {
    uint64_t id;
    int64_t started_us; /* monotonic */
    enum http_method method;
    enum docker_operation operation;
    struct buffer
        facts; /* owned: path, object name, dropped parameter names, one behind the other */
    uint32_t path_len, object_len,
        target_len;         /* the target as the client wrote it stands behind them */
    uint32_t fields_len;    /* the paths of dropped fields of the body stand behind the target */
    unsigned dropped_more;  /* dropped parameters and fields whose names are not kept */
    uint16_t dropped_count; /* each name ends with NUL in `facts` */
    uint64_t dropped_body;
    uint32_t dropped_headers; /* docker_header_dropped_names() */
    struct verdict verdict;
    struct policy *policy; /* a reference while the exchange lasts: the verdict's texts are in it */
    int64_t expires_us;    /* Unix time from which on that policy may say otherwise */
    const char *reason;    /* stable code; static or in the policy */
    const char *would_deny;
    unsigned status;
    bool asked;           /* the engine was asked for the objects */
    bool judged;          /* the verdict says something */
    bool refused;         /* answered by us for a reason of our own, whatever the rules say */
    bool opened;          /* an open record was written; a close record is owed */
    bool logged;          /* the closing record was written */
    bool endless;         /* the answer has no end of its own */
    bool stream;          /* counted among the open streams */
    unsigned own_version; /* minor version that was written for a client that named none */
    uint64_t tunnel_in, tunnel_out;
};

/* The target as the client wrote it; empty when memory was out. */
static inline struct slice docker_exchange_target(const struct docker_exchange *exchange)
{
    size_t behind = exchange->fields_len + exchange->target_len;
    return slice_of(exchange->facts.data + exchange->facts.len - behind, exchange->target_len);
}

struct docker_conn {
    struct client_conn client;
    struct loop *loop;         /* borrowed */
    struct listener *listener; /* a use, counted there */
    struct stream stream;      /* owned */
    enum docker_conn_state state;
    struct endpoint peer;
    uint32_t uid, gid;
    int32_t pid;                   /* unix peers */
    struct share_peer *peer_share; /* a use, with a place among its connections */
    struct share_seat seat;        /* waits in IDLE, HEAD and LINGER */
    struct event read_event, write_event, timer;
    bool reading, writing;
    uint64_t kept_bytes; /* of the peer's share: of a head or a body that has to wait */
    bool has_asked;      /* some request was read */
    bool input_ended;    /* the client sent its FIN */
    bool close_after;    /* the connection ends with this exchange */
    struct io_buffer in, out;

    struct docker_exchange exchange;
    struct log_waiter waiter;
    struct engine_conn *engine;              /* owned while an exchange needs it */
    struct docker_lookup *lookup;            /* owned: under way; NULL = none */
    struct engine_request *version_question; /* owned: under way; NULL = none */
    struct docker_naming *judged;            /* owned: the objects that were judged; NULL = none */
    struct io_buffer head;    /* the client's, to be judged again, until `forward` has gone */
    struct held_body held;    /* the body, when it is collected */
    struct io_buffer forward; /* the head to be sent upstream, until it cannot be sent again */
    struct http_exchange http;
    bool up_ended, down_ended;     /* tunnel: that direction has carried its end of stream */
    bool client_full, engine_full; /* that side takes no more bytes now */
};

static inline struct docker_conn *docker_conn_of_waiter(struct log_waiter *waiter)
{
    return container_of(waiter, struct docker_conn, waiter);
}

/* docker_conn.c: takes over a socket that was let in. */
void docker_conn_accept(struct listener *listener, struct arrival *arrival);
/* Ends the connection for `reason` (static text): writes the closing record that is owed, stops
 * every event and queues the free. */
void docker_conn_close(struct docker_conn *conn, const char *reason);
/* The only writer of conn->state; starts and stops the state's deadline. */
void docker_conn_set_state(struct docker_conn *conn, enum docker_conn_state state);
void docker_conn_read_enable(struct docker_conn *conn, bool enable);
/* Sends what is in `out` unless it is held; with `more` spliced bytes follow at once. False when the
 * socket broke and the connection was closed. */
MUST_CHECK bool docker_conn_send(struct docker_conn *conn, bool more);
/* Whether bytes came behind a request that could have begun a stream, before the client knew that
 * it did not: they may be input of that stream and must not be read as the next request. */
bool docker_conn_has_early_input(struct docker_conn *conn);
/* Sends the 100 that is owed once the request is let through while the client waits to send its
 * body; not behind an answer that has begun. False when the socket broke and the connection was
 * closed. */
MUST_CHECK bool docker_conn_send_continue(struct docker_conn *conn);
/* So many bytes of the client are kept until they are whole. False when it was refused, having no room for them. */
MUST_CHECK bool docker_conn_keep(struct docker_conn *conn, size_t len);
/* Calls back (by state) once the client takes bytes again. */
void docker_conn_want_write(struct docker_conn *conn);
/* The exchange is over and its last bytes are in `out`: go on with the next request, or close. */
void docker_conn_exchange_done(struct docker_conn *conn);
/* The exchange is over while the client still sends: its last bytes reach it, then the connection
 * is closed. */
void docker_conn_linger(struct docker_conn *conn, const char *reason);

/* docker_exchange.c */
void docker_exchange_start(struct docker_conn *conn);
/* The body that was waited for is there. */
void docker_exchange_collected(struct docker_conn *conn);
/* `naming` NULL: the objects could not be had. */
void docker_exchange_looked_up(struct docker_conn *conn, const struct docker_naming *naming);
/* The engine's version is known now. */
void docker_exchange_versioned(struct docker_conn *conn);
void docker_exchange_forward(struct docker_conn *conn);
/* The moment before the head is sent: whether the policy in force allows it. False when something
 * else was begun: it was refused, or asks for its object first. */
MUST_CHECK bool docker_exchange_may_send(struct docker_conn *conn);
/* The request will not be sent (again): gives back what it is made of. */
void docker_exchange_drop_request(struct docker_conn *conn);
/* An exchange begins with its number, once there is something to answer. */
void docker_exchange_number(struct docker_conn *conn);
void docker_exchange_engine_event(void *conn, enum engine_event event);
void docker_exchange_forget(struct docker_conn *conn);

/* Reads a complete JSON body and keeps what the engine is sent of it. False when it was refused. */
MUST_CHECK bool docker_json_understand(struct docker_conn *conn);

/* docker_collect.c: begins to read the body behind the head in the gate's scratch space. True when
 * there is nothing to wait for; else docker_exchange_collected() follows, or it was refused. */
MUST_CHECK bool docker_collect_begin(struct docker_conn *conn, enum docker_body kind);
/* More of a body that is waited for is in `in`. */
void docker_collect_more(struct docker_conn *conn);

/* docker_body.c: sends the head and as much of the body as there is and the engine takes. */
void docker_body_send(struct docker_conn *conn);

/* docker_refusal.c: answers with an error of ours (HTTP status, stable reason, sentence) and ends
 * the exchange. */
void docker_refusal_send(struct docker_conn *conn, unsigned status, const char *reason,
                         const char *message);
/* The same for an error whose code is an HTTP status. */
void docker_refusal_error(struct docker_conn *conn, const struct error *error);
/* The answer to what cannot be logged (docs/design.md 1.7). */
void docker_refusal_unlogged(struct docker_conn *conn);

/* docker_response.c */
void docker_response_read(struct docker_conn *conn);
void docker_response_released(struct docker_conn *conn);

/* docker_tunnel.c */
void docker_tunnel_start(struct docker_conn *conn);
void docker_tunnel_move(struct docker_conn *conn);

/* docker_lookup.c: *asks_out = the engine is asked and docker_exchange_looked_up() follows; else
 * there is nothing that it could be asked for. */
MUST_CHECK bool docker_lookup_start(struct docker_conn *conn, const struct docker_request *request,
                                    bool *asks_out, struct error *error);
void docker_lookup_free(struct docker_lookup **lookup);
/* Whether the gate, not the engine, lets it wait. */
bool docker_lookup_waits(const struct docker_lookup *lookup);

/* docker_revoke.c: whether what is under way would not be let open any more by the policy in force,
 * judged by what was known of its object when it was sent; with `cuts` it is ended. */
bool docker_revoke(struct client_conn *client, bool cuts);

/* docker_log.c: each adds one record and returns its number. */
uint64_t docker_log_open(struct docker_conn *conn);
uint64_t docker_log_request(struct docker_conn *conn);
uint64_t docker_log_close(struct docker_conn *conn, const char *reason);
/* Counts for the rule that decided. Records do it themselves; a refusal without one has to. */
void docker_log_count_rule(const struct docker_conn *conn);

#endif
