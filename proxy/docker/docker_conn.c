/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Docker gate does on a client connection (proxy/exchange/http_conn.h), as a table. */
#include "proxy/docker/docker_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/docker/engine_request.h"
#include "rules/reason.h"

/* ---- a request comes in ---- */

static void read_head(struct http_conn *client)
{
    docker_exchange_start(docker_conn_of(client));
}

static void collect(struct http_conn *client)
{
    docker_collect_more(docker_conn_of(client));
}

static void lookup_is_late(struct http_conn *client)
{
    const struct docker_conn *conn = docker_conn_of(client);
    if (conn->lookup == NULL)
        http_refusal_send(client, 504, REASON_UPSTREAM_LOOKUP_TIMEOUT,
                          "dockreeve: the Docker Engine did not say in time which version of "
                          "the API it serves; name one in the request, or look at its log",
                          NULL);
    else if (docker_lookup_waits(conn->lookup))
        http_refusal_send(client, 503, share_reason(SHARE_OBJECTS),
                          "dockreeve: too many requests are waiting for the engine to say what "
                          "they name; try again later",
                          NULL);
    else
        http_refusal_send(client, 504, REASON_UPSTREAM_LOOKUP_TIMEOUT,
                          "dockreeve: the Docker Engine did not say in time what the request "
                          "names, which a rule has to know",
                          NULL);
}

static void forward(struct http_conn *client)
{
    docker_exchange_forward(docker_conn_of(client));
}

static bool judge_again(struct http_conn *client)
{
    return docker_exchange_judge_again(docker_conn_of(client));
}

static void drop_head(struct http_conn *client)
{
    io_buffer_reset(client->loop->blocks, &docker_conn_of(client)->head);
}

/* ---- the engine ---- */

static struct http_sender sender(const struct http_conn *client)
{
    return *engine_sender(client->loop->engine);
}

static void engine_read(struct http_conn *client, bool enable)
{
    engine_read_enable(docker_conn_of(client)->engine, enable);
}

static void engine_write(struct http_conn *client, bool enable)
{
    engine_want_write(docker_conn_of(client)->engine, enable);
}

/* A client that sent its FIN behind the request may be gone: the engine is told in the same way, which
 * is how it learns that nobody reads its events any more. Of a stream to be, the bytes before the end
 * come first: docker_tunnel.c. */
static void pass_on_end(struct http_conn *client)
{
    struct docker_conn *conn = docker_conn_of(client);
    bool last = client->input_ended && io_buffer_len(&client->in) == 0;
    if (last && docker_operation_info(conn->exchange.operation)->upgrade == DOCKER_UPGRADE_NONE)
        stream_end(&conn->engine->upstream.stream);
}

void docker_conn_give_engine(struct docker_conn *conn)
{
    conn->client.upstream = NULL;
    engine_give(&conn->engine);
}

void docker_conn_drop_engine(struct docker_conn *conn)
{
    conn->client.upstream = NULL;
    engine_drop(&conn->engine);
}

/* An image that is deleted by its tag is named in the answer by its id: the tag may have moved since
 * it was judged. Too late for the image, but the record says so. */
static void check_deleted(struct docker_conn *conn)
{
    struct slice answer =
        slice_of(io_buffer_bytes(&conn->client.out), io_buffer_len(&conn->client.out));
    if (conn->exchange.operation == DOCKER_IMAGE_DELETE && conn->judged != NULL &&
        conn->client.http.response_body.to == HTTP_FRAMING_LENGTH &&
        docker_naming_has_moved(conn->judged, answer))
        conn->exchange.common.reason = REASON_OBJECT_MOVED;
}

static void answered(struct http_conn *client, bool reusable)
{
    struct docker_conn *conn = docker_conn_of(client);
    if (reusable && !client->input_ended)
        docker_conn_give_engine(conn);
    else
        docker_conn_drop_engine(conn);
    if (client->state == HTTP_CONN_LOG_RESPONSE) /* all of it came at once */
        check_deleted(conn);
}

