/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a DNS connection. A question that was read is answered even when the client has ended
 * its half; a message that is no question ends the connection, since what follows cannot be told
 * apart any more. */
#include "proxy/dns/dns_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/dns/dns_exchange.h"
#include "proxy/io/event_timer.h"
#include "proxy/io/fd_watch.h"
#include "proxy/io/stream.h"

enum { PREFIX_LEN = 2 };

enum dns_conn_state { DNS_CONN_READ, DNS_CONN_ANSWER, DNS_CONN_SEND, DNS_CONN_CLOSED };

struct dns_conn {
    struct client_conn client;
    struct dns_conns *conns; /* borrowed */
    struct stream stream;
    enum dns_conn_state state;
    struct fd_watch watch;
    struct event timer;
    int64_t opened_us; /* monotonic */
    bool input_ended;  /* the client sent its FIN */
    unsigned char in[PREFIX_LEN + DNS_MESSAGE_MAX], out[PREFIX_LEN + DNS_UDP_MAX];
    size_t in_len, out_len, out_sent;
    struct dns_exchange exchange;
    TAILQ_ENTRY(dns_conn) link;
};

static void read_question(struct dns_conn *conn);

static struct dns_conn *conn_of_exchange(struct dns_exchange *exchange)
{
    return container_of(exchange, struct dns_conn, exchange);
}

/* The deadline of a state, within what is left of the connection's life. */
static uint64_t deadline_ms(const struct dns_conn *conn)
{
    int64_t left_ms =
        1000 * DNS_CONN_LIFETIME_S - (timestamp_monotonic_us() - conn->opened_us) / 1000;
    uint64_t limit_ms = conn->conns->loop->options->header_timeout_ms;
    if (conn->state != DNS_CONN_ANSWER && limit_ms > 0 && (int64_t)limit_ms < left_ms)
        return limit_ms;
    return left_ms > 0 ? (uint64_t)left_ms : 1;
}

/* The only writer of conn->state. */
static void set_state(struct dns_conn *conn, enum dns_conn_state state)
{
    static const short interests[] = {[DNS_CONN_READ] = EV_READ,
                                      [DNS_CONN_ANSWER] = 0,
                                      [DNS_CONN_SEND] = EV_WRITE,
                                      [DNS_CONN_CLOSED] = 0};
    conn->state = state;
    fd_watch_set(&conn->watch, interests[state]);
    if (state == DNS_CONN_CLOSED)
        event_timer_stop(&conn->timer);
    else
        event_timer_start(&conn->timer, deadline_ms(conn));
}

static void close_conn(struct dns_conn *conn)
{
    struct dns_conns *conns = conn->conns;
    dns_exchange_cancel(&conn->exchange);
    share_peer_unuse(&conn->exchange.peer_share);
    set_state(conn, DNS_CONN_CLOSED);
    stream_close(&conn->stream);
    TAILQ_REMOVE(&conns->open, conn, link);
    conns->count--;
    client_conn_closed(conns->loop, &conn->client);
}

static void send_answer(struct dns_conn *conn)
{
    while (conn->out_sent < conn->out_len) {
        ssize_t sent = stream_write(&conn->stream, (char *)conn->out + conn->out_sent,
                                    conn->out_len - conn->out_sent);
        if (sent < 0 && errno == EAGAIN) {
            if (conn->state != DNS_CONN_SEND)
                set_state(conn, DNS_CONN_SEND);
            return;
        }
        if (sent < 0) {
            close_conn(conn);
            return;
        }
        conn->out_sent += (size_t)sent;
    }
    set_state(conn, DNS_CONN_READ);
    read_question(conn);
}

static void on_answered(struct dns_exchange *exchange)
{
    struct dns_conn *conn = conn_of_exchange(exchange);
    conn->out[0] = (unsigned char)(exchange->answer_len >> 8);
    conn->out[1] = (unsigned char)exchange->answer_len;
    memcpy(conn->out + PREFIX_LEN, exchange->answer, exchange->answer_len);
    conn->out_len = PREFIX_LEN + exchange->answer_len;
    conn->out_sent = 0;
    send_answer(conn);
}

/* Begins with the question in `in` once it is whole. */
static void read_question(struct dns_conn *conn)
{
    size_t len = (size_t)conn->in[0] << 8 | conn->in[1];
    if (conn->in_len >= PREFIX_LEN && len > DNS_MESSAGE_MAX) {
        close_conn(conn);
        return;
    }
    if (conn->in_len < PREFIX_LEN || conn->in_len < PREFIX_LEN + len) {
        if (conn->input_ended)
            close_conn(conn);
        return;
    }
    enum dns_code code;
    enum dns_question_result result =
        dns_question_read(conn->in + PREFIX_LEN, len, &conn->exchange.question, &code);
    conn->in_len -= PREFIX_LEN + len;
    memmove(conn->in, conn->in + PREFIX_LEN + len, conn->in_len);
    if (result == DNS_QUESTION_DROP) {
        close_conn(conn);
        return;
    }
    conn->exchange.question_len = len;
    set_state(conn, DNS_CONN_ANSWER);
    dns_exchange_start(&conn->exchange, code);
}

