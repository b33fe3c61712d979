/* SPDX-License-Identifier: Apache-2.0
 *
 * One blocking GET /_ping, or only a connection, for `healthcheck` and `doctor`: does somebody
 * answer there? */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proxy/io/endpoint.h"

/* Connects, asks, reads the status. A wildcard address is asked on its loopback. False with `error`
 * (code = errno) when nobody answers in HTTP within timeout_ms. */
MUST_CHECK bool probe_ping(const struct endpoint *endpoint, uint64_t timeout_ms,
                           unsigned *status_out, struct error *error);

/* What an engine says of its API. */
struct probe_api {
    unsigned status;
    char version[64]; /* Api-Version; "" = none */
    unsigned minimum; /* the oldest minor version that it serves, as far as it says so; else 0 */
};
/* The same ping with the version of our table of operations, which an engine that has left it
 * behind refuses. */
MUST_CHECK bool probe_api_ask(const struct endpoint *endpoint, uint64_t timeout_ms,
                              struct probe_api *api_out, struct error *error);

/* Whether a connection is taken there, to be closed again. The rest as above. */
MUST_CHECK bool probe_connect(const struct endpoint *endpoint, uint64_t timeout_ms,
                              struct error *error);
