/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked for: the head (or the ClientHello) is parsed, its target made canonical, judged by
 * name. What is denied is never resolved. A request that may pass has its head written anew before
 * its bytes are let go. */
#include <stdio.h>

#include "proxy/egress/egress_conn.h"

#include "proxy/egress/egress_header.h"
#include "proxy/loop/log_identity.h"
#include "proxy/egress/tls_hello.h"
#include "proxy/egress/upstream_proxy.h"
#include "proxy/http/foreign_client.h"
#include "rules/reason.h"

/* Notes for the records whom and what this is about; `head` NULL: there is none. */
static void keep_facts(struct egress_conn *conn, const struct http_head *head,
                       const struct host_name *host, uint16_t port, struct slice path)
{
    char text[LOG_PEER_LEN_MAX];
    struct slice peer =
        log_identity_peer(&conn->client.peer, conn->client.uid, conn->client.pid, text);
    conn->client.has_asked = true;
    exchange_number(&conn->exchange.common, conn->client.loop);
    egress_exchange_set_target(&conn->exchange, peer, host, port, path);
    if (head != NULL)
        egress_exchange_set_method(&conn->exchange, head->method, head->method_name);
    conn->exchange.transparent = listener_role(conn->client.listener) != POLICY_ROLE_EGRESS;
}

/* RFC 9110 section 9.3.6: a CONNECT has no body, and two readers would not agree where one ends; of
 * one without a byte they all say the same. */
static bool check_connect(struct egress_conn *conn, const struct http_head *head,
                          struct error *error)
{
    const struct policy_client *client = http_conn_client(&conn->client);
    if (head->framing != HTTP_FRAMING_NONE &&
        !(head->framing == HTTP_FRAMING_LENGTH && head->content_length == 0))
        return error_set_reason(error, 400, REASON_MALFORMED_CONNECT_BODY,
                                "a CONNECT carries no body: leave out Content-Length and "
                                "Transfer-Encoding");
    if (!authority_parse(head->target, 0, &conn->target, error))
        return false;
    conn->exchange.host_mismatch =
        head->host.ptr != NULL && !authority_is_named(&conn->target, head->host);
    return !conn->exchange.host_mismatch || client == NULL || !client->strict ||
           error_set_reason(error, 400, REASON_MALFORMED_HOST_MISMATCH,
                            "Host is not the target of the CONNECT, which `strict` asks for");
}

/* The target of a plain HTTP request: an absolute URI at the proxy, Host at a transparent listener.
 */
static bool read_target(struct egress_conn *conn, const struct http_head *head, struct buffer *room,
                        struct url_target *url, struct error *error)
{
    if (listener_role(conn->client.listener) == POLICY_ROLE_HTTP) {
        if (!url_target_parse_origin(head->target, room, url, error))
            return false;
        if (head->host.ptr == NULL)
            return error_set_reason(error, 400, REASON_MALFORMED_HOST,
                                    "without Host nobody knows which server is meant");
        if (!authority_parse(head->host, 80, &url->authority, error))
            return false;
        return url->authority.port == 80 ||
               error_set_reason(error, 400, REASON_MALFORMED_PORT,
                                "this listener stands for port 80; Host names another");
    }
    if (head->target.len > 0 && head->target.ptr[0] == '/')
        return error_set_reason(error, 400, REASON_MALFORMED_ORIGIN_FORM,
                                "this is a proxy: ask with an absolute URI (http://host/path) or "
                                "with CONNECT; is this address set as HTTP_PROXY?");
    return url_target_parse(head->target, room, url, error);
}

/* RFC 9110 section 7.6.2: the last hop answers itself, and this gate has nothing to say of itself.
 */
static bool may_forward(const struct http_head *head, struct error *error)
{
    struct slice hops = http_head_field(head, SLICE_LITERAL("max-forwards"));
    return head->method != HTTP_METHOD_OPTIONS || !slice_equal_text(hops, "0") ||
           error_set_reason(error, 405, REASON_MALFORMED_MAX_FORWARDS,
                            "OPTIONS with Max-Forwards: 0 is not answered here");
}

void egress_request_inquire(const struct egress_conn *conn, struct network_inquiry *inquiry)
{
    egress_exchange_inquire(&conn->exchange, conn->client.loop, http_conn_client(&conn->client),
                            &conn->target.host, inquiry);
    if (conn->aim == EGRESS_AIM_TLS || conn->client.http.wants_upgrade)
        inquiry->request.tunnel = &conn->facts;
    if (conn->aim == EGRESS_AIM_FORWARD)
        egress_exchange_describe(&conn->exchange, &conn->client.loop->scratch->path,
                                 &inquiry->request);
}

