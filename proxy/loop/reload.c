/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader thread and what wakes it. Loop and thread share one struct under a mutex: the loop
 * asks, the thread builds, an eventfd brings the result back. Everything else of the gate stays the
 * loop's alone. */
#include "proxy/loop/reload.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "policy/command/command_policy.h"
#include "policy/document/policy_files.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/loop/policy_watch.h"

/* An editor writes, renames and syncs in several steps: the last of them counts. Where changes go
 * on and on, the first of them waits no longer than PATIENCE_US. */
static const struct timeval settle = {0, 100000};
enum { PATIENCE_US = 500000 };

/* How often the files are looked at where they cannot be watched. */
static const struct timeval look = {3, 0};

struct reload {
    struct gate *gate; /* borrowed */
    struct policy_watch *watch;
    int result_fd; /* eventfd: the thread has finished */
    struct event changed, settled, finished, looking;
    bool said_blind; /* that the files cannot be watched */
    TAILQ_HEAD(, reload_waiter) waiters;
    uint64_t answered;         /* as `served`: what was taken from the thread */
    struct reload_report last; /* at_us 0 = none yet */
    int64_t
        first_unserved_us; /* monotonic time of the first change since the last round; 0 = none */

    pthread_t thread;
    bool has_thread;
    struct policy_files *files; /* borrowed, the thread's: what the last reading asked for */
    pthread_mutex_t mutex;
    pthread_cond_t asked_for;
    /* under the mutex */
    bool wanted, stop;
    bool look_wanted;              /* whether the files are still what they were */
    bool differs;                  /* they are not */
    struct policy_files_plan plan; /* what is to be watched for what was built */
    bool from_file;         /* the policy in force was read from a file, which must not vanish */
    struct policy *policy;  /* what was built; NULL = errors */
    struct policy *retired; /* the one it replaced: freed by the thread, since freeing a large one
                               takes milliseconds */
    struct buffer messages; /* errors and notices in words */
    struct reload_report built; /* the same for programs; ok and unchanged are not known yet */
    uint64_t asked, served; /* how often was asked for a policy, and up to which one this answers */
    void (*work)(void *context); /* NULL = none */
    void *work_context;
};

/* Called and returns with the mutex held. */
static void free_retired(struct reload *reload)
{
    struct policy *retired = steal_pointer(&reload->retired);
    pthread_mutex_unlock(&reload->mutex);
    policy_unref(&retired);
    malloc_trim(0); /* two policies were in memory for a moment: give back what one does not need */
    pthread_mutex_lock(&reload->mutex);
}

/* Called and returns with the mutex held. */
static void do_work(struct reload *reload)
{
    void (*work)(void *context) = steal_pointer(&reload->work);
    pthread_mutex_unlock(&reload->mutex);
    work(reload->work_context);
    pthread_mutex_lock(&reload->mutex);
}

static void describe(struct reload_report *report, const struct policy_messages *errors,
                     const struct policy_messages *notices)
{
    enum { SHOWN_MAX = 1000 };
    struct policy_messages shown_errors = *errors, shown_notices = *notices;
    if (shown_errors.count > SHOWN_MAX)
        shown_errors.count = SHOWN_MAX;
    if (shown_notices.count > SHOWN_MAX)
        shown_notices.count = SHOWN_MAX;
    report->error_count = errors->count;
    buffer_clear(&report->errors);
    buffer_clear(&report->notices);
    command_policy_write_json(&shown_errors, &report->errors);
    command_policy_write_json(&shown_notices, &report->notices);
}

