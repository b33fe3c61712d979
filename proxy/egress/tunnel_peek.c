/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at the first bytes of a tunnel before they are sent on, and asking the policy once more
 * with what they say. They are collected in the buffer that goes to the origin first, so nothing of
 * them is changed or lost. */
#include <errno.h>
#include <stdlib.h>

#include "proxy/egress/egress_options.h"
#include "proxy/io/event_timer.h"
#include "proxy/egress/tls_hello.h"
#include "proxy/egress/tunnel.h"
#include "proxy/io/tls_alert.h"
#include "rules/reason.h"

struct tunnel_peek {
    struct event timer;
    bool origin_speaks; /* a protocol is admitted in which the server may speak first */
};

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    tunnel_refuse(context, REASON_LIMIT_HELLO_TIME);
}

void tunnel_start_hello_timer(struct tunnel *tunnel, struct event *timer)
{
    if (!event_pending(timer, EV_TIMEOUT, NULL))
        event_timer_start(timer, tunnel->egress->options->hello_timeout_ms);
}

void tunnel_peek_free(struct tunnel_peek **peek)
{
    struct tunnel_peek *freed = steal_pointer(peek);
    if (freed == NULL)
        return;
    event_del(&freed->timer);
    free(freed);
}

bool tunnel_peek_lets_origin_speak(const struct tunnel *tunnel)
{
    return tunnel->peek == NULL || tunnel->peek->origin_speaks;
}

bool tunnel_inquire(const struct tunnel *tunnel, struct network_inquiry *inquiry)
{
    const struct policy_client *client = listener_policy_client(tunnel->listener);
    struct host_name host;
    if (client == NULL || !egress_exchange_target(&tunnel->exchange, &host))
        return false;
    egress_exchange_inquire(&tunnel->exchange, tunnel->egress->loop, client, &host, inquiry);
    return true;
}

/* The policy's word on what the first bytes said, in inquiry->verdict. A client that is no more in
 * the policy has none. */
static bool is_allowed(const struct tunnel *tunnel, const struct tunnel_facts *facts,
                       struct network_inquiry *inquiry)
{
    if (!tunnel_inquire(tunnel, inquiry)) {
        inquiry->verdict =
            (struct network_verdict){.result = VERDICT_DENY, .reason = REASON_LISTENER_CLOSED};
        return false;
    }
    inquiry->request.tunnel = facts;
    return network_inquiry_ask(inquiry) != NETWORK_STEP_DENIED;
}

static bool would_allow(const struct tunnel *tunnel, enum network_protocol protocol)
{
    const struct tunnel_facts facts = {.protocol = protocol};
    struct network_inquiry inquiry;
    return is_allowed(tunnel, &facts, &inquiry);
}

/* An origin that has spoken already is no TLS server that could ask for another hello. */
static void pass(struct tunnel *tunnel, const struct tls_hello *hello)
{
    tunnel_peek_free(&tunnel->peek);
    if (hello->facts.protocol == NETWORK_PROTOCOL_TLS && tunnel->exchange.bytes_out == 0) {
        if (!tunnel_answer_start(tunnel, hello->len))
            tunnel_close(tunnel, REASON_LIMIT_MEMORY, false);
        return;
    }
    tunnel_set_state(tunnel, TUNNEL_OPEN);
    egress_exchange_shrink(&tunnel->exchange);
    tunnel_begin(tunnel);
}

/* The client waits for a server's answer to its hello: what it understands is put where the answer
 * would stand. Behind bytes of the origin an alert would be a part of them. */
static void answer_with_alert(struct tunnel *tunnel)
{
    static const unsigned char alert[TLS_ALERT_LEN] = TLS_ALERT_BYTES(TLS_ALERT_ACCESS_DENIED);
    if (tunnel->exchange.bytes_out > 0)
        return;
    (void)!io_buffer_append(tunnel->egress->loop->blocks, &tunnel->ends[TUNNEL_CLIENT].early,
                            (const char *)alert, sizeof(alert));
}

bool tunnel_judge_hello(struct tunnel *tunnel, const struct tls_hello *hello)
{
    struct network_inquiry inquiry;
    bool allowed = is_allowed(tunnel, &hello->facts, &inquiry);
    egress_exchange_set_hello(&tunnel->exchange, &hello->facts, slice_from_text(hello->alpn));
    egress_exchange_judge(&tunnel->exchange, tunnel->egress->loop->policy, &inquiry.verdict);
    if (!allowed && hello->facts.protocol == NETWORK_PROTOCOL_TLS)
        answer_with_alert(tunnel);
    if (!allowed)
        tunnel_end(tunnel, inquiry.verdict.reason);
    return allowed;
}

static void conclude(struct tunnel *tunnel, const struct tls_hello *hello)
{
    if (tunnel_judge_hello(tunnel, hello))
        pass(tunnel, hello);
}

/* Judges what has come so far, if it is enough. With `last` nothing more comes. */
static void look(struct tunnel *tunnel, bool last)
{
    struct io_buffer *early = &tunnel->ends[TUNNEL_ORIGIN].early;
    struct tls_hello hello = {0};
    struct error error;
    size_t len = io_buffer_len(early);
    enum tls_hello_result result =
        len == 0 ? TLS_HELLO_MORE : tls_hello_read(io_buffer_bytes(early), len, &hello, &error);
    switch (result) {
    case TLS_HELLO_BAD:
        tunnel_refuse(tunnel, error.reason);
        return;
    case TLS_HELLO_OK:
        conclude(tunnel, &hello);
        return;
    case TLS_HELLO_MORE:
        break;
    }
    bool begins_as_tls = len > 0 && io_buffer_bytes(early)[0] == 0x16;
    if (last && begins_as_tls) {
        tunnel_refuse(tunnel, REASON_MALFORMED_CLIENT_HELLO);
    } else if (last) {
        hello = (struct tls_hello){.facts = {.protocol = NETWORK_PROTOCOL_OTHER}};
        conclude(tunnel, &hello);
    } else if (len > 0) {
        tunnel_start_hello_timer(tunnel, &tunnel->peek->timer);
    }
}

void tunnel_peek_read(struct tunnel *tunnel)
{
    struct loop *loop = tunnel->egress->loop;
    struct io_buffer *early = &tunnel->ends[TUNNEL_ORIGIN].early;
    ssize_t got =
        stream_fill(&tunnel->ends[TUNNEL_CLIENT].stream, loop->blocks, early, IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 && errno != ENOBUFS)
        tunnel_close(tunnel, ENDING_CLIENT_RESET, true);
    else if (got < 0)
        tunnel_refuse(tunnel, REASON_LIMIT_CLIENT_HELLO);
    else
        look(tunnel, got == 0);
}

bool tunnel_peek_start(struct tunnel *tunnel)
{
    struct tunnel_peek *peek = calloc(1, sizeof(*peek));
    if (peek == NULL)
        return false;
    tunnel->peek = peek;
    tunnel_set_state(tunnel, TUNNEL_PEEK);
    event_assign(&peek->timer, tunnel->egress->loop->base, -1, 0, on_timeout, tunnel);
    peek->origin_speaks =
        would_allow(tunnel, NETWORK_PROTOCOL_OTHER) || would_allow(tunnel, NETWORK_PROTOCOL_SSH);
    if (!peek->origin_speaks)
        tunnel_start_hello_timer(tunnel, &peek->timer);
    if (io_buffer_len(&tunnel->ends[TUNNEL_ORIGIN].early) > 0)
        look(tunnel, false);
    return true;
}
