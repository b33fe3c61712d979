/* SPDX-License-Identifier: Apache-2.0
 *
 * How much one gate has to share out: what options say, within what the process may have. */
#ifndef DOCKREEVE_PROXY_GATE_LIMITS_H
#define DOCKREEVE_PROXY_GATE_LIMITS_H

#include "proxy/share/share.h"

struct gate_options;

/* A descriptor with this number or a higher one is one too many for what clients ask for: those
 * above are kept for the log, the operator's sockets, and for saying no. INT_MAX = no limit. */
int gate_limits_descriptors(void);

/* How many connections of clients there may be: each may need a second descriptor, to the engine or
 * to an origin. */
unsigned gate_limits_connections(unsigned wanted);

/* Aborts when memory is out (start-up). */
struct share *gate_limits_share(const struct gate_options *options);

#endif
