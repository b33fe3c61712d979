/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, running and ending a gate: the loop's turns, signals, the log at the end of each turn,
 * draining. */
#include "config.h"

#include "proxy/loop/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proxy/loop/gate_limits.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/io/own_host.h"
#include "proxy/loop/reload.h"
#include "proxy/loop/revocation.h"
#include "proxy/loop/rule_counter.h"

enum { TICK_S = 1, IDLE_PIPES = 64 };

/* How long an answer waits for a log whose reader has stopped reading, before it is refused
 * instead. */
enum { LOG_WAIT_US = 2000000 };

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

struct client_state *gate_client_state(struct gate *gate, const char *name)
{
    struct client_state *state;
    SLIST_FOREACH(state, &gate->clients, link)
    {
        if (strcmp(state->name, name) == 0)
            return state;
    }
    state = calloc(1, sizeof(*state));
    if (state == NULL)
        abort();
    state->name = slice_to_text(slice_from_text(name));
    state->metrics = metrics_client(gate->metrics, name);
    state->share = share_client_new(gate->share);
    SLIST_INSERT_HEAD(&gate->clients, state, link);
    return state;
}

bool gate_log_has_room(const struct gate *gate, const struct share_peer *peer)
{
    enum { USUAL_LEN = 512 };
    return log_writer_has_room(gate->log) &&
           (!log_writer_blocked(gate->log) ||
            share_check(peer, SHARE_LOG, USUAL_LEN) == SHARE_GRANTED);
}

void gate_wait_for_log(struct gate *gate, struct log_waiter *waiter, uint64_t seq)
{
    gate_forget_waiter(gate, waiter);
    waiter->seq = seq;
    bool slow = seq != 0 && waiter->peer != NULL && log_writer_blocked(gate->log);
    waiter->held = slow ? log_writer_last_len(gate->log) : 0; /* else it is gone with this turn */
    if (waiter->held > 0)
        share_overdraw(waiter->peer, SHARE_LOG, waiter->held);
    waiter->since_us = timestamp_monotonic_us();
    waiter->waiting = true;
    TAILQ_INSERT_TAIL(&gate->waiters, waiter, link);
}

void gate_forget_waiter(struct gate *gate, struct log_waiter *waiter)
{
    if (!waiter->waiting)
        return;
    waiter->waiting = false;
    if (waiter->held > 0)
        share_give_back(waiter->peer, SHARE_LOG, waiter->held);
    TAILQ_REMOVE(&gate->waiters, waiter, link);
}

void gate_log_event(struct gate *gate, enum log_event event, bool ok, const char *reason,
                    const char *text)
{
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = event,
        .has_decision = event == LOG_POLICY,
        .allowed = ok,
        .reason = slice_from_text(reason),
        .policy = slice_from_text(policy_hash(gate->policy)),
        .text = slice_from_text(text),
    };
    log_writer_add(gate->log, &record);
}

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
        gate_log_event(gate, LOG_START, true, "note.log-reopened", error.text);
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
    rule_counter_tick(gate->counter, gate->reload);
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

bool gate_make_room(struct gate *gate)
{
    return share_make_room(gate->share, NULL, SHARE_GATE_FULL);
}

