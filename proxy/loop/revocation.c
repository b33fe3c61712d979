/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place from which everything that is open is held against the policy in force. */
#include "proxy/loop/revocation.h"

void revocation_run(struct gate *gate, bool cuts, struct revocation *revocation_out)
{
    struct client_conn *conn, *next;
    *revocation_out = (struct revocation){0};
    for (conn = TAILQ_FIRST(&gate->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        bool is_tunnel = conn->kind->is_tunnel;
        if (conn->kind->is_revoked != NULL && conn->kind->is_revoked(conn, cuts))
            ++*(is_tunnel ? &revocation_out->tunnels : &revocation_out->streams);
    }
}

static void end_unadmitted(struct gate *gate)
{
    struct client_conn *conn, *next;
    for (conn = TAILQ_FIRST(&gate->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->kind->end_unadmitted != NULL)
            conn->kind->end_unadmitted(conn);
    }
}

void revocation_after_reload(struct gate *gate, struct revocation *revocation_out)
{
    *revocation_out = (struct revocation){0};
    end_unadmitted(gate);
    if (policy_cuts_on_revoke(gate->policy))
        revocation_run(gate, true, revocation_out);
}

void revocation_tick(struct gate *gate)
{
    struct revocation ignored;
    int64_t now_us = timestamp_now_us();
    if (now_us < gate->next_expiry_us)
        return;
    gate->next_expiry_us = policy_next_expiry(gate->policy, now_us);
    if (policy_cuts_on_revoke(gate->policy))
        revocation_run(gate, true, &ignored);
}
