/* SPDX-License-Identifier: Apache-2.0
 *
 * Between a ClientHello that was let through and the origin's answer to it. The origin's bytes pass
 * as they come, and are read on the way; the client's wait, but for records that no server takes
 * for a hello. If the origin asks for a second ClientHello, that is judged as the first was; with
 * any other answer nobody looks any more. */
#include <errno.h>
#include <stdlib.h>

#include "proxy/egress/tls_hello.h"
#include "proxy/egress/tls_retry.h"
#include "proxy/egress/tunnel.h"
#include "rules/reason.h"

/* So much early data passes before the origin has said a word; servers admit 16 kB or less. */
enum { EARLY_LEN_MAX = 65536 };

struct tunnel_answer {
    struct event timer;    /* while the second hello is waited for */
    struct io_buffer held; /* of the client: not yet to be sent on */
    struct tls_answer_reader reader;
    size_t left;       /* of the client's record that is passing */
    size_t early_len;  /* passed before the answer */
    bool retry;        /* the origin asked for another hello */
    bool stuck;        /* `held` begins with what has to wait for the answer */
    bool client_ended; /* and nothing more comes to be held */
};

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    tunnel_refuse(context, REASON_LIMIT_HELLO_TIME);
}

void tunnel_answer_free(struct tunnel_answer **answer, struct loop *loop)
{
    struct tunnel_answer *freed = steal_pointer(answer);
    if (freed == NULL)
        return;
    event_del(&freed->timer);
    io_buffer_reset(loop->blocks, &freed->held);
    free(freed);
}

/* Nobody looks from here on: what was held goes first. */
static void open_up(struct tunnel *tunnel)
{
    struct loop *loop = tunnel->egress->loop;
    struct io_buffer *held = &tunnel->answer->held;
    struct io_buffer *early = &tunnel->ends[TUNNEL_ORIGIN].early;
    if (io_buffer_len(held) > 0 &&
        !io_buffer_append(loop->blocks, early, io_buffer_bytes(held), io_buffer_len(held))) {
        tunnel_close(tunnel, REASON_LIMIT_MEMORY, false);
        return;
    }
    tunnel_answer_free(&tunnel->answer, loop);
    tunnel_set_state(tunnel, TUNNEL_OPEN);
    egress_exchange_shrink(&tunnel->exchange);
    tunnel_begin(tunnel);
}

/* Lets go of the records in front that may pass. False when the tunnel is over. */
static bool pass_records(struct tunnel *tunnel, enum tls_between *next_out)
{
    struct loop *loop = tunnel->egress->loop;
    struct tunnel_answer *answer = tunnel->answer;
    struct io_buffer *held = &answer->held, *early = &tunnel->ends[TUNNEL_ORIGIN].early;
    size_t passed = 0, len = io_buffer_len(held);
    *next_out = TLS_BETWEEN_MORE;
    if (len == 0)
        return true;
    *next_out = tls_between_read(&answer->left, io_buffer_bytes(held), len, &passed);
    if (passed == 0)
        return true;
    if (!io_buffer_append(loop->blocks, early, io_buffer_bytes(held), passed)) {
        tunnel_close(tunnel, REASON_LIMIT_MEMORY, false);
        return false;
    }
    io_buffer_consume(loop->blocks, held, passed);
    if (!answer->retry)
        answer->early_len += passed;
    return true;
}

/* The second hello, as far as it is here. */
static void look_at_second(struct tunnel *tunnel)
{
    struct tunnel_answer *answer = tunnel->answer;
    struct tls_hello hello;
    struct error error;
    switch (tls_hello_read(io_buffer_bytes(&answer->held), io_buffer_len(&answer->held), &hello,
                           &error)) {
    case TLS_HELLO_MORE:
        if (answer->client_ended)
            tunnel_refuse(tunnel, REASON_MALFORMED_CLIENT_HELLO);
        return;
    case TLS_HELLO_BAD:
        tunnel_refuse(tunnel, error.reason);
        return;
    case TLS_HELLO_OK:
        if (hello.facts.protocol != NETWORK_PROTOCOL_TLS)
            tunnel_refuse(tunnel, REASON_MALFORMED_CLIENT_HELLO);
        else if (tunnel_judge_hello(tunnel, &hello))
            open_up(tunnel);
        return;
    }
}

/* Does with the client's bytes what can be done now. */
static void see_to_client(struct tunnel *tunnel)
{
    struct tunnel_answer *answer = tunnel->answer;
    enum tls_between next;
    if (io_buffer_len(&tunnel->ends[TUNNEL_ORIGIN].early) > EARLY_LEN_MAX / 2 ||
        !pass_records(tunnel, &next))
        return;
    answer->stuck = next != TLS_BETWEEN_MORE;
    bool empty = io_buffer_len(&answer->held) == 0;
    if (answer->client_ended && empty)
        open_up(tunnel); /* its end is carried over, and no hello can follow */
    else if (answer->retry && next == TLS_BETWEEN_HELLO)
        look_at_second(tunnel);
    else if (answer->retry && (next == TLS_BETWEEN_BAD || answer->client_ended))
        tunnel_refuse(tunnel, REASON_MALFORMED_CLIENT_HELLO);
}

