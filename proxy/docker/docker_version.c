/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the engine's version is learned from its answers, again and again, since engines
 * are replaced under a running gate. As long as nothing is known, a request that needs it waits for
 * a ping. That ping names the table's own version: an engine that has left it behind refuses it and
 * says which is its oldest. */
#include "proxy/docker/docker_version.h"

#include <stdio.h>

#include "proxy/docker/engine_request.h"
#include "proxy/loop/listener.h"
#include "rules/docker/api_version.h"
#include "rules/reason.h"

/* ---- what is known ---- */

void docker_version_learn(struct loop *loop, enum docker_operation operation, struct slice version)
{
    if (version.ptr != NULL && operation != DOCKER_LIBPOD)
        engine_learn_api(loop->engine, version);
}

/* Through ping clients find a version, and it means the same in all of them. Debug and libpod's
 * routes have no version of this API. */
static bool has_version(enum docker_operation operation)
{
    return operation != DOCKER_SYSTEM_PING && operation != DOCKER_SYSTEM_PING_HEAD &&
           operation != DOCKER_DEBUG && operation != DOCKER_LIBPOD;
}

bool docker_version_is_wanted(const struct loop *loop, const struct docker_request *request)
{
    return request->version.len == 0 && engine_api(loop->engine) == ENGINE_API_UNKNOWN &&
           has_version(request->operation);
}

static unsigned own_version(const struct loop *loop)
{
    int api = engine_api(loop->engine);
    if (api <= ENGINE_API_NONE)
        return 0;
    return api < DOCKER_API_NEWEST ? (unsigned)api : DOCKER_API_NEWEST;
}

unsigned docker_version_to_send(const struct loop *loop, const struct docker_request *request)
{
    return request->version.len == 0 && has_version(request->operation) ? own_version(loop) : 0;
}

void docker_version_write_prefix(const struct loop *loop, unsigned asked, struct buffer *out)
{
    unsigned minor = own_version(loop);
    if (minor == 0 && engine_api(loop->engine) == ENGINE_API_UNKNOWN)
        minor = asked;
    if (minor > 0)
        buffer_printf(out, "/v1.%u", minor);
}

bool docker_version_note(const struct engine *engine, struct buffer *out)
{
    return docker_version_note_of(engine_name(engine), engine_api_minimum(engine), out);
}

bool docker_version_note_of(const char *engine, unsigned minimum, struct buffer *out)
{
    if (minimum <= DOCKER_API_NEWEST)
        return false;
    buffer_printf(out,
                  "the oldest API version of the engine at %s is 1.%u, and the newest that this "
                  "gate knows is 1.%d: it can serve nobody; install a newer Dockreeve, or lower "
                  "`min-api-version` of the engine",
                  engine, minimum, DOCKER_API_NEWEST);
    return true;
}

void docker_version_refuse(struct docker_conn *conn)
{
    const struct loop *loop = conn->client.loop;
    struct slice target = loop->scratch->request.path;
    struct slice version = slice_cut(&(struct slice){target.ptr + 1, target.len - 1}, '/');
    unsigned newest = own_version(loop);
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_printf(&text, "client version %.*s is too new. Maximum supported API version is 1.%u",
                  (int)version.len - 1, version.ptr + 1, newest == 0 ? DOCKER_API_NEWEST : newest);
    AUTO_BUFFER struct buffer note = BUFFER_EMPTY;
    const struct policy_client *client = listener_policy_client(conn->client.listener);
    if (client != NULL && client->refusal.detail == POLICY_REFUSAL_FULL &&
        docker_version_note(loop->engine, &note))
        buffer_printf(&text, ". dockreeve: %s", buffer_text(&note));
    http_refusal_send(&conn->client, 400, REASON_VERSION_TOO_NEW, buffer_text(&text), NULL);
}

/* ---- asking ---- */

