/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a request: its head is parsed, made canonical, judged, written anew and sent to the
 * engine, the body behind it. Nothing of the client's bytes is copied to the engine but a body's
 * payload. What is refused here is answered by us, with the rule that refused it. */
#include "proxy/docker/docker_conn.h"

#include "proxy/docker/browser_guard.h"
#include "proxy/docker/docker_header.h"
#include "proxy/docker/docker_version.h"
#include "proxy/docker/engine_request.h"
#include "proxy/http/foreign_client.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/unlogged.h"
#include "rules/docker/docker_content.h"
#include "rules/docker/docker_endless.h"
#include "rules/reason.h"

void docker_exchange_forget(struct docker_conn *conn)
{
    struct loop *loop = conn->loop;
    struct docker_exchange *exchange = &conn->exchange;
    loop_forget_waiter(loop, &conn->waiter);
    docker_lookup_free(&conn->lookup);
    engine_request_free(&conn->version_question);
    docker_naming_free(&conn->judged);
    engine_drop(&conn->engine);
    docker_exchange_drop_request(conn);
    if (exchange->stream)
        metrics_totals(loop->metrics)->open_streams--;
    policy_unref(&exchange->policy);
    struct buffer facts = exchange->facts;
    buffer_clear(&facts);
    *exchange = (struct docker_exchange){.facts = facts};
    http_exchange_forget(&conn->http, loop->pipes);
    conn->up_ended = conn->down_ended = conn->client_full = conn->engine_full = false;
}

void docker_exchange_drop_request(struct docker_conn *conn)
{
    struct io_pool *blocks = conn->loop->blocks;
    io_buffer_reset(blocks, &conn->head);
    io_buffer_reset(blocks, &conn->forward);
    held_body_release(&conn->held, blocks);
    share_keep_nothing(conn->peer_share, &conn->kept_bytes);
}

/* An exchange begins with its number, once there is something to answer. */
void docker_exchange_number(struct docker_conn *conn)
{
    if (conn->exchange.id != 0)
        return;
    conn->has_asked = true;
    conn->exchange.id = ++conn->loop->next_id;
    conn->exchange.started_us = timestamp_monotonic_us();
}

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
    return listener_is_tcp(conn->listener) &&
           !browser_guard_check(head, &client->browser, listener_is_on_loopback(conn->listener),
                                client->name, error);
}

/* A request that is refused at its head: its body, as far as it is here already, is read over, so
 * that a client that asks politely keeps its connection. What is still to come makes the answer the
 * last one. */
static void skip(struct docker_conn *conn, size_t head_len)
{
    const struct http_head *head = &conn->loop->scratch->head;
    struct io_pool *blocks = conn->loop->blocks;
    struct error ignored;
    http_body_init(&conn->http.request_body, head->framing, head->content_length,
                   HTTP_FRAMING_NONE);
    io_buffer_consume(blocks, &conn->in, head_len);
    if (!http_body_move(&conn->http.request_body, blocks, &conn->in, NULL, &ignored))
        conn->http.request_body.finished = false;
}

/* A body that the engine would not read is named in the log. */
static void note_dropped_body(struct docker_conn *conn)
{
    if (conn->http.request_body.to == HTTP_FRAMING_NONE)
        conn->exchange.dropped_body = conn->http.request_body.payload;
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
    return docker_content_check(request, &content, conn->loop->options->json_body_max, error);
}

/* ---- judging ---- */

static void deny(struct docker_conn *conn)
{
    const struct verdict *verdict = &conn->exchange.verdict;
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    if (conn->exchange.opened)
        buffer_append_literal(&message, "dockreeve: while this request waited, the policy changed "
                                        "or a rule expired, and it is not allowed any more. ");
    policy_explain_denial(conn->loop->policy, listener_policy_client(conn->listener),
                          &conn->loop->scratch->request, verdict, &message);
    docker_refusal_send(conn, 403, conn->exchange.opened ? REASON_REVOKED : verdict->reason,
                        buffer_text(&message));
}