void gate_refuse_with_spare(struct gate *gate, int listen_fd, struct slice answer)
{
    if (gate->spare_fd < 0)
        return;
    close(steal_fd(&gate->spare_fd));
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)!send(fd, answer.ptr, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
    gate->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
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

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void init_lists(struct gate *gate)
{
    TAILQ_INIT(&gate->listeners);
    SLIST_INIT(&gate->clients);
    TAILQ_INIT(&gate->conns);
    TAILQ_INIT(&gate->closed);
    TAILQ_INIT(&gate->told);
    TAILQ_INIT(&gate->waiters);
}

static bool open_parts(struct gate *gate, const struct share_limits *limits, struct error *error)
{
    const struct gate_options *options = gate->options;
    gate->base = make_base();
    gate->blocks = io_pool_new();
    gate->pipes = pipe_pool_new(IDLE_PIPES, gate_limits_descriptors());
    gate->metrics = metrics_new();
    gate->share = share_new(limits);
    gate->scratch = calloc(1, sizeof(*gate->scratch));
    if (gate->base == NULL || gate->blocks == NULL || gate->pipes == NULL ||
        gate->metrics == NULL || gate->scratch == NULL)
        return error_set(error, 1, "out of memory");
    struct log_writer_options log = options->log;
    if (!log_sealing_open(gate, &gate->sealing, error))
        return false;
    log.sealer = log_sealing_sealer(gate->sealing);
    log.owed_max = options->log_required ? options->max_connections : 0;
    gate->log = log_writer_open(&log, error);
    if (gate->log == NULL) {
        error->code = 1;
        return false;
    }
    metrics_set_policy(gate->metrics, policy_hash(gate->policy));
    gate->own_host = own_host_open();
    return true;
}

struct gate *gate_new(const struct gate_options *options, const struct share_limits *limits,
                      struct policy *policy, struct error *error)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL)
        abort();
    gate->options = options;
    gate->policy = policy;
    gate->started_us = gate->policy_loaded_us = timestamp_now_us();
    gate->next_expiry_us = policy_next_expiry(policy, gate->started_us);
    gate->started_monotonic_us = timestamp_monotonic_us();
    gate->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    init_lists(gate);
    if (getrandom(&gate->id_prefix, sizeof(gate->id_prefix), 0) < 0)
        gate->id_prefix = (uint32_t)timestamp_monotonic_us();
    if (!open_parts(gate, limits, error))
        gate_free(&gate);
    return gate;
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

void gate_set_policy(struct gate *gate, struct policy *policy)
{
    policy_unref(&gate->policy);
    gate->policy = policy;
    gate->policy_loaded_us = timestamp_now_us();
    gate->next_expiry_us = policy_next_expiry(policy, gate->policy_loaded_us);
    rule_counter_set_policy(gate->counter, policy);
    metrics_set_policy(gate->metrics, policy_hash(policy));
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
    log_suppressed(gate);
    write_rest_of_log(gate, deadline_us);
    log_loss_tell(&gate->log_loss, gate->log, policy_hash(gate->policy));
    gate_log_event(gate, LOG_STOP, true, NULL, "stopped");
    write_rest_of_log(gate, deadline_us);
    log_sealing_finish(gate->sealing, deadline_us);
    return 0;
}

void gate_close_all(struct gate *gate)
{
    client_conn_close_all(gate);
    admission_close_told(gate);
    listener_close_all(gate);
    client_conn_free_closed(gate);
}

void gate_free(struct gate **gate)
{
    struct gate *freed = steal_pointer(gate);
    if (freed == NULL)
        return;
    gate_close_all(freed);
    own_host_close(&freed->own_host);
    rule_counter_close(&freed->counter);
    for (size_t i = 0; i < ARRAY_LEN(handled_signals); i++) {
        if (event_initialized(&freed->signals[i]))
            event_del(&freed->signals[i]);
    }
    if (event_initialized(&freed->tick))
        event_del(&freed->tick);
    if (event_initialized(&freed->drain_timer))
        event_del(&freed->drain_timer);
    if (event_initialized(&freed->log_writable))
        event_del(&freed->log_writable);
    log_writer_close(&freed->log);
    log_sealing_close(&freed->sealing);
    service_manager_close(&freed->manager);
    struct client_state *client;
    while ((client = SLIST_FIRST(&freed->clients)) != NULL) {
        SLIST_REMOVE_HEAD(&freed->clients, link);
        free(client->name);
        free(client);
    }
    share_free(&freed->share);
    metrics_free(&freed->metrics);
    pipe_pool_free(&freed->pipes);
    io_pool_free(&freed->blocks);
    policy_unref(&freed->policy);
    if (freed->scratch != NULL) {
        docker_request_clear(&freed->scratch->request);
        buffer_free(&freed->scratch->text);
        buffer_free(&freed->scratch->rule);
        buffer_free(&freed->scratch->source);
        buffer_free(&freed->scratch->path);
        free(freed->scratch);
    }
    if (freed->spare_fd >= 0)
        close(freed->spare_fd);
    if (freed->base != NULL)
        event_base_free(freed->base);
    free(freed);
}
