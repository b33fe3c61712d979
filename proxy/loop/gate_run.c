/* SPDX-License-Identifier: Apache-2.0
 *
 * Running and ending a gate: the loop's turns, signals, the log at the end of each turn, draining. */
#include "config.h"

#include "proxy/loop/gate_run.h"

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

static const char *client_name(const struct gate *gate, const struct share_client *share)
{
    const struct client_state *client;
    SLIST_FOREACH(client, &gate->clients, link)
    {
        if (client->share == share)
            return client->name;
    }
    return "";
}

static void log_refused(void *context, const struct share_refused *refused)
{
    struct gate *gate = context;
    struct buffer *peer = &gate->scratch->text;
    buffer_clear(peer);
    if (refused->peer != NULL)
        share_peer_write(refused->peer, peer);
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = LOG_SUPPRESSED,
        .kind = slice_from_text(share_gate_name(refused->gate)),
        .client = slice_from_text(client_name(gate, refused->client)),
        .peer = buffer_slice(peer),
        .has_decision = true,
        .reason = slice_from_text(refused->reason),
        .policy = slice_from_text(policy_hash(gate->policy)),
        .count = refused->count,
    };
    log_writer_add(gate->log, &record);
    metrics_totals(gate->metrics)->denials_suppressed += refused->count;
}

/* Requests and connections that were refused without a record of their own: one record a peer,
 * kind, reason and tick, when the log can take them. */
static void log_suppressed(struct gate *gate)
{
    enum { NAMED_MAX = 16 };
    if (log_writer_has_room(gate->log))
        share_report_refused(gate->share, NAMED_MAX, log_refused, gate);
}

static void on_log_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context; /* waking the loop is enough: the log is flushed at the end of every turn */
}

/* Says once on standard error that the log fails, and once that it works again. */
static void report_log(struct gate *gate, bool ok, const struct error *error)
{
    if (!ok && !gate->log_failing)
        fprintf(stderr, "dockreeve: the request log cannot be written: %s; requests are %s\n",
                error->text,
                gate->options->log_required ? "refused until it can"
                                            : "served all the same (--log-required=no)");
    else if (ok && gate->log_failing)
        fprintf(stderr, "dockreeve: the request log can be written again\n");
    else if (ok && error->text[0] != '\0')
        fprintf(stderr, "dockreeve: %s\n", error->text);
    gate->log_failing = !ok;
}

/* Somebody may have taken the log's file away. */
static void keep_log_in_place(struct gate *gate)
{
    struct error error;
    bool ok = log_writer_keep_place(gate->log, &error);
    if (error.text[0] == '\0')
        return;
    report_log(gate, ok, &error);
    if (ok)
        gate_log_event(gate, LOG_START, true, REASON_NOTE_LOG_REOPENED, error.text);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct gate *gate = context;
    client_conn_tick_all(gate);
    revocation_tick(gate);
    keep_log_in_place(gate);
    log_suppressed(gate);
    share_sweep(gate->share, timestamp_monotonic_us());
    rule_counter_tick(gate->counter, gate->worker);
    if (service_manager_watchdog_interval_us(gate->manager) > 0) /* WatchdogSec of two and more */
        service_manager_watchdog(gate->manager);
}

static void flush_log(struct gate *gate)
{
    struct error error = {0};
    metrics_totals(gate->metrics)->log_lost = log_writer_lost_count(gate->log);
    if (!gate->log_failing)
        log_loss_tell(&gate->log_loss, gate->log, policy_hash(gate->policy));
    if (!log_writer_pending(gate->log))
        return;
    bool ok = log_writer_flush(gate->log, &error);
    report_log(gate, ok, &error);
    metrics_totals(gate->metrics)->log_lost = log_writer_lost_count(gate->log);
    bool waiting = event_initialized(&gate->log_writable) &&
                   event_pending(&gate->log_writable, EV_WRITE, NULL);
    if (log_writer_blocked(gate->log) && !waiting) {
        event_assign(&gate->log_writable, gate->base, log_writer_fd(gate->log), EV_WRITE,
                     on_log_writable, gate);
        event_add(&gate->log_writable, NULL);
    }
}

/* Lets go what waited for the log. A callback may write further records and wait again, at the end
 * of the list. */
static void release_waiters(struct gate *gate)
{
    struct log_waiter *waiter;
    struct log_waiter *last = TAILQ_LAST(&gate->waiters, log_waiter_list);
    bool at_last = last == NULL;
    while (!at_last && (waiter = TAILQ_FIRST(&gate->waiters)) != NULL) {
        enum log_write_state state = log_writer_state(gate->log, waiter->seq);
        if (state == LOG_WRITE_PENDING && timestamp_monotonic_us() - waiter->since_us < LOG_WAIT_US)
            return;
        at_last = waiter == last;
        gate_forget_waiter(gate, waiter);
        waiter->written(waiter, gate->options->log_required ? state : LOG_WRITE_DONE);
    }
}

static void end_turn(struct gate *gate)
{
    while (share_serve_waiters(gate->share))
        continue;
    /* A second round serves what the first let go; what comes after that waits for the next turn.
     */
    for (int round = 0; round < 2; round++) {
        flush_log(gate);
        release_waiters(gate);
        if (TAILQ_EMPTY(&gate->waiters))
            break;
    }
    client_conn_free_closed(gate);
}

/* Whether records or waiters are left for which no descriptor will wake the loop. */
static bool has_work(const struct gate *gate)
{
    return !log_writer_blocked(gate->log) &&
           (log_writer_pending(gate->log) || !TAILQ_EMPTY(&gate->waiters));
}

