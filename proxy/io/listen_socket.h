/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets bound to an address, for whoever serves at one. */
#pragma once

#include <sys/types.h>

#include "proxy/io/endpoint.h"

/* A non-blocking socket of `type` bound at *endpoint, which then is what it is bound to: port 0 has
 * become one, and [::], which stands for every address, 0.0.0.0 on a host without IPv6. A socket file
 * is made under `mask`, in place of one that nobody listens on: that is what a crash left behind, and
 * anything else is not ours to remove. -1 with `error` (COMMAND_CONFLICT where somebody listens),
 * which calls the place `name`. */
MUST_CHECK int listen_socket_bind(struct endpoint *endpoint, int type, mode_t mask,
                                  const char *name, struct error *error);

/* Lets connections come. False with `error`. */
MUST_CHECK bool listen_socket_begin(int fd, const char *name, struct error *error);
