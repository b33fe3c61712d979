/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS listener: answers only names that the policy allows, itself, and never forwards anything.
 * A denied name does not exist (NXDOMAIN), so that stub resolvers give up at once instead of asking
 * elsewhere. Every question is one record in the log, written before its answer goes out. */
#ifndef DOCKREEVE_PROXY_DNS_SERVER_H
#define DOCKREEVE_PROXY_DNS_SERVER_H

#include "proxy/loop/gate.h"
#include "proxy/loop/listener.h"

struct dns_server; /* opaque */

/* Serves both sockets of one listener, which become the server's: a bound UDP socket and a
 * listening TCP socket, non-blocking. `listener` is borrowed and outlives the server. Aborts when
 * memory is out (start-up and reload only). */
struct dns_server *dns_server_open(struct gate *gate, struct listener *listener, int udp_fd,
                                   int tcp_fd);
/* Forgets the questions, and closes the connections, of whoever may not ask any more. */
void dns_server_end_unadmitted(struct dns_server *server);
/* Closes the sockets and forgets the questions under way. NULL-safe, sets NULL. */
void dns_server_close(struct dns_server **server);

#endif
