/* SPDX-License-Identifier: Apache-2.0
 *
 * An upstream for what nginx cannot play: an engine that opens /events and stays silent, swallows
 * an uploaded image without storing it, and sends an image in chunks, as dockerd does when it does
 * not know the length. One thread, epoll, no limits: it is driven only by tests/bench/run, which
 * knows what it asks.
 *
 *   stream_engine UNIX_PATH TCP_PORT BYTES    prints "ready"
 *
 *   GET  …/events            200, chunked, headers only, open until the client leaves
 *   GET  …/images/…/get      200, chunked, BYTES in chunks of 32 kB
 *   POST …/images/load       reads the body, then 200. A chunked body must not contain "0\r\n\r\n"
 * before its end. anything else            200 "OK" */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/attributes.h"

enum { HEAD_MAX = 8192, PIECE = 256 * 1024, CHUNK = 32 * 1024, EVENTS_MAX = 64 };

/* What a connection waits for. */
enum peer_state {
    PEER_HEAD,    /* the empty line after a request head */
    PEER_BODY,    /* `left` bytes of an upload */
    PEER_CHUNKS,  /* the last chunk of an upload */
    PEER_SENDING, /* room to send the rest of a download */
    PEER_SILENT,  /* the client to leave /events */
};

struct peer {
    int fd;
    enum peer_state state;
    bool close_after; /* the client said Connection: close */
    uint64_t left;
    size_t chunk_at; /* PEER_SENDING: bytes of the current chunk that are sent */
    char tail[5];    /* PEER_CHUNKS: last bytes seen */
    size_t head_len;
    char head[HEAD_MAX];
};

struct engine {
    int epoll;
    uint64_t download_len;
    char *piece; /* owned; PIECE bytes that are read and forgotten */
    char *chunk; /* owned; one chunk as it goes out */
    size_t chunk_len;
};

static const char answer_ok[] =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: text/plain\r\n"
    "Content-Length: 2\r\n\r\nOK";
static const char answer_chunked[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n";

static void peer_watch(struct engine *engine, struct peer *peer, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(engine->epoll, operation, peer->fd, &event) != 0)
        err(1, "epoll_ctl");
}

/* Small answers fit the socket's buffer; a short write would be a broken bench. */
static void peer_say(struct peer *peer, const char *text)
{
    size_t len = strlen(text);
    if (write(peer->fd, text, len) != (ssize_t)len)
        warn("short answer");
}

/* False when the connection is to be closed. */
static bool peer_answered(struct peer *peer)
{
    peer->state = PEER_HEAD;
    return !peer->close_after;
}

static bool peer_send(struct engine *engine, struct peer *peer)
{
    static const char last[] = "0\r\n\r\n";
    for (;;) {
        bool ending = peer->left == 0;
        const char *bytes = ending ? last : engine->chunk;
        size_t len = ending ? sizeof last - 1 : engine->chunk_len;
        ssize_t wrote = write(peer->fd, bytes + peer->chunk_at, len - peer->chunk_at);
        if (wrote < 0)
            return errno == EAGAIN;
        peer->chunk_at += (size_t)wrote;
        if (peer->chunk_at < len)
            continue;
        peer->chunk_at = 0;
        if (ending)
            break;
        peer->left -= peer->left < CHUNK ? peer->left : CHUNK;
    }
    peer_watch(engine, peer, EPOLLIN, EPOLL_CTL_MOD);
    return peer_answered(peer);
}

/* Takes bytes of an upload; false when the connection is to be closed. */
static bool peer_take_body(struct peer *peer, const char *bytes, size_t len)
{
    if (peer->state == PEER_BODY) {
        peer->left -= len < peer->left ? len : peer->left;
        if (peer->left > 0)
            return true;
    } else {
        size_t keep = len < sizeof peer->tail ? sizeof peer->tail - len : 0;
        size_t fresh = sizeof peer->tail - keep;
        memmove(peer->tail, peer->tail + fresh, keep);
        memcpy(peer->tail + keep, bytes + len - fresh, fresh);
        if (memcmp(peer->tail, "0\r\n\r\n", sizeof peer->tail) != 0)
            return true;
    }
    peer_say(peer, answer_ok);
    return peer_answered(peer);
}

