/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's listener: /healthz (the gate answers), /readyz (the engine answers a real ping),
 * /metrics. On a unix socket or the loopback only, GET only, one request a connection; it tells no
 * secret and changes nothing. */
#ifndef DOCKREEVE_PROXY_ADMIN_H
#define DOCKREEVE_PROXY_ADMIN_H

#include "base/error.h"
#include "proxy/loop/loop.h"

struct admin; /* opaque */

/* Listens at `text` ("unix:/path", "tcp:127.0.0.1:PORT"). NULL with `error`. */
struct admin *admin_open(struct loop *loop, const char *text, struct error *error);
void admin_close(struct admin **admin);
/* Where it listens; NULL without an admin. */
const struct endpoint *admin_endpoint(const struct admin *admin);

#endif
