/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a request: its head is parsed, made canonical, judged, written anew and sent to the
 * engine, the body behind it. Nothing of the client's bytes is copied to the engine but a body's
 * payload. What is refused here is answered by us, with the rule that refused it. */
#include "proxy/docker/docker_conn.h"

#include "policy/explain/policy_explain.h"
#include "proxy/docker/browser_guard.h"
#include "proxy/docker/docker_header.h"
#include "proxy/docker/docker_version.h"
#include "proxy/loop/listener.h"
#include "rules/docker/docker_content.h"
#include "rules/docker/docker_endless.h"
#include "rules/reason.h"

/* Copies what the records will need out of the request, whose bytes are gone once the head is sent
 * on. */
static void keep_facts(struct docker_conn *conn, const struct docker_request *request,
                       struct slice target)
{
    struct docker_exchange *exchange = &conn->exchange;
    buffer_clear(&exchange->facts);
    exchange->method = request->method;
    exchange->operation = request->operation;
    exchange->path_len = (uint32_t)request->path.len;
    exchange->object_len = (uint32_t)request->object_name.len;
    exchange->endless = docker_endless(request);
    exchange->dropped_count = (uint16_t)request->dropped_count;
    exchange->dropped_more = request->dropped_more;
    buffer_append_slice(&exchange->facts, request->path);
    buffer_append_slice(&exchange->facts, request->object_name);
    for (unsigned i = 0; i < request->dropped_count; i++) {
        buffer_append_slice(&exchange->facts, request->dropped[i]);
        buffer_append_byte(&exchange->facts, '\0');
    }
    exchange->target_len = (uint32_t)target.len;
    buffer_append_slice(&exchange->facts, target);
    if (exchange->facts.failed) {
        exchange->path_len = exchange->object_len = exchange->target_len = 0;
        exchange->dropped_count = 0;
    }
}

/* A web page in somebody's browser can send requests to a TCP port; it is no Docker client. */
static bool comes_from_page(const struct docker_conn *conn, const struct policy_client *client,
                            const struct http_head *head, struct error *error)
{
    return listener_is_tcp(conn->client.listener) &&
           !browser_guard_check(head, &client->browser,
                                listener_is_on_loopback(conn->client.listener), client->name,
                                error);
}

/* A body that the engine would not read is named in the log. */
static void note_dropped_body(struct docker_conn *conn)
{
    if (conn->client.http.request_body.to == HTTP_FRAMING_NONE)
        conn->exchange.dropped_body = conn->client.http.request_body.payload;
}

static bool check_body(struct docker_conn *conn, const struct docker_request *request,
                       const struct http_head *head, struct error *error)
{
    const struct docker_content content = {
        .present = head->framing == HTTP_FRAMING_CHUNKED || head->content_length > 0,
        .len = head->framing == HTTP_FRAMING_LENGTH ? head->content_length : 0,
        .type = http_head_field(head, SLICE_LITERAL("content-type")),
        .encoding = http_head_field(head, SLICE_LITERAL("content-encoding")),
    };
    return docker_content_check(request, &content, conn->client.loop->options->json_body_max,
                                error);
}

/* ---- judging ---- */

static void deny(struct docker_conn *conn)
{
    const struct verdict *verdict = &conn->exchange.verdict;
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    if (conn->exchange.common.opened)
        buffer_append_literal(&message, "dockreeve: while this request waited, the policy changed "
                                        "or a rule expired, and it is not allowed any more. ");
    if (!docker_guard_write_denial(conn, &message))
        policy_explain_denial(conn->client.loop->policy, listener_policy_client(conn->client.listener),
                          &conn->client.loop->scratch->request, verdict, &message);
    http_refusal_send(&conn->client, 403,
                      conn->exchange.common.opened ? REASON_REVOKED : verdict->reason,
                      buffer_text(&message), NULL);
}

/* Asks the policy in force about the request in the scratch space. `asked`: the engine was asked for
 * its objects, and `naming` has them, NULL = they could not be had. */
