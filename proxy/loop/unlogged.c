/* SPDX-License-Identifier: Apache-2.0
 *
 * Floods come before the log's room: whoever floods is told so whether or not the log could follow. */
#include "proxy/loop/unlogged.h"
#include "rules/reason.h"

const struct unlogged_refusal unlogged_full = {
    503, REASON_LOG_FULL, "dockreeve: the request log cannot be written fast enough; try again"};

static const struct unlogged_refusal flood = {429, REASON_LIMIT_DENIAL_RATE,
                                              "dockreeve: too many refused requests; slow down"};

const struct unlogged_refusal *unlogged_refusal(struct loop *loop, struct share_peer *peer,
                                                enum share_gate kind, unsigned status, bool logged)
{
    if (status < 500 && !share_may_log_denial(peer, timestamp_monotonic_us())) {
        share_count_refused(peer, SHARE_REFUSED_DENIAL_RATE, kind);
        return &flood;
    }
    if (logged || !loop->options->log_required || loop_log_has_room(loop, peer))
        return NULL;
    share_count_refused(peer, SHARE_REFUSED_LOG_FULL, kind);
    return &unlogged_full;
}
