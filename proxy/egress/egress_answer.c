/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers. The origin's head is written anew; chunk extensions and trailers, which servers do send,
 * are dropped. Our own say what is refused, by which rule, and what would permit it, in one JSON
 * shape for CONNECT and plain HTTP; a TLS alert where a transparent client expects TLS. */
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "policy/explain/policy_explain.h"
#include "proxy/egress/egress_conn.h"
#include "proxy/egress/egress_header.h"
#include "proxy/egress/tunnel.h"
#include "proxy/egress/upstream_proxy.h"
#include "proxy/http/http_write.h"
#include "proxy/io/tls_alert.h"
#include "rules/reason.h"

/* ---- the origin's ---- */

void egress_answer_start_tunnel(struct egress_conn *conn)
{
    struct http_conn *client = &conn->client;
    struct http_upstream *origin = &conn->origin.upstream;
    struct io_pool *blocks = client->loop->blocks;
    size_t said = io_buffer_len(&origin->in);
    if (said > 0 && !io_buffer_append(blocks, &client->out, io_buffer_bytes(&origin->in), said)) {
        http_conn_close(client, REASON_LIMIT_MEMORY);
        return;
    }
    exchange_count_stream(&conn->exchange.common, client->loop, false); /* once more as a tunnel */
    struct egress_exchange exchange = conn->exchange;
    struct tunnel_plan plan = {
        .egress = conn->egress,
        .listener = client->listener,
        .to_client = client->out,
        .to_origin = client->in,
        .exchange = &exchange,
    };
    client->out = client->in = (struct io_buffer){0};
    conn->exchange = (struct egress_exchange){0};
    exchange.bytes_out = said;
    fd_watch_set(&conn->origin.watch, 0);
    io_buffer_reset(blocks, &origin->in);
    plan.streams[TUNNEL_ORIGIN] = steal_stream(&origin->stream);
    egress_conn_detach(conn, &plan);
    (void)tunnel_start(&plan);
}

enum http_answer egress_answer_begin(struct http_conn *client, const struct http_head *head,
                                     struct slice behind, size_t *taken_out)
{
    struct egress_conn *conn = egress_conn_of(client);
    struct buffer *text = &client->loop->scratch->text;
    struct egress_answer answer = {.head = head, .websocket = head->status == 101};
    (void)behind;
    (void)taken_out;
    if (head->status == 407 && conn->origin.is_proxy) {
        http_refusal_upstream(client, REASON_UPSTREAM_PROXY_CREDENTIALS,
                              upstream_proxy_wants_credentials);
        return HTTP_ANSWER_REFUSED;
    }
    conn->exchange.common.status = (uint16_t)head->status;
    if (answer.websocket)
        http_answer_switch(client);
    else
        answer.plan = http_answer_begin(client, head, (enum http_method)conn->exchange.method);
    if (client->http.response_body.from == HTTP_FRAMING_CHUNKED)
        http_chunk_init_dropping(&client->http.response_body.chunks);
    buffer_clear(text);
    egress_header_write_response(&answer, text);
    bool written = !text->failed &&
                   io_buffer_append(client->loop->blocks, &client->out, text->data, text->len);
    return written ? HTTP_ANSWER_WRITTEN : HTTP_ANSWER_NO_ROOM;
}

/* ---- our own ---- */

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

static void write_body(struct egress_conn *conn, unsigned status, const char *message,
                       const char *fix, struct buffer *body)
{
    struct loop *loop = conn->client.loop;
    const struct egress_exchange *exchange = &conn->exchange;
    const struct policy_refusal *how = http_refusal_told_how(&conn->client);
    bool denied = exchange->common.judged && exchange->verdict.result == VERDICT_DENY;
    buffer_clear(&loop->scratch->rule);
    buffer_clear(&loop->scratch->source);
    if (denied) {
        network_verdict_write_rule(&exchange->verdict, &loop->scratch->rule);
        network_verdict_write_source(&exchange->verdict, &loop->scratch->source);
    }
    json_write_object_begin(body);
    http_refusal_write_words(&conn->client, status, message, buffer_slice(&loop->scratch->rule),
                             body);
    if (denied && how->detail != POLICY_REFUSAL_NONE)
        json_write_key_string(body, "rule", buffer_slice(&loop->scratch->rule));
    if (denied && how->detail == POLICY_REFUSAL_FULL)
        json_write_key_string(body, "source", buffer_slice(&loop->scratch->source));
    if (how->detail != POLICY_REFUSAL_NONE)
        json_write_key_text(body, "reason", exchange->common.reason);
    if (how->detail == POLICY_REFUSAL_FULL && fix != NULL && fix[0] != '\0')
        json_write_key_text(body, "fix", fix);
    json_write_key_bool(body, "retry", may_retry(status));
    json_write_line_end(body);
}

static void write_http(struct egress_conn *conn, unsigned status, const char *message,
                       const char *fix, struct buffer *text)
{
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    char proxy_status[160];
    const char *reason = conn->exchange.common.reason;
    bool says_why = http_refusal_told_how(&conn->client)->detail != POLICY_REFUSAL_NONE;
    write_body(conn, status, message, fix, &body);
    int len = says_why ? snprintf(proxy_status, sizeof(proxy_status),
                                  "dockreeve; error=%s; details=\"%s\"", error_type(status, reason),
                                  reason)
                       : snprintf(proxy_status, sizeof(proxy_status), "dockreeve; error=%s",
                                  error_type(status, ""));
    struct http_refusal refusal = {
        .status = status,
        .allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT",
        .proxy_status = slice_of(proxy_status, (size_t)len),
        .body_len = body.len,
        .close = conn->client.close_after || conn->client.loop->draining,
    };
    http_write_refusal(text, &refusal);
    if (conn->exchange.method != HTTP_METHOD_HEAD)
        buffer_append_slice(text, buffer_slice(&body));
    text->failed |= body.failed;
}

void egress_answer_write_refusal(struct http_conn *client, unsigned status, const char *message,
                                 const char *fix, struct buffer *text)
{
    struct egress_conn *conn = egress_conn_of(client);
    const unsigned char alert[TLS_ALERT_LEN] =
        TLS_ALERT_BYTES(status == 403 ? TLS_ALERT_ACCESS_DENIED : TLS_ALERT_UNRECOGNIZED_NAME);
    if (conn->aim != EGRESS_AIM_TLS) {
        write_http(conn, status, message, fix, text);
        return;
    }
    client->close_after = true;
    buffer_append(text, (const char *)alert, sizeof(alert));
}

void egress_answer_denied(struct egress_conn *conn, const struct network_request *request)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer fix = BUFFER_EMPTY;
    const struct policy *policy = conn->client.loop->policy;
    const struct policy_client *client = http_conn_client(&conn->client);
    const struct network_verdict *verdict = &conn->exchange.verdict;
    policy_explain_network_denial(client, request, verdict, &message);
    policy_explain_network_fix(policy, client, request, verdict, &fix);
    http_refusal_send(&conn->client, verdict->malformed ? 400 : 403,
                      conn->exchange.common.opened ? REASON_REVOKED : verdict->reason,
                      buffer_text(&message), buffer_text(&fix));
}