/* Called and returns with the mutex held. */
static void load(struct reload *reload)
{
    struct policy_inputs inputs = reload->gate->options->inputs;
    uint64_t asked = reload->asked, one = 1;
    inputs.config_was_read = reload->from_file;
    reload->wanted = false;
    pthread_mutex_unlock(&reload->mutex);
    struct policy_messages errors = {0}, notices = {0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    struct policy_files_plan plan = {0};
    policy_files_plan(reload->files, &plan);
    pthread_mutex_lock(&reload->mutex);
    policy_files_plan_clear(&reload->plan);
    reload->plan = plan;
    policy_unref(&reload->policy);
    reload->policy = policy;
    reload->served = asked;
    buffer_clear(&reload->messages);
    policy_messages_write(policy == NULL ? &errors : &notices, &reload->messages);
    describe(&reload->built, &errors, &notices);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    (void)!write(reload->result_fd, &one, sizeof(one));
}

/* Called and returns with the mutex held. */
static void look_at_files(struct reload *reload)
{
    uint64_t one = 1;
    reload->look_wanted = false;
    pthread_mutex_unlock(&reload->mutex);
    bool differs = policy_files_changed(reload->files);
    pthread_mutex_lock(&reload->mutex);
    reload->differs |= differs;
    if (differs)
        (void)!write(reload->result_fd, &one, sizeof(one));
}

/* On a busy or single processor the loop goes first. Of a thread, where POSIX says process (Linux).
 */
enum { LOADER_NICE = 10 };

static void *loader(void *context)
{
    struct reload *reload = context;
    (void)setpriority(PRIO_PROCESS, 0, LOADER_NICE);
    pthread_mutex_lock(&reload->mutex);
    for (;;) {
        while (!reload->wanted && !reload->stop && reload->retired == NULL &&
               reload->work == NULL && !reload->look_wanted)
            pthread_cond_wait(&reload->asked_for, &reload->mutex);
        if (reload->stop)
            break;
        if (reload->retired != NULL)
            free_retired(reload);
        else if (reload->wanted)
            load(reload);
        else if (reload->look_wanted)
            look_at_files(reload);
        else
            do_work(reload);
    }
    pthread_mutex_unlock(&reload->mutex);
    return NULL;
}

void reload_now(struct reload *reload)
{
    service_manager_reloading(reload->gate->manager);
    pthread_mutex_lock(&reload->mutex);
    reload->wanted = true;
    reload->asked++;
    pthread_cond_signal(&reload->asked_for);
    pthread_mutex_unlock(&reload->mutex);
}

void reload_wait(struct reload *reload, struct reload_waiter *waiter)
{
    reload_now(reload);
    waiter->ticket = reload->asked; /* changed by this thread alone */
    waiter->waiting = true;
    TAILQ_INSERT_TAIL(&reload->waiters, waiter, link);
}

void reload_forget(struct reload *reload, struct reload_waiter *waiter)
{
    if (!waiter->waiting)
        return;
    waiter->waiting = false;
    TAILQ_REMOVE(&reload->waiters, waiter, link);
}

/* Those that asked before a reading began have its report. */
static void answer_waiters(struct reload *reload, uint64_t served,
                           const struct reload_report *report)
{
    struct reload_waiter *waiter, *next;
    for (waiter = TAILQ_FIRST(&reload->waiters); waiter != NULL; waiter = next) {
        next = TAILQ_NEXT(waiter, link);
        if (waiter->ticket > served)
            continue;
        reload_forget(reload, waiter);
        waiter->finished(waiter, report);
    }
}

void reload_end_waiting(struct reload *reload)
{
    answer_waiters(reload, UINT64_MAX, NULL);
}

const struct reload_report *reload_last(const struct reload *reload)
{
    return reload->last.at_us == 0 ? NULL : &reload->last;
}

void reload_work(struct reload *reload, void (*work)(void *context), void *context)
{
    pthread_mutex_lock(&reload->mutex);
    reload->work = work;
    reload->work_context = context;
    pthread_cond_signal(&reload->asked_for);
    pthread_mutex_unlock(&reload->mutex);
}

static void ask_to_look(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    reload->look_wanted = true;
    pthread_cond_signal(&reload->asked_for);
    pthread_mutex_unlock(&reload->mutex);
}

static void on_looking(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    ask_to_look(context);
}

/* Watches the folders of the plan. What changed in a folder before it was watched is found by
 * looking once; where not all can be watched the files are looked at again and again. */
static void watch(struct reload *reload, struct policy_files_plan *plan)
{
    struct error error;
    bool fresh;
    if (policy_watch_set(reload->watch, plan, &fresh, &error)) {
        evtimer_del(&reload->looking);
        reload->said_blind = false;
    } else {
        if (!reload->said_blind)
            fprintf(stderr,
                    "dockreeve: not every folder of the policy's files can be watched (%s): the "
                    "files are looked at every %ld seconds\n",
                    error.text, (long)look.tv_sec);
        reload->said_blind = true;
        if (!evtimer_pending(&reload->looking, NULL))
            evtimer_add(&reload->looking, &look);
    }
    if (fresh)
        ask_to_look(reload);
}

static void settle_soon(struct reload *reload)
{
    int64_t now_us = timestamp_monotonic_us();
    if (reload->first_unserved_us == 0)
        reload->first_unserved_us = now_us;
    /* Later than that the timer stays as it was set by an earlier change: it is about to go off. */
    if (now_us - reload->first_unserved_us < PATIENCE_US - settle.tv_usec)
        evtimer_add(&reload->settled, &settle);
}

static void on_changed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct reload *reload = context;
    if (policy_watch_read(reload->watch))
        settle_soon(reload);
}

