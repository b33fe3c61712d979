/* SPDX-License-Identifier: Apache-2.0
 *
 * Attempts are made one after the other and stay under way side by side. A failed attempt starts
 * the next one at once; one that only takes long lets the next one start beside it. Nothing happens
 * within dial_start(): the first attempt is made in the next turn of the loop, so that a caller may
 * finish what it is doing before it hears anything. */
#include "proxy/resolve/dialer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "base/timestamp.h"
#include "proxy/io/endpoint.h"
#include "rules/reason.h"

/* RFC 8305 section 8: Connection Attempt Delay. */
static const struct timeval attempt_delay = {.tv_usec = 250000};

struct attempt {
    struct dial *dial;
    int fd; /* owned; -1 = not begun or failed */
    struct ip_address address;
    struct event event;
};

struct dial {
    void (*done)(void *context, const struct dial_result *result); /* NULL = called */
    void *context;
    uint16_t port;
    int descriptor_limit;
    unsigned next;  /* attempts before it were begun */
    unsigned count; /* of attempts */
    unsigned live;  /* under way */
    struct ip_address last;
    struct error error; /* of the last that failed */
    struct event next_event;
    struct event deadline;
    struct attempt attempts[]; /* one for each address, and one where there is none */
};

/* What connect(2) and SO_ERROR say, in words for the client. All else is connect.failed. */
static const struct {
    int error;
    int code;
    const char *reason;
    const char *text;
} failures[] = {
    {ECONNREFUSED, 502, REASON_CONNECT_REFUSED, "the connection was refused"},
    {EHOSTUNREACH, 502, REASON_CONNECT_UNREACHABLE, "the host cannot be reached"},
    {ENETUNREACH, 502, REASON_CONNECT_UNREACHABLE, "the network cannot be reached"},
    {EADDRNOTAVAIL, 502, REASON_CONNECT_UNREACHABLE, "there is no own address to connect from"},
    {EAFNOSUPPORT, 502, REASON_CONNECT_UNREACHABLE,
     "this system does not have that address family"},
    {ETIMEDOUT, 504, REASON_CONNECT_TIMEOUT, "the host did not answer"},
    {EMFILE, 503, REASON_LIMIT_DESCRIPTORS, "there are no more descriptors; try again later"},
    {ENFILE, 503, REASON_LIMIT_DESCRIPTORS, "there are no more descriptors; try again later"},
};

static void write_target(const struct dial *dial, const struct ip_address *address,
                         struct buffer *out)
{
    struct endpoint endpoint;
    endpoint_from_ip(&endpoint, address, dial->port);
    endpoint_write(&endpoint, out);
}

static void fail(struct dial *dial, const struct ip_address *address, int code, const char *reason,
                 const char *text)
{
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    write_target(dial, address, &target);
    dial->last = *address;
    error_set_reason(&dial->error, code, reason, "cannot connect to %s: %s", buffer_text(&target),
                     text);
}

static void fail_with(struct dial *dial, const struct ip_address *address, int error)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (failures[i].error == error) {
            fail(dial, address, failures[i].code, failures[i].reason, failures[i].text);
            return;
        }
    }
    fail(dial, address, 502, REASON_CONNECT_FAILED, strerror(error));
}

static void attempt_end(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    event_del(&attempt->event);
    close(steal_fd(&attempt->fd));
    attempt->dial->live--;
}

static void release(struct dial *dial)
{
    for (unsigned i = 0; i < dial->next; i++)
        attempt_end(&dial->attempts[i]);
    event_del(&dial->next_event);
    event_del(&dial->deadline);
    free(dial);
}

/* The dial outlives the callback, so that a dial_cancel() in it finds something to look at. */
static void finish(struct dial *dial, const struct dial_result *result)
{
    void (*done)(void *context, const struct dial_result *result) = dial->done;
    dial->done = NULL;
    done(dial->context, result);
    release(dial);
}

static void finish_failed(struct dial *dial)
{
    struct dial_result result = {.fd = -1, .address = dial->last, .error = dial->error};
    finish(dial, &result);
}

/* A port of the range for outgoing connections that nobody listens on may be the very port that the
 * kernel chose for this socket: TCP's simultaneous open then connects it to itself. */
static bool is_self_connected(const struct attempt *attempt)
{
    struct endpoint own = {.len = sizeof(own.address)};
    if (getsockname(attempt->fd, &own.address.any, &own.len) != 0)
        return false;
    struct ip_address ip = endpoint_ip(&own);
    return endpoint_port(&own) == attempt->dial->port &&
           memcmp(&ip, &attempt->address, sizeof(ip)) == 0;
}

/* The attempt's socket has connected. False when that counts as failed; else the dial is over. */
static bool connected(struct attempt *attempt)
{
    struct dial *dial = attempt->dial;
    if (is_self_connected(attempt)) {
        fail(dial, &attempt->address, 502, REASON_CONNECT_SELF,
             "nobody listens there, the connection led to itself");
        attempt_end(attempt);
        return false;
    }
    event_del(&attempt->event);
    dial->live--;
    struct dial_result result = {.fd = steal_fd(&attempt->fd), .address = attempt->address};
    finish(dial, &result);
    return true;
}