static void on_drain_end(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct gate *gate = context;
    client_conn_close_all(gate);
    gate->stopping = true;
}

void gate_drain(struct gate *gate)
{
    if (gate->draining) { /* asked twice: no more patience */
        on_drain_end(-1, 0, gate);
        return;
    }
    gate->draining = true;
    gate->drain_began_us = timestamp_monotonic_us();
    service_manager_stopping(gate->manager);
    listener_close_all(gate);
    if (gate->reload != NULL)
        reload_end_waiting(gate->reload);
    admission_close_told(gate);
    client_conn_close_idle(gate);
    struct timeval wait = {(time_t)(gate->options->drain_timeout_ms / 1000),
                           (suseconds_t)(gate->options->drain_timeout_ms % 1000) * 1000};
    evtimer_assign(&gate->drain_timer, gate->base, on_drain_end, gate);
    evtimer_add(&gate->drain_timer, &wait);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct gate *gate = context;
    struct error error;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        gate_drain(gate);
        break;
    case SIGHUP:
        if (gate->reload != NULL)
            reload_now(gate->reload);
        break;
    case SIGUSR1:
        if (!log_writer_reopen(gate->log, &error))
            fprintf(stderr, "dockreeve: cannot reopen the log: %s; the old file stays in use\n",
                    error.text);
        break;
    default:
        break;
    }
}

static void watch_signals(struct gate *gate)
{
    for (size_t i = 0; i < ARRAY_LEN(handled_signals); i++) {
        evsignal_assign(&gate->signals[i], gate->base, handled_signals[i], on_signal, gate);
        evsignal_add(&gate->signals[i], NULL);
    }
}

bool gate_listen(struct gate *gate, const struct listener_service *services, struct error *error)
{
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    gate->services = services;
    if (!service_manager_open(&gate->manager, error) ||
        !listener_adopt(gate, gate->policy, error) ||
        !listener_prepare(gate, gate->policy, &fresh, error))
        return false;
    listener_commit(gate, gate->policy, &fresh);
    return !TAILQ_EMPTY(&gate->listeners) ||
           error_set(error, 2,
                     "there is nothing to listen on: LISTEN_FDS is meant for another process, and "
                     "neither --listen nor the policy names a listener");
}

static void log_start(struct gate *gate, const char *upstream)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_literal(&text, "dockreeve " PACKAGE_VERSION " in front of ");
    buffer_append_text(&text, upstream);
    buffer_append_literal(&text, "; listening: ");
    listener_write_all(gate, &text);
    gate_log_event(gate, LOG_START, true, NULL, buffer_text(&text));
    service_manager_ready(gate->manager, buffer_text(&text));
}

static bool is_drained(const struct gate *gate)
{
    return gate->draining && TAILQ_EMPTY(&gate->conns);
}

/* What open requests have left of the time to end, but a second at least. */
static int64_t seal_deadline(const struct gate *gate)
{
    enum { PATIENCE_US = 1000000 };
    int64_t earliest = timestamp_monotonic_us() + PATIENCE_US;
    int64_t planned = gate->drain_began_us + (int64_t)gate->options->drain_timeout_ms * 1000;
    return planned > earliest ? planned : earliest;
}

/* A reader of the log that is slow gets what is left of it, as long as open requests would have had. */
static void write_rest_of_log(struct gate *gate, int64_t deadline_us)
{
    int64_t left_us;
    end_turn(gate);
    while (log_writer_blocked(gate->log) &&
           (left_us = deadline_us - timestamp_monotonic_us()) > 0) {
        struct pollfd look = {.fd = log_writer_fd(gate->log), .events = POLLOUT};
        if (poll(&look, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
            return;
        end_turn(gate);
    }
}

int gate_run(struct gate *gate, const char *upstream)
{
    static const struct timeval tick = {TICK_S, 0};
    watch_signals(gate);
    event_assign(&gate->tick, gate->base, -1, EV_PERSIST, on_tick, gate);
    event_add(&gate->tick, &tick);
    log_start(gate, upstream);
    end_turn(gate);
    while (!gate->stopping && !is_drained(gate)) {
        event_base_loop(gate->base, EVLOOP_ONCE | (has_work(gate) ? EVLOOP_NONBLOCK : 0));
        end_turn(gate);
    }
    int64_t deadline_us = seal_deadline(gate);
    write_rest_of_log(gate, deadline_us); /* so that there is room for what comes now */
    log_suppressed(gate);
    write_rest_of_log(gate, deadline_us);
    log_loss_tell(&gate->log_loss, gate->log, policy_hash(gate->policy));
    gate_log_event(gate, LOG_STOP, true, NULL, "stopped");
    write_rest_of_log(gate, deadline_us);
    log_sealing_finish(gate->sealing, deadline_us);
    return 0;
}

static void stop_events(struct gate *gate)
{
    for (size_t i = 0; i < ARRAY_LEN(gate->signals); i++) {
        if (event_initialized(&gate->signals[i]))
            event_del(&gate->signals[i]);
    }
    if (event_initialized(&gate->tick))
        event_del(&gate->tick);
    if (event_initialized(&gate->drain_timer))
        event_del(&gate->drain_timer);
    if (event_initialized(&gate->log_writable))
        event_del(&gate->log_writable);
}

void gate_close_all(struct gate *gate)
{
    stop_events(gate);
    gate->draining = true; /* a policy that was read meanwhile is none any more */
    worker_stop(&gate->worker);
    reload_stop(&gate->reload);
    client_conn_close_all(gate);
    admission_close_told(gate);
    listener_close_all(gate);
    client_conn_free_closed(gate);
}
