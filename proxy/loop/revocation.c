/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place from which both gates' connections are held against the policy in force. */
#include "proxy/loop/revocation.h"

#include "proxy/docker/docker_conn.h"
#include "proxy/egress/egress.h"
#include "proxy/loop/listener.h"

void revocation_run(struct gate *gate, bool cut, struct revocation *revocation_out)
{
    *revocation_out = (struct revocation){0};
    docker_revoke(gate, cut, revocation_out);
    egress_revoke(gate->egress, cut, revocation_out);
}

void revocation_after_reload(struct gate *gate, struct revocation *revocation_out)
{
    *revocation_out = (struct revocation){0};
    docker_end_unadmitted(gate);
    egress_end_unadmitted(gate->egress);
    listener_end_unadmitted(gate);
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
