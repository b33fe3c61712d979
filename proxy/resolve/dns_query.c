/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets and clocks of one question.
 *
 *   waits for                        for            then
 *   a datagram of the server asked   its try's time  the next server, or the next round
 *   c-ares' answer over TCP          c-ares' time    its end
 *
 * A server that refuses, fails or cannot be understood is not waited for. */
#include "proxy/resolve/dns_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "base/timestamp.h"
#include "proxy/resolve/dns_channel.h"
#include "proxy/resolve/dns_message.h"

enum {
    ROUNDS = 3,
    TRY_MS_MIN = 50,
    TRY_MS_MAX = 1000,
    DATAGRAMS_A_TURN = 8,
    TCP_QUESTIONS_MAX = 1024, /* c-ares goes through all of them at each step, and keeps each for
                                 its time, whether anybody still waits or not */
    DATAGRAM_MAX =
        8192, /* 512 are asked for (RFC 1035 section 4.2.1); what is longer is read too */
};

/* A question that c-ares holds; outlives the query if that is cancelled. */
struct tcp_question {
    struct dns_asker *asker; /* borrowed */
    struct dns_query *query; /* NULL = nobody waits any more */
};

struct dns_asker {
    struct event_base *base;     /* borrowed */
    struct dns_channel *channel; /* owned */
    struct endpoint servers[RESOLVER_SERVERS_MAX];
    unsigned server_count;
    uint64_t try_ms;    /* doubled with each round */
    unsigned tcp_count; /* questions that c-ares holds */
};

struct dns_query {
    struct dns_asker *asker; /* borrowed */
    struct host_name name;
    uint16_t type, id;
    int fd;
    unsigned attempt;                  /* rounds times servers */
    unsigned foreign;                  /* datagrams at this socket that were no answer */
    bool failed[RESOLVER_SERVERS_MAX]; /* not asked again */
    struct tcp_question *tcp;          /* c-ares'; NULL = none */
    struct event readable, timer;
    dns_query_answered *answered;
    void *context;
};

static void ask_next(struct dns_query *query);

static void close_socket(struct dns_query *query)
{
    if (query->fd < 0)
        return;
    event_del(&query->readable);
    close(query->fd);
    query->fd = -1;
}

void dns_query_cancel(struct dns_query **query)
{
    struct dns_query *left = steal_pointer(query);
    if (left == NULL)
        return;
    close_socket(left);
    event_del(&left->timer);
    if (left->tcp != NULL)
        left->tcp->query = NULL;
    free(left);
}

static void end(struct dns_query *query, const struct dns_answer *answer)
{
    dns_query_answered *answered = query->answered;
    void *context = query->context;
    dns_query_cancel(&query);
    answered(context, answer);
}

static void end_without(struct dns_query *query, enum dns_outcome outcome)
{
    struct dns_answer answer;
    answer.outcome = outcome;
    answer.count = 0;
    name_chain_clear(&answer.chain);
    end(query, &answer);
}

static void end_in(struct dns_query *query, uint64_t time_ms)
{
    const struct timeval wait = duration_timeval_ms(time_ms);
    event_add(&query->timer, &wait);
}

static unsigned server_of(const struct dns_query *query)
{
    return query->attempt % query->asker->server_count;
}

static void server_failed(struct dns_query *query)
{
    query->failed[server_of(query)] = true;
    query->attempt++;
    ask_next(query);
}

/* --- over TCP --- */

/* c-ares' own call back: comes once for each question, at the latest from dns_channel_free(). */
static void on_tcp(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
    AUTO_FREE struct tcp_question *tcp = context;
    struct dns_query *query = tcp->query;
    struct dns_answer answer;
    (void)timeouts;
    tcp->asker->tcp_count--;
    if (query == NULL)
        return;
    query->tcp = NULL;
    /* NXDOMAIN and no data are statuses to c-ares, and come with the message all the same. */
    enum dns_answer_result result =
        bytes == NULL || len < 0
            ? DNS_ANSWER_FOREIGN
            : dns_answer_read(bytes, (size_t)len, &query->name, query->type, &answer);
    if (result == DNS_ANSWER_OK)
        end(query, &answer);
    else
        end_without(query, status == ARES_ETIMEOUT ? DNS_TIMED_OUT : DNS_FAILED);
}

/* No port is guessed there: the sequence numbers of TCP would have to be, too. */
static void ask_over_tcp(struct dns_query *query)
{
    char absolute[HOST_NAME_LEN_MAX + 2];
    struct dns_asker *asker = query->asker;
    bool has_room = asker->tcp_count < TCP_QUESTIONS_MAX;
    struct tcp_question *tcp = has_room ? malloc(sizeof(*tcp)) : NULL;
    close_socket(query);
    event_del(&query->timer);
    if (tcp == NULL) {
        end_without(query, DNS_FAILED);
        return;
    }
    asker->tcp_count++;
    tcp->asker = asker;
    tcp->query = query;
    query->tcp = tcp;
    memcpy(absolute, query->name.text, query->name.len);
    memcpy(absolute + query->name.len, ".", 2);
    dns_channel_ask(asker->channel, absolute, query->type, on_tcp, tcp);
}