static void decide(struct docker_conn *conn, bool asked, const struct docker_naming *naming)
{
    struct loop *loop = conn->client.loop;
    struct docker_request *request = &loop->scratch->request;
    struct docker_exchange *exchange = &conn->exchange;
    struct verdict *verdict = &exchange->verdict;
    exchange_judged_by(&exchange->common, loop->policy);
    request->now_us = timestamp_now_us();
    conn->client.expires_us = policy_next_expiry(loop->policy, request->now_us);
    const struct policy_client *client = listener_policy_client(conn->client.listener);
    if (asked)
        policy_decide_docker_named(loop->policy, client, request, naming, verdict);
    else
        policy_decide_docker(loop->policy, client, request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                             verdict);
    exchange->asked = asked;
    exchange->common.judged = verdict->result != VERDICT_NEEDS_OBJECT;
    exchange->common.reason = verdict->reason;
    exchange->common.would_deny = verdict->would_deny ? verdict->reason : NULL;
    docker_guard_apply(conn);
}

/* Writes the head anew into `forward`, what was judged in the place of what the client wrote. False
 * when it was refused. */
static bool write_forward(struct docker_conn *conn, const struct docker_naming *naming)
{
    struct loop *loop = conn->client.loop;
    const struct http_head *head = &loop->scratch->head;
    struct docker_request *request = &loop->scratch->request;
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    const struct http_body *body = &conn->client.http.request_body;
    struct slice object_name = {NULL, 0};
    unsigned version = docker_version_to_send(loop, request);
    if (version > 0)
        conn->exchange.own_version = version;
    request->own_version = conn->exchange.own_version; /* also when it was forgotten meanwhile */
    if (naming != NULL && !docker_naming_apply(naming, request, &object_name)) {
        http_refusal_send(&conn->client, 400, REASON_MALFORMED_QUERY_TOO_MANY,
                          "dockreeve: the query has no room for all the tags that it means; ask "
                          "for fewer images at once",
                          NULL);
        return false;
    }
    conn->client.http.wants_upgrade = docker_header_asks_upgrade(head, info->upgrade);
    struct docker_forward plan = {
        .request = request,
        .head = head,
        .object_name = object_name,
        .framing = body->from == HTTP_FRAMING_NONE ? HTTP_FRAMING_NONE : body->to,
        .content_length = !body->finished ? head->content_length
                          : held_body_rest(&conn->client.held).len > 0
                              ? held_body_rest(&conn->client.held).len
                              : body->payload,
        .upgrade = conn->client.http.wants_upgrade ? info->upgrade : DOCKER_UPGRADE_NONE,
    };
    struct buffer *text = &loop->scratch->text;
    buffer_clear(text);
    conn->exchange.dropped_headers = docker_header_write_request(&plan, text);
    if (http_forward_set(&conn->client, text))
        return true;
    http_refusal_send(&conn->client, 503, REASON_LIMIT_MEMORY, "dockreeve: out of memory", NULL);
    return false;
}

/* The request may pass: its head is written anew, and what it changes goes to the log first. */
static void permit(struct docker_conn *conn, const struct docker_naming *naming)
{
    if (!write_forward(conn, naming) || !http_forward_can_be_logged(&conn->client))
        return;
    if (conn->client.http.is_read)
        docker_exchange_forward(conn);
    else
        http_forward_log_open(&conn->client);
}

static void proceed(struct docker_conn *conn, const struct docker_naming *naming);

static void ask_for_objects(struct docker_conn *conn)
{
    struct error error;
    bool asks;
    http_conn_set_state(&conn->client, HTTP_CONN_FIND);
    if (!docker_lookup_start(conn, &conn->client.loop->scratch->request, &asks, &error)) {
        http_refusal_error(&conn->client, &error);
    } else if (!asks) {
        decide(conn, true, NULL);
        proceed(conn, NULL);
    }
}

/* Whether nothing but a report would ever say what was changed: the client names it by an id. Rules are
 * learned from such records, and go by names. */
