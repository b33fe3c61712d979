/* SPDX-License-Identifier: Apache-2.0
 *
 * When the policy is read, and what becomes of what was read. Reading, looking at files and freeing are
 * jobs of the worker; everything else of the gate stays the loop's alone. */
#include "proxy/loop/reload.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "policy/command/command_policy.h"
#include "policy/document/policy_files.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/loop/policy_watch.h"
#include "proxy/loop/worker.h"
#include "rules/reason.h"

/* An editor writes, renames and syncs in several steps: the last of them counts. Where changes go
 * on and on, the first of them waits no longer than PATIENCE_US. */
static const struct timeval settle = {0, 100000};
enum { PATIENCE_US = 500000 };

/* How often the files are looked at where they cannot be watched. */
static const struct timeval look_interval = {3, 0};

/* One reading. */
struct load {
    struct worker_job job;
    struct policy_inputs inputs;
    struct policy_files *files;    /* borrowed: what the last reading asked for */
    uint64_t ticket;               /* up to which question this answers */
    bool is_order;                 /* somebody asked, it was not the files alone */
    struct policy *policy;         /* what was built; NULL = errors */
    struct policy_files_plan plan; /* what is to be watched for it */
    struct buffer messages;        /* errors and notices in words */
    struct reload_report report;   /* the same for programs; ok and unchanged are not known yet */
};

/* One look whether the files are still what they were. */
struct look {
    struct worker_job job;
    struct policy_files *files; /* borrowed */
    bool differs;
};

struct reload {
    struct loop *loop; /* borrowed */
    struct policy_watch *watch;
    struct event changed, settled, looking;
    bool said_blind; /* that the files cannot be watched */
    TAILQ_HEAD(, reload_waiter) waiters;
    uint64_t asked;            /* how often was asked for a policy */
    bool is_order;             /* by somebody, since the last reading began */
    struct reload_report last; /* at_us 0 = none yet */
    int64_t
        first_unserved_us; /* monotonic time of the first change since the last round; 0 = none */
    struct load load;
    struct look look;
};