static void on_settled(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct reload *reload = context;
    reload->first_unserved_us = 0;
    reload_now(reload);
}

static void refused(struct gate *gate, const char *text)
{
    fprintf(stderr, "dockreeve: the changed policy is refused, the old one stays in force:\n%s",
            text);
    gate_log_event(gate, LOG_POLICY, false, "reload.refused", text);
    metrics_totals(gate->metrics)->reloads_failed++;
}

/* Hands a reference of a policy that is no longer (or never was) in force to the thread, which is
 * the last to let go as soon as no exchange holds the policy any more. */
static void retire(struct reload *reload, struct policy *policy)
{
    pthread_mutex_lock(&reload->mutex);
    struct policy *earlier = reload->retired;
    reload->from_file = policy_is_from_file(reload->gate->policy);
    reload->retired = policy;
    pthread_cond_signal(&reload->asked_for);
    pthread_mutex_unlock(&reload->mutex);
    policy_unref(&earlier);
}

/* What the files say is good, but it cannot be put in place. */
static void refuse_built(struct reload *reload, const struct error *error)
{
    struct policy_messages errors = {0}, notices = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    policy_messages_add(&errors, NULL, 0, 0, "%s", error->text);
    policy_messages_write(&errors, &text);
    describe(&reload->last, &errors, &notices);
    policy_messages_free(&errors);
    refused(reload->gate, buffer_text(&text));
}

static void install(struct reload *reload, struct policy *policy, const char *notices)
{
    struct gate *gate = reload->gate;
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    struct error error;
    /* One that decides the same is put in place too: its rules may stand on other lines now. */
    bool unchanged = strcmp(policy_hash(policy), policy_hash(gate->policy)) == 0;
    if (!listener_prepare(gate, policy, &fresh, &error)) {
        policy_unref(&policy);
        refuse_built(reload, &error);
        return;
    }
    reload->last.ok = true;
    reload->last.unchanged = unchanged;
    listener_commit(gate, policy, &fresh);
    struct policy *replaced = policy_ref(gate->policy);
    gate_set_policy(gate, policy);
    revocation_after_reload(gate, &reload->last.revoked);
    retire(reload, replaced);
    if (notices[0] != '\0')
        fprintf(stderr, "%s", notices);
    metrics_totals(gate->metrics)->reloads_ok++;
    gate_log_event(gate, LOG_POLICY, true, unchanged ? "reload.unchanged" : "reload", notices);
    log_sealing_now(gate->sealing);
}

/* Takes what the thread has built since the last time; false when that was nothing: two rounds may
 * have woken the loop twice and were taken as one. */
static bool take_built(struct reload *reload, struct policy **policy_out,
                       struct policy_files_plan *plan, struct buffer *messages)
{
    pthread_mutex_lock(&reload->mutex);
    bool fresh = reload->served != reload->answered;
    *policy_out = steal_pointer(&reload->policy);
    buffer_append_slice(messages, buffer_slice(&reload->messages));
    reload->answered = reload->served;
    *plan = reload->plan;
    reload->plan = (struct policy_files_plan){0};
    if (fresh && !reload->gate->draining) {
        struct reload_report earlier = reload->last;
        reload->last = reload->built;
        reload->built = earlier; /* its memory is used again */
    }
    pthread_mutex_unlock(&reload->mutex);
    return fresh;
}

/* Whether the thread has found that files are not what they were. */
static bool take_difference(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    bool differs = reload->differs;
    reload->differs = false;
    pthread_mutex_unlock(&reload->mutex);
    return differs && !reload->gate->draining;
}

