/* SPDX-License-Identifier: Apache-2.0
 *
 * How many descriptors and connections there may be: what options say, within what the process may
 * have. */
#pragma once

/* A descriptor with this number or a higher one is one too many for what clients ask for: those
 * above are kept for the log, the operator's sockets, and for saying no. INT_MAX = no limit. */
int loop_limits_descriptors(void);

/* How many connections of clients there may be: each may need a second descriptor, to the engine or
 * to an origin. */
unsigned loop_limits_connections(unsigned wanted);