/* The origin takes nothing more. What it said before may still be on its way. */
static void origin_broke(struct tunnel *tunnel)
{
    struct loop *loop = tunnel->egress->loop;
    if (tunnel->ends[TUNNEL_ORIGIN].ended) {
        tunnel_close(tunnel, ENDING_ORIGIN_RESET, true);
        return;
    }
    tunnel->ends[TUNNEL_CLIENT].ended = true;
    io_buffer_reset(loop->blocks, &tunnel->answer->held);
    io_buffer_reset(loop->blocks, &tunnel->ends[TUNNEL_ORIGIN].early);
    open_up(tunnel);
}

/* Writes what may go, in both directions, and waits for more. */
static void go_on(struct tunnel *tunnel)
{
    struct tunnel_answer *answer = tunnel->answer;
    struct tunnel_end *client = &tunnel->ends[TUNNEL_CLIENT];
    struct tunnel_end *origin = &tunnel->ends[TUNNEL_ORIGIN];
    if (!tunnel_flush_early(tunnel, TUNNEL_CLIENT)) {
        tunnel_close(tunnel, ENDING_CLIENT_RESET, true);
        return;
    }
    if (!tunnel_flush_early(tunnel, TUNNEL_ORIGIN)) {
        origin_broke(tunnel);
        return;
    }
    bool waits = !answer->retry && (answer->stuck || answer->early_len > EARLY_LEN_MAX);
    bool reads = !answer->client_ended && !origin->full && !waits;
    fd_watch_set(&client->watch, (short)((reads ? EV_READ : 0) | (client->full ? EV_WRITE : 0)));
    reads = !origin->ended && !client->full;
    fd_watch_set(&origin->watch, (short)((reads ? EV_READ : 0) | (origin->full ? EV_WRITE : 0)));
}

static void read_client(struct tunnel *tunnel)
{
    struct tunnel_answer *answer = tunnel->answer;
    struct stream *client = &tunnel->ends[TUNNEL_CLIENT].stream;
    ssize_t got = stream_fill(client, tunnel->egress->loop->blocks, &answer->held, IO_READ_HEAD);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0 && errno != ENOBUFS) {
        tunnel_close(tunnel, ENDING_CLIENT_RESET, true);
    } else if (got < 0) {
        tunnel_refuse(tunnel, REASON_LIMIT_CLIENT_HELLO);
    } else {
        answer->client_ended = got == 0;
        tunnel_note_moved(tunnel, (size_t)got);
    }
}

/* The origin closes its direction. Before an answer none can come any more. */
static void origin_ended(struct tunnel *tunnel)
{
    struct tunnel_end *origin = &tunnel->ends[TUNNEL_ORIGIN];
    if (!tunnel->answer->retry) {
        open_up(tunnel);
        return;
    }
    origin->ended = true;
    stream_end(&tunnel->ends[TUNNEL_CLIENT].stream);
}

static void read_origin(struct tunnel *tunnel)
{
    struct loop *loop = tunnel->egress->loop;
    struct tunnel_answer *answer = tunnel->answer;
    struct io_buffer *early = &tunnel->ends[TUNNEL_CLIENT].early;
    size_t before = io_buffer_len(early);
    ssize_t got =
        stream_fill(&tunnel->ends[TUNNEL_ORIGIN].stream, loop->blocks, early, IO_READ_HEAD);
    if (got < 0 && (errno == EAGAIN || errno == ENOBUFS)) /* the client takes no more now */
        return;
    if (got < 0) {
        tunnel_close(tunnel, ENDING_ORIGIN_RESET, true);
        return;
    }
    if (got == 0) {
        origin_ended(tunnel);
        return;
    }
    tunnel->exchange.bytes_out += (uint64_t)got;
    tunnel_note_moved(tunnel, (size_t)got);
    if (answer->retry)
        return;
    switch (tls_answer_read(&answer->reader, io_buffer_bytes(early) + before, (size_t)got)) {
    case TLS_ANSWER_MORE:
        return;
    case TLS_ANSWER_OTHER:
        open_up(tunnel);
        return;
    case TLS_ANSWER_RETRY:
        answer->retry = true;
        tunnel_start_hello_timer(tunnel, &answer->timer);
        return;
    }
}

void tunnel_answer_event(struct tunnel *tunnel, int which, bool reads)
{
    if (reads && which == TUNNEL_CLIENT)
        read_client(tunnel);
    else if (reads)
        read_origin(tunnel);
    if (tunnel->state == TUNNEL_ANSWER)
        see_to_client(tunnel);
    if (tunnel->state == TUNNEL_ANSWER)
        go_on(tunnel);
}

bool tunnel_answer_start(struct tunnel *tunnel, size_t hello_len)
{
    struct loop *loop = tunnel->egress->loop;
    struct io_buffer *early = &tunnel->ends[TUNNEL_ORIGIN].early;
    struct tunnel_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL || !io_buffer_split(loop->blocks, early, hello_len, &answer->held)) {
        free(answer);
        return false;
    }
    tunnel->answer = answer;
    event_assign(&answer->timer, loop->base, -1, 0, on_timeout, tunnel);
    tunnel_set_state(tunnel, TUNNEL_ANSWER);
    see_to_client(tunnel);
    if (tunnel->state == TUNNEL_ANSWER)
        go_on(tunnel);
    return true;
}