bool egress_request_ask(struct egress_conn *conn, struct network_inquiry *inquiry)
{
    egress_request_inquire(conn, inquiry);
    conn->step = network_inquiry_ask(inquiry);
    egress_exchange_judge(&conn->exchange, conn->client.loop->policy, &inquiry->verdict);
    conn->client.expires_us =
        policy_next_expiry(conn->client.loop->policy, inquiry->request.now_us);
    return conn->step != NETWORK_STEP_DENIED;
}

/* WebSocket (RFC 6455) is the one protocol that plain HTTP is left for here. Whether a rule permits
 * it is asked as for a tunnel that carries something unknown; where none does the origin is not
 * asked to switch. False when a deny refuses it, as it refuses a tunnel that it cannot look into.
 */
static bool judge_upgrade(struct egress_conn *conn, const struct http_head *head,
                          struct network_inquiry *inquiry)
{
    const struct network_verdict *verdict = &inquiry->verdict;
    if (!egress_header_asks_websocket(head))
        return true;
    conn->facts = (struct tunnel_facts){.protocol = NETWORK_PROTOCOL_OTHER};
    inquiry->request.tunnel = &conn->facts;
    conn->client.http.wants_upgrade = network_inquiry_ask(inquiry) != NETWORK_STEP_DENIED;
    if (conn->client.http.wants_upgrade || verdict->label == NULL || verdict->rule_allows)
        return true;
    egress_exchange_judge(&conn->exchange, conn->client.loop->policy, verdict);
    return false;
}

static bool write_forward(struct egress_conn *conn, const struct http_head *head,
                          const struct url_target *url)
{
    struct loop *loop = conn->client.loop;
    struct buffer *text = &loop->scratch->text;
    struct egress_request_plan plan = {
        .head = head, .url = url, .websocket = conn->client.http.wants_upgrade};
    conn->takes_proxy = egress_route_takes_proxy(conn);
    plan.whole_url = conn->takes_proxy && !plan.websocket;
    if (plan.whole_url)
        plan.proxy_authorization = upstream_proxy_authorization(conn->egress->proxy);
    buffer_clear(text);
    egress_header_write_request(&plan, text);
    http_body_init(&conn->client.http.request_body, head->framing, head->content_length,
                   head->framing);
    conn->client.http.expects_continue =
        head->expect_continue && !conn->client.http.request_body.finished;
    return http_forward_set(&conn->client, text);
}

static void handle_forward(struct egress_conn *conn, const struct http_head *head, size_t head_len)
{
    struct loop *loop = conn->client.loop;
    AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
    struct url_target url;
    struct error error;
    struct network_inquiry inquiry;
    conn->aim = EGRESS_AIM_FORWARD;
    if (!read_target(conn, head, &room, &url, &error) || !may_forward(head, &error)) {
        keep_facts(conn, head, NULL, 0, slice_of(NULL, 0));
        http_forward_skip(&conn->client, head, head_len);
        http_refusal_error(&conn->client, &error);
        return;
    }
    conn->target = url.authority;
    keep_facts(conn, head, &url.authority.host, url.authority.port, url.path);
    if (!egress_request_ask(conn, &inquiry) || !judge_upgrade(conn, head, &inquiry)) {
        http_forward_skip(&conn->client, head, head_len);
        egress_answer_denied(conn, &inquiry.request);
        return;
    }
    bool kept = write_forward(conn, head, &url);
    io_buffer_consume(loop->blocks, &conn->client.in, head_len);
    if (!kept)
        http_refusal_send(&conn->client, 503, REASON_LIMIT_MEMORY, "dockreeve: out of memory",
                          NULL);
    else if (!conn->client.http.wants_upgrade || egress_conn_take_tunnel(conn))
        egress_route_start(conn);
}

static void handle_connect(struct egress_conn *conn, const struct http_head *head, size_t head_len)
{
    struct error error;
    struct network_inquiry inquiry;
    conn->aim = EGRESS_AIM_CONNECT;
    if (!check_connect(conn, head, &error)) {
        keep_facts(conn, head, NULL, 0, slice_of(NULL, 0));
        http_forward_skip(&conn->client, head, head_len);
        http_refusal_error(&conn->client, &error);
        return;
    }
    keep_facts(conn, head, &conn->target.host, conn->target.port, slice_of(NULL, 0));
    if (!egress_request_ask(conn, &inquiry)) {
        http_forward_skip(&conn->client, head, head_len);
        egress_answer_denied(conn, &inquiry.request);
        return;
    }
    io_buffer_consume(conn->client.loop->blocks, &conn->client.in, head_len);
    conn->takes_proxy = egress_route_takes_proxy(conn);
    if (egress_conn_take_tunnel(conn))
        egress_route_start(conn);
}

