/* SPDX-License-Identifier: Apache-2.0
 *
 * The composition root. Whatever is made later may use what was made before it, and is freed first. */
#include "proxy/serve/gates.h"

#include <stdlib.h>

#include "proxy/dns/dns_server.h"
#include "proxy/docker/docker_conn.h"
#include "proxy/egress/egress_conn.h"
#include "proxy/loop/loop_limits.h"
#include "proxy/loop/loop_run.h"
#include "proxy/loop/listener.h"
#include "proxy/operator/health.h"

/* A stranger to TLS has no language in which a client would read why it was turned away. */
static const struct listener_service services[] = {
    [POLICY_ROLE_DOCKER] = {.label = "",
                            .loop = SHARE_DOCKER,
                            .speaks_http = true,
                            .ready = admission_ready,
                            .accept = docker_conn_accept},
    [POLICY_ROLE_EGRESS] = {.label = "egress ",
                            .loop = SHARE_NETWORK,
                            .speaks_http = true,
                            .prepare = egress_prepare,
                            .ready = admission_ready,
                            .accept = egress_conn_accept},
    [POLICY_ROLE_TLS] = {.label = "transparent-tls ",
                         .loop = SHARE_NETWORK,
                         .prepare = egress_prepare,
                         .ready = admission_ready,
                         .accept = egress_conn_accept},
    [POLICY_ROLE_HTTP] = {.label = "transparent-http ",
                          .loop = SHARE_NETWORK,
                          .speaks_http = true,
                          .prepare = egress_prepare,
                          .ready = admission_ready,
                          .accept = egress_conn_accept},
    [POLICY_ROLE_DNS] = {.label = "dns ",
                         .loop = SHARE_NETWORK,
                         .prepare = egress_prepare,
                         .open = dns_server_open,
                         .close = dns_server_close},
};

static struct share_limits share_limits(const struct gates_options *options)
{
    enum { LOOKUPS = 64, ANSWERS = 2, QUESTIONS = 512, TOLD = 64, BYTES = 64 << 20 };
    const struct loop_options *loop = &options->loop;
    return (struct share_limits){
        .kinds =
            {
                [SHARE_CONNECTIONS] = {loop_limits_connections(loop->max_connections),
                                       options->egress.max_client_connections},
                [SHARE_TUNNELS] = {0, options->egress.max_tunnels},
                [SHARE_OBJECTS] = {LOOKUPS, 0},
                [SHARE_ANSWERS] = {ANSWERS, 0},
                [SHARE_NAMES] = {resolver_lookups_max(), 0},
                [SHARE_QUESTIONS] = {QUESTIONS, 0},
                [SHARE_TOLD] = {TOLD, 0},
                [SHARE_BYTES] = {BYTES, 0},
                [SHARE_LOG] = {loop->log.queue_bytes / 2, 0},
            },
        .denial_rate = loop->denial_rate,
    };
}

static void on_sweep(evutil_socket_t, short, void *context)
{
    engine_sweep(context);
}

static bool open_parts(struct gates *gates, const struct gates_options *options,
                       struct policy *policy, struct error *error)
{
    static const struct timeval second = {1, 0};
    struct share_limits limits = share_limits(options);
    struct loop *loop = gates->loop = loop_new(&options->loop, &limits, policy, error);
    if (loop == NULL)
        return false;
    loop->engine = gates->engine = engine_new(loop->base, loop->blocks, &options->engine);
    if (gates->engine == NULL)
        return error_set(error, 1, "out of memory");
    event_assign(&gates->sweep, loop->base, -1, EV_PERSIST, on_sweep, gates->engine);
    event_add(&gates->sweep, &second);
    own_address_add(loop, engine_endpoint(gates->engine), true);
    loop->egress = gates->egress = egress_new(loop, &options->egress);
    if (!loop_listen(loop, services, error))
        return false;
    gates->health = health_open(loop);
    if (options->admin.text == NULL)
        return true;
    gates->admin = admin_open(loop, &options->admin, error);
    own_address_add(loop, operator_socket_endpoint(gates->admin), false);
    return gates->admin != NULL;
}

struct gates *gates_new(const struct gates_options *options, struct policy *policy,
                        struct error *error)
{
    struct gates *gates = calloc_or_abort(1, sizeof(*gates));
    if (!open_parts(gates, options, policy, error))
        gates_free(&gates);
    return gates;
}

int gates_run(struct gates *gates)
{
    return loop_run(gates->loop, engine_name(gates->engine));
}

void gates_free(struct gates **gates)
{
    struct gates *freed = steal_pointer(gates);
    if (freed == NULL)
        return;
    if (freed->loop != NULL)
        loop_close_all(freed->loop);
    operator_socket_close(&freed->health);
    operator_socket_close(&freed->control);
    operator_socket_close(&freed->admin);
    egress_free(&freed->egress);
    if (freed->engine != NULL)
        event_del(&freed->sweep);
    engine_free(&freed->engine);
    loop_free(&freed->loop);
    free(freed);
}
