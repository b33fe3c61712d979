/* SPDX-License-Identifier: Apache-2.0
 *
 * Places for accepted sockets, and the answer to those that get none. A close(2) with unread bytes
 * resets the connection and can take the answer with it (RFC 9112 section 9.6); so a few of those
 * who were refused are read over for a moment, within a share of their own. Who floods is closed at
 * once. */
#include "proxy/loop/admission.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json_write.h"
#include "proxy/loop/loop.h"
#include "proxy/http/http_write.h"
#include "proxy/io/stream.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_identity.h"
#include "rules/reason.h"

enum { TOLD_MS = 2000, ACCEPTS_PER_TURN = 64 };

struct admission_told {
    struct loop *loop;       /* borrowed */
    struct share_peer *peer; /* a use */
    struct stream stream;    /* owned */
    struct event event;
    TAILQ_ENTRY(admission_told) link;
};

/* Accepts one connection and finds out who it is. False with errno as accept4(2) leaves it. */
static bool accept_one(struct listener *listener, int listen_fd, struct arrival *arrival)
{
    *arrival =
        (struct arrival){.endpoint.len = sizeof(arrival->endpoint.address), .credentials.pid = -1};
    arrival->fd = accept4(listen_fd, &arrival->endpoint.address.any, &arrival->endpoint.len,
                          SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (arrival->fd < 0)
        return false;
    socklen_t len = sizeof(arrival->credentials);
    if (endpoint_is_unix(&arrival->endpoint) &&
        getsockopt(arrival->fd, SOL_SOCKET, SO_PEERCRED, &arrival->credentials, &len) != 0)
        arrival->credentials = (struct ucred){.pid = -1};
    arrival->peer = share_peer_use(listener_client(listener)->share, &arrival->endpoint,
                                   arrival->credentials.uid);
    return true;
}

void admission_drop(struct arrival *arrival)
{
    close(steal_fd(&arrival->fd));
    share_peer_unuse(&arrival->peer);
}

void admission_leave(struct share_peer **peer)
{
    share_give_back(*peer, SHARE_CONNECTIONS, 1);
    share_peer_unuse(peer);
}

void admission_note_stranger(struct listener *listener, struct share_peer *peer,
                             const struct endpoint *endpoint)
{
    struct loop *loop = listener_gate(listener);
    const char *client = listener_client(listener)->name;
    enum share_gate of = listener_service(listener)->loop;
    char id[LOG_ID_LEN_MAX], address[LOG_PEER_LEN_MAX];
    metrics_series_count(
        metrics_series(loop->metrics, client, "connect", METRICS_DENY, REASON_FROM, "built-in"));
    if (!share_may_log_denial(peer, timestamp_monotonic_us())) {
        share_count_refused(peer, SHARE_REFUSED_FROM, of);
        return;
    }
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .id = log_identity_id(loop, ++loop->next_id, id),
        .event = LOG_REQUEST,
        .kind = slice_from_text(share_gate_name(of)),
        .client = slice_from_text(client),
        .peer = log_identity_peer(endpoint, 0, 0, address),
        .has_decision = true,
        .rule = SLICE_LITERAL("built-in"),
        .source = SLICE_LITERAL("built-in"),
        .reason = slice_from_text(REASON_FROM),
        .policy = slice_from_text(policy_hash(loop->policy)),
    };
    log_writer_add(loop->log, &record);
}

/* ---- telling ---- */

static void end_told(struct admission_told *told)
{
    TAILQ_REMOVE(&told->loop->told, told, link);
    event_del(&told->event);
    stream_close(&told->stream);
    share_give_back(told->peer, SHARE_TOLD, 1);
    share_peer_unuse(&told->peer);
    free(told);
}

static void on_told_event(evutil_socket_t, short what, void *context)
{
    char bytes[4096];
    struct admission_told *told = context;
    ssize_t got = (what & EV_READ) ? stream_read(&told->stream, bytes, sizeof(bytes)) : 0;
    if (got == 0 || (got < 0 && errno != EAGAIN))
        end_told(told);
}

void admission_close_told(struct loop *loop)
{
    while (!TAILQ_EMPTY(&loop->told))
        end_told(TAILQ_FIRST(&loop->told));
}

