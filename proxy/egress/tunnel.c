/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving bytes between two sockets, and every way in which that can end. */
#include "proxy/egress/tunnel.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/egress/egress_options.h"
#include "rules/reason.h"

enum { ENDING_MS = 2000 };

/* With a rate, so much may be moved ahead of time: a slow trickle of tiny pieces costs more than it
 * saves. */
enum { RATE_BURST_US = 100000 };

static void on_event(evutil_socket_t fd, short what, void *context);

static void init_end(struct tunnel *tunnel, int which, struct stream *stream,
                     struct io_buffer *early)
{
    struct tunnel_end *end = &tunnel->ends[which];
    end->stream = steal_stream(stream);
    end->flow.copies_short = true;
    end->early = *early;
    *early = (struct io_buffer){0};
    fd_watch_init(&end->watch, tunnel->egress->loop->base, end->stream.fd, on_event, tunnel);
}

static const struct client_conn_kind kind;

void tunnel_set_state(struct tunnel *tunnel, enum tunnel_state state)
{
    tunnel->state = state;
    tunnel->moved_us = timestamp_monotonic_us();
}

static void stop_throttle(struct tunnel *tunnel)
{
    if (tunnel->throttled)
        TAILQ_REMOVE(&tunnel->egress->throttled, tunnel, throttled_link);
    tunnel->throttled = false;
}

static void close_end(struct tunnel *tunnel, struct tunnel_end *end)
{
    struct loop *loop = tunnel->egress->loop;
    if (!stream_is_open(&end->stream))
        return;
    fd_watch_set(&end->watch, 0);
    splice_flow_close(&end->flow, loop->pipes);
    io_buffer_reset(loop->blocks, &end->early);
    stream_close(&end->stream);
}

/* The record that is owed, and everything but the sockets. */
static void finish(struct tunnel *tunnel, const char *reason)
{
    struct loop *loop = tunnel->egress->loop;
    egress_log_close(&tunnel->exchange, loop, tunnel->listener, reason);
    egress_exchange_free(&tunnel->exchange, loop);
    tunnel_peek_free(&tunnel->peek);
    tunnel_answer_free(&tunnel->answer, loop);
    stop_throttle(tunnel);
}

static void leave(struct share_peer **peer)
{
    share_give_back(*peer, SHARE_TUNNELS, 1);
    admission_leave(peer);
}

void tunnel_close(struct tunnel *tunnel, const char *reason, bool reset)
{
    if (tunnel->state == TUNNEL_CLOSED)
        return;
    if (tunnel->state != TUNNEL_ENDING)
        finish(tunnel, reason);
    tunnel_set_state(tunnel, TUNNEL_CLOSED);
    for (int i = 0; i < TUNNEL_ENDS; i++) {
        if (reset)
            stream_set_reset(&tunnel->ends[i].stream);
        close_end(tunnel, &tunnel->ends[i]);
    }
    leave(&tunnel->peer);
    client_conn_closed(tunnel->egress->loop, &tunnel->client);
}

/* A close(2) with unread bytes resets the connection and can take with it what was sent last, so
 * what still comes is read and dropped for a moment. */
void tunnel_end(struct tunnel *tunnel, const char *reason)
{
    struct tunnel_end *client = &tunnel->ends[TUNNEL_CLIENT];
    finish(tunnel, reason);
    tunnel_set_state(tunnel, TUNNEL_ENDING);
    close_end(tunnel, &tunnel->ends[TUNNEL_ORIGIN]);
    splice_flow_close(&client->flow, tunnel->egress->loop->pipes);
    (void)!stream_drain(&client->stream, tunnel->egress->loop->blocks, &client->early, false);
    stream_end(&client->stream);
    fd_watch_set(&client->watch, EV_READ);
}

void tunnel_refuse(struct tunnel *tunnel, const char *reason)
{
    tunnel->exchange.common.refused = true;
    tunnel->exchange.common.reason = reason;
    tunnel_end(tunnel, reason);
}

/* Reads over what an ending client still sends. */
static void drop_input(struct tunnel *tunnel)
{
    char bytes[16384];
    ssize_t got = stream_read(&tunnel->ends[TUNNEL_CLIENT].stream, bytes, sizeof(bytes));
    if (got == 0 || (got < 0 && errno != EAGAIN))
        tunnel_close(tunnel, NULL, false);
}

