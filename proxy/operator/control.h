/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket `control.sock` in the state folder, by which `policy status` and `policy
 * reload` ask a running gate. A client sends one line, `status`, `reload` or `reload cut`, and gets
 * one JSON object on one line; then the connection ends. `reload cut` also ends the open streams and
 * tunnels that the policy does not allow any more. The socket has mode 0600, and the peer must be root
 * or the gate's own user. Reloads leave the socket alone; a clean stop removes it. */
#pragma once

#include "proxy/loop/revocation.h"
#include "proxy/operator/operator_socket.h"

#define CONTROL_SOCKET_NAME "control.sock"

/* Longest request with its line end. */
enum { CONTROL_LINE_MAX = 256 };

/* Listens in `folder`. NULL with `error` (code 1), among others when another gate listens there. */
struct operator_socket *control_open(struct loop *loop, const char *folder, struct error *error);

/* Appends the answer to `status`, without the line end (control_status.c). */
void control_status_write(struct loop *loop, struct buffer *out);
/* Appends the member `no_longer_allowed` of an answer. */
void control_revocation_write(const struct revocation *revocation, struct buffer *out);