static void drop_engine(struct http_conn *client)
{
    docker_conn_drop_engine(docker_conn_of(client));
}

static void count_error(struct loop *loop)
{
    engine_count_error(loop->engine);
}

static void closed_early(struct http_conn *client)
{
    char text[320];
    snprintf(text, sizeof(text),
             "dockreeve: the Docker Engine at %s closed the connection before it answered; look at "
             "its log",
             engine_name(client->loop->engine));
    http_refusal_upstream(client, REASON_UPSTREAM_CLOSED, text);
}

/* ---- a stream ---- */

static void tunnel_start(struct http_conn *client)
{
    if (http_conn_send(client, false))
        docker_tunnel_start(docker_conn_of(client));
}

static void tunnel_move(struct http_conn *client)
{
    docker_tunnel_move(docker_conn_of(client));
}

/* ---- records and policy ---- */

static uint64_t log_open(struct http_conn *client)
{
    return docker_log_open(docker_conn_of(client));
}

static uint64_t log_last(struct http_conn *client, const char *reason)
{
    return docker_log_last(docker_conn_of(client), reason);
}

static void count_rule(struct http_conn *client)
{
    docker_log_count_rule(docker_conn_of(client));
}

static bool is_allowed(struct http_conn *client, bool note)
{
    return docker_revoke_is_allowed(docker_conn_of(client), note);
}

/* ---- ends ---- */

static void stop_finding(struct http_conn *client)
{
    struct docker_conn *conn = docker_conn_of(client);
    docker_lookup_free(&conn->lookup);
    engine_request_free(&conn->version_question);
}

static void forget(struct http_conn *client)
{
    struct docker_conn *conn = docker_conn_of(client);
    docker_naming_free(&conn->judged);
    docker_guard_forget(conn);
    docker_conn_drop_engine(conn);
    exchange_forget(&conn->exchange.common, client->loop);
    struct buffer facts = conn->exchange.facts;
    buffer_clear(&facts);
    conn->exchange = (struct docker_exchange){.facts = facts};
}

static bool is_endless(const struct http_conn *client)
{
    return docker_conn_of(client)->exchange.endless;
}

static void free_conn(struct http_conn *client)
{
    struct docker_conn *conn = docker_conn_of(client);
    buffer_free(&conn->exchange.facts);
    free(conn);
}

static const struct http_conn_ops ops = {
    .gate = SHARE_DOCKER,
    .revoked_text =
        "dockreeve: while the engine was at work on this request, the policy changed or "
        "a rule expired, and it is not allowed any more; whether it was carried out is "
        "not known",
    .read_head = read_head,
    .collect = collect,
    .late = lookup_is_late,
    .recorded = forward,
    .judge_again = judge_again,
    .drop_head = drop_head,
    .sender = sender,
    .upstream_read = engine_read,
    .upstream_write = engine_write,
    .sent = pass_on_end,
    .upstream_done = answered,
    .upstream_drop = drop_engine,
    .count_error = count_error,
    .closed_early = closed_early,
    .retry = forward,
    .may_switch = docker_answer_may_switch,
    .answer = docker_answer_begin,
    .tunnel_start = tunnel_start,
    .tunnel_move = tunnel_move,
    .write_refusal = docker_answer_write_refusal,
    .log_open = log_open,
    .log_last = log_last,
    .count_rule = count_rule,
    .is_allowed = is_allowed,
    .stop_finding = stop_finding,
    .forget = forget,
    .is_endless = is_endless,
    .free = free_conn,
};

void docker_conn_accept(struct listener *listener, struct arrival *arrival)
{
    struct docker_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        http_conn_turn_away(arrival);
        return;
    }
    http_conn_open(&conn->client, &ops, &conn->exchange.common, listener_gate(listener), listener,
                   arrival);
    http_conn_read_enable(&conn->client, true);
}
