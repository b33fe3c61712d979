/* SPDX-License-Identifier: Apache-2.0
 *
 * Where `dockreeve healthcheck` asks a gate how it is, so that its question is nobody's request: an
 * abstract unix socket, which is there without any folder and is seen by those alone who share the
 * gate's network namespace. They may learn whether the gate and its engine are well, and no more.
 * Several gates may run in one namespace; a question names the listener that it is about. */
#pragma once

#include "proxy/operator/operator_socket.h"

/* How the sockets' names begin, behind the NUL; a number follows. */
#define HEALTH_SOCKET_PREFIX "dockreeve-health/"

/* One line asks: milliseconds to wait for the engine, a blank, and an endpoint as endpoint_write()
 * spells it. One line answers, which begins with one of these. */
#define HEALTH_WELL "well"
#define HEALTH_SICK "sick "  /* and why */
#define HEALTH_OTHER "other" /* no listener of this gate */

/* NULL when there can be none: the check asks a listener then, as any client. */
struct operator_socket *health_open(struct loop *loop);