static uint64_t *counter(struct tunnel *tunnel, int from)
{
    return from == TUNNEL_CLIENT ? &tunnel->exchange.bytes_in : &tunnel->exchange.bytes_out;
}

/* How much may be moved now; 0 = the rate is used up, and the tunnel waits. */
static uint64_t allowance(struct tunnel *tunnel, int64_t now_us)
{
    uint64_t rate = tunnel->egress->options->tunnel_rate;
    if (rate == 0)
        return UINT64_MAX;
    if (tunnel->allowance_us < now_us - RATE_BURST_US)
        tunnel->allowance_us = now_us - RATE_BURST_US;
    if (tunnel->allowance_us >= now_us)
        return 0;
    uint64_t bytes = (uint64_t)(now_us - tunnel->allowance_us) * rate / 1000000;
    return bytes > 0 ? bytes : 1;
}

static void pay(struct tunnel *tunnel, int64_t now_us, uint64_t moved)
{
    uint64_t rate = tunnel->egress->options->tunnel_rate;
    if (moved > 0)
        tunnel->moved_us = now_us;
    if (rate > 0)
        tunnel->allowance_us += (int64_t)(moved * 1000000 / rate);
}

void tunnel_note_moved(struct tunnel *tunnel, size_t len)
{
    pay(tunnel, timestamp_monotonic_us(), len);
}

/* Most tunnels are over before it would matter whether their origin's silence is looked into. */
enum { KEEP_ALIVE_US = 5000000 };

enum outcome { GOES_ON, SOURCE_BROKEN, TARGET_BROKEN };

bool tunnel_flush_early(struct tunnel *tunnel, int which)
{
    struct tunnel_end *end = &tunnel->ends[which];
    size_t before = io_buffer_len(&end->early);
    if (before == 0)
        return true;
    if (!stream_drain(&end->stream, tunnel->egress->loop->blocks, &end->early, false))
        return false;
    if (which == TUNNEL_ORIGIN)
        tunnel->exchange.bytes_in += before - io_buffer_len(&end->early);
    end->full = io_buffer_len(&end->early) > 0;
    return true;
}

/* What `from` sends goes to the other end, behind what was to be written there first. */
static enum outcome move(struct tunnel *tunnel, int from, int64_t now_us)
{
    struct loop *loop = tunnel->egress->loop;
    struct tunnel_end *source = &tunnel->ends[from], *target = &tunnel->ends[1 - from];
    bool unjudged = from == TUNNEL_CLIENT && tunnel->state == TUNNEL_PEEK;
    if (source->ended || target->full || unjudged)
        return GOES_ON;
    if (!tunnel_flush_early(tunnel, 1 - from))
        return TARGET_BROKEN;
    if (target->full)
        return GOES_ON;
    if (from == TUNNEL_ORIGIN && !tunnel_peek_lets_origin_speak(tunnel))
        return GOES_ON;
    uint64_t moved, limit = allowance(tunnel, now_us);
    if (limit == 0)
        return GOES_ON;
    enum splice_result result = splice_flow_run(&source->flow, loop->pipes, &source->stream,
                                                &target->stream, limit, &moved);
    int failure = errno;
    *counter(tunnel, from) += moved;
    pay(tunnel, now_us, moved);
    switch (result) {
    case SPLICE_WANT_WRITE:
        target->full = true;
        return GOES_ON;
    case SPLICE_EOF:
        source->ended = true;
        if (!target->ended) /* else both are closed at once */
            stream_end(&target->stream);
        return GOES_ON;
    case SPLICE_FAILED:
        return failure == EPIPE || stream_is_hung_up(&target->stream) ? TARGET_BROKEN
                                                                      : SOURCE_BROKEN;
    case SPLICE_LIMIT:
        splice_flow_close(&source->flow, loop->pipes);
        return GOES_ON;
    case SPLICE_WANT_READ:
    case SPLICE_TURN:
        return GOES_ON;
    }
    return SOURCE_BROKEN;
}

/* Waiting stops where a stream has ended or the other side is full, so that no event fires for
 * nothing. */
