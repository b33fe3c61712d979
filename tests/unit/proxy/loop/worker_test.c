/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/loop/worker.h"

enum { LONG_US = 60000000 };

struct note {
    struct worker_job job;
    int pipe[2]; /* the work waits for a byte where there is one */
    char name, *out;
};

static void work(struct worker_job *job)
{
    const struct note *note = container_of(job, struct note, job);
    char byte;
    if (note->pipe[0] > 0)
        cr_assert_eq(read(note->pipe[0], &byte, 1), 1);
}

static void done(struct worker_job *job)
{
    struct note *note = container_of(job, struct note, job);
    strncat(note->out, job->worked ? &note->name : "-", 1);
}

static struct worker *start(struct event_base *base)
{
    struct error error;
    struct worker *worker = worker_start(base, 0, "tries", &error);
    cr_assert_not_null(worker, "%s", error.text);
    return worker;
}

Test(worker, jobs_come_back_to_the_loop_in_order)
{
    char out[8] = "";
    struct event_base *base = event_base_new();
    struct worker *worker = start(base);
    struct note a = {{.work = work, .done = done}, {0, 0}, 'a', out}, b = a;
    b.name = 'b';
    worker_give(worker, &a.job);
    worker_give(worker, &b.job);
    cr_expect_str_eq(out, "", "not before the loop turns");
    while (b.job.out)
        cr_assert_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    cr_expect_str_eq(out, "ab");
    worker_stop(&worker);
    cr_expect_str_eq(out, "ab", "once each");
    event_base_free(base);
}

Test(worker, a_stop_gives_back_what_was_not_begun)
{
    char out[8] = "";
    struct event_base *base = event_base_new();
    struct worker *worker = start(base);
    struct note slow = {{.work = work, .done = done}, {0, 0}, 's', out}, next = slow;
    cr_assert_eq(pipe(slow.pipe), 0);
    next.name = 'n';
    worker_give(worker, &slow.job);
    cr_expect_not(worker_wait(worker, &slow.job, timestamp_monotonic_us()), "it is still at work");
    worker_give(worker, &next.job);
    cr_expect_not(worker_wait(worker, &next.job, timestamp_monotonic_us()), "nobody has begun it");
    cr_assert_eq(write(slow.pipe[1], "x", 1), 1);
    cr_expect(worker_wait(worker, &slow.job, timestamp_monotonic_us() + LONG_US));
    worker_stop(&worker);
    cr_expect(strcmp(out, "sn") == 0 || strcmp(out, "s-") == 0, "%s", out);
    close(slow.pipe[0]);
    close(slow.pipe[1]);
    event_base_free(base);
}
