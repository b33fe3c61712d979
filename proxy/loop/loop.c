/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and freeing, and what everything calls: who waits for the log, who has no room. */
#include "proxy/loop/loop.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proxy/loop/loop_limits.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/io/own_host.h"
#include "proxy/io/stream.h"
#include "proxy/loop/rule_counter.h"

enum { IDLE_PIPES = 64 };

struct client_state *loop_client_state(struct loop *loop, const char *name)
{
    struct client_state *state;
    SLIST_FOREACH(state, &loop->clients, link)
    {
        if (strcmp(state->name, name) == 0)
            return state;
    }
    state = calloc_or_abort(1, sizeof(*state));
    state->name = slice_to_text(slice_from_text(name));
    state->metrics = metrics_client(loop->metrics, name);
    state->share = share_client_new(loop->share);
    SLIST_INSERT_HEAD(&loop->clients, state, link);
    return state;
}

bool loop_log_has_room(const struct loop *loop, const struct share_peer *peer)
{
    enum { USUAL_LEN = 512 };
    return log_writer_has_room(loop->log) &&
           (!log_writer_blocked(loop->log) ||
            share_check(peer, SHARE_LOG, USUAL_LEN) == SHARE_GRANTED);
}

void loop_wait_for_log(struct loop *loop, struct log_waiter *waiter, uint64_t seq)
{
    loop_forget_waiter(loop, waiter);
    waiter->seq = seq;
    bool slow = seq != 0 && waiter->peer != NULL && log_writer_blocked(loop->log);
    waiter->held = slow ? log_writer_last_len(loop->log) : 0; /* else it is gone with this turn */
    if (waiter->held > 0)
        share_overdraw(waiter->peer, SHARE_LOG, waiter->held);
    waiter->since_us = timestamp_monotonic_us();
    waiter->waiting = true;
    TAILQ_INSERT_TAIL(&loop->waiters, waiter, link);
}

void loop_forget_waiter(struct loop *loop, struct log_waiter *waiter)
{
    if (!waiter->waiting)
        return;
    waiter->waiting = false;
    if (waiter->held > 0)
        share_give_back(waiter->peer, SHARE_LOG, waiter->held);
    TAILQ_REMOVE(&loop->waiters, waiter, link);
}

void loop_log_event(struct loop *loop, enum log_event event, bool ok, const char *reason,
                    const char *text)
{
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = event,
        .has_decision = event == LOG_POLICY,
        .allowed = ok,
        .reason = slice_from_text(reason),
        .policy = slice_from_text(policy_hash(loop->policy)),
        .text = slice_from_text(text),
    };
    log_writer_add(loop->log, &record);
}

bool loop_make_room(struct loop *loop)
{
    return share_make_room(loop->share, NULL, SHARE_GATE_FULL);
}

void loop_refuse_with_spare(struct loop *loop, int listen_fd, struct slice answer)
{
    if (loop->spare_fd < 0)
        return;
    close(steal_fd(&loop->spare_fd));
    struct stream stream =
        stream_of_socket(accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (stream_is_open(&stream))
        (void)!stream_write(&stream, answer.ptr, answer.len);
    stream_close(&stream);
    loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
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

static void init_lists(struct loop *loop)
{
    TAILQ_INIT(&loop->listeners);
    SLIST_INIT(&loop->clients);
    TAILQ_INIT(&loop->conns);
    TAILQ_INIT(&loop->closed);
    TAILQ_INIT(&loop->told);
    TAILQ_INIT(&loop->waiters);
}

static bool open_parts(struct loop *loop, const struct share_limits *limits, struct error *error)
{
    const struct loop_options *options = loop->options;
    loop->base = make_base();
    loop->blocks = io_pool_new();
    loop->pipes = pipe_pool_new(IDLE_PIPES, loop_limits_descriptors());
    loop->metrics = metrics_new();
    loop->share = share_new(limits);
    loop->scratch = calloc(1, sizeof(*loop->scratch));
    if (loop->base == NULL || loop->blocks == NULL || loop->pipes == NULL ||
        loop->metrics == NULL || loop->scratch == NULL)
        return error_set(error, 1, "out of memory");
    struct log_writer_options log = options->log;
    if (!log_sealing_open(loop, &loop->sealing, error))
        return false;
    log.sealer = log_sealing_sealer(loop->sealing);
    log.owed_max = options->log_required ? options->max_connections : 0;
    loop->log = log_writer_open(&log, error);
    if (loop->log == NULL) {
        error->exit_code = 1;
        return false;
    }
    metrics_set_policy(loop->metrics, policy_hash(loop->policy));
    loop->own_host = own_host_open();
    return true;
}

struct loop *loop_new(const struct loop_options *options, const struct share_limits *limits,
                      struct policy *policy, struct error *error)
{
    struct loop *loop = calloc_or_abort(1, sizeof(*loop));
    loop->options = options;
    loop->policy = policy;
    loop->started_us = loop->policy_loaded_us = timestamp_now_us();
    loop->next_expiry_us = policy_next_expiry(policy, loop->started_us);
    loop->started_monotonic_us = timestamp_monotonic_us();
    loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    init_lists(loop);
    if (getrandom(&loop->id_prefix, sizeof(loop->id_prefix), 0) < 0)
        loop->id_prefix = (uint32_t)timestamp_monotonic_us();
    if (!open_parts(loop, limits, error))
        loop_free(&loop);
    return loop;
}

void loop_set_policy(struct loop *loop, struct policy *policy)
{
    policy_unref(&loop->policy);
    loop->policy = policy;
    loop->policy_loaded_us = timestamp_now_us();
    loop->next_expiry_us = policy_next_expiry(policy, loop->policy_loaded_us);
    rule_counter_set_policy(loop->counter, policy);
    metrics_set_policy(loop->metrics, policy_hash(policy));
}

void loop_free(struct loop **loop)
{
    struct loop *freed = steal_pointer(loop);
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
