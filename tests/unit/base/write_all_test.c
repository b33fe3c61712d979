/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/write_all.h"

enum { LEN = 1 << 20, PIECE = 4096 };

static void *read_slowly(void *context)
{
    int fd = *(const int *)context;
    static char piece[PIECE];
    size_t *len = calloc(1, sizeof(*len));
    for (ssize_t count; (count = read(fd, piece, sizeof(piece))) > 0;)
        *len += (size_t)count;
    return len;
}

Test(write_all, more_than_a_pipe_holds_is_written)
{
    int ends[2];
    pthread_t reader;
    size_t *len;
    char *bytes = calloc(1, LEN);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
    cr_expect(write_all(ends[1], slice_of(bytes, LEN)));
    close(ends[1]);
    cr_assert_eq(pthread_join(reader, (void **)&len), 0);
    cr_expect_eq(*len, LEN);
    free(len);
    free(bytes);
    close(ends[0]);
}

Test(write_all, nothing_is_written_without_a_call)
{
    cr_expect(write_all(-1, slice_of(NULL, 0)));
}

Test(write_all, a_failure_is_told_with_its_reason)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    errno = 0;
    cr_expect_not(write_all(fd, SLICE_LITERAL("text")));
    cr_expect_eq(errno, ENOSPC);
    close(fd);
}
