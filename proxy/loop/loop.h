/* SPDX-License-Identifier: Apache-2.0
 *
 * What everything in one running `serve` shares, whatever is spoken: one event loop on one thread,
 * clock, log, policy, what there is only so much of, and the list of what is open. A turn of the
 * loop is: handle what is ready, write the log with one write(2), then let go what waited for
 * its record, then free what was closed. A test can run two gates in one process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/timestamp.h"
#include "policy/snapshot/policy.h"
#include "policy/document/policy_load.h"
#include "proxy/loop/admission.h"
#include "proxy/loop/client_conn.h"
#include "proxy/http/http_head.h"
#include "proxy/io/io_buffer.h"
#include "proxy/loop/log_loss.h"
#include "proxy/loop/log_writer.h"
#include "proxy/loop/metrics.h"
#include "proxy/loop/own_address.h"
#include "proxy/io/pipe_pool.h"
#include "proxy/loop/service_manager.h"
#include "proxy/share/share.h"

/* Limits of one gate, from serve's option table. Times in milliseconds; 0 = none unless said
 * otherwise. */
struct loop_options {
    struct policy_inputs inputs;
    struct log_writer_options log;       /* its sealer is the gate's to set */
    const char *state;                   /* state folder; NULL = none */
    uint64_t seal_interval_ms;           /* of a sealed log */
    struct http_head_limits head;        /* of requests */
    struct http_head_limits answer_head; /* of answers of the engine and of origins */
    uint64_t header_timeout_ms;
    uint64_t body_timeout_ms;   /* for the whole of a JSON or dropped body */
    uint64_t upload_timeout_ms; /* between bytes of an archive */
    uint64_t drain_timeout_ms;
    uint64_t lookup_timeout_ms; /* for the engine to say what a request names */
    uint64_t json_body_max;
    unsigned max_connections;
    unsigned denial_rate; /* denials a second and client that are logged one by one; 0 = all */
    bool log_required;    /* false: serve even what cannot be logged */
};

/* Somebody who waits until a record is in the log. The callback runs at the end of the turn in
 * which that became known, with DONE (or the log is not required), LOST, or PENDING: the log's
 * reader has stood still for too long, and the record is still on its way. */
struct log_waiter {
    uint64_t seq;            /* 0 = there is no record; it was counted */
    struct share_peer *peer; /* borrowed: whose record it is; NULL = nobody's share */
    size_t held;             /* bytes of that share */
    int64_t since_us;
    void (*written)(struct log_waiter *waiter, enum log_write_state state);
    bool waiting;
    TAILQ_ENTRY(log_waiter) link;
};

/* What belongs to a client's name and survives reloads. */
struct client_state {
    char *name;                     /* owned */
    struct metrics_client *metrics; /* borrowed from the gate's */
    struct share_client *share;     /* borrowed from the gate's */
    SLIST_ENTRY(client_state) link;
};

struct listener;
struct egress;
struct engine;
struct listener_service;
struct log_sealing;
struct own_host;
struct reload;
struct resolver;
struct rule_counter;
struct worker;

TAILQ_HEAD(log_waiter_list, log_waiter);
SLIST_HEAD(client_state_list, client_state);
TAILQ_HEAD(listener_list, listener);

/* One request at a time is read and judged; these are its work space. Nothing in here survives a
 * return to the loop. */
struct loop_scratch {
    struct http_head head;
    struct docker_request request;
    struct buffer text;
    struct buffer rule, source; /* as a record names them */
    struct buffer path;         /* canonical, as rules see it */
};

struct loop {
    const struct loop_options *options; /* borrowed: outlives the gate */
    struct event_base *base;
    struct io_pool *blocks;
    struct pipe_pool *pipes;
    struct log_writer *log;
    struct log_sealing *sealing; /* NULL = the log is not sealed */
    struct metrics *metrics;
    struct share *share;             /* who holds how much */
    struct policy *policy;           /* a reference; swapped by reload */
    struct service_manager *manager; /* NULL = started by hand */
    struct worker *worker;           /* of policies and counts; NULL in tests without one */
    struct reload *reload;           /* NULL in tests without one */
    struct own_host *own_host;       /* owned: which addresses are this machine's */
    struct rule_counter *counter;    /* NULL = no state folder */
    struct loop_scratch *scratch;
    int64_t started_us; /* Unix time */
    int64_t started_monotonic_us;
    int64_t policy_loaded_us; /* Unix time: since when `policy` is in force */
    int64_t next_expiry_us;   /* Unix time at which the next rule of it expires */

    /* Of the gates themselves, for their connections: the loop looks into none of them. */
    struct engine *engine;     /* borrowed */
    struct egress *egress;     /* borrowed */
    struct resolver *resolver; /* borrowed; NULL until somebody may ask for names */

    const struct listener_service *services; /* borrowed; by enum policy_role */
    struct own_place own_places[OWN_PLACES_MAX];
    unsigned own_place_count;
    struct listener_list listeners;
    struct client_state_list clients;
    struct client_conn_list conns;  /* all that are open */
    struct client_conn_list closed; /* to be freed at the end of the turn */
    struct admission_told_list told;
    struct log_waiter_list waiters;

    uint32_t id_prefix; /* random: request ids of two runs differ */
    uint64_t next_id;
    int spare_fd; /* owned: see loop_refuse_with_spare() */
    bool draining;
    int64_t drain_began_us; /* monotonic */
    bool stopping;
    struct log_loss log_loss;
    bool log_failing; /* said so on standard error; says so again when it works */
    struct event tick, drain_timer, log_writable;
    struct event signals[4];
};

/* Opens what is there without any listener: loop, pools, log. The policy's reference becomes the
 * gate's. NULL with `error` (code = exit code) when something could not be had. */
struct loop *loop_new(const struct loop_options *options, const struct share_limits *limits,
                      struct policy *policy, struct error *error);

/* loop_close_all() was called. */
void loop_free(struct loop **loop);

/* Room is needed for the gate's own sake: closes a client connection that has not sent a whole
 * request, of the peer that has the most. False when there is none. */
bool loop_make_room(struct loop *loop);

/* Descriptors have run out: gives up the spare one for a moment to accept a connection, send it
 * `answer`, which may be empty, and close it. Otherwise it would wake its listener for ever. */
void loop_refuse_with_spare(struct loop *loop, int listen_fd, struct slice answer);

/* Whether the log has room for something new of that peer. While its reader stands still, each peer
 * has a share of the room. */
bool loop_log_has_room(const struct loop *loop, const struct share_peer *peer);

/* Calls waiter->written once record `seq`, the last that was added, is in the log, or lost. */
void loop_wait_for_log(struct loop *loop, struct log_waiter *waiter, uint64_t seq);
void loop_forget_waiter(struct loop *loop, struct log_waiter *waiter);

/* Writes an event of the gate itself (start, stop, policy) to the log. */
void loop_log_event(struct loop *loop, enum log_event event, bool ok, const char *reason,
                    const char *text);

/* The state that belongs to that client's name; made on first use. Aborts when memory is out
 * (start-up and reload only). */
struct client_state *loop_client_state(struct loop *loop, const char *name);

/* Puts a new policy in place between two turns; listeners were opened by listener_prepare(). Takes
 * over the reference. */
void loop_set_policy(struct loop *loop, struct policy *policy);
