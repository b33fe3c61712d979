/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of what is open, and that of what was closed in this turn. */
#include "proxy/loop/client_conn.h"

#include "base/timestamp.h"
#include "proxy/loop/loop.h"
#include "rules/reason.h"

void client_conn_opened(struct loop *loop, struct client_conn *conn,
                        const struct client_conn_kind *kind)
{
    conn->kind = kind;
    TAILQ_INSERT_TAIL(&loop->conns, conn, link);
}

void client_conn_closed(struct loop *loop, struct client_conn *conn)
{
    TAILQ_REMOVE(&loop->conns, conn, link);
    TAILQ_INSERT_TAIL(&loop->closed, conn, link);
}

void client_conn_tick_all(struct loop *loop)
{
    int64_t now_us = timestamp_monotonic_us();
    struct client_conn *conn, *next;
    for (conn = TAILQ_FIRST(&loop->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->kind->tick != NULL)
            conn->kind->tick(conn, now_us);
    }
}

void client_conn_close_idle(struct loop *loop)
{
    struct client_conn *conn, *next;
    for (conn = TAILQ_FIRST(&loop->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->kind->is_idle != NULL && conn->kind->is_idle(conn))
            conn->kind->close(conn, ENDING_SHUTDOWN);
    }
}

bool client_conn_all_endless(const struct loop *loop)
{
    const struct client_conn *conn = TAILQ_FIRST(&loop->conns);
    while (conn != NULL && conn->kind->is_endless != NULL && conn->kind->is_endless(conn))
        conn = TAILQ_NEXT(conn, link);
    return conn == NULL;
}

void client_conn_close_all(struct loop *loop)
{
    struct client_conn *conn;
    while ((conn = TAILQ_FIRST(&loop->conns)) != NULL)
        conn->kind->close(conn, ENDING_SHUTDOWN);
}

void client_conn_free_closed(struct loop *loop)
{
    struct client_conn *conn;
    while ((conn = TAILQ_FIRST(&loop->closed)) != NULL) {
        TAILQ_REMOVE(&loop->closed, conn, link);
        conn->kind->free(conn);
    }
}
