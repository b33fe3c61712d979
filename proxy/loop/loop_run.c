/* SPDX-License-Identifier: Apache-2.0
 *
 * Running and ending a gate: the loop's turns, signals, the log at the end of each turn, draining. */
#include "config.h"

#include "base/timestamp.h"
#include "proxy/loop/loop_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "proxy/loop/listener.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/loop/reload.h"
#include "proxy/loop/revocation.h"
#include "proxy/loop/rule_counter.h"
#include "proxy/loop/worker.h"
#include "rules/reason.h"

enum { TICK_S = 1 };

/* How long an answer waits for a log whose reader has stopped reading, before it is refused
 * instead. */
enum { LOG_WAIT_US = 2000000 };

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

static const char *client_name(const struct loop *loop, const struct share_client *share)
{
    const struct client_state *client;
    SLIST_FOREACH(client, &loop->clients, link)
    {
        if (client->share == share)
            return client->name;
    }
    return "";
}

static void log_refused(void *context, const struct share_refused *refused)
{
    struct loop *loop = context;
    struct buffer *peer = &loop->scratch->text;
    buffer_clear(peer);
    if (refused->peer != NULL)
        share_peer_write(refused->peer, peer);
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = LOG_SUPPRESSED,
        .kind = slice_from_text(share_gate_name(refused->loop)),
        .client = slice_from_text(client_name(loop, refused->client)),
        .peer = buffer_slice(peer),
        .has_decision = true,
        .reason = slice_from_text(refused->reason),
        .policy = slice_from_text(policy_hash(loop->policy)),
        .count = refused->count,
    };
    log_writer_add(loop->log, &record);
    metrics_totals(loop->metrics)->denials_suppressed += refused->count;
}

/* Requests and connections that were refused without a record of their own: one record a peer,
 * kind, reason and tick, when the log can take them. */
static void log_suppressed(struct loop *loop)
{
    enum { NAMED_MAX = 16 };
    if (log_writer_has_room(loop->log))
        share_report_refused(loop->share, NAMED_MAX, log_refused, loop);
}

static void on_log_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context; /* waking the loop is enough: the log is flushed at the end of every turn */
}

/* Says once on standard error that the log fails, and once that it works again. */
static void report_log(struct loop *loop, bool ok, const struct error *error)
{
    if (!ok && !loop->log_failing)
        fprintf(stderr, "dockreeve: the request log cannot be written: %s; requests are %s\n",
                error->text,
                loop->options->log_required ? "refused until it can"
                                            : "served all the same (--log-required=no)");
    else if (ok && loop->log_failing)
        fprintf(stderr, "dockreeve: the request log can be written again\n");
    else if (ok && error->text[0] != '\0')
        fprintf(stderr, "dockreeve: %s\n", error->text);
    loop->log_failing = !ok;
}

/* Somebody may have taken the log's file away. */
static void keep_log_in_place(struct loop *loop)
{
    struct error error;
    bool ok = log_writer_keep_place(loop->log, &error);
    if (error.text[0] == '\0')
        return;
    report_log(loop, ok, &error);
    if (ok)
        loop_log_event(loop, LOG_START, true, REASON_NOTE_LOG_REOPENED, error.text);
}

static void on_tick(evutil_socket_t, short, void *context)
{
    struct loop *loop = context;
    client_conn_tick_all(loop);
    revocation_tick(loop);
    keep_log_in_place(loop);
    log_suppressed(loop);
    share_sweep(loop->share, timestamp_monotonic_us());
    rule_counter_tick(loop->counter, loop->worker);
    if (service_manager_watchdog_interval_us(loop->manager) > 0) /* WatchdogSec of two and more */
        service_manager_watchdog(loop->manager);
}