static void arm(struct tunnel *tunnel, int64_t now_us)
{
    bool paused = allowance(tunnel, now_us) == 0;
    if (paused && !tunnel->throttled) {
        tunnel->throttled = true;
        TAILQ_INSERT_TAIL(&tunnel->egress->throttled, tunnel, throttled_link);
        egress_start_throttle(tunnel->egress);
    }
    for (int i = 0; i < TUNNEL_ENDS; i++) {
        struct tunnel_end *end = &tunnel->ends[i], *other = &tunnel->ends[1 - i];
        bool held = i == TUNNEL_ORIGIN && !tunnel_peek_lets_origin_speak(tunnel);
        bool peeked = i == TUNNEL_CLIENT && tunnel->state == TUNNEL_PEEK;
        bool reads = !end->ended && (peeked || !(other->full || paused || held));
        fd_watch_set(&end->watch, (short)((reads ? EV_READ : 0) | (end->full ? EV_WRITE : 0)));
    }
}

static void move_from(struct tunnel *tunnel, bool client, bool origin)
{
    int64_t now_us = timestamp_monotonic_us();
    if (tunnel->throttled)
        return;
    for (int from = TUNNEL_ORIGIN; from >= TUNNEL_CLIENT; from--) {
        if (from == TUNNEL_CLIENT ? !client : !origin)
            continue;
        switch (move(tunnel, from, now_us)) {
        case GOES_ON:
            break;
        case SOURCE_BROKEN: /* the other end learns of it in the same way */
            tunnel_close(tunnel, from == TUNNEL_CLIENT ? ENDING_CLIENT_RESET : ENDING_ORIGIN_RESET,
                         true);
            return;
        case TARGET_BROKEN: /* what it sent before it broke may still be on its way the other way */
            tunnel->ends[from].ended = true;
            splice_flow_close(&tunnel->ends[from].flow, tunnel->egress->loop->pipes);
            break;
        }
    }
    if (tunnel->ends[TUNNEL_CLIENT].ended && tunnel->ends[TUNNEL_ORIGIN].ended)
        tunnel_close(tunnel, ENDING_DONE, false);
    else
        arm(tunnel, now_us);
}

/* Moves what can be moved, and waits for the rest. */
static void move_both(struct tunnel *tunnel)
{
    move_from(tunnel, true, true);
}

void tunnel_resume(struct tunnel *tunnel)
{
    stop_throttle(tunnel);
    move_both(tunnel);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct tunnel *tunnel = context;
    int which = tunnel->ends[TUNNEL_CLIENT].stream.fd == fd ? TUNNEL_CLIENT : TUNNEL_ORIGIN;
    bool reads = (what & EV_READ) != 0, writes = (what & EV_WRITE) != 0;
    bool client = which == TUNNEL_CLIENT ? reads : writes;
    bool origin = which == TUNNEL_ORIGIN ? reads : writes;
    if (writes)
        tunnel->ends[which].full = false;
    switch (tunnel->state) {
    case TUNNEL_PEEK:
        if (which == TUNNEL_CLIENT && reads)
            tunnel_peek_read(tunnel);
        if (tunnel->state == TUNNEL_PEEK && origin)
            move_from(tunnel, false, true);
        return;
    case TUNNEL_ANSWER:
        tunnel_answer_event(tunnel, which, reads);
        return;
    case TUNNEL_OPEN:
        move_from(tunnel, client, origin);
        return;
    case TUNNEL_ENDING:
        drop_input(tunnel);
        return;
    case TUNNEL_CLOSED:
        return;
    }
}

/* Nothing is read yet: most likely nothing has come. */
void tunnel_begin(struct tunnel *tunnel)
{
    bool unjudged = tunnel->state == TUNNEL_PEEK;
    if (!unjudged)
        egress_log_count_rule(&tunnel->exchange, tunnel->egress->loop);
    if (tunnel_flush_early(tunnel, TUNNEL_CLIENT) &&
        (unjudged || tunnel_flush_early(tunnel, TUNNEL_ORIGIN)))
        arm(tunnel, timestamp_monotonic_us());
    else
        move_both(tunnel); /* finds out what broke */
}

