/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a request: its head is parsed, made canonical, judged, written anew and sent to the
 * engine, the body behind it. Nothing of the client's bytes is copied to the engine but a body's
 * payload. What is refused here is answered by us, with the rule that refused it. */
#include "proxy/docker_conn.h"

#include "proxy/docker_header.h"
#include "proxy/listener.h"
#include "rules/docker_content.h"

void docker_exchange_forget(struct docker_conn *conn)
{
    struct gate *gate = conn->gate;
    struct docker_exchange *exchange = &conn->exchange;
    gate_forget_waiter(gate, &conn->waiter);
    docker_lookup_free(&conn->lookup);
    docker_lookup_free(&conn->judged);
    engine_drop(&conn->engine);
    io_buffer_reset(gate->blocks, &conn->forward);
    splice_flow_close(&conn->up, gate->pipes);
    splice_flow_close(&conn->down, gate->pipes);
    if (exchange->stream)
        metrics_totals(gate->metrics)->open_streams--;
    policy_unref(&exchange->policy);
    struct buffer facts = exchange->facts;
    buffer_clear(&facts);
    *exchange = (struct docker_exchange){.facts = facts};
    http_body_init(&conn->request_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    http_body_init(&conn->response_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    conn->may_stream = conn->wants_upgrade = conn->minor_version_0 = conn->expects_continue = false;
    conn->forwarded = conn->retried = false;
    conn->up_ended = conn->down_ended = conn->client_full = conn->engine_full = false;
    conn->hold = false;
    conn->informational = 0;
    conn->head_scanned = 0;
}

/* An exchange begins with its number, once there is something to answer. */
void docker_exchange_number(struct docker_conn *conn)
{
    if (conn->exchange.id != 0)
        return;
    conn->exchange.id = ++conn->gate->next_id;
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
    exchange->dropped_count = (uint16_t)request->dropped_count;
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

/* A web page in somebody's browser can send requests to a TCP port; it is no Docker client. A
 * websocket with an Origin is a page's wherever it comes in: something else may have brought it to
 * a unix socket. */
static bool comes_from_browser(const struct docker_conn *conn, const struct http_head *head)
{
    bool exposed = listener_is_tcp(conn->listener) ||
                   docker_header_asks_upgrade(head, DOCKER_UPGRADE_WEBSOCKET);
    return exposed && (http_head_field(head, SLICE_LITERAL("origin")).ptr != NULL ||
                       http_head_field(head, SLICE_LITERAL("sec-fetch-site")).ptr != NULL);
}

/* A request that is refused: its body, as far as it is here already, is read over, so that a client
 * that asks politely keeps its connection. What is still to come makes the answer the last one. */
static void skip_body(struct docker_conn *conn, const struct http_head *head)
{
    struct error ignored;
    http_body_init(&conn->request_body, head->framing, head->content_length, HTTP_FRAMING_NONE);
    if (!http_body_move(&conn->request_body, conn->gate->blocks, &conn->in, NULL, &ignored))
        conn->request_body.finished = false;
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
    return docker_content_check(request, &content, conn->gate->options->json_body_max, error);
}

/* Puts what was judged in the place of what the client wrote. */
static bool name_objects(const struct docker_naming *naming, struct docker_request *request,
                         struct slice *object_name_out, struct error *error)
{
    return naming == NULL || docker_naming_apply(naming, request, object_name_out) ||
           error_set_reason(error, 400, "malformed.query-too-many",
                            "the query has no room for the images that it means: name them");
}

/* The request may pass: its head is written anew into `forward`, and what it changes goes to the
 * log first. */
static void permit(struct docker_conn *conn, size_t head_len, const struct docker_naming *naming)
{
    struct gate *gate = conn->gate;
    const struct http_head *head = &gate->scratch->head;
    struct docker_request *request = &gate->scratch->request;
    struct slice object_name = {NULL, 0};
    const struct docker_operation_info *info = docker_operation_info(request->operation);
    struct error error;
    enum docker_body kind = docker_content_kind(request);
    http_body_init(&conn->request_body, head->framing, head->content_length,
                   kind == DOCKER_BODY_NONE ? HTTP_FRAMING_NONE : head->framing);
    if (!check_body(conn, request, head, &error) ||
        !name_objects(naming, request, &object_name, &error)) {
        io_buffer_consume(gate->blocks, &conn->in, head_len);
        docker_refusal_error(conn, &error);
        return;
    }
    conn->wants_upgrade = docker_header_asks_upgrade(head, info->upgrade);
    conn->expects_continue = head->expect_continue && !conn->request_body.finished;
    struct docker_forward plan = {
        .request = request,
        .head = head,
        .object_id = object_name,
        .framing = kind == DOCKER_BODY_NONE ? HTTP_FRAMING_NONE : head->framing,
        .content_length = head->content_length,
        .upgrade = conn->wants_upgrade ? info->upgrade : DOCKER_UPGRADE_NONE,
    };
    struct buffer *text = &gate->scratch->text;
    buffer_clear(text);
    docker_header_write_request(&plan, text);
    io_buffer_consume(gate->blocks, &conn->in, head_len);
    if (text->failed || !io_buffer_append(gate->blocks, &conn->forward, text->data, text->len)) {
        docker_refusal_send(conn, 503, "limit.memory", "dockreeve: out of memory");
        return;
    }
    if (kind == DOCKER_BODY_NONE && !conn->request_body.finished) {
        docker_conn_set_state(conn, DOCKER_CONN_DROP_BODY);
        if (docker_conn_send_continue(conn))
            docker_conn_drop_body(conn);
        return;
    }
    docker_exchange_admit(conn);
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

void docker_exchange_admit(struct docker_conn *conn)
{
    struct gate *gate = conn->gate;
    struct error error;
    if (conn->request_body.to == HTTP_FRAMING_NONE)
        conn->exchange.dropped_body = conn->request_body.payload;
    if (!docker_content_check_len(conn->exchange.operation, DOCKER_BODY_NONE,
                                  conn->exchange.dropped_body, 0, &error)) {
        docker_refusal_error(conn, &error);
        return;
    }
    if (gate->log_failing && gate->options->log_required) {
        docker_refusal_unlogged(conn); /* its own record tries the log again */
        return;
    }
    if (!log_writer_has_room(gate->log) && gate->options->log_required) {
        docker_refusal_send(conn, 503, "log.full",
                            "dockreeve: the request log cannot be written fast enough; try again");
        return;
    }
    if (http_method_is_read(conn->exchange.method)) {
        docker_exchange_forward(conn);
        return;
    }
    docker_conn_set_state(conn, DOCKER_CONN_LOG_OPEN);
    uint64_t seq = docker_log_open(conn);
    conn->waiter.written = on_open_written;
    gate_wait_for_log(gate, &conn->waiter, seq);
}

static void deny(struct docker_conn *conn, const struct verdict *verdict)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    policy_explain_denial(conn->gate->policy, listener_policy_client(conn->listener),
                          &conn->gate->scratch->request, verdict, &message);
    docker_refusal_send(conn, 403, verdict->reason, buffer_text(&message));
}

static void conclude(struct docker_conn *conn, size_t head_len, const struct docker_naming *naming)
{
    struct gate *gate = conn->gate;
    struct docker_exchange *exchange = &conn->exchange;
    const struct verdict *verdict = &exchange->verdict;
    exchange->judged = true;
    exchange->reason = verdict->reason;
    exchange->would_deny = verdict->would_deny ? verdict->reason : NULL;
    if (verdict->result == VERDICT_ALLOW) {
        permit(conn, head_len, naming);
        return;
    }
    io_buffer_consume(gate->blocks, &conn->in, head_len);
    skip_body(conn, &gate->scratch->head);
    deny(conn, verdict);
}

static void judge_named(struct docker_conn *conn, size_t head_len,
                        const struct docker_naming *naming)
{
    struct gate *gate = conn->gate;
    policy_decide_docker_named(gate->policy, listener_policy_client(conn->listener),
                               &gate->scratch->request, naming, &conn->exchange.verdict);
    conclude(conn, head_len, naming);
}

/* `asked` says that the objects were asked for; `naming` NULL that they could not be had. */
static void judge(struct docker_conn *conn, size_t head_len, bool asked,
                  const struct docker_naming *naming)
{
    struct gate *gate = conn->gate;
    struct docker_request *request = &gate->scratch->request;
    struct docker_exchange *exchange = &conn->exchange;
    struct error error;
    bool asks;
    policy_unref(&exchange->policy);
    exchange->policy = policy_ref(gate->policy);
    request->now_us = timestamp_now_us();
    policy_decide_docker(gate->policy, listener_policy_client(conn->listener), request,
                         DOCKER_OBJECT_NOT_ASKED, NULL, NULL, &exchange->verdict);
    if (exchange->verdict.result != VERDICT_NEEDS_OBJECT) {
        conclude(conn, head_len, naming);
        return;
    }
    if (asked) {
        judge_named(conn, head_len, naming);
        return;
    }
    exchange->judged = false;
    docker_conn_set_state(conn, DOCKER_CONN_LOOKUP);
    if (!docker_lookup_start(conn, request, &asks, &error))
        docker_refusal_error(conn, &error);
    else if (!asks)
        judge_named(conn, head_len, NULL);
}

/* Reads the head in `in` into the scratch space. True when there is a whole, well-formed request
 * for a Docker listener; else it was answered, or more bytes are awaited. */
static bool read_request(struct docker_conn *conn, size_t *head_len_out)
{
    struct gate *gate = conn->gate;
    struct http_head *head = &gate->scratch->head;
    struct docker_request *request = &gate->scratch->request;
    struct error error;
    switch (http_head_parse_request(head, io_buffer_bytes(&conn->in), io_buffer_len(&conn->in),
                                    &conn->head_scanned, &gate->options->head, head_len_out,
                                    &error)) {
    case HTTP_HEAD_MORE:
        return false;
    case HTTP_HEAD_BAD:
        conn->request_body.finished = false; /* nobody knows where the next request would begin */
        docker_refusal_error(conn, &error);
        return false;
    case HTTP_HEAD_OK:
        break;
    }
    docker_exchange_number(conn);
    conn->minor_version_0 = head->minor_version == 0;
    conn->close_after =
        conn->close_after || head->connection_close || conn->minor_version_0 || conn->unwelcome;
    conn->exchange.method = head->method;
    const struct policy_client *client = listener_policy_client(conn->listener);
    bool known = docker_request_parse(request, head->method, head->target,
                                      client != NULL && client->strict, &error);
    keep_facts(conn, request, head->target);
    conn->may_stream = (head->connection_upgrade && head->upgrade.ptr != NULL) ||
                       docker_operation_info(request->operation)->upgrade == DOCKER_UPGRADE_TCP;
    if (client == NULL)
        known = error_set_reason(&error, 403, "listener-closed",
                                 "this listener is no longer part of the policy");
    else if (conn->unwelcome)
        known = error_set_reason(&error, 503, "limit.connections",
                                 "too many connections; try again later");
    else if (comes_from_browser(conn, head))
        known = error_set_reason(&error, 403, "browser",
                                 "a request with Origin or Sec-Fetch-Site comes from a web "
                                 "browser, which is no Docker client");
    if (!known) {
        io_buffer_consume(gate->blocks, &conn->in, *head_len_out);
        skip_body(conn, head);
        docker_refusal_error(conn, &error);
    }
    return known;
}

void docker_exchange_start(struct docker_conn *conn)
{
    size_t head_len;
    if (read_request(conn, &head_len))
        judge(conn, head_len, false, NULL);
}

/* The head is read a second time: its bytes are still in `in`, while the scratch space has served
 * others meanwhile. */
void docker_exchange_looked_up(struct docker_conn *conn, const struct docker_naming *naming)
{
    size_t head_len;
    conn->head_scanned = 0;
    if (read_request(conn, &head_len))
        judge(conn, head_len, true, naming);
}

void docker_exchange_forward(struct docker_conn *conn)
{
    struct error error;
    bool again = conn->retried;
    docker_conn_set_state(conn, DOCKER_CONN_FORWARD);
    conn->forwarded = false;
    conn->engine =
        engine_take(conn->gate->engine, again, !http_method_is_read(conn->exchange.method),
                    docker_exchange_engine_event, conn, &error);
    if (conn->engine == NULL && error.code == 503 && docker_conn_evict_idle(conn->gate))
        conn->engine = engine_take(conn->gate->engine, true, false, docker_exchange_engine_event,
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
