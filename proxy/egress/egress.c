/* SPDX-License-Identifier: Apache-2.0
 *
 * What connections and tunnels of the egress gate have in common: resolver, upstream proxy, the clock of
 * tunnels that are held up. */
#include "proxy/egress/egress.h"

#include <stdlib.h>

#include "proxy/egress/egress_conn.h"
#include "proxy/egress/egress_options.h"
#include "proxy/loop/loop_limits.h"
#include "proxy/io/own_host.h"
#include "proxy/egress/tunnel.h"
#include "proxy/egress/upstream_proxy.h"

enum { THROTTLE_MS = 50 };

static void on_throttle(evutil_socket_t fd, short what, void *context);

struct egress *egress_new(struct loop *loop, const struct egress_options *options)
{
    struct egress *egress = calloc(1, sizeof(*egress));
    if (egress == NULL)
        abort();
    egress->loop = loop;
    egress->options = options;
    egress->descriptor_limit = loop_limits_descriptors();
    TAILQ_INIT(&egress->throttled);
    evtimer_assign(&egress->throttle, loop->base, on_throttle, egress);
    return egress;
}

void egress_free(struct egress **egress)
{
    struct egress *freed = steal_pointer(egress);
    if (freed == NULL)
        return;
    event_del(&freed->throttle);
    resolver_free(&freed->resolver);
    upstream_proxy_free(&freed->proxy);
    free(freed);
}

bool egress_prepare(struct loop *loop, struct error *error)
{
    struct egress *egress = loop->egress;
    if (egress->resolver != NULL)
        return true;
    const struct upstream_proxy_options *proxy = &egress->options->upstream_proxy;
    if (proxy->url != NULL && egress->proxy == NULL &&
        (egress->proxy = upstream_proxy_new(proxy, error)) == NULL)
        return false;
    egress->resolver = loop->resolver = resolver_new(loop->base, &egress->options->resolver, error);
    return egress->resolver != NULL;
}

const char *egress_upstream_proxy_name(const struct egress *egress)
{
    return egress->proxy == NULL ? NULL : upstream_proxy_name(egress->proxy);
}

static void on_throttle(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct egress *egress = context;
    /* Those that are held up again stand behind `last`, and wait for the next time. */
    struct tunnel *last = TAILQ_LAST(&egress->throttled, tunnel_list);
    bool at_last = last == NULL;
    while (!at_last) {
        struct tunnel *tunnel = TAILQ_FIRST(&egress->throttled);
        at_last = tunnel == last;
        tunnel_resume(tunnel);
    }
}

void egress_start_throttle(struct egress *egress)
{
    static const struct timeval wait = {0, THROTTLE_MS * 1000};
    if (!event_pending(&egress->throttle, EV_TIMEOUT, NULL))
        event_add(&egress->throttle, &wait);
}
