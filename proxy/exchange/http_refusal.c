/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of our own. A refusal goes out once its record was tried; a client that floods is slowed
 * down and counted instead of logged one by one. */
#include "proxy/exchange/http_conn.h"

#include <stdio.h>

#include "base/json_write.h"
#include "policy/explain/refusal_words.h"
#include "proxy/http/foreign_client.h"
#include "proxy/http/http_write.h"
#include "proxy/loop/log_identity.h"
#include "proxy/loop/unlogged.h"
#include "rules/reason.h"

static void on_refusal_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct http_conn *conn = container_of(waiter, struct http_conn, waiter);
    bool counted = waiter->seq == 0; /* among those that have no record of their own */
    if (state != LOG_WRITE_DONE && !counted) {
        http_refusal_unlogged(conn);
        return;
    }
    conn->http.hold = false;
    if (http_conn_send(conn, false))
        http_conn_exchange_done(conn);
}

const struct policy_refusal *http_refusal_told_how(const struct http_conn *conn)
{
    const struct policy_client *client = http_conn_client(conn);
    return client == NULL ? &refusal_words_of_nobody : &client->refusal;
}

void http_refusal_write_words(const struct http_conn *conn, unsigned status, const char *message,
                              struct slice rule, struct buffer *body)
{
    AUTO_BUFFER struct buffer words = BUFFER_EMPTY;
    char id[LOG_ID_LEN_MAX];
    const struct refusal_words refusal = {
        .status = status,
        .reason = conn->exchange->reason,
        .rule = rule,
        .message = message,
        .id = log_identity_id(conn->loop, conn->exchange->id, id),
    };
    refusal_words_write(http_refusal_told_how(conn), &refusal, &words);
    json_write_key_string(body, "message", buffer_slice(&words));
    body->failed |= words.failed;
}

static void write_refusal(struct http_conn *conn, unsigned status, const char *message,
                          const char *fix)
{
    struct loop *loop = conn->loop;
    struct buffer *text = &loop->scratch->text;
    unsigned char foreign[FOREIGN_CLIENT_ANSWER_MAX];
    size_t foreign_len = foreign_client_answer(conn->http.foreign, foreign);
    buffer_clear(text);
    if (foreign_len > 0)
        buffer_append(text, (const char *)foreign, foreign_len);
    else
        conn->ops->write_refusal(conn, status, message, fix, text);
    conn->close_after |= foreign_len > 0;
    if (conn->http.hold) /* an answer that is not to go out; else a 100 Continue may be half sent */
        io_buffer_reset(loop->blocks, &conn->out);
    if (text->failed || !io_buffer_append(loop->blocks, &conn->out, text->data, text->len))
        conn->close_after = true;
    conn->http.own_response = true;
}

void http_refusal_send(struct http_conn *conn, unsigned status, const char *reason,
                       const char *message, const char *fix)
{
    struct loop *loop = conn->loop;
    struct exchange *exchange = conn->exchange;
    loop_forget_waiter(loop, &conn->waiter);
    conn->ops->stop_finding(conn);
    http_conn_drop_request(conn);
    conn->ops->upstream_drop(conn);
    http_conn_number(conn);
    /* Where the next request would begin is only known when this one was read to its end. */
    conn->close_after = conn->close_after || !conn->http.request_body.finished ||
                        http_conn_has_early_input(conn) || !http_refusal_keeps_connection(status) ||
                        strcmp(reason, REASON_LIMIT_DESCRIPTORS) == 0; /* its own is one too many */
    exchange->status = (uint16_t)status;
    exchange->reason = reason;
    exchange->refused =
        status != 502 && status != 504; /* else the upstream is to blame, not the request */
    const struct unlogged_refusal *instead =
        exchange->opened
            ? NULL
            : unlogged_refusal(loop, conn->peer_share, conn->ops->gate, status, exchange->logged);
    if (instead != NULL) {
        conn->ops->count_rule(conn);
        status = instead->status;
        exchange->status = (uint16_t)status;
        exchange->reason = instead->reason;
        exchange->logged = true;
        message = instead->message;
        fix = NULL;
    }
    write_refusal(conn, status, message, fix);
    uint64_t seq = conn->ops->log_last(conn, exchange->opened ? reason : NULL);
    http_conn_set_state(conn, HTTP_CONN_LOG_REFUSAL);
    if (!conn->http.request_body.finished)
        http_conn_read_enable(conn, false);
    conn->http.hold = true;
    loop_wait_for_log(loop, &conn->waiter, instead != NULL ? 0 : seq);
    conn->waiter.written = on_refusal_written;
}

void http_refusal_error(struct http_conn *conn, const struct error *error)
{
    char message[sizeof(error->text) + 16];
    snprintf(message, sizeof(message), "dockreeve: %s", error->text);
    http_refusal_send(conn, (unsigned)error->status, error->reason, message, NULL);
}

void http_refusal_unread(struct http_conn *conn, unsigned status, const char *reason,
                         const char *message)
{
    conn->http.request_body.finished = false;
    if (conn->ops->unread != NULL)
        conn->ops->unread(conn);
    http_refusal_send(conn, status, reason, message, NULL);
}

void http_refusal_unlogged(struct http_conn *conn)
{
    http_refusal_send(conn, 503, REASON_LOG_UNWRITABLE,
                      "dockreeve: the request log cannot be written, so nothing is let through; "
                      "see the gate's standard error",
                      NULL);
}

void http_refusal_upstream(struct http_conn *conn, const char *reason, const char *message)
{
    conn->ops->count_error(conn->loop);
    http_refusal_send(conn, 502, reason, message, NULL);
}
