/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields `id` and `peer` of a log record, written the same way by every gate. */
#pragma once

#include "base/slice.h"
#include "proxy/loop/loop.h"

enum { LOG_ID_LEN_MAX = 32, LOG_PEER_LEN_MAX = 80 };

/* The gate's random prefix and the number of the request, "1f2e3d4c-00000000002a", in `text`. */
struct slice log_identity_id(const struct loop *loop, uint64_t number, char text[LOG_ID_LEN_MAX]);

/* "127.0.0.1:40312", "[::1]:40312" or, of a unix peer, "uid=1000 pid=4711", in `text`. */
struct slice log_identity_peer(const struct endpoint *peer, uint32_t uid, int32_t pid,
                               char text[LOG_PEER_LEN_MAX]);