static void flush_log(struct loop *loop)
{
    struct error error = {0};
    metrics_totals(loop->metrics)->log_lost = log_writer_lost_count(loop->log);
    if (!loop->log_failing)
        log_loss_tell(&loop->log_loss, loop->log, policy_hash(loop->policy));
    if (!log_writer_pending(loop->log))
        return;
    bool ok = log_writer_flush(loop->log, &error);
    report_log(loop, ok, &error);
    metrics_totals(loop->metrics)->log_lost = log_writer_lost_count(loop->log);
    bool waiting = event_initialized(&loop->log_writable) &&
                   event_pending(&loop->log_writable, EV_WRITE, NULL);
    if (log_writer_blocked(loop->log) && !waiting) {
        event_assign(&loop->log_writable, loop->base, log_writer_fd(loop->log), EV_WRITE,
                     on_log_writable, loop);
        event_add(&loop->log_writable, NULL);
    }
}

/* Lets go what waited for the log. A callback may write further records and wait again, at the end
 * of the list. */
static void release_waiters(struct loop *loop)
{
    struct log_waiter *waiter;
    struct log_waiter *last = TAILQ_LAST(&loop->waiters, log_waiter_list);
    bool at_last = last == NULL;
    while (!at_last && (waiter = TAILQ_FIRST(&loop->waiters)) != NULL) {
        enum log_write_state state = log_writer_state(loop->log, waiter->seq);
        if (state == LOG_WRITE_PENDING && timestamp_monotonic_us() - waiter->since_us < LOG_WAIT_US)
            return;
        at_last = waiter == last;
        loop_forget_waiter(loop, waiter);
        waiter->written(waiter, loop->options->log_required ? state : LOG_WRITE_DONE);
    }
}

static void end_turn(struct loop *loop)
{
    while (share_serve_waiters(loop->share))
        continue;
    /* A second round serves what the first let go; what comes after that waits for the next turn. */
    for (int round = 0; round < 2; round++) {
        flush_log(loop);
        release_waiters(loop);
        if (TAILQ_EMPTY(&loop->waiters))
            break;
    }
    client_conn_free_closed(loop);
}

/* Whether records or waiters are left for which no descriptor will wake the loop. */
static bool has_work(const struct loop *loop)
{
    return !log_writer_blocked(loop->log) &&
           (log_writer_pending(loop->log) || !TAILQ_EMPTY(&loop->waiters));
}

static void on_drain_end(evutil_socket_t, short, void *context)
{
    struct loop *loop = context;
    client_conn_close_all(loop);
    loop->stopping = true;
}

void loop_drain(struct loop *loop)
{
    if (loop->draining) { /* asked twice: no more patience */
        on_drain_end(-1, 0, loop);
        return;
    }
    loop->draining = true;
    loop->drain_began_us = timestamp_monotonic_us();
    service_manager_stopping(loop->manager);
    listener_close_all(loop);
    if (loop->reload != NULL)
        reload_end_waiting(loop->reload);
    admission_close_told(loop);
    client_conn_close_idle(loop);
    struct timeval wait = duration_timeval_ms(loop->options->drain_timeout_ms);
    evtimer_assign(&loop->drain_timer, loop->base, on_drain_end, loop);
    evtimer_add(&loop->drain_timer, &wait);
}

static void on_signal(evutil_socket_t number, short, void *context)
{
    struct loop *loop = context;
    struct error error;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        loop_drain(loop);
        break;
    case SIGHUP:
        if (loop->reload != NULL)
            reload_now(loop->reload);
        break;
    case SIGUSR1:
        if (!log_writer_reopen(loop->log, &error))
            fprintf(stderr, "dockreeve: cannot reopen the log: %s; the old file stays in use\n",
                    error.text);
        break;
    default:
        break;
    }
}

static void watch_signals(struct loop *loop)
{
    for (size_t i = 0; i < ARRAY_LEN(handled_signals); i++) {
        evsignal_assign(&loop->signals[i], loop->base, handled_signals[i], on_signal, loop);
        evsignal_add(&loop->signals[i], NULL);
    }
}

