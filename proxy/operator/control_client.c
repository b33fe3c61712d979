/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking question to the control socket. */
#include "proxy/operator/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "base/cli/command.h"
#include "base/timestamp.h"
#include "proxy/operator/control.h"
#include "proxy/io/endpoint.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 };

static bool unreachable(struct error *error, const char *path, int reason)
{
    static const char start[] =
        "start one with this state folder (dockreeve serve --state DIR), or name the folder of the "
        "one that runs with --state";
    if (reason == ENOENT || reason == ENOTDIR)
        return error_set(error, COMMAND_UNAVAILABLE,
                         "no gate listens at %s: there is no such socket; %s", path, start);
    if (reason == ECONNREFUSED)
        return error_set(error, COMMAND_UNAVAILABLE,
                         "no gate listens at %s: the socket was left behind by one that did not "
                         "end by itself; %s",
                         path, start);
    if (reason == EACCES || reason == EPERM)
        return error_set(error, COMMAND_UNAVAILABLE,
                         "%s cannot be used by this user: only root and the gate's own user may "
                         "ask the gate",
                         path);
    return error_set(error, COMMAND_UNAVAILABLE, "the gate cannot be asked at %s: %s", path,
                     strerror(reason));
}

/* Sets how long the next call may take, of what is left until then. */
static bool limit(int fd, int64_t until_us)
{
    int64_t left_us = until_us - timestamp_monotonic_us();
    struct timeval left = duration_timeval(left_us);
    return left_us > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) == 0;
}

static int connect_to(const char *path, int64_t until_us, struct error *error)
{
    struct endpoint endpoint;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!endpoint_from_path(&endpoint, slice_from_text(path)))
        (void)unreachable(error, path, ENAMETOOLONG);
    else if (fd < 0 || !limit(fd, until_us) ||
             connect(fd, &endpoint.address.any, endpoint.len) != 0)
        (void)unreachable(error, path, errno == EAGAIN ? ETIMEDOUT : errno);
    else
        return steal_fd(&fd);
    return -1;
}

static bool read_line(int fd, int64_t until_us, struct buffer *answer)
{
    for (;;) {
        if (answer->len > 0 && answer->data[answer->len - 1] == '\n') {
            answer->len--;
            return true;
        }
        if (answer->len > ANSWER_MAX || !buffer_reserve(answer, 16384)) {
            errno = EMSGSIZE;
            return false;
        }
        errno = ETIMEDOUT;
        ssize_t got = -1;
        if (limit(fd, until_us))
            got = recv(fd, answer->data + answer->len, answer->capacity - answer->len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            errno = ETIMEDOUT;
        if (got == 0)
            errno = ECONNRESET;
        if (got <= 0)
            return false;
        answer->len += (size_t)got;
    }
}

bool control_client_ask(const char *folder, const char *request, uint64_t timeout_ms,
                        struct json_tree *answer, struct error *error)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY, line = BUFFER_EMPTY, text = BUFFER_EMPTY;
    int64_t until_us = timestamp_monotonic_us() + (int64_t)timeout_ms * 1000;
    *answer = (struct json_tree){.root = NULL};
    buffer_printf(&path, "%s/" CONTROL_SOCKET_NAME, folder);
    buffer_printf(&line, "%s\n", request);
    AUTO_CLOSE int fd = connect_to(buffer_text(&path), until_us, error);
    if (fd < 0)
        return false;
    /* Who is turned away finds the answer although nothing could be sent. */
    bool sent = send(fd, line.data, line.len, MSG_NOSIGNAL) == (ssize_t)line.len;
    int reason = errno;
    if (!read_line(fd, until_us, &text))
        return unreachable(error, buffer_text(&path), sent ? errno : reason);
    if (!json_tree_read(answer, buffer_slice(&text), ANSWER_MAX, error))
        return unreachable(error, buffer_text(&path), EBADMSG);
    answer->source = text;
    text = BUFFER_EMPTY;
    const struct json_tree_node *refusal = json_tree_at(answer->root, "error");
    return refusal == NULL ||
           error_set(error, COMMAND_UNAVAILABLE, "the gate at %s says: %.*s", buffer_text(&path),
                     (int)refusal->text.len, refusal->text.ptr);
}
