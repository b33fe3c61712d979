/* SPDX-License-Identifier: Apache-2.0
 *
 * The load of the egress bench: a number of clients, each of which does one thing after the other
 * without a pause. One thread, epoll, nothing allocated once it runs, so that the proxy and not
 * this program is the limit (mode `direct` shows where this one's lies). Called by tests/bench/run.
 *
 *   tunnel_client PORT MODE TARGET CLIENTS SECONDS [NAMES]
 *
 *   direct        connect to PORT, GET, answer, end
 *   tunnels       connect, CONNECT to TARGET, GET inside, answer, end
 *   denials       connect, CONNECT to TARGET, 403, end
 *   denials-kept  the same on one connection after the other CONNECT; exit code 3: it is not kept
 *
 * The far side always closes first, as asked by `Connection: close`: whoever closes first keeps the
 * port pair in TIME_WAIT, and a client would run out of ports within seconds. With NAMES, TARGET is
 * not used and every CONNECT asks for one of NAMES names at random, which are those that
 * egress_contenders.py writes into rules. A refused or broken connection is tried anew for ten
 * seconds, its time counted into the one request, so that a proxy's absence shows as a stall.
 *
 * Prints "count=N seconds=S p50_ns=N p99_ns=N max_ns=N broken=N". */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include "base/attributes.h"
#include "tests/bench/loopback.h"

enum {
    ANSWER_MAX = 16384,
    CLIENTS_MAX = 1024,
    SAMPLES_MAX = 8 * 1024 * 1024,
    NOT_KEPT = 3,
    KEPT_PROVEN = 1000
};

static const int64_t give_up_ns = 10 * (int64_t)1000000000;
static const char inner_request[] =
    "GET /small HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n";

enum mode { DIRECT, TUNNELS, DENIALS, DENIALS_KEPT };

static const char *const mode_names[] = {"direct", "tunnels", "denials", "denials-kept"};

struct client {
    int fd;
    bool inside;     /* TUNNELS: the tunnel stands, the GET is sent */
    int64_t started; /* ns; of this request, whatever had to be tried again */
    size_t have;
    char answer[ANSWER_MAX];
};

struct load {
    enum mode mode;
    struct sockaddr_in proxy;
    int epoll;
    const char *target;
    uint32_t name_count; /* 0 = always `target` */
    uint32_t random;
    size_t count;
    size_t broken;
    uint32_t *samples; /* owned */
};

/* The name with number `index`; egress_contenders.py has the same. */
static void write_name(char *out, size_t size, uint32_t index)
{
    uint32_t scattered = index * 2654435761u;
    snprintf(out, size, "%08x.d%03x.test:443", scattered, scattered & 0xfff);
}

static void client_ask(struct load *load, struct client *client)
{
    char request[256], name[64];
    const char *target = load->target;
    if (load->name_count > 0) {
        load->random = load->random * 1664525u + 1013904223u;
        write_name(name, sizeof name,
                   (uint32_t)(((uint64_t)load->random * load->name_count) >> 32));
        target = name;
    }
    client->have = 0;
    client->inside = load->mode == DIRECT;
    size_t len = sizeof inner_request - 1;
    if (load->mode != DIRECT)
        len =
            (size_t)snprintf(request, sizeof request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
                             target, target, load->mode == DENIALS ? "Connection: close\r\n" : "");
    /* What fails here is seen by the read that follows. */
    (void)!send(client->fd, load->mode == DIRECT ? inner_request : request, len, MSG_NOSIGNAL);
}

static void client_connect(struct load *load, struct client *client)
{
    while ((client->fd = loopback_connect(&load->proxy)) < 0) {
        load->broken++;
        if (loopback_now_ns() - client->started > give_up_ns)
            err(1, "cannot connect");
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = client};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        err(1, "epoll_ctl");
    client_ask(load, client);
}

static void client_begin(struct load *load, struct client *client)
{
    client->started = loopback_now_ns();
    client_connect(load, client);
}

static void client_finish(struct load *load, struct client *client)
{
    int64_t took = loopback_now_ns() - client->started;
    if (load->count < SAMPLES_MAX)
        load->samples[load->count] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    load->count++;
    if (load->mode == DENIALS_KEPT) {
        client->started += took;
        client_ask(load, client);
        return;
    }
    close(client->fd);
    client_begin(load, client);
}

/* A connection that ended before its answer was whole: once more, unless that is what the proxy
 * always does. */
static void client_broken(struct load *load, struct client *client)
{
    if (load->mode == DENIALS_KEPT && load->count < KEPT_PROVEN)
        exit(NOT_KEPT);
    load->broken++;
    if (loopback_now_ns() - client->started > give_up_ns)
        errx(1, "no whole answer: %.60s", client->answer);
    close(client->fd);
    client_connect(load, client);
}

static void need_status(const struct client *client, const char *status)
{
    if (strncmp(client->answer, "HTTP/1.", 7) != 0 || strncmp(client->answer + 8, status, 4) != 0)
        errx(1, "an answer that is not a%s: %.60s", status, client->answer);
}

