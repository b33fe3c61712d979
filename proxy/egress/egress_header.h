/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields of plain HTTP on their way through the proxy. Unlike towards the engine there is no
 * closed list: an origin may be told anything. What ends at this hop (RFC 9110 section 7.6.1) or
 * frames the message is taken out and written anew; nothing that identifies the client or the gate
 * is put in. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "proxy/http/http_exchange.h"
#include "proxy/http/http_head.h"
#include "rules/network/url_target.h"

/* What is to be sent to an origin, or to a proxy before it. */
struct egress_request_plan {
    const struct http_head *head;
    const struct url_target *url;
    bool websocket;                   /* ask for the upgrade */
    bool whole_url;                   /* to a proxy */
    struct slice proxy_authorization; /* for that proxy; empty = none */
};
void egress_header_write_request(const struct egress_request_plan *plan, struct buffer *out);

/* What is to be sent to the client in answer to the origin's `head`. */
struct egress_answer {
    const struct http_head *head;
    struct http_answer_plan plan;
    bool websocket; /* a 101 */
};
void egress_header_write_response(const struct egress_answer *answer, struct buffer *out);

/* Whether the head names, by Connection and Upgrade, the WebSocket protocol. */
bool egress_header_asks_websocket(const struct http_head *head);

