/* SPDX-License-Identifier: Apache-2.0
 *
 * The origin behind the egress bench: small answers, one large one, and a sink for uploads. One
 * thread, epoll, a table of connections by descriptor, nothing allocated once it runs: client and
 * origin share a core and must not be what is measured. Driven only by tests/bench/run, which knows
 * what it asks.
 *
 *   tunnel_origin PORT BYTES    prints "ready"
 *
 *   GET /bytes    200 with BYTES bytes
 *   POST …        takes the body, counted by Content-Length and thrown away unread; then 200 "OK"
 *   anything      200 "OK"; with `Connection: close` the connection is closed after it */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "tests/bench/loopback.h"

enum { HEAD_MAX = 512, PIECE = 256 * 1024, EVENTS_MAX = 256 };

enum peer_state { PEER_HEAD, PEER_BODY, PEER_SENDING };

struct peer {
    enum peer_state state;
    uint64_t left; /* of the body that is taken or sent */
    size_t head_len;
    char head[HEAD_MAX];
};

struct origin {
    int epoll, listener;
    uint64_t bytes;
    struct peer *peers; /* owned; by descriptor */
    rlim_t peer_count;
    char *piece; /* owned; PIECE bytes */
};

static const char answer_ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

static void watch(struct origin *origin, int fd, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(origin->epoll, operation, fd, &event) != 0)
        err(1, "epoll_ctl");
}

/* False when the connection is to be closed; small answers always fit the socket's buffer. */
static bool say_ok(int fd)
{
    return send(fd, answer_ok, sizeof answer_ok - 1, MSG_NOSIGNAL) == sizeof answer_ok - 1;
}

static bool peer_send(struct origin *origin, int fd, struct peer *peer)
{
    while (peer->left > 0) {
        size_t len = peer->left < PIECE ? (size_t)peer->left : PIECE;
        ssize_t wrote = send(fd, origin->piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0)
            return errno == EAGAIN;
        peer->left -= (uint64_t)wrote;
    }
    peer->state = PEER_HEAD;
    watch(origin, fd, EPOLLIN, EPOLL_CTL_MOD);
    return true;
}

static bool peer_take_body(int fd, struct peer *peer, uint64_t len)
{
    peer->left -= len < peer->left ? len : peer->left;
    if (peer->left > 0)
        return true;
    peer->state = PEER_HEAD;
    return say_ok(fd);
}

static bool peer_take_head(struct origin *origin, int fd, struct peer *peer)
{
    peer->head[peer->head_len] = '\0';
    const char *end = strstr(peer->head, "\r\n\r\n");
    if (end == NULL)
        return peer->head_len < HEAD_MAX - 1;
    size_t rest = peer->head_len - (size_t)(end + 4 - peer->head);
    peer->head_len = 0;
    if (strncmp(peer->head, "GET /bytes ", 11) == 0) {
        char head[128];
        int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                           (unsigned long long)origin->bytes);
        loopback_write(fd, head, (size_t)len);
        peer->state = PEER_SENDING;
        peer->left = origin->bytes;
        watch(origin, fd, EPOLLOUT, EPOLL_CTL_MOD);
        return true;
    }
    if (strncmp(peer->head, "POST ", 5) == 0) {
        const char *field = strcasestr(peer->head, "\r\ncontent-length:");
        peer->state = PEER_BODY;
        peer->left = field != NULL ? strtoull(field + 17, NULL, 10) : 0;
        return peer_take_body(fd, peer, rest);
    }
    return say_ok(fd) && strcasestr(peer->head, "\r\nconnection: close") == NULL;
}

static bool peer_read(struct origin *origin, int fd, struct peer *peer)
{
    bool head = peer->state == PEER_HEAD;
    /* TCP throws away what is received with MSG_TRUNC instead of copying it. */
    ssize_t got =
        head ? recv(fd, peer->head + peer->head_len, HEAD_MAX - 1 - peer->head_len, MSG_DONTWAIT)
             : recv(fd, origin->piece, PIECE, MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    if (!head)
        return peer_take_body(fd, peer, (uint64_t)got);
    peer->head_len += (size_t)got;
    return peer_take_head(origin, fd, peer);
}

static void accept_peers(struct origin *origin)
{
    int fd;
    while ((fd = accept4(origin->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if ((rlim_t)fd >= origin->peer_count)
            errx(1, "too many connections");
        origin->peers[fd].state = PEER_HEAD;
        origin->peers[fd].head_len = 0;
        watch(origin, fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void origin_init(struct origin *origin, const char *port, const char *bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        err(1, "getrlimit");
    origin->epoll = epoll_create1(EPOLL_CLOEXEC);
    origin->listener = loopback_listen(port);
    origin->bytes = strtoull(bytes, NULL, 10);
    origin->peer_count = limit.rlim_cur < 1 << 20 ? limit.rlim_cur : 1 << 20;
    origin->peers = calloc(origin->peer_count, sizeof *origin->peers);
    origin->piece = malloc(PIECE);
    if (origin->epoll < 0 || origin->peers == NULL || origin->piece == NULL)
        err(1, "cannot start");
    memset(origin->piece, 'x', PIECE);
    watch(origin, origin->listener, EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: tunnel_origin PORT BYTES");
    signal(SIGPIPE, SIG_IGN);
    struct origin origin;
    origin_init(&origin, argv[1], argv[2]);
    puts("ready");
    fflush(stdout);

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(origin.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == origin.listener) {
                accept_peers(&origin);
                continue;
            }
            struct peer *peer = &origin.peers[fd];
            if (!(peer->state == PEER_SENDING ? peer_send(&origin, fd, peer)
                                              : peer_read(&origin, fd, peer)))
                close(fd);
        }
    }
}
