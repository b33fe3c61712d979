/* SPDX-License-Identifier: Apache-2.0
 *
 * Two queues under one mutex: jobs that are asked for, and those that come back. */
#include "proxy/loop/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/event_struct.h>

TAILQ_HEAD(worker_job_list, worker_job);

struct worker {
    struct event event;
    int result_fd; /* owned, eventfd: a job is back */
    int nice;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t asked, finished; /* the second by the monotonic clock */
    /* under the mutex */
    struct worker_job_list asked_for, back;
    bool stop;
};

/* Called and returns with the mutex held. */
static void do_job(struct worker *worker, struct worker_job *job)
{
    const uint64_t one = 1;
    TAILQ_REMOVE(&worker->asked_for, job, link);
    pthread_mutex_unlock(&worker->mutex);
    job->work(job);
    pthread_mutex_lock(&worker->mutex);
    job->worked = true;
    TAILQ_INSERT_TAIL(&worker->back, job, link);
    pthread_cond_signal(&worker->finished);
    (void)!write(worker->result_fd, &one, sizeof(one));
}

static void *run(void *context)
{
    struct worker *worker = context;
    /* Of a thread, where POSIX says process (Linux). */
    if (worker->nice != 0)
        (void)setpriority(PRIO_PROCESS, 0, worker->nice);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stop) {
        struct worker_job *job = TAILQ_FIRST(&worker->asked_for);
        if (job != NULL)
            do_job(worker, job);
        else
            pthread_cond_wait(&worker->asked, &worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* done() may give the job again, and others. */
static void deliver(struct worker *worker)
{
    struct worker_job *job;
    pthread_mutex_lock(&worker->mutex);
    while ((job = TAILQ_FIRST(&worker->back)) != NULL) {
        TAILQ_REMOVE(&worker->back, job, link);
        pthread_mutex_unlock(&worker->mutex);
        job->out = false;
        job->done(job);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
}

static void on_back(evutil_socket_t fd, short, void *context)
{
    uint64_t count;
    if (read((int)fd, &count, sizeof(count)) == sizeof(count))
        deliver(context);
}

static void init(struct worker *worker, int nice)
{
    pthread_condattr_t monotonic;
    worker->nice = nice;
    TAILQ_INIT(&worker->asked_for);
    TAILQ_INIT(&worker->back);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->asked, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void destroy(struct worker *worker)
{
    cleanup_close(&worker->result_fd);
    pthread_cond_destroy(&worker->asked);
    pthread_cond_destroy(&worker->finished);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

struct worker *worker_start(struct event_base *base, int nice, const char *purpose,
                            struct error *error)
{
    struct worker *worker = calloc_or_abort(1, sizeof(*worker));
    sigset_t all, before;
    init(worker, nice);
    worker->result_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int failure = worker->result_fd < 0 ? errno : 0;
    sigfillset(&all); /* signals are the loop's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure == 0)
        failure = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        error_set(error, 1, "cannot start the thread that %s: %s", purpose, strerror(failure));
        destroy(worker);
        return NULL;
    }
    event_assign(&worker->event, base, worker->result_fd, EV_READ | EV_PERSIST, on_back, worker);
    event_add(&worker->event, NULL);
    return worker;
}

void worker_give(struct worker *worker, struct worker_job *job)
{
    job->out = true;
    job->worked = false;
    pthread_mutex_lock(&worker->mutex);
    TAILQ_INSERT_TAIL(&worker->asked_for, job, link);
    pthread_cond_signal(&worker->asked);
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_wait(struct worker *worker, const struct worker_job *job, int64_t until_us)
{
    const struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000) * 1000};
    int waited = 0;
    pthread_mutex_lock(&worker->mutex);
    while (job->out && !job->worked && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&worker->finished, &worker->mutex, &until);
    pthread_mutex_unlock(&worker->mutex);
    deliver(worker);
    return !job->out;
}

void worker_stop(struct worker **worker)
{
    struct worker *stopped = steal_pointer(worker);
    if (stopped == NULL)
        return;
    pthread_mutex_lock(&stopped->mutex);
    stopped->stop = true;
    pthread_cond_signal(&stopped->asked);
    pthread_mutex_unlock(&stopped->mutex);
    pthread_join(stopped->thread, NULL);
    TAILQ_CONCAT(&stopped->back, &stopped->asked_for, link);
    deliver(stopped);
    event_del(&stopped->event);
    destroy(stopped);
}

void worker_abandon(struct worker **worker)
{
    event_del(&steal_pointer(worker)->event);
}
