/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop knows of whatever a client holds open, a connection, a tunnel or a question, of any
 * protocol: how it is looked after, held against another policy, and ended. All stand in one list of the gate, in
 * the order in which they were opened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct client_conn;
struct loop;

/* Functions may be NULL but for close and free. */
struct client_conn_kind {
    bool is_tunnel;
    /* Whether it is between requests: a gate that ends closes it at once. */
    bool (*is_idle)(const struct client_conn *conn);
    /* Whether what is under way has no end of its own, like the engine's events: a gate that ends
     * does not wait for it. */
    bool (*is_endless)(const struct client_conn *conn);
    /* Once a second: limits, clients that have gone unnoticed. May close it. */
    void (*tick)(struct client_conn *conn, int64_t now_us);
    /* Ends it ("not-admitted") if the policy does not let its client connect any more. */
    void (*end_unadmitted)(struct client_conn *conn);
    /* Whether something is under way that the policy in force would not let open; with `cuts` it is
     * ended ("revoked"). */
    bool (*is_revoked)(struct client_conn *conn, bool cuts);
    /* Ends it for `reason` (static text): has to call client_conn_closed(). */
    void (*close)(struct client_conn *conn, const char *reason);
    void (*free)(struct client_conn *conn);
};

/* To be embedded. */
struct client_conn {
    const struct client_conn_kind *kind;
    TAILQ_ENTRY(client_conn) link;
};
TAILQ_HEAD(client_conn_list, client_conn);

void client_conn_opened(struct loop *loop, struct client_conn *conn,
                        const struct client_conn_kind *kind);
/* It is not open any more; kind->free follows at the end of the turn, since callbacks may still hold
 * it. */
void client_conn_closed(struct loop *loop, struct client_conn *conn);

void client_conn_tick_all(struct loop *loop);
void client_conn_close_idle(struct loop *loop);
/* Whether nothing is open, or nothing that has an end of its own. */
bool client_conn_all_endless(const struct loop *loop);
void client_conn_close_all(struct loop *loop);
void client_conn_free_closed(struct loop *loop);