static bool peer_take_head(struct engine *engine, struct peer *peer)
{
    peer->head[peer->head_len] = '\0';
    char *end = strstr(peer->head, "\r\n\r\n");
    if (end == NULL)
        return peer->head_len < HEAD_MAX - 1;
    const char *rest = end + 4;
    size_t rest_len = peer->head_len - (size_t)(rest - peer->head);
    end[2] = '\0';
    peer->head_len = 0;
    peer->close_after = strcasestr(peer->head, "\r\nconnection: close") != NULL;

    const char *line_end = strstr(peer->head, "\r\n");
    AUTO_FREE char *line = strndup(peer->head, (size_t)(line_end - peer->head));
    if (line == NULL)
        err(1, "no memory");
    if (strstr(line, "/events") != NULL) {
        peer->state = PEER_SILENT;
        peer_say(peer, answer_chunked);
        return true;
    }
    if (strncmp(line, "GET ", 4) == 0 && strstr(line, "/images/") != NULL) {
        peer->state = PEER_SENDING;
        peer->left = engine->download_len;
        peer_say(peer, answer_chunked);
        peer_watch(engine, peer, EPOLLOUT, EPOLL_CTL_MOD);
        return true;
    }
    if (strncmp(line, "POST ", 5) == 0) {
        const char *length = strcasestr(peer->head, "\r\ncontent-length:");
        peer->state = length != NULL ? PEER_BODY : PEER_CHUNKS;
        peer->left = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
        memset(peer->tail, 0, sizeof peer->tail);
        return rest_len == 0 || peer_take_body(peer, rest, rest_len);
    }
    peer_say(peer, answer_ok);
    return peer_answered(peer);
}

static bool peer_read(struct engine *engine, struct peer *peer)
{
    bool head = peer->state == PEER_HEAD;
    ssize_t got = head ? read(peer->fd, peer->head + peer->head_len, HEAD_MAX - 1 - peer->head_len)
                       : read(peer->fd, engine->piece, PIECE);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    if (head) {
        peer->head_len += (size_t)got;
        return peer_take_head(engine, peer);
    }
    return peer->state == PEER_SILENT || peer_take_body(peer, engine->piece, (size_t)got);
}

static struct peer *listen_on(struct engine *engine, int fd, struct sockaddr *address,
                              socklen_t len)
{
    struct peer *peer = calloc(1, sizeof *peer);
    int one = 1;
    if (peer == NULL || fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, address, len) != 0 || listen(fd, 4096) != 0)
        err(1, "cannot listen");
    peer->fd = fd;
    peer_watch(engine, peer, EPOLLIN, EPOLL_CTL_ADD);
    return peer;
}

static void accept_peer(struct engine *engine, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        err(1, "no memory");
    peer->fd = fd;
    peer_watch(engine, peer, EPOLLIN, EPOLL_CTL_ADD);
}

static void engine_init(struct engine *engine, const char *bytes)
{
    engine->epoll = epoll_create1(EPOLL_CLOEXEC);
    engine->download_len = strtoull(bytes, NULL, 10);
    engine->piece = malloc(PIECE);
    engine->chunk = malloc(CHUNK + 16);
    if (engine->epoll < 0 || engine->piece == NULL || engine->chunk == NULL)
        err(1, "cannot start");
    int head = snprintf(engine->chunk, 16, "%x\r\n", CHUNK);
    memset(engine->chunk + head, 'x', CHUNK);
    memcpy(engine->chunk + head + CHUNK, "\r\n", 2);
    engine->chunk_len = (size_t)head + CHUNK + 2;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: stream_engine UNIX_PATH TCP_PORT BYTES");
    signal(SIGPIPE, SIG_IGN);
    struct engine engine;
    engine_init(&engine, argv[3]);

    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%s", argv[1]);
    struct sockaddr_in tcp = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct peer *listeners[2] = {
        listen_on(&engine, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0),
                  (struct sockaddr *)&local, sizeof local),
        listen_on(&engine, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&tcp,
                  sizeof tcp),
    };
    puts("ready");
    fflush(stdout);

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(engine.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == listeners[0] || peer == listeners[1]) {
                accept_peer(&engine, peer->fd);
            } else if (!(peer->state == PEER_SENDING ? peer_send(&engine, peer)
                                                     : peer_read(&engine, peer))) {
                close(peer->fd);
                free(peer);
            }
        }
    }
}
