/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON body that is complete is read against the tables (rules/guard/body.h) and kept in the form
 * that the engine is sent, in place of the client's bytes. */
#include "proxy/docker/docker_conn.h"

#include "rules/guard/body.h"
#include "rules/reason.h"

static void note_dropped(struct docker_exchange *exchange, const struct body *body)
{
    buffer_append_slice(&exchange->facts, buffer_slice(&body->dropped));
    if (body->dropped_count > BODY_DROPPED_MAX)
        exchange->dropped_more += body->dropped_count - BODY_DROPPED_MAX;
    exchange->fields_len = exchange->facts.failed ? 0 : (uint32_t)body->dropped.len;
}

static bool understand(struct docker_conn *conn, struct slice text)
{
    struct error error;
    AUTO_BUFFER struct buffer sent = BUFFER_EMPTY;
    AUTO_BODY struct body body;
    unsigned minor = conn->client.loop->scratch->request.version_minor;
    bool good = body_read(&body, conn->exchange.operation, minor, text, &error);
    if (good) {
        body_write(&body, &sent);
        good = !sent.failed ||
               error_set_reason(&error, 503, REASON_LIMIT_MEMORY, "no memory is left for the body");
    }
    if (!good) {
        http_refusal_error(&conn->client, &error);
        return false;
    }
    note_dropped(&conn->exchange, &body);
    docker_guard_judge(conn, &body);
    held_body_replace(&conn->client.held, conn->client.loop->blocks, &sent);
    return true;
}

bool docker_json_understand(struct docker_conn *conn)
{
    struct slice text = held_body_rest(&conn->client.held);
    return text.len == 0 || understand(conn, text);
}