/* Asks the policy in force about the request in the scratch space. `asked`: the engine was asked for
 * its objects, and `naming` has them, NULL = they could not be had. */
static void decide(struct docker_conn *conn, bool asked, const struct docker_naming *naming)
{
    struct loop *loop = conn->loop;
    struct docker_request *request = &loop->scratch->request;
    struct docker_exchange *exchange = &conn->exchange;
    struct verdict *verdict = &exchange->verdict;
    policy_unref(&exchange->policy);
    exchange->policy = policy_ref(loop->policy);
    request->now_us = timestamp_now_us();
    exchange->expires_us = policy_next_expiry(loop->policy, request->now_us);
    const struct policy_client *client = listener_policy_client(conn->listener);
    if (asked)
        policy_decide_docker_named(loop->policy, client, request, naming, verdict);
    else
        policy_decide_docker(loop->policy, client, request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                             verdict);
    exchange->asked = asked;
    exchange->judged = verdict->result != VERDICT_NEEDS_OBJECT;
    exchange->reason = verdict->reason;
    exchange->would_deny = verdict->would_deny ? verdict->reason : NULL;
}

/* Whether the verdict is what the policy in force would say now. */
static bool verdict_holds(const struct docker_conn *conn)
{
    const struct docker_exchange *exchange = &conn->exchange;
    return exchange->policy == conn->loop->policy &&
           (exchange->expires_us == INT64_MAX || timestamp_now_us() < exchange->expires_us);
}

/* Writes the head anew into `forward`, what was judged in the place of what the client wrote. False
 * when it was refused. */
static bool write_forward(struct docker_conn *conn, const struct docker_naming *naming)
{
    struct loop *loop = conn->loop;
    const struct http_head *head = &loop->scratch->head;
    struct docker_request *request = &loop->scratch->request;
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    const struct http_body *body = &conn->http.request_body;
    struct slice object_name = {NULL, 0};
    unsigned version = docker_version_to_send(loop, request);
    if (version > 0)
        conn->exchange.own_version = version;
    request->own_version = conn->exchange.own_version; /* also when it was forgotten meanwhile */
    if (naming != NULL && !docker_naming_apply(naming, request, &object_name)) {
        docker_refusal_send(conn, 400, REASON_MALFORMED_QUERY_TOO_MANY,
                            "dockreeve: the query has no room for all the tags that it means; ask "
                            "for fewer images at once");
        return false;
    }
    conn->http.wants_upgrade = docker_header_asks_upgrade(head, info->upgrade);
    struct docker_forward plan = {
        .request = request,
        .head = head,
        .object_name = object_name,
        .framing = body->from == HTTP_FRAMING_NONE ? HTTP_FRAMING_NONE : body->to,
        .content_length = !body->finished                       ? head->content_length
                          : held_body_rest(&conn->held).len > 0 ? held_body_rest(&conn->held).len
                                                                : body->payload,
        .upgrade = conn->http.wants_upgrade ? info->upgrade : DOCKER_UPGRADE_NONE,
    };
    struct buffer *text = &loop->scratch->text;
    buffer_clear(text);
    conn->exchange.dropped_headers = docker_header_write_request(&plan, text);
    io_buffer_reset(loop->blocks, &conn->forward);
    if (!text->failed && io_buffer_append(loop->blocks, &conn->forward, text->data, text->len))
        return true;
    docker_refusal_send(conn, 503, REASON_LIMIT_MEMORY, "dockreeve: out of memory");
    return false;
}

/* False when it was refused, because nobody could read of what would follow. */
static bool can_be_logged(struct docker_conn *conn)
{
    struct loop *loop = conn->loop;
    if (loop->log_failing && loop->options->log_required) {
        docker_refusal_unlogged(conn); /* its own record tries the log again */
        return false;
    }
    if (loop->options->log_required && !loop_log_has_room(loop, conn->peer_share)) {
        docker_refusal_send(conn, unlogged_full.status, unlogged_full.reason,
                            unlogged_full.message);
        return false;
    }
    return true;
}

