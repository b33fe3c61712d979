/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the gate can serve, for /readyz and the health check: is there an engine behind the socket,
 * and does it answer a real ping? Where nobody is served the Docker API, being up is enough. */
#pragma once

#include "proxy/docker/engine_request.h"
#include "proxy/operator/operator_socket.h"

/* A connection by which that is asked. */
struct readiness_conn {
    struct operator_conn conn;
    struct engine_request *ping; /* under way; NULL = none */
    void (*told)(struct operator_conn *conn, bool ready, const char *text);
};

/* Calls told(), with what is wrong or "ready", now or later; it has to answer. */
void readiness_ask(struct operator_conn *conn, uint64_t timeout_ms,
                   void (*told)(struct operator_conn *conn, bool ready, const char *text));
/* The connection ends. */
void readiness_forget(struct operator_conn *conn);