static void read_more(struct dns_conn *conn)
{
    ssize_t got = stream_read(&conn->stream, (char *)conn->in + conn->in_len,
                              sizeof(conn->in) - conn->in_len);
    if (got < 0) {
        if (errno != EAGAIN)
            close_conn(conn);
        return;
    }
    conn->input_ended = got == 0;
    conn->in_len += (size_t)got;
    read_question(conn);
}

static void on_event(evutil_socket_t, short what, void *context)
{
    if (what & EV_READ)
        read_more(context);
    else
        send_answer(context);
}

static void on_deadline(evutil_socket_t, short, void *context)
{
    close_conn(context);
}

void dns_conns_init(struct dns_conns *conns, struct loop *loop, struct listener *listener)
{
    conns->loop = loop;
    conns->listener = listener;
    conns->count = 0;
    TAILQ_INIT(&conns->open);
}

/* False when every connection has a question under way. */
static bool evict_idle(struct dns_conns *conns)
{
    struct dns_conn *conn;
    TAILQ_FOREACH(conn, &conns->open, link)
    {
        if (conn->state == DNS_CONN_READ && conn->in_len == 0) {
            close_conn(conn);
            return true;
        }
    }
    return false;
}

static unsigned count_of(const struct dns_conns *conns, const struct share_peer *peer)
{
    const struct dns_conn *conn;
    unsigned count = 0;
    TAILQ_FOREACH(conn, &conns->open, link)
    {
        count += conn->exchange.peer_share == peer;
    }
    return count;
}

/* Closes the oldest connection of the peer that has the most, whatever it waits for. False when
 * `peer` would have as many then. */
static bool evict_of_most(struct dns_conns *conns, const struct share_peer *peer)
{
    struct dns_conn *conn, *chosen = NULL;
    unsigned most = count_of(conns, peer) + 1;
    TAILQ_FOREACH(conn, &conns->open, link)
    {
        unsigned count = count_of(conns, conn->exchange.peer_share);
        if (count <= most)
            continue;
        most = count;
        chosen = conn;
    }
    if (chosen == NULL)
        return false;
    share_count_refused(chosen->exchange.peer_share, SHARE_REFUSED_QUESTIONS, SHARE_NETWORK);
    close_conn(chosen);
    return true;
}

static bool has_room(struct dns_conns *conns, struct share_peer *peer)
{
    if (conns->count < DNS_CONNS_MAX || evict_idle(conns) || evict_of_most(conns, peer))
        return true;
    share_count_refused(peer, SHARE_REFUSED_QUESTIONS, SHARE_NETWORK);
    return false;
}

static void give_peer_back(struct share_peer **peer)
{
    if (*peer != NULL)
        share_peer_unuse(peer);
}

static void end_unadmitted(struct client_conn *client)
{
    struct dns_conn *conn = container_of(client, struct dns_conn, client);
    if (!listener_admits(conn->conns->listener, &conn->exchange.peer))
        close_conn(conn);
}

static void close_client(struct client_conn *client, const char *)
{
    close_conn(container_of(client, struct dns_conn, client));
}

static void free_client(struct client_conn *client)
{
    free(container_of(client, struct dns_conn, client));
}

static const struct client_conn_kind kind = {
    .end_unadmitted = end_unadmitted, .close = close_client, .free = free_client};

void dns_conn_accept(struct dns_conns *conns, int fd, const struct endpoint *peer)
{
    struct endpoint local = {.len = sizeof(local.address)};
    CLEANUP(stream_close) struct stream stream = stream_of_socket(fd);
    CLEANUP(give_peer_back)
    struct share_peer *share = share_peer_use(listener_client(conns->listener)->share, peer, 0);
    if (!has_room(conns, share))
        return;
    if (getsockname(fd, &local.address.any, &local.len) != 0)
        return;
    struct dns_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return;
    conn->conns = conns;
    conn->stream = steal_stream(&stream);
    conn->opened_us = timestamp_monotonic_us();
    conn->exchange.loop = conns->loop;
    conn->exchange.listener = conns->listener;
    conn->exchange.peer = *peer;
    conn->exchange.peer_share = steal_pointer(&share);
    conn->exchange.local = endpoint_ip(&local);
    conn->exchange.limit = DNS_UDP_MAX;
    conn->exchange.answered = on_answered;
    struct event_base *base = conns->loop->base;
    fd_watch_init(&conn->watch, base, fd, on_event, conn);
    evtimer_assign(&conn->timer, base, on_deadline, conn);
    TAILQ_INSERT_TAIL(&conns->open, conn, link);
    conns->count++;
    client_conn_opened(conns->loop, &conn->client, &kind);
    set_state(conn, DNS_CONN_READ);
}

void dns_conns_close(struct dns_conns *conns)
{
    while (!TAILQ_EMPTY(&conns->open))
        close_conn(TAILQ_FIRST(&conns->open));
}