/* --- over UDP --- */

/* What came in one datagram. False when the query has ended or gone on to something else. */
static bool take_datagram(struct dns_query *query, const unsigned char *bytes, size_t len)
{
    struct dns_answer answer;
    bool has_id = len >= 2 && (bytes[0] << 8 | bytes[1]) == query->id;
    enum dns_answer_result result =
        has_id ? dns_answer_read(bytes, len, &query->name, query->type, &answer)
               : DNS_ANSWER_FOREIGN;
    switch (result) {
    case DNS_ANSWER_OK:
        end(query, &answer);
        return false;
    case DNS_ANSWER_TRUNCATED:
        ask_over_tcp(query);
        return false;
    case DNS_ANSWER_UNUSABLE:
        server_failed(query);
        return false;
    case DNS_ANSWER_FOREIGN:
        break;
    }
    if (++query->foreign < DNS_QUERY_FOREIGN_MAX)
        return true;
    end_without(query, DNS_FORGED);
    return false;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct dns_query *query = context;
    unsigned char bytes[DATAGRAM_MAX];
    (void)what;
    for (unsigned i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t got = recv((int)fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got < 0) { /* nobody listens there (ICMP) */
            server_failed(query);
            return;
        }
        if (!take_datagram(query, bytes, (size_t)got))
            return;
    }
}

/* A new socket gets a new port from the kernel, which draws it at random, and a new id goes with
 * it. */
static bool open_socket(struct dns_query *query)
{
    const struct endpoint *server = &query->asker->servers[server_of(query)];
    query->fd = socket(server->address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (query->fd < 0)
        return false;
    query->foreign = 0;
    event_assign(&query->readable, query->asker->base, query->fd, EV_READ | EV_PERSIST, on_readable,
                 query);
    return connect(query->fd, &server->address.any, server->len) == 0 &&
           getrandom(&query->id, sizeof(query->id), 0) == sizeof(query->id) &&
           event_add(&query->readable, NULL) == 0;
}

static bool send_question(struct dns_query *query)
{
    unsigned char bytes[DNS_ANSWER_ASK_MAX];
    size_t len = dns_answer_ask(query->id, &query->name, query->type, bytes);
    return send(query->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static bool some_server_is_left(const struct dns_query *query)
{
    for (unsigned i = 0; i < query->asker->server_count; i++) {
        if (!query->failed[i])
            return true;
    }
    return false;
}

/* Asks the server whose turn it is, or the next one that has not failed. A server that is the only
 * one keeps its socket: its first answer may only have been late. */
static void ask_next(struct dns_query *query)
{
    const struct dns_asker *asker = query->asker;
    if (asker->server_count > 1)
        close_socket(query);
    for (; query->attempt < ROUNDS * asker->server_count; query->attempt++) {
        unsigned server = server_of(query);
        if (query->failed[server])
            continue;
        if ((query->fd >= 0 || open_socket(query)) && send_question(query)) {
            end_in(query, asker->try_ms << query->attempt / asker->server_count);
            return;
        }
        close_socket(query);
        query->failed[server] = true;
    }
    end_without(query, some_server_is_left(query) ? DNS_TIMED_OUT : DNS_FAILED);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dns_query *query = context;
    (void)fd;
    (void)what;
    if (query->fd >= 0)
        query->attempt++;
    ask_next(query);
}

struct dns_query *dns_query_start(struct dns_asker *asker, const struct host_name *name,
                                  uint16_t type, dns_query_answered *answered, void *context)
{
    struct dns_query *query = calloc(1, sizeof(*query));
    if (query == NULL)
        return NULL;
    query->asker = asker;
    query->name = *name;
    query->type = type;
    query->fd = -1;
    query->answered = answered;
    query->context = context;
    event_assign(&query->timer, asker->base, -1, 0, on_timer, query);
    event_active(&query->timer, EV_TIMEOUT, 0);
    return query;
}

/* --- the servers --- */

struct dns_asker *dns_asker_new(struct event_base *base, const struct resolver_options *options,
                                struct error *error)
{
    struct dns_asker *asker = calloc_or_abort(1, sizeof(*asker));
    uint64_t try_ms = options->timeout_ms / 5; /* rounds are cut by the time for the name */
    asker->base = base;
    asker->try_ms = try_ms < TRY_MS_MIN ? TRY_MS_MIN : try_ms > TRY_MS_MAX ? TRY_MS_MAX : try_ms;
    asker->channel = dns_channel_new(base, options, asker->try_ms, error);
    if (asker->channel == NULL) {
        free(asker);
        return NULL;
    }
    asker->server_count = dns_channel_servers(asker->channel, asker->servers);
    return asker;
}

void dns_asker_free(struct dns_asker **asker)
{
    struct dns_asker *left = steal_pointer(asker);
    if (left == NULL)
        return;
    dns_channel_free(&left->channel);
    free(left);
}
