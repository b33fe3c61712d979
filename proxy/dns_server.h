/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS listener: answers the questions of one client by UDP and TCP, for names that the policy
 * allows, and never forwards one. With the transparent listeners it makes programs work that know
 * nothing of proxies: every allowed name leads to the gate. */
#ifndef DOCKREEVE_PROXY_DNS_SERVER_H
#define DOCKREEVE_PROXY_DNS_SERVER_H

#include "proxy/gate.h"
#include "proxy/listener.h"

struct dns_server; /* opaque */

/* Serves at two bound, non-blocking sockets, which become its own; TCP listens already. `listener`
 * is borrowed and outlives it; its client is looked up for every question. Aborts when memory is
 * out (start-up and reload only). */
struct dns_server *dns_server_open(struct gate *gate, struct listener *listener, int udp_fd,
                                   int tcp_fd);

/* Questions under way are not answered any more. */
void dns_server_close(struct dns_server **server);

#endif