static void on_open_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct docker_conn *conn = docker_conn_of_waiter(waiter);
    if (state == LOG_WRITE_DONE) {
        docker_exchange_forward(conn);
        return;
    }
    if (state == LOG_WRITE_LOST)
        conn->exchange.opened = false; /* the record is in no log */
    docker_refusal_unlogged(conn);
}

/* The request may pass: its head is written anew, and what it changes goes to the log first. */
static void permit(struct docker_conn *conn, const struct docker_naming *naming)
{
    struct loop *loop = conn->loop;
    if (!write_forward(conn, naming) || !can_be_logged(conn))
        return;
    if (http_method_is_read(conn->exchange.method)) {
        docker_exchange_forward(conn);
        return;
    }
    docker_conn_set_state(conn, DOCKER_CONN_LOG_OPEN);
    uint64_t seq = docker_log_open(conn);
    conn->waiter.written = on_open_written;
    loop_wait_for_log(loop, &conn->waiter, seq);
}

static void proceed(struct docker_conn *conn, const struct docker_naming *naming);

static void ask_for_objects(struct docker_conn *conn)
{
    struct error error;
    bool asks;
    docker_conn_set_state(conn, DOCKER_CONN_LOOKUP);
    if (!docker_lookup_start(conn, &conn->loop->scratch->request, &asks, &error)) {
        docker_refusal_error(conn, &error);
    } else if (!asks) {
        decide(conn, true, NULL);
        proceed(conn, NULL);
    }
}

/* Whether nothing but a report would ever say what was changed: the client names it by an id. Rules are
 * learned from such records, and go by names. */
static bool is_learned_by_id(const struct docker_conn *conn)
{
    const struct docker_request *request = &conn->loop->scratch->request;
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
        docker_version_is_wanted(conn->loop, &conn->loop->scratch->request)) {
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
    struct loop *loop = conn->loop;
    const struct http_head *head = &loop->scratch->head;
    struct docker_request *request = &loop->scratch->request;
    const struct policy_client *client = listener_policy_client(conn->listener);
    bool known = docker_request_parse(request, head->method, head->target,
                                      client != NULL && client->strict, error);
    if (client == NULL)
        return error_set_reason(error, 403, REASON_LISTENER_CLOSED,
                                "this listener is no longer part of the policy");
    return known && !comes_from_page(conn, client, head, error);
}

/* Reads the head in `in` into the scratch space. False when more bytes are awaited, or it was
 * refused. */
static bool read_head(struct docker_conn *conn, size_t *head_len_out)
{
    struct loop *loop = conn->loop;
    struct http_head *head = &loop->scratch->head;
    struct error error;
    switch (http_head_parse_request(head, io_buffer_bytes(&conn->in), io_buffer_len(&conn->in),
                                    &conn->http.head_scanned, &loop->options->head, head_len_out,
                                    &error)) {
    case HTTP_HEAD_MORE:
        return false;
    case HTTP_HEAD_BAD:
        conn->http.request_body.finished =
            false; /* nobody knows where the next request would begin */
        conn->http.foreign = foreign_client_first(
            error.reason, slice_of(io_buffer_bytes(&conn->in), io_buffer_len(&conn->in)));
        docker_refusal_error(conn, &error);
        return false;
    case HTTP_HEAD_OK:
        break;
    }
    docker_exchange_number(conn);
    conn->http.minor_version_0 = head->minor_version == 0;
    conn->close_after = conn->close_after || head->connection_close || conn->http.minor_version_0;
    conn->exchange.method = head->method;
    return true;
}

/* Reads the head once more: the scratch space has served others since. False when it was refused.
 */
static bool read_again(struct docker_conn *conn)
{
    struct loop *loop = conn->loop;
    struct error error;
    size_t scanned = 0, len;
    bool whole = http_head_parse_request(&loop->scratch->head, io_buffer_bytes(&conn->head),
                                         io_buffer_len(&conn->head), &scanned, &loop->options->head,
                                         &len, &error) == HTTP_HEAD_OK;
    if (whole && understand(conn, &error))
        return true;
    if (!whole)
        error_set_reason(&error, 503, REASON_LIMIT_MEMORY, "out of memory");
    docker_refusal_error(conn, &error);
    return false;
}

