/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of our own: what is refused, by which rule, and what would permit it, in one JSON shape
 * for CONNECT and plain HTTP; a TLS alert where a transparent client expects TLS, and what a client
 * of another protocol understands. A refusal goes
 * out once its record was tried; a client that floods is slowed down and counted instead of logged
 * one by one. */
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "policy/explain/refusal_words.h"
#include "proxy/egress/egress_conn.h"
#include "proxy/http/foreign_client.h"
#include "proxy/http/http_write.h"
#include "proxy/io/tls_alert.h"
#include "proxy/loop/log_identity.h"
#include "proxy/loop/unlogged.h"
#include "rules/reason.h"

static void on_refusal_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct egress_conn *conn = egress_conn_of_waiter(waiter);
    bool counted = waiter->seq == 0; /* among those that have no record of their own */
    if (state != LOG_WRITE_DONE && !counted) {
        egress_refusal_unlogged(conn);
        return;
    }
    conn->http.hold = false;
    if (egress_conn_send(conn, false))
        egress_conn_exchange_done(conn);
}

static bool begins_with(const char *text, const char *beginning)
{
    while (*beginning != '\0' && *text == *beginning)
        text++, beginning++;
    return *beginning == '\0';
}

/* RFC 9209 section 2.3: the error type by the beginning of our reason code. */
static const char *error_type(unsigned status, const char *reason)
{
    static const struct {
        const char *begin, *type;
    } types[] = {
        {"address-class.", "destination_ip_prohibited"},
        {REASON_OWN_ADDRESS, "destination_ip_prohibited"},
        {REASON_DNS_TIMEOUT, "dns_timeout"},
        {"dns.", "dns_error"},
        {REASON_CONNECT_REFUSED, "connection_refused"},
        {REASON_CONNECT_TIMEOUT, "connection_timeout"},
        {REASON_CONNECT_UNREACHABLE, "destination_ip_unroutable"},
        {"connect.", "destination_unavailable"},
        {REASON_LIMIT_CONNECTIONS, "connection_limit_reached"},
        {REASON_LIMIT_TUNNELS, "connection_limit_reached"},
        {REASON_LIMIT_DESCRIPTORS, "connection_limit_reached"},
        {"upstream-proxy.", "destination_unavailable"},
        {REASON_UPSTREAM_CLOSED, "connection_terminated"},
        {"upstream.", "http_protocol_error"},
        {"malformed.", "http_request_error"},
        {"log.", "proxy_internal_error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (begins_with(reason, types[i].begin))
            return types[i].type;
    }
    return status >= 500 ? "proxy_internal_error" : "http_request_denied";
}

/* Another try may have another outcome only where something has to pass first. */
static bool may_retry(unsigned status)
{
    return status == 408 || status == 429 || status >= 502;
}

static const struct policy_refusal *told_how(const struct egress_conn *conn)
{
    const struct policy_client *client = egress_conn_client(conn);
    return client == NULL ? &refusal_words_of_nobody : &client->refusal;
}

static void write_words(const struct egress_conn *conn, unsigned status, const char *message,
                        struct slice rule, struct buffer *body)
{
    AUTO_BUFFER struct buffer words = BUFFER_EMPTY;
    char id[LOG_ID_LEN_MAX];
    const struct refusal_words refusal = {
        .status = status,
        .reason = conn->exchange.reason,
        .rule = rule,
        .message = message,
        .id = log_identity_id(conn->loop, conn->exchange.id, id),
    };
    refusal_words_write(told_how(conn), &refusal, &words);
    json_write_key_string(body, "message", buffer_slice(&words));
    body->failed |= words.failed;
}

static void write_body(struct egress_conn *conn, unsigned status, const char *message,
                       const char *fix, struct buffer *body)
{
    struct loop *loop = conn->loop;
    const struct egress_exchange *exchange = &conn->exchange;
    const struct policy_refusal *how = told_how(conn);
    bool denied = exchange->judged && exchange->verdict.result == VERDICT_DENY;
    buffer_clear(&loop->scratch->rule);
    buffer_clear(&loop->scratch->source);
    if (denied) {
        network_verdict_write_rule(&exchange->verdict, &loop->scratch->rule);
        network_verdict_write_source(&exchange->verdict, &loop->scratch->source);
    }
    json_write_object_begin(body);
    write_words(conn, status, message, buffer_slice(&loop->scratch->rule), body);
    if (denied && how->detail != POLICY_REFUSAL_NONE)
        json_write_key_string(body, "rule", buffer_slice(&loop->scratch->rule));
    if (denied && how->detail == POLICY_REFUSAL_FULL)
        json_write_key_string(body, "source", buffer_slice(&loop->scratch->source));
    if (how->detail != POLICY_REFUSAL_NONE)
        json_write_key_text(body, "reason", exchange->reason);
    if (how->detail == POLICY_REFUSAL_FULL && fix != NULL && fix[0] != '\0')
        json_write_key_text(body, "fix", fix);
    json_write_key_bool(body, "retry", may_retry(status));
    json_write_line_end(body);
}

static void write_http(struct egress_conn *conn, unsigned status, const char *message,
                       const char *fix)
{
    struct loop *loop = conn->loop;
    struct buffer *text = &loop->scratch->text;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    char proxy_status[160];
    const char *reason = conn->exchange.reason;
    write_body(conn, status, message, fix, &body);
    int len =
        told_how(conn)->detail == POLICY_REFUSAL_NONE
            ? snprintf(proxy_status, sizeof(proxy_status), "dockreeve; error=%s",
                       error_type(status, ""))
            : snprintf(proxy_status, sizeof(proxy_status), "dockreeve; error=%s; details=\"%s\"",
                       error_type(status, reason), reason);
    struct http_refusal refusal = {
        .status = status,
        .allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT",
        .proxy_status = slice_of(proxy_status, (size_t)len),
        .body_len = body.len,
        .close = conn->close_after || loop->draining,
    };
    buffer_clear(text);
    http_write_refusal(text, &refusal);
    if (conn->exchange.method != HTTP_METHOD_HEAD)
        buffer_append_slice(text, buffer_slice(&body));
    if (conn->http.hold) /* an answer that is not to go out; else a 100 Continue may be half sent */
        io_buffer_reset(loop->blocks, &conn->out);
    if (body.failed || text->failed ||
        !io_buffer_append(loop->blocks, &conn->out, text->data, text->len))
        conn->close_after = true;
}

static void write_alert(struct egress_conn *conn, unsigned status)
{
    const unsigned char alert[TLS_ALERT_LEN] =
        TLS_ALERT_BYTES(status == 403 ? TLS_ALERT_ACCESS_DENIED : TLS_ALERT_UNRECOGNIZED_NAME);
    conn->close_after = true;
    (void)!io_buffer_append(conn->loop->blocks, &conn->out, (const char *)alert, sizeof(alert));
}

static void write_foreign(struct egress_conn *conn)
{
    unsigned char answer[FOREIGN_CLIENT_ANSWER_MAX];
    size_t len = foreign_client_answer(conn->http.foreign, answer);
    conn->close_after = true;
    (void)!io_buffer_append(conn->loop->blocks, &conn->out, (const char *)answer, len);
}

static void write_refusal(struct egress_conn *conn, unsigned status, const char *message,
                          const char *fix)
{
    if (conn->aim == EGRESS_AIM_TLS)
        write_alert(conn, status);
    else if (conn->http.foreign != '\0')
        write_foreign(conn);
    else
        write_http(conn, status, message, fix);
    conn->http.own_response = true;
}

void egress_refusal_send(struct egress_conn *conn, unsigned status, const char *reason,
                         const char *message, const char *fix)
{
    struct loop *loop = conn->loop;
    struct egress_exchange *exchange = &conn->exchange;
    loop_forget_waiter(loop, &conn->waiter);
    egress_route_cancel(conn);
    egress_origin_close(conn);
    egress_exchange_number(exchange, loop);
    /* Where the next request would begin is only known when this one was read to its end. */
    bool early = conn->aim == EGRESS_AIM_CONNECT &&
                 (io_buffer_len(&conn->in) > 0 || stream_look(&conn->stream) == STREAM_HAS_INPUT);
    conn->close_after = conn->close_after || !conn->http.request_body.finished || early ||
                        !http_refusal_keeps_connection(status);
    exchange->status = (uint16_t)status;
    exchange->reason = reason;
    exchange->refused = status != 502 && status != 504; /* else the origin is to blame */
    const struct unlogged_refusal *instead =
        exchange->opened
            ? NULL
            : unlogged_refusal(loop, conn->peer_share, SHARE_NETWORK, status, exchange->logged);
    if (instead != NULL) {
        egress_log_count_rule(exchange, loop);
        status = instead->status;
        exchange->status = (uint16_t)status;
        exchange->reason = instead->reason;
        exchange->logged = true;
        message = instead->message;
        fix = NULL;
    }
    write_refusal(conn, status, message, fix);
    uint64_t seq = exchange->opened ? egress_log_close(exchange, loop, conn->listener, reason)
                                    : egress_log_request(exchange, loop, conn->listener);
    egress_conn_set_state(conn, EGRESS_CONN_LOG_REFUSAL);
    if (!conn->http.request_body.finished)
        egress_conn_read_enable(conn, false);
    conn->http.hold = true;
    loop_wait_for_log(loop, &conn->waiter, instead != NULL ? 0 : seq);
    conn->waiter.written = on_refusal_written;
}

void egress_refusal_error(struct egress_conn *conn, const struct error *error)
{
    char message[sizeof(error->text) + 16];
    snprintf(message, sizeof(message), "dockreeve: %s", error->text);
    conn->close_after |= error->reason == REASON_LIMIT_DESCRIPTORS; /* its own is one too many */
    egress_refusal_send(conn, (unsigned)error->status, error->reason, message, NULL);
}

void egress_refusal_denied(struct egress_conn *conn, const struct network_request *request)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer fix = BUFFER_EMPTY;
    const struct policy_client *client = egress_conn_client(conn);
    const struct network_verdict *verdict = &conn->exchange.verdict;
    policy_explain_network_denial(conn->loop->policy, client, request, verdict, &message);
    policy_explain_network_fix(conn->loop->policy, client, request, verdict, &fix);
    egress_refusal_send(conn, verdict->malformed ? 400 : 403,
                        conn->exchange.opened ? REASON_REVOKED : verdict->reason,
                        buffer_text(&message), buffer_text(&fix));
}

void egress_refusal_unlogged(struct egress_conn *conn)
{
    egress_refusal_send(conn, 503, REASON_LOG_UNWRITABLE,
                        "dockreeve: the request log cannot be written, so nothing is let through; "
                        "see the gate's standard error",
                        NULL);
}