bool loop_listen(struct loop *loop, const struct listener_service *services, struct error *error)
{
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    loop->services = services;
    if (!service_manager_open(&loop->manager, error) ||
        !listener_adopt(loop, loop->policy, error) ||
        !listener_prepare(loop, loop->policy, &fresh, error))
        return false;
    listener_commit(loop, loop->policy, &fresh);
    return !TAILQ_EMPTY(&loop->listeners) ||
           error_set(error, 2,
                     "there is nothing to listen on: LISTEN_FDS is meant for another process, and "
                     "neither --listen nor the policy names a listener");
}

static void log_start(struct loop *loop, const char *upstream)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_literal(&text, "dockreeve " PACKAGE_VERSION " in front of ");
    buffer_append_text(&text, upstream);
    buffer_append_literal(&text, "; listening: ");
    listener_write_all(loop, &text);
    loop_log_event(loop, LOG_START, true, NULL, buffer_text(&text));
    service_manager_ready(loop->manager, buffer_text(&text));
}

static bool is_drained(const struct loop *loop)
{
    return loop->draining && client_conn_all_endless(loop);
}

/* What open requests have left of the time to end, but a second at least. */
static int64_t seal_deadline(const struct loop *loop)
{
    enum { PATIENCE_US = 1000000 };
    int64_t earliest = timestamp_monotonic_us() + PATIENCE_US;
    int64_t planned = loop->drain_began_us + (int64_t)loop->options->drain_timeout_ms * 1000;
    return planned > earliest ? planned : earliest;
}

/* A reader of the log that is slow gets what is left of it, as long as open requests would have had. */
static void write_rest_of_log(struct loop *loop, int64_t deadline_us)
{
    int64_t left_us;
    end_turn(loop);
    while (log_writer_blocked(loop->log) &&
           (left_us = deadline_us - timestamp_monotonic_us()) > 0) {
        struct pollfd look = {.fd = log_writer_fd(loop->log), .events = POLLOUT};
        if (poll(&look, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
            return;
        end_turn(loop);
    }
}

int loop_run(struct loop *loop, const char *upstream)
{
    static const struct timeval tick = {TICK_S, 0};
    watch_signals(loop);
    event_assign(&loop->tick, loop->base, -1, EV_PERSIST, on_tick, loop);
    event_add(&loop->tick, &tick);
    metrics_set_process(loop->metrics, PACKAGE_VERSION, loop->started_us);
    log_start(loop, upstream);
    end_turn(loop);
    while (!loop->stopping && !is_drained(loop)) {
        event_base_loop(loop->base, EVLOOP_ONCE | (has_work(loop) ? EVLOOP_NONBLOCK : 0));
        end_turn(loop);
    }
    client_conn_close_all(loop);
    int64_t deadline_us = seal_deadline(loop);
    write_rest_of_log(loop, deadline_us); /* so that there is room for what comes now */
    log_suppressed(loop);
    write_rest_of_log(loop, deadline_us);
    log_loss_tell(&loop->log_loss, loop->log, policy_hash(loop->policy));
    loop_log_event(loop, LOG_STOP, true, NULL, "stopped");
    write_rest_of_log(loop, deadline_us);
    log_sealing_finish(loop->sealing, deadline_us);
    return 0;
}

static void stop_events(struct loop *loop)
{
    for (size_t i = 0; i < ARRAY_LEN(loop->signals); i++) {
        if (event_initialized(&loop->signals[i]))
            event_del(&loop->signals[i]);
    }
    if (event_initialized(&loop->tick))
        event_del(&loop->tick);
    if (event_initialized(&loop->drain_timer))
        event_del(&loop->drain_timer);
    if (event_initialized(&loop->log_writable))
        event_del(&loop->log_writable);
}

void loop_close_all(struct loop *loop)
{
    stop_events(loop);
    loop->draining = true; /* a policy that was read meanwhile is none any more */
    worker_stop(&loop->worker);
    reload_stop(&loop->reload);
    client_conn_close_all(loop);
    admission_close_told(loop);
    listener_close_all(loop);
    client_conn_free_closed(loop);
}
