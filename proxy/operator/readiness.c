/* SPDX-License-Identifier: Apache-2.0
 *
 * A ping of the gate's own to the engine. */
#include "proxy/operator/readiness.h"

#include "proxy/loop/listener.h"

static struct readiness_conn *readiness_of(struct operator_conn *conn)
{
    return container_of(conn, struct readiness_conn, conn);
}

static void on_ping(void *context, enum engine_request_event event)
{
    struct readiness_conn *asked = context;
    struct error error = *engine_request_error(asked->ping);
    bool ready = event == ENGINE_REQUEST_HEAD && engine_request_head(asked->ping)->status == 200;
    engine_request_free(&asked->ping);
    if (ready)
        asked->told(&asked->conn, true, "ready");
    else
        asked->told(&asked->conn, false,
                    event == ENGINE_REQUEST_UNREACHABLE
                        ? error.text
                        : "the Docker Engine does not answer its ping");
}

void readiness_ask(struct operator_conn *conn, uint64_t timeout_ms,
                   void (*told)(struct operator_conn *conn, bool ready, const char *text))
{
    const struct engine_question ping = {.method = HTTP_METHOD_GET,
                                         .target = SLICE_LITERAL("/_ping"),
                                         .fresh = true,
                                         .timeout_ms = timeout_ms};
    struct readiness_conn *asked = readiness_of(conn);
    struct error error;
    asked->told = told;
    if (conn->loop->draining) {
        told(conn, false, "shutting down");
        return;
    }
    if (!listener_any_docker(conn->loop)) {
        told(conn, true, "ready");
        return;
    }
    operator_conn_wait(conn);
    asked->ping = engine_request_new(conn->loop->engine, &ping, on_ping, asked, &error);
    if (asked->ping == NULL)
        told(conn, false, error.text);
}

void readiness_forget(struct operator_conn *conn)
{
    engine_request_free(&readiness_of(conn)->ping);
}