/* Keeps the head, in the very block that the scratch space points into: what came behind it moves.
 */
static bool keep_head(struct docker_conn *conn, size_t head_len)
{
    struct io_buffer *in = &conn->in, rest = {0};
    size_t rest_len = io_buffer_len(in) - head_len;
    if (!io_buffer_append(conn->loop->blocks, &rest, io_buffer_bytes(in) + head_len, rest_len)) {
        docker_refusal_send(conn, 503, REASON_LIMIT_MEMORY, "dockreeve: out of memory");
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
        docker_refusal_error(conn, error);
}

/* ---- the way of a request ---- */

void docker_exchange_start(struct docker_conn *conn)
{
    const struct docker_request *request = &conn->loop->scratch->request;
    const struct http_head *head = &conn->loop->scratch->head;
    struct error error;
    size_t head_len;
    if (!read_head(conn, &head_len))
        return;
    bool known = understand(conn, &error);
    keep_facts(conn, request, head->target);
    conn->http.may_stream =
        (head->connection_upgrade && head->upgrade.ptr != NULL) ||
        docker_operation_info(request->operation)->upgrade == DOCKER_UPGRADE_TCP;
    if (known)
        decide(conn, false, NULL);
    if (!known) {
        skip(conn, head_len);
        refuse(conn, &error);
    } else if (conn->exchange.verdict.result == VERDICT_DENY) {
        skip(conn, head_len);
        deny(conn);
    } else if (!check_body(conn, request, head, &error)) {
        skip(conn, head_len);
        docker_refusal_error(conn, &error);
    } else if (keep_head(conn, head_len) &&
               docker_collect_begin(conn, docker_content_kind(request)) &&
               docker_json_understand(conn)) {
        note_dropped_body(conn);
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

bool docker_exchange_may_send(struct docker_conn *conn)
{
    const struct docker_naming *naming = conn->judged;
    if (verdict_holds(conn))
        return true;
    if (!read_again(conn))
        return false;
    /* What the log has as opened does not ask for its objects any more: if they are not known, they
     * count as some of which nothing can be known. */
    decide(conn, naming != NULL || conn->exchange.opened, naming);
    if (conn->exchange.verdict.result == VERDICT_ALLOW)
        return write_forward(conn, naming);
    engine_give(&conn->engine); /* it was asked for nothing */
    proceed(conn, naming);
    return false;
}

void docker_exchange_forward(struct docker_conn *conn)
{
    struct error error;
    bool again = conn->http.retried;
    docker_conn_set_state(conn, DOCKER_CONN_FORWARD);
    conn->http.forwarded = false;
    conn->engine =
        engine_take(conn->loop->engine, again, !http_method_is_read(conn->exchange.method),
                    docker_exchange_engine_event, conn, &error);
    if (conn->engine == NULL && error.status == 503 && loop_make_room(conn->loop))
        conn->engine = engine_take(conn->loop->engine, true, false, docker_exchange_engine_event,
                                   conn, &error);
    if (conn->engine == NULL)
        docker_refusal_error(conn, &error);
    else if (!conn->engine->connecting)
        docker_body_send(conn);
}

void docker_exchange_engine_event(void *context, enum engine_event event)
{
    struct docker_conn *conn = context;
    switch (event) {
    case ENGINE_REFUSED: {
        struct error error = conn->engine->error; /* the connection is dropped before it is told */
        docker_refusal_error(conn, &error);
        return;
    }
    case ENGINE_CONNECTED:
        docker_body_send(conn);
        return;
    case ENGINE_READABLE:
        if (conn->state == DOCKER_CONN_TUNNEL)
            docker_tunnel_move(conn);
        else
            docker_response_read(conn);
        return;
    case ENGINE_WRITABLE:
        conn->engine_full = false;
        if (conn->state == DOCKER_CONN_TUNNEL)
            docker_tunnel_move(conn);
        else
            docker_body_send(conn);
        return;
    }
}
