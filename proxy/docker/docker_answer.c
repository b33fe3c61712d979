/* SPDX-License-Identifier: Apache-2.0
 *
 * The heads of answers: the engine's, written anew, and our own, a sentence that Docker clients
 * show. */
#include "proxy/docker/docker_conn.h"

#include "base/json_write.h"
#include "proxy/docker/docker_header.h"
#include "proxy/docker/docker_version.h"
#include "rules/docker/api_version.h"
#include "rules/docker/docker_operation.h"

/* Attach and exec start answer 200 without any framing and go on as a raw stream when the client
 * did not ask to upgrade. */
static bool is_hijack(const struct docker_conn *conn, const struct http_head *head)
{
    static const struct slice stream_type = {"application/vnd.docker.", 23};
    return docker_operation_info(conn->exchange.operation)->upgrade == DOCKER_UPGRADE_TCP &&
           head->status == 200 && head->framing == HTTP_FRAMING_CLOSE &&
           http_conn_request_has_ended(&conn->client) &&
           slice_starts_with(http_head_field(head, SLICE_LITERAL("content-type")), stream_type);
}

bool docker_answer_may_switch(const struct http_conn *client, const struct http_head *head)
{
    const struct docker_exchange *exchange = &docker_conn_of(client)->exchange;
    return docker_header_asks_upgrade(head, docker_operation_info(exchange->operation)->upgrade);
}

/* Each answer says of which version the engine is; a client must not hear of one that the gate could
 * not judge. */
static void learn_version(struct docker_conn *conn, const struct http_head *head,
                          struct docker_response *answer)
{
    struct loop *loop = conn->client.loop;
    struct slice version = http_head_field(head, SLICE_LITERAL("api-version"));
    if (version.ptr == NULL || conn->exchange.operation == DOCKER_LIBPOD)
        return;
    docker_version_learn(loop, conn->exchange.operation, version);
    answer->lower_version =
        engine_api(loop->engine) > DOCKER_API_NEWEST && api_version_is_newer(version);
}

static void switch_protocols(struct docker_conn *conn, struct docker_response *answer)
{
    bool asked = answer->head->status == 101;
    answer->upgrade =
        asked ? docker_operation_info(conn->exchange.operation)->upgrade : DOCKER_UPGRADE_NONE;
    answer->hijack = true;
    conn->client.close_after = true;
    http_answer_switch(&conn->client);
}

/* `lowered`: the answer to /version with another body than the engine's; ptr NULL = it is none. */
static bool write_answer(struct docker_conn *conn, const struct http_head *head,
                         struct slice lowered)
{
    struct http_conn *client = &conn->client;
    struct buffer *text = &client->loop->scratch->text;
    struct docker_response answer = {.head = head};
    learn_version(conn, head, &answer);
    conn->exchange.common.status = (uint16_t)head->status;
    if (head->status == 101 || is_hijack(conn, head))
        switch_protocols(conn, &answer);
    else
        answer.plan = http_answer_begin(client, head, conn->exchange.method);
    if (lowered.ptr != NULL) {
        answer.plan.framing = HTTP_FRAMING_LENGTH;
        answer.plan.content_length = lowered.len;
        http_body_init(&client->http.response_body, HTTP_FRAMING_LENGTH, 0, HTTP_FRAMING_LENGTH);
        client->http.response_body.payload = lowered.len;
    }
    buffer_clear(text);
    docker_header_write_response(&answer, text);
    buffer_append_slice(text, lowered);
    return !text->failed &&
           io_buffer_append(client->loop->blocks, &client->out, text->data, text->len);
}

enum http_answer docker_answer_begin(struct http_conn *client, const struct http_head *head,
                                     struct slice behind, size_t *taken_out)
{
    struct docker_conn *conn = docker_conn_of(client);
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    struct slice lowered = {NULL, 0};
    size_t body_len = 0;
    switch (docker_version_lower_answer(conn, head, behind, &body, &body_len)) {
    case DOCKER_VERSION_MORE:
        return HTTP_ANSWER_MORE;
    case DOCKER_VERSION_LOWERED:
        lowered = buffer_slice(&body);
        *taken_out = body_len;
        break;
    case DOCKER_VERSION_AS_IT_IS:
        break;
    }
    return write_answer(conn, head, lowered) ? HTTP_ANSWER_WRITTEN : HTTP_ANSWER_NO_ROOM;
}

static void write_redirect(const struct docker_exchange *exchange, bool close, struct buffer *text)
{
    text->failed = text->failed || exchange->facts.failed;
    docker_header_write_redirect(text, slice_of(exchange->facts.data, exchange->path_len),
                                 docker_exchange_target(exchange), close);
}

void docker_answer_write_refusal(struct http_conn *client, unsigned status, const char *message,
                                 const char *fix, struct buffer *text)
{
    const struct docker_exchange *exchange = &docker_conn_of(client)->exchange;
    const struct verdict *verdict = &exchange->verdict;
    bool close = client->close_after || client->loop->draining;
    bool denied = exchange->common.judged && verdict->result == VERDICT_DENY;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    (void)fix; /* Docker clients show one sentence, which has it */
    if (status == 301) {
        write_redirect(exchange, close, text);
        return;
    }
    json_write_object_begin(&body);
    http_refusal_write_words(client, status, message,
                             denied ? slice_from_text(verdict->rule) : slice_of(NULL, 0), &body);
    json_write_line_end(&body);
    docker_header_write_refusal(text, status, body.len, close);
    if (exchange->method != HTTP_METHOD_HEAD)
        buffer_append_slice(text, buffer_slice(&body));
    text->failed |= body.failed;
}
