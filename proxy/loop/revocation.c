/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place from which everything that is open is held against the policy in force. */
#include "proxy/loop/revocation.h"

void revocation_run(struct loop *loop, bool cuts, struct revocation *revocation_out)
{
    struct client_conn *conn, *next;
    *revocation_out = (struct revocation){0};
    for (conn = TAILQ_FIRST(&loop->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        bool is_tunnel = conn->kind->is_tunnel;
        if (conn->kind->is_revoked != NULL && conn->kind->is_revoked(conn, cuts))
            ++*(is_tunnel ? &revocation_out->tunnels : &revocation_out->streams);
    }
}

static void end_unadmitted(struct loop *loop)
{
    struct client_conn *conn, *next;
    for (conn = TAILQ_FIRST(&loop->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->kind->end_unadmitted != NULL)
            conn->kind->end_unadmitted(conn);
    }
}

void revocation_after_reload(struct loop *loop, struct revocation *revocation_out)
{
    *revocation_out = (struct revocation){0};
    end_unadmitted(loop);
    if (policy_cuts_on_revoke(loop->policy))
        revocation_run(loop, true, revocation_out);
}

void revocation_tick(struct loop *loop)
{
    struct revocation ignored;
    int64_t now_us = timestamp_now_us();
    if (now_us < loop->next_expiry_us)
        return;
    loop->next_expiry_us = policy_next_expiry(loop->policy, now_us);
    if (policy_cuts_on_revoke(loop->policy))
        revocation_run(loop, true, &ignored);
}
