/* SPDX-License-Identifier: Apache-2.0
 *
 * One direction of payload that nobody looks into (tunnels, hijacked streams, long bodies of known
 * length), moved from one stream to another through a kernel pipe with splice(2) where both can. The pipe is borrowed
 * from the pool only while bytes are in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/io/pipe_pool.h"
#include "proxy/io/stream.h"

struct splice_flow {
    struct pipe_pair pipe;
    uint32_t in_pipe; /* bytes read from the source and not yet written */
    bool has_pipe;
    bool copies_short; /* set by the owner: messages are likely to be short, and those are cheaper
                          copied than spliced */
    bool bulk;         /* the last turn moved so much that it is not */
};

enum splice_result {
    SPLICE_WANT_READ,  /* the source has nothing more now; the pipe is empty and given back */
    SPLICE_WANT_WRITE, /* the target takes no more now */
    SPLICE_TURN,  /* enough for one turn of the loop; there may be more (the pipe is kept for it) */
    SPLICE_LIMIT, /* `limit` bytes were moved (the pipe is kept: splice_flow_close() when nothing
                     follows) */
    SPLICE_EOF,   /* the source ended and all it sent was written */
    SPLICE_FAILED, /* errno says why: a socket broke (without a pipe the bytes are copied) */
};

/* Moves up to `limit` bytes from one stream to the other; *moved_out is how many reached the
 * target. */
enum splice_result splice_flow_run(struct splice_flow *flow, struct pipe_pool *pool,
                                   struct stream *from, struct stream *to, uint64_t limit,
                                   uint64_t *moved_out);

/* Gives the pipe back, whatever is in it. */
void splice_flow_close(struct splice_flow *flow, struct pipe_pool *pool);
