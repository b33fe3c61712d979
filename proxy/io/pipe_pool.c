/* SPDX-License-Identifier: Apache-2.0
 *
 * The stock is a stack: the pipe used last is the one whose pages are still warm. */
#include "proxy/io/pipe_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pipe_pool {
    unsigned max_idle;
    int descriptor_limit;
    unsigned idle_count;
    struct pipe_pair idle[]; /* owned */
};

struct pipe_pool *pipe_pool_new(unsigned max_idle, int descriptor_limit)
{
    struct pipe_pool *pool = calloc(1, sizeof(*pool) + max_idle * sizeof(struct pipe_pair));
    if (pool == NULL)
        return NULL;
    pool->max_idle = max_idle;
    pool->descriptor_limit = descriptor_limit;
    return pool;
}

static void close_pair(struct pipe_pair *pair)
{
    close(pair->read_fd);
    close(pair->write_fd);
    *pair = PIPE_PAIR_NONE;
}

void pipe_pool_free(struct pipe_pool **pool)
{
    struct pipe_pool *freeing = steal_pointer(pool);
    if (freeing == NULL)
        return;
    while (freeing->idle_count > 0)
        close_pair(&freeing->idle[--freeing->idle_count]);
    free(freeing);
}

bool pipe_pool_take(struct pipe_pool *pool, struct pipe_pair *out)
{
    int ends[2];
    if (pool->idle_count > 0) {
        *out = pool->idle[--pool->idle_count];
        return true;
    }
    *out = PIPE_PAIR_NONE;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return false;
    if (ends[0] >= pool->descriptor_limit || ends[1] >= pool->descriptor_limit) {
        close_pair(&(struct pipe_pair){ends[0], ends[1]});
        errno = EMFILE;
        return false;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_POOL_BYTES); /* a smaller pipe does it, too */
    *out = (struct pipe_pair){ends[0], ends[1]};
    return true;
}

void pipe_pool_give(struct pipe_pool *pool, struct pipe_pair *pair)
{
    int left;
    if (pair->read_fd < 0)
        return;
    if (pool->idle_count == pool->max_idle || ioctl(pair->read_fd, FIONREAD, &left) != 0 ||
        left != 0) {
        close_pair(pair);
        return;
    }
    pool->idle[pool->idle_count++] = *pair;
    *pair = PIPE_PAIR_NONE;
}

unsigned pipe_pool_idle_count(const struct pipe_pool *pool)
{
    return pool->idle_count;
}