bool tunnel_start(struct tunnel_plan *plan)
{
    struct egress *egress = plan->egress;
    struct loop *loop = egress->loop;
    struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
    if (tunnel == NULL) {
        egress_log_close(plan->exchange, loop, plan->listener, REASON_LIMIT_MEMORY);
        egress_exchange_clear(plan->exchange, loop);
        io_buffer_reset(loop->blocks, &plan->to_client);
        io_buffer_reset(loop->blocks, &plan->to_origin);
        leave(&plan->peer);
        for (int i = 0; i < TUNNEL_ENDS; i++)
            stream_close(&plan->streams[i]);
        return false;
    }
    tunnel->egress = egress;
    tunnel->listener = listener_use(plan->listener);
    tunnel->peer = steal_pointer(&plan->peer);
    tunnel->exchange = *plan->exchange;
    *plan->exchange = (struct egress_exchange){0};
    init_end(tunnel, TUNNEL_CLIENT, &plan->streams[TUNNEL_CLIENT], &plan->to_client);
    init_end(tunnel, TUNNEL_ORIGIN, &plan->streams[TUNNEL_ORIGIN], &plan->to_origin);
    tunnel_set_state(tunnel, TUNNEL_OPEN);
    egress_exchange_shrink(&tunnel->exchange);
    tunnel->exchange.common.stream = true;
    metrics_totals(loop->metrics)->open_streams++;
    client_conn_opened(loop, &tunnel->client, &kind);
    bool looks = plan->peek || plan->hello_len > 0;
    if (plan->peek ? !tunnel_peek_start(tunnel)
                   : looks && !tunnel_answer_start(tunnel, plan->hello_len))
        tunnel_close(tunnel, REASON_LIMIT_MEMORY, false);
    else if (tunnel->state == TUNNEL_PEEK || (!looks && tunnel->state == TUNNEL_OPEN))
        tunnel_begin(tunnel);
    return true;
}

/* ---- as the loop knows it ---- */

/* Ends it if it has been idle, or open, for longer than the limits allow. */
static void tick(struct client_conn *client, int64_t now_us)
{
    struct tunnel *tunnel = container_of(client, struct tunnel, client);
    const struct egress_options *options = tunnel->egress->options;
    int64_t idle_us = now_us - tunnel->moved_us;
    int64_t age_us = now_us - tunnel->exchange.common.started_us;
    if (!tunnel->kept_alive && age_us > KEEP_ALIVE_US &&
        stream_is_open(&tunnel->ends[TUNNEL_ORIGIN].stream)) {
        endpoint_keep_alive(tunnel->ends[TUNNEL_ORIGIN].stream.fd);
        tunnel->kept_alive = true;
    }
    /* An end that has ended, or whose bytes have to wait, is not watched any more; a reset shows
     * only here. */
    for (int i = 0; i < TUNNEL_ENDS; i++) {
        bool waits = tunnel->state == TUNNEL_ANSWER ||
                     (tunnel->state == TUNNEL_OPEN && tunnel->ends[i].ended);
        if (waits && fd_watch_interest(&tunnel->ends[i].watch) == 0 &&
            stream_is_hung_up(&tunnel->ends[i].stream))
            tunnel_close(tunnel, i == TUNNEL_CLIENT ? ENDING_CLIENT_RESET : ENDING_ORIGIN_RESET,
                         false);
    }
    if (tunnel->state == TUNNEL_CLOSED)
        return;
    if (tunnel->state == TUNNEL_ENDING) {
        if (idle_us > ENDING_MS * 1000)
            tunnel_close(tunnel, NULL, false);
    } else if (options->tunnel_lifetime_ms > 0 &&
               age_us > (int64_t)options->tunnel_lifetime_ms * 1000) {
        tunnel_close(tunnel, REASON_LIMIT_LIFETIME, false);
    } else if (options->tunnel_idle_ms > 0 && idle_us > (int64_t)options->tunnel_idle_ms * 1000) {
        tunnel_close(tunnel, REASON_LIMIT_IDLE, false);
    }
}

static void end_unadmitted(struct client_conn *client)
{
    struct tunnel *tunnel = container_of(client, struct tunnel, client);
    if (!listener_admits_socket(tunnel->listener, tunnel->ends[TUNNEL_CLIENT].stream.fd))
        tunnel_close(tunnel, REASON_NOT_ADMITTED, false);
}

static void close_client(struct client_conn *client, const char *reason)
{
    tunnel_close(container_of(client, struct tunnel, client), reason, false);
}

static void free_client(struct client_conn *client)
{
    struct tunnel *tunnel = container_of(client, struct tunnel, client);
    listener_unuse(&tunnel->listener);
    free(tunnel);
}

static const struct client_conn_kind kind = {.is_tunnel = true,
                                             .tick = tick,
                                             .end_unadmitted = end_unadmitted,
                                             .is_revoked = egress_revoke_tunnel,
                                             .close = close_client,
                                             .free = free_client};
