/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the gate that serves a listener how it is (proxy/operator/health.h). */
#pragma once

#include "base/error.h"
#include "proxy/io/endpoint.h"

enum health {
    HEALTH_IS_WELL,
    HEALTH_IS_SICK,    /* `error` says why */
    HEALTH_IS_UNKNOWN, /* no gate of this network namespace says that it listens there */
};

enum health health_client_ask(const struct endpoint *listener, uint64_t timeout_ms,
                              struct error *error);
