/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared stock of kernel pipes for splice(2). Making a pipe costs two descriptors and several
 * system calls, so tunnels borrow one for as long as bytes are on their way through it and give it
 * back when it is empty. A pipe that still holds bytes is never lent again: they would come out in
 * somebody else's tunnel. */
#pragma once

#include <stdbool.h>

#include "base/attributes.h"

enum { PIPE_POOL_BYTES = 262144 }; /* what a pipe holds where the kernel grants it; else 64 kB */

struct pipe_pool; /* opaque; owns the idle pipes */

/* Belongs to whoever took it. PIPE_PAIR_NONE stands for no pipe. */
struct pipe_pair {
    int read_fd, write_fd; /* -1 = none */
};

#define PIPE_PAIR_NONE ((struct pipe_pair){-1, -1})

/* At most max_idle pipes wait for their next use. A pipe whose descriptors have the number
 * `descriptor_limit` or a higher one is not made: they are needed for something else. NULL when
 * memory is out. */
struct pipe_pool *pipe_pool_new(unsigned max_idle, int descriptor_limit);
/* Closes the idle pipes; lent ones stay with their borrowers, who must close them. */
void pipe_pool_free(struct pipe_pool **pool);

/* An empty pipe, both ends O_NONBLOCK and O_CLOEXEC. False (errno set, *out = PIPE_PAIR_NONE)
 * without descriptors: copy instead. */
MUST_CHECK bool pipe_pool_take(struct pipe_pool *pool, struct pipe_pair *out);

/* Takes the pipe back and sets *pair to PIPE_PAIR_NONE; on PIPE_PAIR_NONE it does nothing. */
void pipe_pool_give(struct pipe_pool *pool, struct pipe_pair *pair);

unsigned pipe_pool_idle_count(const struct pipe_pool *pool);
