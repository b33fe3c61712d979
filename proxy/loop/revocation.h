/* SPDX-License-Identifier: Apache-2.0
 *
 * What is open is held against the policy in force: after a reload, when a rule has expired, and
 * when somebody asks. A stream is a request that was sent on and is not over: events, followed
 * logs, attach and exec, uploads, answers that are awaited, of both gates; a tunnel is a CONNECT, a
 * transparent TLS connection or a WebSocket. Each is asked for once more by the decision function,
 * with what is known of it. */
#pragma once

#include "proxy/loop/loop.h"

struct revocation {
    unsigned streams, tunnels;
};

/* How many of those that are open the policy in force would not let open; with `cuts` they are ended
 * (`close` says "revoked"). Costs one decision for each that is open. */
void revocation_run(struct loop *loop, bool cuts, struct revocation *revocation_out);

/* Another policy is in force: connections of clients and addresses that it does not admit end at
 * once, whatever they are doing; with `cut_on_revoke` also the streams and tunnels that it would
 * not let open, which are counted. */
void revocation_after_reload(struct loop *loop, struct revocation *revocation_out);

/* Once a second: a rule that has expired counts as one that was taken away. */
void revocation_tick(struct loop *loop);
