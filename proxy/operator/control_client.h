/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a running gate at its control socket (control.h), for commands that run and end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json_tree.h"

/* Sends `request` ("status") to the gate whose state folder it is, and reads its answer, one JSON
 * object. False with `error` (code 5) when no gate answers, it does not within `timeout_ms`, or it
 * will not: the text says which socket and what to do. The answer is to be freed in any case. */
MUST_CHECK bool control_client_ask(const char *folder, const char *request, uint64_t timeout_ms,
                                   struct json_tree *answer, struct error *error);
