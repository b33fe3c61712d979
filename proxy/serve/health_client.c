/* SPDX-License-Identifier: Apache-2.0
 *
 * All gates that this process can see are asked at once, since one that hangs must not keep the one
 * that is meant from answering. */
#include "proxy/serve/health_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/operator/health.h"

enum { GATES_MAX = 64, NAME_LEN_MAX = 108, ANSWER_LEN_MAX = 512 };

struct gates_asked {
    struct pollfd polls[GATES_MAX]; /* fd -1 = it has nothing more to say */
    unsigned count, open;
};

static void close_one(struct gates_asked *asked, unsigned at)
{
    close(steal_fd(&asked->polls[at].fd));
    asked->open--;
}

static void close_all(struct gates_asked *asked)
{
    for (unsigned i = 0; i < asked->count; i++) {
        if (asked->polls[i].fd >= 0)
            close_one(asked, i);
    }
}

/* Anybody may give a socket such a name. */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (geteuid() == 0 || peer.uid == 0 || peer.uid == geteuid());
}

static void ask_one(struct gates_asked *asked, const char *name, struct slice question)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct endpoint address;
    struct error ignored;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    buffer_printf(&text, "unix:%s", name);
    if (fd < 0 || !endpoint_parse(&address, buffer_slice(&text), &ignored) ||
        connect(fd, &address.address.any, address.len) != 0 || !is_trusted(fd) ||
        send(fd, question.ptr, question.len, MSG_NOSIGNAL) != (ssize_t)question.len)
        return;
    asked->polls[asked->count++] = (struct pollfd){.fd = steal_fd(&fd), .events = POLLIN};
    asked->open++;
}

/* The kernel lists the sockets of this network namespace, abstract names with @ for the NUL. */
static void ask_all(struct gates_asked *asked, struct slice question)
{
    static const char prefix[] = "@" HEALTH_SOCKET_PREFIX;
    enum { ACCEPTS_CONNECTIONS = 0x10000 };
    AUTO_FCLOSE FILE *sockets = fopen("/proc/net/unix", "re");
    char line[256], name[NAME_LEN_MAX];
    unsigned flags;
    while (sockets != NULL && asked->count < GATES_MAX &&
           fgets(line, sizeof(line), sockets) != NULL) {
        if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %107s", &flags, name) == 2 &&
            (flags & ACCEPTS_CONNECTIONS) != 0 && strncmp(name, prefix, sizeof(prefix) - 1) == 0)
            ask_one(asked, name, question);
    }
}

/* What one gate says: it is short and comes as a whole. */
static enum health read_one(int fd, struct error *error)
{
    char bytes[ANSWER_LEN_MAX];
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    struct slice rest = slice_of(bytes, got > 0 ? (size_t)got : 0);
    struct slice line = slice_cut(&rest, '\n');
    if (slice_equal_text(line, HEALTH_WELL))
        return HEALTH_IS_WELL;
    if (!slice_starts_with(line, SLICE_LITERAL(HEALTH_SICK)))
        return HEALTH_IS_UNKNOWN;
    (void)slice_cut(&line, ' ');
    (void)error_set(error, 1, "%.*s", (int)line.len, line.ptr);
    return HEALTH_IS_SICK;
}

static enum health read_answers(struct gates_asked *asked, int64_t until_us, struct error *error)
{
    int64_t left_us;
    while (asked->open > 0 && (left_us = until_us - timestamp_monotonic_us()) > 0) {
        if (poll(asked->polls, asked->count, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
            break;
        for (unsigned i = 0; i < asked->count; i++) {
            if (asked->polls[i].fd < 0 || asked->polls[i].revents == 0)
                continue;
            enum health health = read_one(asked->polls[i].fd, error);
            if (health != HEALTH_IS_UNKNOWN)
                return health;
            close_one(asked, i);
        }
    }
    return HEALTH_IS_UNKNOWN;
}

enum health health_client_ask(const struct endpoint *listener, uint64_t timeout_ms,
                              struct error *error)
{
    struct gates_asked asked = {.count = 0};
    AUTO_BUFFER struct buffer question = BUFFER_EMPTY;
    int64_t until_us = timestamp_monotonic_us() + (int64_t)timeout_ms * 1000;
    uint64_t patience_ms =
        timeout_ms - timeout_ms / 10; /* so that the gate speaks before we leave */
    buffer_printf(&question, "%" PRIu64 " ", patience_ms);
    endpoint_write(listener, &question);
    buffer_append_byte(&question, '\n');
    ask_all(&asked, buffer_slice(&question));
    enum health health = read_answers(&asked, until_us, error);
    close_all(&asked);
    return health;
}