static struct load *load_of_job(struct worker_job *job)
{
    return container_of(job, struct load, job);
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

static void work_load(struct worker_job *job)
{
    struct load *load = load_of_job(job);
    struct policy_messages errors = {0}, notices = {0};
    load->policy = policy_load(&load->inputs, &errors, &notices);
    policy_files_plan(load->files, &load->plan);
    buffer_clear(&load->messages);
    policy_messages_write(load->policy == NULL ? &errors : &notices, &load->messages);
    describe(&load->report, &errors, &notices);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
}

static void begin_load(struct reload *reload)
{
    struct load *load = &reload->load;
    load->inputs = reload->loop->options->inputs;
    load->inputs.config_was_read = policy_is_from_file(reload->loop->policy); /* must not vanish */
    load->ticket = reload->asked;
    load->is_order = reload->is_order;
    reload->is_order = false;
    worker_give(reload->loop->worker, &load->job);
}

static void work_look(struct worker_job *job)
{
    struct look *look = container_of(job, struct look, job);
    look->differs = policy_files_changed(look->files);
}

static void read_again(struct reload *reload)
{
    service_manager_reloading(reload->loop->manager);
    reload->asked++;
    if (!reload->load.job.out) /* else another follows it */
        begin_load(reload);
}

void reload_now(struct reload *reload)
{
    reload->is_order = true;
    read_again(reload);
}

void reload_wait(struct reload *reload, struct reload_waiter *waiter)
{
    reload_now(reload);
    waiter->ticket = reload->asked;
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

static void ask_to_look(struct reload *reload)
{
    if (!reload->look.job.out)
        worker_give(reload->loop->worker, &reload->look.job);
}

static void on_looking(evutil_socket_t, short, void *context)
{
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
                    error.text, (long)look_interval.tv_sec);
        reload->said_blind = true;
        if (!evtimer_pending(&reload->looking, NULL))
            evtimer_add(&reload->looking, &look_interval);
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

static void on_changed(evutil_socket_t, short, void *context)
{
    struct reload *reload = context;
    if (policy_watch_read(reload->watch))
        settle_soon(reload);
}

static void on_settled(evutil_socket_t, short, void *context)
{
    struct reload *reload = context;
    reload->first_unserved_us = 0;
    read_again(reload);
}

static void refused(struct loop *loop, const char *text)
{
    fprintf(stderr, "dockreeve: the changed policy is refused, the old one stays in force:\n%s",
            text);
    loop_log_event(loop, LOG_POLICY, false, REASON_RELOAD_REFUSED, text);
    metrics_totals(loop->metrics)->reloads_failed++;
}

struct retired {
    struct worker_job job;
    struct policy *policy; /* a reference */
};

static void work_retired(struct worker_job *job)
{
    policy_unref(&container_of(job, struct retired, job)->policy);
    malloc_trim(0); /* two policies were in memory for a moment: give back what one does not need */
}

static void done_retired(struct worker_job *job)
{
    struct retired *retired = container_of(job, struct retired, job);
    policy_unref(&retired->policy);
    free(retired);
}

/* Hands a reference of a policy that is no longer in force to the worker, which is the last to let go
 * as soon as no exchange holds it any more: freeing a large one takes milliseconds. */
static void retire(struct reload *reload, struct policy *policy)
{
    struct retired *retired = calloc(1, sizeof(*retired));
    if (retired == NULL) {
        policy_unref(&policy);
        return;
    }
    *retired = (struct retired){{.work = work_retired, .done = done_retired}, policy};
    worker_give(reload->loop->worker, &retired->job);
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
    refused(reload->loop, buffer_text(&text));
}

/* Files that were touched and say the same are worth a word only to who asked, or after others that
 * were refused. */
static void tell_installed(struct reload *reload, bool heals, const char *notices)
{
    bool unchanged = reload->last.unchanged;
    if (unchanged && !heals && !reload->load.is_order)
        return;
    fputs(notices, stderr);
    metrics_totals(reload->loop->metrics)->reloads_ok++;
    loop_log_event(reload->loop, LOG_POLICY, true,
                   unchanged ? REASON_RELOAD_UNCHANGED : REASON_RELOAD, notices);
}

static void install(struct reload *reload, struct policy *policy, bool heals, const char *notices)
{
    struct loop *loop = reload->loop;
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    struct error error;
    /* One that decides the same is put in place too: its rules may stand on other lines now. */
    bool unchanged = strcmp(policy_hash(policy), policy_hash(loop->policy)) == 0;
    if (!listener_prepare(loop, policy, &fresh, &error)) {
        policy_unref(&policy);
        refuse_built(reload, &error);
        return;
    }
    reload->last.ok = true;
    reload->last.unchanged = unchanged;
    listener_commit(loop, policy, &fresh);
    struct policy *replaced = policy_ref(loop->policy);
    loop_set_policy(loop, policy);
    revocation_after_reload(loop, &reload->last.revoked);
    retire(reload, replaced);
    tell_installed(reload, heals, notices);
    log_sealing_now(loop->sealing);
}

static void done_look(struct worker_job *job)
{
    struct reload *reload = container_of(job, struct reload, look.job);
    if (job->worked && reload->look.differs && !reload->loop->draining)
        settle_soon(reload);
}

static void done_load(struct worker_job *job)
{
    struct reload *reload = container_of(job, struct reload, load.job);
    struct load *load = &reload->load;
    struct policy *policy = steal_pointer(&load->policy);
    if (reload->loop->draining) { /* its listeners are closed for good, and the old policy serves
                                     what is left */
        policy_unref(&policy);
        policy_files_plan_clear(&load->plan);
        return;
    }
    struct reload_report earlier = reload->last;
    reload->last = load->report;
    load->report = earlier; /* its memory is used again */
    reload->last.at_us = timestamp_now_us();
    reload->last.ok = reload->last.unchanged = false;
    reload->last.revoked = (struct revocation){0};
    if (policy == NULL)
        refused(reload->loop, buffer_text(&load->messages));
    else
        install(reload, policy, earlier.at_us != 0 && !earlier.ok, buffer_text(&load->messages));
    service_manager_ready(reload->loop->manager, policy_hash(reload->loop->policy));
    watch(reload, &load->plan);
    answer_waiters(reload, load->ticket, &reload->last);
    if (reload->asked != load->ticket && !load->job.out)
        begin_load(reload);
}

void reload_start(struct loop *loop)
{
    struct reload *reload = loop->reload = calloc_or_abort(1, sizeof(*reload));
    reload->loop = loop;
    TAILQ_INIT(&reload->waiters);
    reload->load.files = reload->look.files = loop->options->inputs.files;
    reload->load.job = (struct worker_job){.work = work_load, .done = done_load};
    reload->look.job = (struct worker_job){.work = work_look, .done = done_look};
    reload->watch = policy_watch_new();
    if (policy_watch_fd(reload->watch) >= 0) {
        event_assign(&reload->changed, loop->base, policy_watch_fd(reload->watch),
                     EV_READ | EV_PERSIST, on_changed, reload);
        event_add(&reload->changed, NULL);
    }
    evtimer_assign(&reload->settled, loop->base, on_settled, reload);
    event_assign(&reload->looking, loop->base, -1, EV_PERSIST, on_looking, reload);
    policy_files_plan(reload->load.files, &reload->load.plan);
    watch(reload, &reload->load.plan);
}

void reload_stop(struct reload **reload)
{
    struct reload *stopped = steal_pointer(reload);
    if (stopped == NULL)
        return;
    if (event_initialized(&stopped->changed))
        event_del(&stopped->changed);
    event_del(&stopped->settled);
    event_del(&stopped->looking);
    policy_watch_free(&stopped->watch);
    policy_files_plan_clear(&stopped->load.plan);
    buffer_free(&stopped->load.messages);
    struct reload_report *reports[] = {&stopped->last, &stopped->load.report};
    for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
        buffer_free(&reports[i]->errors);
        buffer_free(&reports[i]->notices);
    }
    free(stopped);
}