static bool is_learned_by_id(const struct docker_conn *conn)
{
    const struct docker_request *request = &conn->client.loop->scratch->request;
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    size_t digits = 0;
    while (digits < request->object_name.len &&
           slice_hex_digit(request->object_name.ptr[digits]) >= 0)
        digits++;
    return conn->exchange.verdict.would_deny && !conn->exchange.asked &&
           digits >= 12 /* as listings show it */ && digits == request->object_name.len &&
           !http_method_is_read(info->method) &&
           (info->object == DOCKER_OBJECT_CONTAINER || info->object == DOCKER_OBJECT_NETWORK);
}

/* Does what follows from the verdict. */
static void proceed(struct docker_conn *conn, const struct docker_naming *naming)
{
    if (conn->exchange.verdict.result != VERDICT_DENY &&
        docker_version_is_wanted(conn->client.loop, &conn->client.loop->scratch->request)) {
        docker_version_ask(conn);
        return;
    }
    switch (conn->exchange.verdict.result) {
    case VERDICT_NEEDS_OBJECT:
        ask_for_objects(conn);
        return;
    case VERDICT_DENY:
        deny(conn);
        return;
    case VERDICT_ALLOW:
        if (is_learned_by_id(conn))
            ask_for_objects(conn);
        else
            permit(conn, naming);
        return;
    }
}

/* ---- reading ---- */

/* Makes the request of the head in the scratch space. False with `error` when it is none for a
 * Docker listener. */
static bool understand(struct docker_conn *conn, struct error *error)
{
    struct loop *loop = conn->client.loop;
    const struct http_head *head = &loop->scratch->head;
    struct docker_request *request = &loop->scratch->request;
    const struct policy_client *client = listener_policy_client(conn->client.listener);
    bool known = docker_request_parse(request, head->method, head->target,
                                      client != NULL && client->strict, error);
    if (client == NULL)
        return error_set_reason(error, 403, REASON_LISTENER_CLOSED,
                                "this listener is no longer part of the policy");
    return known && !comes_from_page(conn, client, head, error);
}

/* Reads the head once more: the scratch space has served others since. False when it was refused.
 */
static bool read_again(struct docker_conn *conn)
{
    struct loop *loop = conn->client.loop;
    struct error error;
    size_t scanned = 0, len;
    bool whole = http_head_parse_request(&loop->scratch->head, io_buffer_bytes(&conn->head),
                                         io_buffer_len(&conn->head), &scanned, &loop->options->head,
                                         &len, &error) == HTTP_HEAD_OK;
    if (whole && understand(conn, &error))
        return true;
    if (!whole)
        error_set_reason(&error, 503, REASON_LIMIT_MEMORY, "out of memory");
    http_refusal_error(&conn->client, &error);
    return false;
}

/* Keeps the head, in the very block that the scratch space points into: what came behind it moves.
 */
static bool keep_head(struct docker_conn *conn, size_t head_len)
{
    struct io_buffer *in = &conn->client.in, rest = {0};
    size_t rest_len = io_buffer_len(in) - head_len;
    if (!io_buffer_append(conn->client.loop->blocks, &rest, io_buffer_bytes(in) + head_len,
                          rest_len)) {
        http_refusal_send(&conn->client, 503, REASON_LIMIT_MEMORY, "dockreeve: out of memory",
                          NULL);
        return false;
    }
    conn->head = *in;
    conn->head.end -= (uint32_t)rest_len;
    *in = rest;
    return true;
}

static void refuse(struct docker_conn *conn, const struct error *error)
{
    if (strcmp(error->reason, REASON_VERSION_TOO_NEW) == 0)
        docker_version_refuse(conn);
    else
        http_refusal_error(&conn->client, error);
}

/* ---- the way of a request ---- */

