/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's listener: /healthz (the gate answers), /readyz (the engine answers a real ping),
 * /metrics. On a unix socket, the loopback, or for named addresses elsewhere; GET and HEAD, one
 * request a connection; it tells no secret and changes nothing. */
#pragma once

#include "base/cli/option.h"
#include "proxy/operator/operator_socket.h"

enum { ADMIN_FROM_MAX = OPTION_LIST_MAX };

/* Who may ask beside this machine. */
struct admin_options {
    const char *text; /* "unix:/path", "tcp:127.0.0.1:PORT"; NULL = no admin */
    struct ip_range from[ADMIN_FROM_MAX];
    size_t from_count; /* 0 = the address has to be a loopback one */
};

/* Listens there; `options` are borrowed. NULL with `error`. */
struct operator_socket *admin_open(struct loop *loop, const struct admin_options *options,
                                   struct error *error);
