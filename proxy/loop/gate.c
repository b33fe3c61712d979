/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and freeing, and what everything calls: who waits for the log, who has no room. */
#include "proxy/loop/gate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proxy/loop/gate_limits.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/io/own_host.h"
#include "proxy/loop/rule_counter.h"

enum { IDLE_PIPES = 64 };

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
        error->exit_code = 1;
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

void gate_set_policy(struct gate *gate, struct policy *policy)
{
    policy_unref(&gate->policy);
    gate->policy = policy;
    gate->policy_loaded_us = timestamp_now_us();
    gate->next_expiry_us = policy_next_expiry(policy, gate->policy_loaded_us);
    rule_counter_set_policy(gate->counter, policy);
    metrics_set_policy(gate->metrics, policy_hash(policy));
}

void gate_free(struct gate **gate)
{
    struct gate *freed = steal_pointer(gate);
    if (freed == NULL)
        return;
    own_host_close(&freed->own_host);
    rule_counter_close(&freed->counter);
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
