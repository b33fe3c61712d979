/* SPDX-License-Identifier: Apache-2.0
 *
 * One client connection on a Docker listener and the one exchange (request and answer) that is
 * under way on it: what the Docker gate adds to proxy/exchange. The parts that work on it:
 * docker_conn.c (the table of its functions), docker_exchange.c (judging), docker_collect.c (bodies
 * that are read first), docker_answer.c (answers, the engine's and our own), docker_tunnel.c
 * (hijacked streams), docker_lookup.c (asking what an object is), docker_log.c (its records). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/snapshot/policy.h"
#include "proxy/docker/engine.h"
#include "proxy/exchange/http_conn.h"
#include "rules/docker/docker_object.h"
#include "rules/docker/docker_operation.h"

/* What the records of an exchange say; the texts are kept in `facts`, since the head's bytes are
 * gone by then. */
struct docker_exchange {
    struct exchange common;
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
    bool asked;           /* the engine was asked for the objects */
    bool endless;         /* the answer has no end of its own */
    unsigned own_version; /* minor version that was written for a client that named none */
    uint64_t tunnel_in, tunnel_out;
};

/* The target as the client wrote it; empty when memory was out. */
static inline struct slice docker_exchange_target(const struct docker_exchange *exchange)
{
    size_t behind = exchange->fields_len + exchange->target_len;
    return slice_of(exchange->facts.data + exchange->facts.len - behind, exchange->target_len);
}

/* What the guards say of a body. */
struct docker_finding {
    struct guard_finding finding;
    struct verdict verdict;
};

struct docker_conn {
    struct http_conn client;
    struct docker_exchange exchange;
    struct engine_conn *engine;              /* owned while an exchange needs it */
    struct docker_lookup *lookup;            /* owned: under way; NULL = none */
    struct engine_request *version_question; /* owned: under way; NULL = none */
    struct docker_naming *judged;            /* owned: the objects that were judged; NULL = none */
    const struct policy *guarded_by; /* whose guards were asked about the body; compared only */
    struct docker_finding *finding;  /* owned: what they refuse of it; NULL = nothing */
    struct io_buffer head; /* the client's, to be judged again, until `forward` has gone */
};

static inline struct docker_conn *docker_conn_of(const struct http_conn *client)
{
    return container_of(client, struct docker_conn, client);
}

/* docker_conn.c: takes over a socket that was let in. */
void docker_conn_accept(struct listener *listener, struct arrival *arrival);
/* The engine's connection is needed no more: kept for others, or closed. */
void docker_conn_give_engine(struct docker_conn *conn);
void docker_conn_drop_engine(struct docker_conn *conn);

/* docker_exchange.c */
void docker_exchange_start(struct docker_conn *conn);
/* The body that was waited for is there. */
void docker_exchange_collected(struct docker_conn *conn);
/* `naming` NULL: the objects could not be had. */
void docker_exchange_looked_up(struct docker_conn *conn, const struct docker_naming *naming);
/* The engine's version is known now. */
void docker_exchange_versioned(struct docker_conn *conn);
void docker_exchange_forward(struct docker_conn *conn);
/* The verdict is not of the policy in force: asks once more, right before the head is sent. False
 * when something else was begun: it was refused, or asks for its object first. */
MUST_CHECK bool docker_exchange_judge_again(struct docker_conn *conn);

/* Reads a complete JSON body and keeps what the engine is sent of it. False when it was refused. */
MUST_CHECK bool docker_json_understand(struct docker_conn *conn);

/* docker_guard.c: asks the guards about a body that was just read. */
void docker_guard_judge(struct docker_conn *conn, const struct body *body);
void docker_guard_forget(struct docker_conn *conn);
/* Lets what they say decide, where rules permit the request; asks again when the policy is another
 * one. */
void docker_guard_apply(struct docker_conn *conn);
/* Appends the sentence for a client, when a guard decided. */
bool docker_guard_write_denial(const struct docker_conn *conn, struct buffer *out);

/* docker_collect.c: begins to read the body behind the head in the gate's scratch space. True when
 * there is nothing to wait for; else docker_exchange_collected() follows, or it was refused. */
MUST_CHECK bool docker_collect_begin(struct docker_conn *conn, enum docker_body kind);
/* More of a body that is waited for is in `in`. */
void docker_collect_more(struct docker_conn *conn);

/* docker_answer.c: an http_conn_ops.answer, may_switch and write_refusal. */
enum http_answer docker_answer_begin(struct http_conn *client, const struct http_head *head,
                                     struct slice behind, size_t *taken_out);
bool docker_answer_may_switch(const struct http_conn *client, const struct http_head *head);
void docker_answer_write_refusal(struct http_conn *client, unsigned status, const char *message,
                                 const char *fix, struct buffer *text);

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

/* docker_revoke.c: whether the policy in force would let it open, judged by what was known of its
 * object when it was sent; with `note` a denial is taken over. */
bool docker_revoke_is_allowed(struct docker_conn *conn, bool note);

/* docker_log.c: each adds one record and returns its number; see http_conn_ops. */
uint64_t docker_log_open(struct docker_conn *conn);
uint64_t docker_log_last(struct docker_conn *conn, const char *reason);
/* Counts for the rule that decided. Records do it themselves; a refusal without one has to. */
void docker_log_count_rule(const struct docker_conn *conn);

