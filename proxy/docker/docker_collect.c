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
    return conn->client.http.request_body.to != HTTP_FRAMING_NONE;
}

/* Takes what has come. False when it was refused. */
static bool take(struct docker_conn *conn)
{
    struct http_body *body = &conn->client.http.request_body;
    struct io_pool *blocks = conn->client.loop->blocks;
    struct error error;
    bool good = is_kept(conn)
                    ? held_body_collect(&conn->client.held, blocks, body, &conn->client.in, &error)
                    : http_body_move(body, blocks, &conn->client.in, NULL, &error);
    /* A chunk that is announced counts as if it had come. */
    uint64_t len = body->payload + (body->finished ? 0 : http_body_window(body));
    good = good && docker_content_check_len(conn->exchange.operation,
                                            is_kept(conn) ? DOCKER_BODY_JSON : DOCKER_BODY_NONE,
                                            len, conn->client.loop->options->json_body_max, &error);
    if (!good)
        http_refusal_error(&conn->client, &error);
    return good;
}

/* What waits for the rest is counted; what is whole at once never was. */
static bool keep(struct docker_conn *conn)
{
    return !is_kept(conn) || http_conn_keep(&conn->client, conn->client.http.request_body.payload);
}

bool docker_collect_begin(struct docker_conn *conn, enum docker_body kind)
{
    const struct http_head *head = &conn->client.loop->scratch->head;
    bool streams = kind == DOCKER_BODY_ARCHIVE || kind == DOCKER_BODY_ANY;
    enum http_framing to = kind == DOCKER_BODY_JSON ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE;
    http_body_init(&conn->client.http.request_body, head->framing, head->content_length,
                   streams ? head->framing : to);
    conn->client.http.expects_continue =
        head->expect_continue && !conn->client.http.request_body.finished;
    if (streams || conn->client.http.request_body.finished)
        return true;
    if (!take(conn))
        return false;
    if (conn->client.http.request_body.finished)
        return true;
    http_conn_set_state(&conn->client, is_kept(conn) ? HTTP_CONN_COLLECT : HTTP_CONN_DROP_BODY);
    if (!keep(conn))
        return false;
    event_timer_start(&conn->client.timer, conn->client.loop->options->body_timeout_ms);
    if (http_conn_send_continue(&conn->client))
        http_conn_read_enable(&conn->client, true);
    return false;
}

void docker_collect_more(struct docker_conn *conn)
{
    if (take(conn) && keep(conn) && conn->client.http.request_body.finished)
        docker_exchange_collected(conn);
}
