/* SPDX-License-Identifier: Apache-2.0
 *
 * The step that the bodies of requests and answers, of both gates, are moved by. */
#include "proxy/http/http_pump.h"
#include "rules/reason.h"

#include <errno.h>

static enum http_pump_result no_room(struct error *error)
{
    error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
    return HTTP_PUMP_NO_ROOM;
}

/* Lets a window of the body go past. */
static enum http_pump_result splice_window(const struct http_pump *pump, uint64_t window,
                                           struct error *error)
{
    uint64_t moved;
    if (!http_body_open_window(pump->body, pump->blocks, pump->out))
        return no_room(error);
    if (!pump->takes(pump->context, true))
        return HTTP_PUMP_UNTAKEN;
    enum splice_result result =
        splice_flow_run(pump->flow, pump->pipes, pump->from, pump->to, window, &moved);
    int failure = errno;
    if (!http_body_spliced(pump->body, pump->blocks, pump->out, moved))
        return no_room(error);
    errno = failure;
    switch (result) {
    case SPLICE_LIMIT:
        return HTTP_PUMP_MORE;
    case SPLICE_WANT_READ:
    case SPLICE_TURN:
        return HTTP_PUMP_WAITS;
    case SPLICE_WANT_WRITE:
        return HTTP_PUMP_FULL;
    case SPLICE_EOF:
        return HTTP_PUMP_ENDED;
    case SPLICE_FAILED:
        break;
    }
    return HTTP_PUMP_BROKEN;
}

enum http_pump_result http_pump_step(const struct http_pump *pump, struct error *error)
{
    struct http_body *body = pump->body;
    if (io_buffer_len(pump->out) > IO_LAZY_MAX && !pump->takes(pump->context, false))
        return HTTP_PUMP_UNTAKEN;
    if (io_buffer_len(pump->in) == 0) {
        uint64_t window = http_body_window(body);
        if (window > 0)
            return splice_window(pump, window, error);
        ssize_t got = stream_fill(pump->from, pump->blocks, pump->in, http_body_read_size(body));
        if (got == 0)
            return HTTP_PUMP_ENDED;
        if (got < 0 && errno != EAGAIN)
            return HTTP_PUMP_GONE;
        if (got < 0) {
            splice_flow_close(pump->flow, pump->pipes);
            return HTTP_PUMP_WAITS;
        }
    }
    if (!http_body_move(body, pump->blocks, pump->in, pump->out, error))
        return HTTP_PUMP_BAD;
    return body->finished || io_buffer_len(pump->in) > 0 || http_body_window(body) > 0
               ? HTTP_PUMP_MORE
               : HTTP_PUMP_MOVED;
}
