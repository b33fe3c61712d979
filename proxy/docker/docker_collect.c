/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request is read before the request is judged: a JSON body is kept, one that nobody
 * takes is read over. Archives are not waited for: they go past while they come (docker_body.c).
 * The time for it is one for the whole body, from the first wait on, so that no client can hold a
 * request back until the policy is another one by sending a byte now and then. */
#include "proxy/docker/docker_conn.h"

#include "rules/docker/docker_content.h"

static bool is_kept(const struct docker_conn *conn)
{
    return conn->http.request_body.to != HTTP_FRAMING_NONE;
}

/* Takes what has come. False when it was refused. */
static bool take(struct docker_conn *conn)
{
    struct http_body *body = &conn->http.request_body;
    struct io_pool *blocks = conn->loop->blocks;
    struct error error;
    bool good = is_kept(conn) ? held_body_collect(&conn->held, blocks, body, &conn->in, &error)
                              : http_body_move(body, blocks, &conn->in, NULL, &error);
    /* A chunk that is announced counts as if it had come. */
    uint64_t len = body->payload + (body->finished ? 0 : http_body_window(body));
    good = good && docker_content_check_len(conn->exchange.operation,
                                            is_kept(conn) ? DOCKER_BODY_JSON : DOCKER_BODY_NONE,
                                            len, conn->loop->options->json_body_max, &error);
    if (!good)
        docker_refusal_error(conn, &error);
    return good;
}

/* What waits for the rest is counted; what is whole at once never was. */
static bool keep(struct docker_conn *conn)
{
    return !is_kept(conn) || docker_conn_keep(conn, conn->http.request_body.payload);
}

bool docker_collect_begin(struct docker_conn *conn, enum docker_body kind)
{
    const struct http_head *head = &conn->loop->scratch->head;
    bool streams = kind == DOCKER_BODY_ARCHIVE || kind == DOCKER_BODY_ANY;
    enum http_framing to = kind == DOCKER_BODY_JSON ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE;
    http_body_init(&conn->http.request_body, head->framing, head->content_length,
                   streams ? head->framing : to);
    conn->http.expects_continue = head->expect_continue && !conn->http.request_body.finished;
    if (streams || conn->http.request_body.finished)
        return true;
    if (!take(conn))
        return false;
    if (conn->http.request_body.finished)
        return true;
    docker_conn_set_state(conn, is_kept(conn) ? DOCKER_CONN_COLLECT : DOCKER_CONN_DROP_BODY);
    if (!keep(conn))
        return false;
    event_timer_start(&conn->timer, conn->loop->options->body_timeout_ms);
    if (docker_conn_send_continue(conn))
        docker_conn_read_enable(conn, true);
    return false;
}

void docker_collect_more(struct docker_conn *conn)
{
    if (take(conn) && keep(conn) && conn->http.request_body.finished)
        docker_exchange_collected(conn);
}
