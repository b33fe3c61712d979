/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket `control.sock` in the state folder, by which `policy status` and `policy
 * reload` ask a running gate. A client sends one line, `status`, `reload` or `reload cut`, and gets
 * one JSON object on one line; then the connection ends. `reload cut` also ends the open streams and
 * tunnels that the policy does not allow any more. The socket has mode 0600, and the peer must be root
 * or the gate's own user. Connections, lines and times are bounded: who holds one open holds
 * nothing else up. Reloads leave the socket alone; a clean stop removes it. */
#ifndef DOCKREEVE_PROXY_CONTROL_H
#define DOCKREEVE_PROXY_CONTROL_H

#include "base/error.h"
#include "proxy/loop/loop.h"
#include "proxy/loop/revocation.h"

struct control; /* opaque; owns the socket and its connections */

#define CONTROL_SOCKET_NAME "control.sock"

/* Longest request with its line end. */
enum { CONTROL_LINE_MAX = 256 };

/* Listens in `folder`. NULL with `error` (code 1), among others when another gate listens there. */
struct control *control_open(struct loop *loop, const char *folder, struct error *error);
void control_close(struct control **control);

/* Appends the answer to `status`, without the line end (control_status.c). */
void control_status_write(struct loop *loop, struct buffer *out);
/* Appends the member `no_longer_allowed` of an answer. */
void control_revocation_write(const struct revocation *revocation, struct buffer *out);

#endif
