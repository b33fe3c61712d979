/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of our own: what is refused, with the rule or reason in a sentence that Docker clients
 * show. A refusal goes out once its record was tried; a client that floods is slowed down and
 * counted instead of logged one by one. */
#include "proxy/docker/docker_conn.h"

#include <stdio.h>

#include "base/json_write.h"
#include "policy/explain/refusal_words.h"
#include "proxy/docker/docker_header.h"
#include "proxy/docker/engine_request.h"
#include "proxy/http/foreign_client.h"
#include "proxy/http/http_write.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_identity.h"
#include "proxy/loop/unlogged.h"
#include "rules/reason.h"

static void on_refusal_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct docker_conn *conn = docker_conn_of_waiter(waiter);
    bool counted = waiter->seq == 0; /* among those that have no record of their own */
    if (state != LOG_WRITE_DONE && !counted) {
        docker_refusal_unlogged(conn);
        return;
    }
    conn->http.hold = false;
    if (docker_conn_send(conn, false))
        docker_conn_exchange_done(conn);
}

static void write_redirect(const struct docker_conn *conn, bool close, struct buffer *text)
{
    const struct docker_exchange *exchange = &conn->exchange;
    text->failed = text->failed || exchange->facts.failed;
    docker_header_write_redirect(text, slice_of(exchange->facts.data, exchange->path_len),
                                 docker_exchange_target(exchange), close);
}

static void write_words(const struct docker_conn *conn, unsigned status, const char *message,
                        struct buffer *body)
{
    const struct docker_exchange *exchange = &conn->exchange;
    const struct policy_client *client = listener_policy_client(conn->listener);
    const struct verdict *verdict = &exchange->verdict;
    AUTO_BUFFER struct buffer words = BUFFER_EMPTY;
    char id[LOG_ID_LEN_MAX];
    bool denied = exchange->judged && verdict->result == VERDICT_DENY;
    const struct refusal_words refusal = {
        .status = status,
        .reason = exchange->reason,
        .rule = denied ? slice_from_text(verdict->rule) : slice_of(NULL, 0),
        .message = message,
        .id = log_identity_id(conn->loop, exchange->id, id),
    };
    refusal_words_write(client == NULL ? &refusal_words_of_nobody : &client->refusal, &refusal,
                        &words);
    json_write_key_string(body, "message", buffer_slice(&words));
    body->failed |= words.failed;
}

static void write_http(struct docker_conn *conn, unsigned status, const char *message)
{
    struct loop *loop = conn->loop;
    struct buffer *text = &loop->scratch->text;
    bool close = conn->close_after || loop->draining;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    json_write_object_begin(&body);
    write_words(conn, status, message, &body);
    json_write_line_end(&body);
    buffer_clear(text);
    if (status == 301)
        write_redirect(conn, close, text);
    else
        docker_header_write_refusal(text, status, body.len, close);
    if (status != 301 && conn->exchange.method != HTTP_METHOD_HEAD)
        buffer_append_slice(text, buffer_slice(&body));
    if (conn->http.hold) /* an answer that is not to go out; else a 100 Continue may be half sent */
        io_buffer_reset(loop->blocks, &conn->out);
    if (body.failed || text->failed ||
        !io_buffer_append(loop->blocks, &conn->out, text->data, text->len))
        conn->close_after = true;
}

static void write_refusal(struct docker_conn *conn, unsigned status, const char *message)
{
    unsigned char answer[FOREIGN_CLIENT_ANSWER_MAX];
    size_t len = foreign_client_answer(conn->http.foreign, answer);
    if (len == 0)
        write_http(conn, status, message);
    else if (!io_buffer_append(conn->loop->blocks, &conn->out, (const char *)answer, len))
        conn->close_after = true;
    conn->http.own_response = true;
}

void docker_refusal_send(struct docker_conn *conn, unsigned status, const char *reason,
                         const char *message)
{
    struct loop *loop = conn->loop;
    struct docker_exchange *exchange = &conn->exchange;
    loop_forget_waiter(loop, &conn->waiter);
    docker_lookup_free(&conn->lookup);
    engine_request_free(&conn->version_question);
    docker_exchange_drop_request(conn);
    engine_drop(&conn->engine);
    docker_exchange_number(conn);
    /* Where the next request would begin is only known when this one was read to its end. */
    conn->close_after = conn->close_after || !conn->http.request_body.finished ||
                        docker_conn_has_early_input(conn) || !http_refusal_keeps_connection(status);
    exchange->status = status;
    exchange->reason = reason;
    exchange->refused =
        status != 502 && status != 504; /* else the engine is to blame, not the request */
    const struct unlogged_refusal *instead =
        exchange->opened
            ? NULL
            : unlogged_refusal(loop, conn->peer_share, SHARE_DOCKER, status, exchange->logged);
    if (instead != NULL) {
        docker_log_count_rule(conn);
        exchange->status = status = instead->status;
        exchange->reason = instead->reason;
        exchange->logged = true;
        message = instead->message;
    }
    write_refusal(conn, status, message);
    uint64_t seq = exchange->opened ? docker_log_close(conn, reason) : docker_log_request(conn);
    docker_conn_set_state(conn, DOCKER_CONN_LOG_REFUSAL);
    if (!conn->http.request_body.finished)
        docker_conn_read_enable(conn, false);
    conn->http.hold = true;
    loop_wait_for_log(loop, &conn->waiter, instead != NULL ? 0 : seq);
    conn->waiter.written = on_refusal_written;
}

void docker_refusal_error(struct docker_conn *conn, const struct error *error)
{
    char message[sizeof(error->text) + 16];
    snprintf(message, sizeof(message), "dockreeve: %s", error->text);
    docker_refusal_send(conn, (unsigned)error->status, error->reason, message);
}

void docker_refusal_unlogged(struct docker_conn *conn)
{
    docker_refusal_send(conn, 503, REASON_LOG_UNWRITABLE,
                        "dockreeve: the request log cannot be written, so nothing is let "
                        "through; see the gate's standard "
                        "error");
}