static void on_finished(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct reload *reload = context;
    uint64_t rounds;
    struct policy *policy;
    CLEANUP(policy_files_plan_clear) struct policy_files_plan plan = {0};
    AUTO_BUFFER struct buffer messages = BUFFER_EMPTY;
    if (read((int)fd, &rounds, sizeof(rounds)) != sizeof(rounds))
        return;
    if (take_difference(reload))
        settle_soon(reload);
    if (!take_built(reload, &policy, &plan, &messages))
        return;
    if (reload->gate->draining) { /* its listeners are closed for good, and the old policy serves
                                     what is left */
        policy_unref(&policy);
        return;
    }
    reload->last.at_us = timestamp_now_us();
    reload->last.ok = reload->last.unchanged = false;
    reload->last.revoked = (struct revocation){0};
    if (policy == NULL)
        refused(reload->gate, buffer_text(&messages));
    else
        install(reload, policy, buffer_text(&messages));
    service_manager_ready(reload->gate->manager, policy_hash(reload->gate->policy));
    watch(reload, &plan);
    answer_waiters(reload, reload->answered, &reload->last);
}

static bool start_thread(struct reload *reload, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&reload->thread, NULL, loader, reload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    reload->has_thread = failure == 0;
    return failure == 0 || error_set(error, 1, "cannot start the thread that loads policies: %s",
                                     strerror(failure));
}

struct reload *reload_start(struct gate *gate, struct error *error)
{
    struct reload *reload = calloc(1, sizeof(*reload));
    if (reload == NULL)
        abort();
    reload->gate = gate;
    TAILQ_INIT(&reload->waiters);
    reload->from_file = policy_is_from_file(gate->policy);
    pthread_mutex_init(&reload->mutex, NULL);
    pthread_cond_init(&reload->asked_for, NULL);
    reload->files = gate->options->inputs.files;
    reload->watch = policy_watch_new();
    reload->result_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct policy_files_plan plan = {0};
    policy_files_plan(reload->files, &plan);
    if (reload->result_fd < 0)
        error_set(error, 1, "cannot wake the loop for a new policy: %s", strerror(errno));
    if (reload->result_fd < 0 || !start_thread(reload, error)) {
        policy_files_plan_clear(&plan);
        reload_stop(&reload);
        return NULL;
    }
    if (policy_watch_fd(reload->watch) >= 0) {
        event_assign(&reload->changed, gate->base, policy_watch_fd(reload->watch),
                     EV_READ | EV_PERSIST, on_changed, reload);
        event_add(&reload->changed, NULL);
    }
    event_assign(&reload->finished, gate->base, reload->result_fd, EV_READ | EV_PERSIST,
                 on_finished, reload);
    event_add(&reload->finished, NULL);
    evtimer_assign(&reload->settled, gate->base, on_settled, reload);
    event_assign(&reload->looking, gate->base, -1, EV_PERSIST, on_looking, reload);
    watch(reload, &plan);
    return reload;
}

void reload_stop(struct reload **reload)
{
    struct reload *stopped = steal_pointer(reload);
    if (stopped == NULL)
        return;
    if (stopped->has_thread) {
        pthread_mutex_lock(&stopped->mutex);
        stopped->stop = true;
        pthread_cond_signal(&stopped->asked_for);
        pthread_mutex_unlock(&stopped->mutex);
        pthread_join(stopped->thread, NULL);
    }
    if (event_initialized(&stopped->changed))
        event_del(&stopped->changed);
    if (event_initialized(&stopped->finished)) {
        event_del(&stopped->finished);
        event_del(&stopped->settled);
        event_del(&stopped->looking);
    }
    policy_watch_free(&stopped->watch);
    policy_files_plan_clear(&stopped->plan);
    if (stopped->result_fd >= 0)
        close(stopped->result_fd);
    policy_unref(&stopped->policy);
    policy_unref(&stopped->retired);
    buffer_free(&stopped->messages);
    struct reload_report *reports[] = {&stopped->last, &stopped->built};
    for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
        buffer_free(&reports[i]->errors);
        buffer_free(&reports[i]->notices);
    }
    pthread_cond_destroy(&stopped->asked_for);
    pthread_mutex_destroy(&stopped->mutex);
    free(stopped);
}
