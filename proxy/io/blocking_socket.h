/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets of commands that ask something, wait for the answer and end. `until_us` is a time of
 * timestamp_monotonic_us(); what is not done by then fails with ETIMEDOUT. */
#pragma once

#include "base/buffer.h"
#include "proxy/io/endpoint.h"

/* Connects; -1 with errno. */
int blocking_socket_connect(const struct endpoint *endpoint, int64_t until_us);
/* Sends all of it; false with errno. */
MUST_CHECK bool blocking_socket_send(int fd, struct slice bytes, int64_t until_us);
/* Appends what has come, waiting for the first byte. False with errno; the end of what the peer
 * sends is ECONNRESET. */
MUST_CHECK bool blocking_socket_receive(int fd, struct buffer *in, int64_t until_us);