static void answered(struct docker_conn *conn, const struct http_head *head)
{
    struct slice version = http_head_field(head, SLICE_LITERAL("api-version"));
    if (version.ptr == NULL && head->status >= 500) {
        /* Something in front of an engine that is not there: it says nothing of the engine's
         * version. */
        struct error error;
        engine_count_error(conn->client.loop->engine);
        error_set_reason(&error, 502, REASON_UPSTREAM_UNREACHABLE,
                         "the Docker Engine at %s cannot say which version of the API it serves: "
                         "it answers a ping with %u",
                         engine_name(conn->client.loop->engine), head->status);
        http_refusal_error(&conn->client, &error);
        return;
    }
    engine_learn_no_api(conn->client.loop->engine);
    docker_version_learn(conn->client.loop, DOCKER_SYSTEM_PING, version);
    engine_request_free(&conn->version_question);
    docker_exchange_versioned(conn);
}

static void on_answer(void *context, enum engine_request_event event)
{
    struct docker_conn *conn = context;
    if (event == ENGINE_REQUEST_HEAD) { /* the last event: the rest is not waited for */
        answered(conn, engine_request_head(conn->version_question));
    } else {
        struct error error = *engine_request_error(conn->version_question);
        http_refusal_error(&conn->client, &error);
    }
}

void docker_version_ask(struct docker_conn *conn)
{
    char target[32];
    struct error error;
    http_conn_set_state(&conn->client, HTTP_CONN_FIND);
    event_timer_start(&conn->client.timer, conn->client.loop->options->lookup_timeout_ms);
    snprintf(target, sizeof(target), "/v1.%d/_ping", DOCKER_API_NEWEST);
    const struct engine_question question = {
        .method = HTTP_METHOD_GET, .target = slice_from_text(target), .fresh = true};
    conn->version_question =
        engine_request_new(conn->client.loop->engine, &question, on_answer, conn, &error);
    if (conn->version_question == NULL)
        http_refusal_error(&conn->client, &error);
}

/* ---- the answer to /version ---- */

/* Decodes the body's framing. */
static enum docker_version_answer decode(struct docker_conn *conn, const struct http_head *head,
                                         struct slice arrived, struct io_buffer *payload,
                                         size_t *consumed_out)
{
    struct io_pool *blocks = conn->client.loop->blocks;
    struct io_buffer source = {0};
    struct http_body body;
    struct error ignored;
    http_body_init(&body, head->framing, head->content_length, HTTP_FRAMING_LENGTH);
    bool good = io_buffer_append(blocks, &source, arrived.ptr, arrived.len) &&
                http_body_move(&body, blocks, &source, payload, &ignored);
    *consumed_out = arrived.len - io_buffer_len(&source);
    io_buffer_reset(blocks, &source);
    if (!good)
        return DOCKER_VERSION_AS_IT_IS;
    return body.finished ? DOCKER_VERSION_LOWERED : DOCKER_VERSION_MORE;
}

enum docker_version_answer
docker_version_lower_answer(struct docker_conn *conn, const struct http_head *head,
                            struct slice arrived, struct buffer *body_out, size_t *consumed_out)
{
    struct io_buffer payload = {0};
    if (conn->exchange.operation != DOCKER_SYSTEM_VERSION || head->status != 200 ||
        conn->exchange.method != HTTP_METHOD_GET ||
        (head->framing != HTTP_FRAMING_LENGTH && head->framing != HTTP_FRAMING_CHUNKED))
        return DOCKER_VERSION_AS_IT_IS;
    enum docker_version_answer answer = decode(conn, head, arrived, &payload, consumed_out);
    if (answer == DOCKER_VERSION_LOWERED) {
        struct slice json = slice_of(io_buffer_bytes(&payload), io_buffer_len(&payload));
        unsigned minimum = api_version_minimum(json);
        if (minimum > 0)
            engine_set_api_minimum(conn->client.loop->engine, minimum);
        if (!api_version_lower(json, body_out) || slice_equal(json, buffer_slice(body_out)))
            answer = DOCKER_VERSION_AS_IT_IS;
    }
    io_buffer_reset(conn->client.loop->blocks, &payload);
    return answer;
}
