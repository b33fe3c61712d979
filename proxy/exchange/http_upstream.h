/* SPDX-License-Identifier: Apache-2.0
 *
 * The other side of an exchange, as far as bytes move: the engine's connection, or an origin's.
 * Whose it is, how it is waited for and what becomes of it afterwards is its gate's business. */
#pragma once

#include "proxy/io/stream.h"

struct http_upstream {
    struct stream stream;     /* owned */
    struct io_buffer in, out; /* read but not moved; to be written */
    bool connecting;
    bool reused; /* it has answered before: an early end may just mean that it was idle too long */
};