static void try_next(struct dial *dial);

static void on_attempt(evutil_socket_t fd, short, void *context)
{
    struct attempt *attempt = context;
    struct dial *dial = attempt->dial;
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt((int)fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0) {
        if (connected(attempt))
            return;
    } else {
        fail_with(dial, &attempt->address, error);
        attempt_end(attempt);
    }
    try_next(dial);
}

enum begun { BEGUN_UNDER_WAY, BEGUN_FAILED, BEGUN_DIAL_OVER };

/* -1 with errno, also where the socket would be one of those that are kept for something else: an
 * origin is not to hear of a connection that is refused afterwards. */
static int make_socket(const struct dial *dial, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= dial->descriptor_limit) {
        close(fd);
        errno = EMFILE;
        return -1;
    }
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static enum begun begin(struct attempt *attempt)
{
    struct dial *dial = attempt->dial;
    struct endpoint target;
    endpoint_from_ip(&target, &attempt->address, dial->port);
    AUTO_CLOSE int fd = make_socket(dial, target.address.any.sa_family);
    int result = fd < 0 ? -1 : connect(fd, &target.address.any, target.len);
    if (result != 0 && (fd < 0 || errno != EINPROGRESS)) {
        fail_with(dial, &attempt->address, errno);
        return BEGUN_FAILED;
    }
    event_assign(&attempt->event, event_get_base(&dial->deadline), fd, EV_WRITE, on_attempt,
                 attempt);
    if (result != 0 && event_add(&attempt->event, NULL) != 0) {
        fail_with(dial, &attempt->address, ENOMEM);
        return BEGUN_FAILED;
    }
    attempt->fd = steal_fd(&fd);
    dial->live++;
    if (result == 0)
        return connected(attempt) ? BEGUN_DIAL_OVER : BEGUN_FAILED;
    return BEGUN_UNDER_WAY;
}

/* Begins the next attempt that does not fail at once. With none left and none under way the dial
 * has failed. */
static void try_next(struct dial *dial)
{
    event_del(&dial->next_event);
    while (dial->next < dial->count) {
        enum begun begun = begin(&dial->attempts[dial->next++]);
        if (begun == BEGUN_DIAL_OVER)
            return;
        if (begun == BEGUN_FAILED)
            continue;
        if (dial->next < dial->count)
            event_add(&dial->next_event, &attempt_delay);
        return;
    }
    if (dial->live == 0)
        finish_failed(dial);
}

static void on_next(evutil_socket_t, short, void *context)
{
    try_next(context);
}

static void on_deadline(evutil_socket_t, short, void *context)
{
    struct dial *dial = context;
    unsigned last = dial->next > 0 ? dial->next - 1 : 0;
    while (last > 0 && dial->attempts[last].fd < 0)
        last--; /* the one that still hangs, not one that failed */
    fail_with(dial, &dial->attempts[last].address, ETIMEDOUT);
    finish_failed(dial);
}

struct dial *dial_start(struct event_base *base, const struct ip_address *addresses, unsigned count,
                        uint16_t port, int descriptor_limit, uint64_t timeout_ms,
                        void (*done)(void *context, const struct dial_result *result),
                        void *context, struct error *error)
{
    if (count > RESOLVER_ADDRESSES_MAX)
        count = RESOLVER_ADDRESSES_MAX;
    struct dial *dial =
        calloc(1, sizeof(*dial) + (count > 0 ? count : 1) * sizeof(dial->attempts[0]));
    if (dial == NULL) {
        error_set_reason(error, 503, REASON_LIMIT_MEMORY,
                         "there is no memory for one more connection");
        return NULL;
    }
    dial->done = done;
    dial->context = context;
    dial->port = port;
    dial->descriptor_limit = descriptor_limit;
    dial->count = count;
    for (unsigned i = 0; i < dial->count; i++)
        dial->attempts[i] = (struct attempt){.dial = dial, .fd = -1, .address = addresses[i]};
    event_assign(&dial->next_event, base, -1, 0, on_next, dial);
    event_assign(&dial->deadline, base, -1, 0, on_deadline, dial);
    struct timeval timeout = duration_timeval_ms(timeout_ms);
    if (event_add(&dial->deadline, &timeout) != 0) {
        free(dial);
        error_set_reason(error, 503, REASON_LIMIT_MEMORY,
                         "there is no memory for one more connection");
        return NULL;
    }
    event_active(&dial->next_event, EV_TIMEOUT, 0);
    return dial;
}

void dial_cancel(struct dial **dial)
{
    struct dial *left = steal_pointer(dial);
    if (left != NULL && left->done != NULL)
        release(left);
}