/* What is refused whatever is asked for. */
static bool may_ask(const struct egress_conn *conn, struct error *error)
{
    if (http_conn_client(&conn->client) == NULL)
        return error_set_reason(error, 403, REASON_LISTENER_CLOSED,
                                "this listener is no longer part of the policy");
    return conn->client.stream.fd < conn->egress->descriptor_limit ||
           error_set_reason(error, 503, REASON_LIMIT_DESCRIPTORS,
                            "no descriptors are left for another connection; try again later");
}

void egress_request_start(struct egress_conn *conn)
{
    struct loop *loop = conn->client.loop;
    struct http_head *head = &loop->scratch->head;
    bool proxy = listener_role(conn->client.listener) == POLICY_ROLE_EGRESS;
    struct error error;
    size_t head_len;
    if (!http_forward_read_head(
            &conn->client, proxy ? http_head_parse_proxy_request : http_head_parse_origin_request,
            head, &head_len))
        return;
    conn->aim = head->method == HTTP_METHOD_CONNECT ? EGRESS_AIM_CONNECT : EGRESS_AIM_FORWARD;
    conn->client.http.may_stream = conn->aim == EGRESS_AIM_CONNECT;
    if (!may_ask(conn, &error)) {
        keep_facts(conn, head, NULL, 0, slice_of(NULL, 0));
        http_forward_skip(&conn->client, head, head_len);
        http_refusal_error(&conn->client, &error);
    } else if (conn->aim == EGRESS_AIM_CONNECT) {
        handle_connect(conn, head, head_len);
    } else {
        handle_forward(conn, head, head_len);
    }
}

/* A transparent TLS client names its destination by SNI. Without a usable one there is none. */
static bool read_hello(struct egress_conn *conn, const struct tls_hello *hello, struct error *error)
{
    const struct tunnel_facts *facts = &hello->facts;
    if (facts->protocol != NETWORK_PROTOCOL_TLS)
        return error_set_reason(error, 400, REASON_PROTOCOL, "this listener takes TLS only");
    if (!facts->has_sni || facts->sni_bad)
        return error_set_reason(error, 400,
                                facts->sni_bad ? REASON_SNI_MALFORMED : REASON_SNI_MISSING,
                                "without a server name nobody knows which server is meant");
    conn->target = (struct authority){.host = facts->sni, .port = 443};
    return true;
}

static void handle_hello(struct egress_conn *conn, const struct tls_hello *hello)
{
    struct error error;
    struct network_inquiry inquiry;
    bool readable = may_ask(conn, &error) && read_hello(conn, hello, &error);
    keep_facts(conn, NULL, readable ? &conn->target.host : NULL, 443, slice_of(NULL, 0));
    if (!readable) {
        http_refusal_error(&conn->client, &error);
        return;
    }
    egress_exchange_set_hello(&conn->exchange, &hello->facts, slice_from_text(hello->alpn));
    conn->facts = hello->facts;
    conn->hello_len = hello->len;
    conn->takes_proxy = egress_route_takes_proxy(conn);
    if (!egress_request_ask(conn, &inquiry))
        egress_answer_denied(conn, &inquiry.request);
    else if (egress_conn_take_tunnel(conn))
        egress_route_start(conn);
}

void egress_request_start_hello(struct egress_conn *conn)
{
    struct tls_hello hello;
    struct error error;
    switch (tls_hello_read(io_buffer_bytes(&conn->client.in), io_buffer_len(&conn->client.in),
                           &hello, &error)) {
    case TLS_HELLO_MORE:
        return;
    case TLS_HELLO_BAD:
        error.status = 400;
        keep_facts(conn, NULL, NULL, 443, slice_of(NULL, 0));
        http_refusal_error(&conn->client, &error);
        return;
    case TLS_HELLO_OK:
        handle_hello(conn, &hello);
        return;
    }
}

void egress_request_unread(struct egress_conn *conn)
{
    const bool hello = conn->aim == EGRESS_AIM_TLS;
    if (!hello)
        conn->aim = EGRESS_AIM_FORWARD;
    conn->exchange.text = foreign_client_advice(
        conn->client.http.foreign, listener_role(conn->client.listener) == POLICY_ROLE_EGRESS
                                       ? HTTP_TO_PROXY
                                       : HTTP_TO_ORIGIN);
    keep_facts(conn, NULL, NULL, hello ? 443 : 0, slice_of(NULL, 0));
}
