/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of message heads that every gate writes. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/* "Name: value CRLF". Neither is looked at: they come from a head that was parsed, or are ours. */
void http_write_field(struct buffer *out, struct slice name, struct slice value);
/* "HTTP/1.1 200 OK CRLF" */
void http_write_status(struct buffer *out, unsigned status, struct slice phrase);
/* "Content-Length: … CRLF" */
void http_write_length(struct buffer *out, uint64_t length);

/* An answer of our own, in JSON. */
struct http_refusal {
    unsigned status;
    const char *allow;         /* methods that are taken, with 405 */
    struct slice proxy_status; /* RFC 9209; ptr NULL = none */
    size_t body_len;
    bool close;
};
/* Whether a client goes on after such an answer on the same connection, if its request was read to its
 * end: what it asked was understood, and is refused, too much or out of reach just now. Anything else is
 * no client to go on with. */
bool http_refusal_keeps_connection(unsigned status);
/* Its whole head, Retry-After on 429 and 503 included. */
void http_write_refusal(struct buffer *out, const struct http_refusal *refusal);