/* Lets it read what it was told. */
static void wait_for_reader(struct loop *loop, struct arrival *arrival)
{
    static const struct timeval wait = {TOLD_MS / 1000, 0};
    struct admission_told *told = NULL;
    if (share_take(arrival->peer, SHARE_TOLD, 1) != SHARE_GRANTED)
        return;
    if ((told = calloc(1, sizeof(*told))) == NULL) {
        share_give_back(arrival->peer, SHARE_TOLD, 1);
        return;
    }
    told->loop = loop;
    told->stream = stream_of_socket(steal_fd(&arrival->fd));
    told->peer = steal_pointer(&arrival->peer);
    stream_end(&told->stream);
    event_assign(&told->event, loop->base, told->stream.fd, EV_READ | EV_PERSIST, on_told_event,
                 told);
    event_add(&told->event, &wait);
    TAILQ_INSERT_TAIL(&loop->told, told, link);
}

/* The words of a refusal for either gate: both read JSON with `message`. */
static void write_answer(enum share_level level, struct buffer *out)
{
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    char message[96], status[96];
    snprintf(message, sizeof(message),
             "dockreeve: %s has as many connections open as it may; try again later",
             share_level_name(level));
    snprintf(status, sizeof(status),
             "dockreeve; error=connection_limit_reached; details=\"limit.connections\"");
    json_write_object_begin(&body);
    json_write_key_text(&body, "message", message);
    json_write_key_text(&body, "reason", share_reason(SHARE_CONNECTIONS));
    json_write_key_bool(&body, "retry", true);
    json_write_line_end(&body);
    const struct http_refusal refusal = {.status = 503,
                                         .proxy_status = slice_from_text(status),
                                         .body_len = body.len,
                                         .close = true};
    http_write_refusal(out, &refusal);
    buffer_append_slice(out, buffer_slice(&body));
}

static void tell(struct loop *loop, struct arrival *arrival, enum share_level level)
{
    struct buffer *text = &loop->scratch->text;
    buffer_clear(text);
    write_answer(level, text);
    struct stream stream = stream_of_socket(arrival->fd);
    (void)!stream_write(&stream, text->data, text->len);
    wait_for_reader(loop, arrival);
}

/* Takes a place for it, where need be from a connection that has not sent a whole request yet: see
 * share_make_room(). True when it may come in. Else it was told so, counted for the log, and is gone. */
static bool enter(struct listener *listener, struct arrival *arrival)
{
    struct loop *loop = listener_gate(listener);
    const struct listener_service *service = listener_service(listener);
    enum share_level level = share_take(arrival->peer, SHARE_CONNECTIONS, 1);
    if (level != SHARE_GRANTED && share_make_room(loop->share, arrival->peer, level))
        level = share_take(arrival->peer, SHARE_CONNECTIONS, 1);
    if (level == SHARE_GRANTED)
        return true;
    share_count_refused(arrival->peer, SHARE_REFUSED_CONNECTIONS, service->loop);
    if (service->speaks_http)
        tell(loop, arrival, level);
    if (arrival->fd >= 0)
        admission_drop(arrival);
    return false;
}

/* ---- accepting ---- */

/* No room for one more: a short answer says so, instead of a connection that hangs. */
static const char no_room[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    "Content-Length: 62\r\nConnection: close\r\n\r\n"
    "{\"message\":\"dockreeve: too many connections; try again later\"}";

/* Descriptors have run out: a connection without a request makes room; else the spare descriptor
 * lets us say no. */
static void accept_without_descriptors(struct loop *loop, int listen_fd)
{
    if (loop_make_room(loop))
        return; /* the level-triggered event comes again */
    loop_refuse_with_spare(loop, listen_fd, SLICE_LITERAL(no_room));
}

static void take_in(struct listener *listener, struct arrival *arrival)
{
    if (!listener_admits(listener, &arrival->endpoint)) {
        admission_note_stranger(listener, arrival->peer, &arrival->endpoint);
        admission_drop(arrival);
        return;
    }
    if (enter(listener, arrival))
        listener_service(listener)->accept(listener, arrival);
}

void admission_ready(struct listener *listener, int listen_fd)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct arrival arrival;
        if (accept_one(listener, listen_fd, &arrival)) {
            take_in(listener, &arrival);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) {
            accept_without_descriptors(listener_gate(listener), listen_fd);
            return;
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}
