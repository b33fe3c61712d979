/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/io/pipe_pool.h"

static struct pipe_pool *new_pool(unsigned max_idle)
{
    struct pipe_pool *pool = pipe_pool_new(max_idle, INT_MAX);
    cr_assert_not_null(pool);
    return pool;
}
#define AUTO_POOL CLEANUP(pipe_pool_free)

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

Test(pipe_pool, an_empty_pipe_is_lent_again)
{
    AUTO_POOL struct pipe_pool *pool = new_pool(2);
    struct pipe_pair pair;
    char byte = 'x';
    cr_assert(pipe_pool_take(pool, &pair));
    cr_assert_eq(fcntl(pair.read_fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fcntl(pair.write_fd, F_GETFD), FD_CLOEXEC);
    cr_assert(fcntl(pair.read_fd, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(pair.write_fd, F_GETFL) & O_NONBLOCK);
    cr_assert_eq(write(pair.write_fd, &byte, 1), 1);
    cr_assert_eq(read(pair.read_fd, &byte, 1), 1);
    int read_fd = pair.read_fd;
    pipe_pool_give(pool, &pair);
    cr_assert_eq(pair.read_fd, -1);
    cr_assert_eq(pair.write_fd, -1);
    cr_assert_eq(pipe_pool_idle_count(pool), 1);
    cr_assert(pipe_pool_take(pool, &pair));
    cr_assert_eq(pair.read_fd, read_fd);
    cr_assert_eq(pipe_pool_idle_count(pool), 0);
    pipe_pool_give(pool, &pair);
    pipe_pool_free(&pool);
    cr_assert_not(is_open(read_fd));
}

Test(pipe_pool, a_pipe_that_still_holds_bytes_is_closed)
{
    AUTO_POOL struct pipe_pool *pool = new_pool(2);
    struct pipe_pair pair;
    cr_assert(pipe_pool_take(pool, &pair));
    cr_assert_eq(write(pair.write_fd, "x", 1), 1);
    int read_fd = pair.read_fd;
    int write_fd = pair.write_fd;
    pipe_pool_give(pool, &pair);
    cr_assert_eq(pipe_pool_idle_count(pool), 0);
    cr_assert_not(is_open(read_fd));
    cr_assert_not(is_open(write_fd));
}

Test(pipe_pool, no_more_than_max_idle_pipes_wait)
{
    AUTO_POOL struct pipe_pool *pool = new_pool(1);
    struct pipe_pair first;
    struct pipe_pair second;
    cr_assert(pipe_pool_take(pool, &first));
    cr_assert(pipe_pool_take(pool, &second));
    int second_fd = second.read_fd;
    pipe_pool_give(pool, &first);
    pipe_pool_give(pool, &second);
    cr_assert_eq(pipe_pool_idle_count(pool), 1);
    cr_assert_not(is_open(second_fd));
    pipe_pool_give(pool, &second);
    cr_assert_eq(pipe_pool_idle_count(pool), 1, "giving nothing back does nothing");
}

Test(pipe_pool, without_descriptors_nothing_is_lent)
{
    AUTO_POOL struct pipe_pool *pool = new_pool(1);
    struct pipe_pair pair;
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {3, limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool taken = pipe_pool_take(pool, &pair);
    int reason = errno;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_not(taken);
    cr_assert_eq(reason, EMFILE);
    cr_assert_eq(pair.read_fd, -1);
}
