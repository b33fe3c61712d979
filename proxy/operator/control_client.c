/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking question to the control socket. */
#include "proxy/operator/control_client.h"

#include <errno.h>
#include <string.h>

#include "base/timestamp.h"
#include "proxy/operator/control.h"
#include "proxy/io/blocking_socket.h"

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

static bool read_line(int fd, int64_t until_us, struct buffer *answer)
{
    while (answer->len == 0 || answer->data[answer->len - 1] != '\n') {
        errno = EMSGSIZE;
        if (answer->len > ANSWER_MAX || !blocking_socket_receive(fd, answer, until_us))
            return false;
    }
    answer->len--;
    return true;
}

bool control_client_ask(const char *folder, const char *request, uint64_t timeout_ms,
                        struct json_tree *answer, struct error *error)
{
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY, line = BUFFER_EMPTY, text = BUFFER_EMPTY;
    struct endpoint address;
    int64_t until_us = timestamp_monotonic_us() + (int64_t)timeout_ms * 1000;
    *answer = (struct json_tree){.root = NULL};
    buffer_printf(&path, "%s/" CONTROL_SOCKET_NAME, folder);
    buffer_printf(&line, "%s\n", request);
    if (!endpoint_from_path(&address, buffer_slice(&path)))
        return unreachable(error, buffer_text(&path), ENAMETOOLONG);
    AUTO_CLOSE int fd = blocking_socket_connect(&address, until_us);
    if (fd < 0)
        return unreachable(error, buffer_text(&path), errno);
    /* Who is turned away finds the answer although nothing could be sent. */
    bool sent = blocking_socket_send(fd, buffer_slice(&line), until_us);
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
