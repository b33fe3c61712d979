/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's listener: /healthz (the gate answers), /readyz (the engine answers a real ping),
 * /metrics. On a unix socket or the loopback only, GET only, one request a connection; it tells no
 * secret and changes nothing. */
#ifndef DOCKREEVE_PROXY_ADMIN_H
#define DOCKREEVE_PROXY_ADMIN_H

#include "proxy/operator/operator_socket.h"

/* Listens at `text` ("unix:/path", "tcp:127.0.0.1:PORT"). NULL with `error`. */
struct operator_socket *admin_open(struct loop *loop, const char *text, struct error *error);

#endif
