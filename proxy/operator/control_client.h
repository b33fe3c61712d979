/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a running gate at its control socket (control.h), for commands that run and end. */
#ifndef DOCKREEVE_PROXY_CONTROL_CLIENT_H
#define DOCKREEVE_PROXY_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Sends `request` ("status") to the gate whose state folder it is, and appends its answer, one JSON
 * object without a line end. False with `error` (code 5) when no gate answers, it does not within
 * `timeout_ms`, or it will not: the text says which socket and what to do. */
MUST_CHECK bool control_client_ask(const char *folder, const char *request, uint64_t timeout_ms,
                                   struct buffer *answer, struct error *error);

#endif
