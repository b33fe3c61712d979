/* SPDX-License-Identifier: Apache-2.0
 *
 * A refusal that gets no record of its own, in either gate: its client floods, or the log has no room
 * for it. It is counted instead, and the client is told that, not what it was refused for. */
#pragma once

#include "proxy/loop/loop.h"

struct unlogged_refusal {
    unsigned status;
    const char *reason, *message;
};

/* The answer to what cannot be logged fast enough. */
extern const struct unlogged_refusal unlogged_full;

/* What is said in the place of a refusal with that status, which is counted then; NULL = it is to be
 * logged. `logged`: its record was written already. */
const struct unlogged_refusal *unlogged_refusal(struct loop *loop, struct share_peer *peer,
                                                enum share_gate kind, unsigned status, bool logged);
