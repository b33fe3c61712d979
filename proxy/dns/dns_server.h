/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS listener: answers only names that the policy allows, itself, and never forwards anything.
 * A denied name does not exist (NXDOMAIN), so that stub resolvers give up at once instead of asking
 * elsewhere. Every question is one record in the log, written before its answer goes out. */
#pragma once

#include "proxy/loop/loop.h"
#include "proxy/loop/listener.h"

/* Serves both sockets of one listener, which become the server's: a bound UDP socket and a
 * listening TCP socket, non-blocking. `listener` is borrowed and outlives the server. Aborts when
 * memory is out (start-up and reload only). The result is a listener_service's `server`. */
void *dns_server_open(struct listener *listener, int udp_fd, int tcp_fd);
/* Closes the sockets and forgets the questions under way. */
void dns_server_close(void *server);
