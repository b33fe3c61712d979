/* SPDX-License-Identifier: Apache-2.0
 *
 * Where everything is put together: which gates there are, what is served at which listener, and in
 * which order the parts are made and freed. */
#pragma once

#include "proxy/docker/engine.h"
#include "proxy/egress/egress_options.h"
#include "proxy/loop/loop.h"
#include "proxy/operator/admin.h"

struct gates_options {
    struct loop_options loop;
    struct engine_options engine;
    struct egress_options egress;
    struct admin_options admin;
};

struct gates {
    struct loop *loop; /* owned, as all of these */
    struct engine *engine;
    struct egress *egress;
    struct operator_socket *admin;   /* NULL = none */
    struct operator_socket *control; /* NULL = no state folder */
    struct operator_socket *health;  /* NULL = none could be had */
    struct event sweep;              /* of the engine's idle connections */
};

/* Opens everything: log, engine pool, listeners, admin. The policy's reference becomes the gate's;
 * `options` are borrowed. NULL with `error` (code = exit code) when something could not be had. */
struct gates *gates_new(const struct gates_options *options, struct policy *policy,
                        struct error *error);
/* Until a signal, or loop_drain() and the end of what was open; returns the exit code. */
int gates_run(struct gates *gates);
/* Closes what is open, each with its closing record. */
void gates_free(struct gates **gates);