void docker_exchange_start(struct docker_conn *conn)
{
    const struct docker_request *request = &conn->client.loop->scratch->request;
    const struct http_head *head = &conn->client.loop->scratch->head;
    struct error error;
    size_t head_len;
    if (!http_forward_read_head(&conn->client, http_head_parse_request,
                                &conn->client.loop->scratch->head, &head_len))
        return;
    http_conn_number(&conn->client);
    conn->exchange.method = head->method;
    bool known = understand(conn, &error);
    keep_facts(conn, request, head->target);
    conn->client.http.may_stream =
        (head->connection_upgrade && head->upgrade.ptr != NULL) ||
        docker_operation_info(request->operation)->upgrade == DOCKER_UPGRADE_TCP;
    if (known)
        decide(conn, false, NULL);
    if (!known) {
        http_forward_skip(&conn->client, head, head_len);
        refuse(conn, &error);
    } else if (conn->exchange.verdict.result == VERDICT_DENY) {
        http_forward_skip(&conn->client, head, head_len);
        deny(conn);
    } else if (!check_body(conn, request, head, &error)) {
        http_forward_skip(&conn->client, head, head_len);
        http_refusal_error(&conn->client, &error);
    } else if (keep_head(conn, head_len) &&
               docker_collect_begin(conn, docker_content_kind(request)) &&
               docker_json_understand(conn)) {
        note_dropped_body(conn);
        docker_guard_apply(conn);
        proceed(conn, NULL);
    }
}

/* A turn or more has passed, and with it perhaps the policy. */
void docker_exchange_collected(struct docker_conn *conn)
{
    note_dropped_body(conn);
    if (!read_again(conn) || !docker_json_understand(conn))
        return;
    decide(conn, false, NULL);
    proceed(conn, NULL);
}

void docker_exchange_versioned(struct docker_conn *conn)
{
    if (!read_again(conn))
        return;
    decide(conn, false, NULL);
    proceed(conn, NULL);
}

void docker_exchange_looked_up(struct docker_conn *conn, const struct docker_naming *naming)
{
    if (!read_again(conn))
        return;
    decide(conn, true, naming);
    proceed(conn, naming);
}

bool docker_exchange_judge_again(struct docker_conn *conn)
{
    const struct docker_naming *naming = conn->judged;
    if (!read_again(conn))
        return false;
    /* What the log has as opened does not ask for its objects any more: if they are not known, they
     * count as some of which nothing can be known. */
    decide(conn, naming != NULL || conn->exchange.common.opened, naming);
    if (conn->exchange.verdict.result == VERDICT_ALLOW)
        return write_forward(conn, naming);
    docker_conn_give_engine(conn); /* it was asked for nothing */
    proceed(conn, naming);
    return false;
}

static void on_engine_event(void *context, enum engine_event event)
{
    struct docker_conn *conn = context;
    struct http_conn *client = &conn->client;
    switch (event) {
    case ENGINE_REFUSED: {
        struct error error = conn->engine->error; /* the connection is dropped before it is told */
        http_refusal_error(client, &error);
        return;
    }
    case ENGINE_CONNECTED:
        http_forward_send(client);
        return;
    case ENGINE_READABLE:
        if (client->state == HTTP_CONN_TUNNEL)
            docker_tunnel_move(conn);
        else
            http_answer_read(client);
        return;
    case ENGINE_WRITABLE:
        if (client->state != HTTP_CONN_TUNNEL) {
            http_forward_send(client);
            return;
        }
        client->http.upstream_full = false;
        docker_tunnel_move(conn);
        return;
    }
}

void docker_exchange_forward(struct docker_conn *conn)
{
    struct http_conn *client = &conn->client;
    struct engine *engine = client->loop->engine;
    struct error error;
    http_conn_set_state(client, HTTP_CONN_FORWARD);
    client->http.forwarded = false;
    conn->engine = engine_take(engine, client->http.retried, !client->http.is_read, on_engine_event,
                               conn, &error);
    if (conn->engine == NULL && error.status == 503 && loop_make_room(client->loop))
        conn->engine = engine_take(engine, true, false, on_engine_event, conn, &error);
    if (conn->engine == NULL) {
        http_refusal_error(client, &error);
        return;
    }
    client->upstream = &conn->engine->upstream;
    if (!client->upstream->connecting)
        http_forward_send(client);
}
