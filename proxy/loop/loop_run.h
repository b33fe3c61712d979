/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a gate: listening, turning, ending. */
#pragma once

#include "base/error.h"
#include "proxy/loop/loop.h"

struct listener_service;

/* Opens the listeners, at which these are served (by enum policy_role, borrowed). False with `error`
 * as above. */
MUST_CHECK bool loop_listen(struct loop *loop, const struct listener_service *services,
                            struct error *error);

/* Runs until a signal, or loop_drain() and the end of what was open; returns the exit code.
 * `upstream`: what it stands in front of, for the first record. */
int loop_run(struct loop *loop, const char *upstream);

/* Begins the end: no new connections, idle ones closed, the others given options->drain_timeout_ms. */
void loop_drain(struct loop *loop);

/* Stops the worker, closes listeners and connections at once, each with its closing record. Comes
 * before loop_free(). */
void loop_close_all(struct loop *loop);