/* Whether head and body of a refusal are there. */
static bool denial_is_whole(const struct client *client)
{
    const char *end = strstr(client->answer, "\r\n\r\n");
    if (end == NULL)
        return false;
    need_status(client, " 403");
    const char *field = strcasestr(client->answer, "\r\ncontent-length:");
    if (field == NULL || field > end)
        exit(NOT_KEPT);
    size_t whole = (size_t)(end + 4 - client->answer) + strtoul(field + 17, NULL, 10);
    if (client->have > whole)
        errx(1, "%zu bytes follow a refusal", client->have - whole);
    return client->have == whole;
}

static void client_enter(struct client *client)
{
    need_status(client, " 200");
    if (memcmp(client->answer + client->have - 4, "\r\n\r\n", 4) != 0)
        errx(1, "bytes came through a tunnel that nobody had sent");
    client->inside = true;
    client->have = 0;
    (void)!send(client->fd, inner_request, sizeof inner_request - 1, MSG_NOSIGNAL);
}

static void client_ended(struct load *load, struct client *client)
{
    bool ok = load->mode == DENIALS ? client->have > 0 && strstr(client->answer, "\r\n\r\n") != NULL
                                    : client->inside && client->have > 6;
    if (!ok) {
        client_broken(load, client);
        return;
    }
    need_status(client, load->mode == DENIALS ? " 403" : " 200");
    if (load->mode != DENIALS && memcmp(client->answer + client->have - 6, "\r\n\r\nOK", 6) != 0)
        errx(1, "the origin's answer is cut off: %.60s", client->answer);
    client_finish(load, client);
}

static void client_on_event(struct load *load, struct client *client, uint32_t events)
{
    size_t room = ANSWER_MAX - 1 - client->have;
    ssize_t got = recv(client->fd, client->answer + client->have, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        client_broken(load, client);
        return;
    }
    client->have += (size_t)got;
    client->answer[client->have] = '\0';
    if (client->have == ANSWER_MAX - 1)
        errx(1, "an answer of more than %d bytes", ANSWER_MAX);
    /* The end was in the queue before the read, which took all there was: no second read needed. */
    if (got == 0 || (events & EPOLLRDHUP) != 0)
        client_ended(load, client);
    else if (load->mode == DENIALS_KEPT && denial_is_whole(client))
        client_finish(load, client);
    else if (load->mode == TUNNELS && !client->inside && strstr(client->answer, "\r\n\r\n") != NULL)
        client_enter(client);
}

static int compare_samples(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void print_result(struct load *load, double seconds)
{
    size_t kept = load->count < SAMPLES_MAX ? load->count : SAMPLES_MAX;
    if (kept == 0)
        errx(1, "nothing was answered");
    qsort(load->samples, kept, sizeof *load->samples, compare_samples);
    printf("count=%zu seconds=%.6f p50_ns=%u p99_ns=%u max_ns=%u broken=%zu\n", load->count,
           seconds, load->samples[kept / 2], load->samples[kept * 99 / 100],
           load->samples[kept - 1], load->broken);
}

static enum mode mode_of(const char *name)
{
    for (unsigned i = 0; i < sizeof mode_names / sizeof *mode_names; i++)
        if (strcmp(name, mode_names[i]) == 0)
            return (enum mode)i;
    errx(2, "%s is not a mode", name);
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7)
        errx(2, "usage: tunnel_client PORT MODE TARGET CLIENTS SECONDS [NAMES]");
    struct load load = {.mode = mode_of(argv[2]),
                        .proxy = loopback_address(argv[1]),
                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                        .target = argv[3],
                        .name_count = argc == 7 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0,
                        .random = (uint32_t)getpid()};
    unsigned long client_count = strtoul(argv[4], NULL, 10);
    if (client_count == 0 || client_count > CLIENTS_MAX)
        errx(2, "1 to %d clients", CLIENTS_MAX);
    AUTO_FREE struct client *clients = calloc(client_count, sizeof *clients);
    AUTO_FREE uint32_t *samples = malloc(sizeof *samples * SAMPLES_MAX);
    load.samples = samples;
    if (clients == NULL || samples == NULL || load.epoll < 0)
        errx(1, "no memory");

    int64_t start = loopback_now_ns(), now = start;
    int64_t stop = start + (int64_t)(strtod(argv[5], NULL) * 1e9);
    for (unsigned long i = 0; i < client_count; i++)
        client_begin(&load, &clients[i]);
    for (; now < stop; now = loopback_now_ns()) {
        struct epoll_event events[CLIENTS_MAX];
        int count = epoll_wait(load.epoll, events, CLIENTS_MAX, 1000);
        for (int i = 0; i < count; i++)
            client_on_event(&load, events[i].data.ptr, events[i].events);
    }
    print_result(&load, (double)(now - start) / 1e9);
    return 0;
}
