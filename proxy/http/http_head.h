/* SPDX-License-Identifier: Apache-2.0
 *
 * Message heads of HTTP/1.x, read strictly. Two readers look at every head: our own, which makes the struct, and http-parser, which must come to the same
 * method, target, status and framing, else the head is refused. This is the only file pair
 * that knows http-parser. Nothing here is ever copied through to the other side: heads are written
 * anew from the struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "rules/http_method.h"

enum {
    HTTP_HEAD_FIELDS_MAX = 1000,
    HTTP_HEAD_LEN_MAX = 1024 * 1024, /* of the engine: Go's default */
    HTTP_HEAD_TARGET_MAX = HTTP_HEAD_LEN_MAX - 4096,
};

enum http_head_result { HTTP_HEAD_MORE, HTTP_HEAD_BAD, HTTP_HEAD_OK };

struct http_field {
    struct slice name, value; /* value without blanks at its ends */
};

/* Upper bounds; 0, and a value above the constant of the same name, stand for that constant. */
struct http_head_limits {
    size_t head_len, target_len, field_count;
};

/* Who answers: how refusals call it, and how long its heads may be. */
struct http_sender {
    const char *name; /* "the Docker Engine" */
    struct http_head_limits limits;
};

enum http_framing {
    HTTP_FRAMING_NONE,   /* no body by its head (requests: neither field; responses: see
                            http_response_framing) */
    HTTP_FRAMING_LENGTH, /* Content-Length: content_length bytes */
    HTTP_FRAMING_CHUNKED,
    HTTP_FRAMING_CLOSE, /* responses only: until the connection ends */
};

/* Slices point into the bytes that were parsed. */
struct http_head {
    /* requests */
    enum http_method method;
    struct slice method_name;
    struct slice target; /* origin form; of an absolute form (scheme http, authority equal to Host)
                            what follows the authority, at least "/" */
    struct slice host;   /* ptr NULL when absent (HTTP/1.0 only); may be empty */
    /* responses */
    unsigned status;
    struct slice reason;
    /* both */
    unsigned minor_version; /* 0 or 1 */
    struct http_field fields[HTTP_HEAD_FIELDS_MAX];
    unsigned field_count;
    enum http_framing framing;
    uint64_t content_length;                                          /* with HTTP_FRAMING_LENGTH */
    bool connection_close, connection_keep_alive, connection_upgrade; /* options of Connection */
    struct slice upgrade; /* value of Upgrade; ptr NULL when absent */
    bool expect_continue;
};

/* Reads one request head from bytes[0..len). RFC 9112 sections 2.2, 3 and 5, strict: a bare CR or
 * LF, a folded line, a second Host, Content-Length, Transfer-Encoding, Content-Type, Expect or
 * Upgrade, an empty line in front and every control byte are errors, and an error is reported as
 * soon as its bytes are there. Returns HTTP_HEAD_MORE until the empty line has arrived,
 * HTTP_HEAD_BAD with `error` filled (code = HTTP status: 400, 405 for CONNECT, TRACE and other
 * methods no listener takes, 413, 414, 417, 431, 501, 505; reason = "malformed.…" or "limit.…"), or
 * HTTP_HEAD_OK with *consumed_out = bytes of head, the empty line included. *scanned is where the
 * last call stopped looking (0 at first) and saves reading the same bytes twice. */
MUST_CHECK enum http_head_result http_head_parse_request(struct http_head *head, const char *bytes,
                                                         size_t len, size_t *scanned,
                                                         const struct http_head_limits *limits,
                                                         size_t *consumed_out, struct error *error);

/* The same for a request on its way to an origin: any method in capitals is taken but CONNECT and
 * TRACE, and the target may have bytes that should have been escaped
 * (rules/network/url_target escapes them). */
MUST_CHECK enum http_head_result
http_head_parse_origin_request(struct http_head *head, const char *bytes, size_t len,
                               size_t *scanned, const struct http_head_limits *limits,
                               size_t *consumed_out, struct error *error);

/* The same for one to a proxy: CONNECT is taken too, head->target is the target as written, in
 * any form (rules/network/authority and rules/network/url_target take it apart), and Host need not agree with it.
 */
MUST_CHECK enum http_head_result
http_head_parse_proxy_request(struct http_head *head, const char *bytes, size_t len,
                              size_t *scanned, const struct http_head_limits *limits,
                              size_t *consumed_out, struct error *error);

/* The same for a response head (status 100 to 599). Content-Length with Transfer-Encoding, two that
 * differ and transfer codings other than chunked are errors (error->status 502, reason "upstream.…");
 * a second one that is the same is passed over (RFC 9112 section 6.3). framing is HTTP_FRAMING_CLOSE when the head has neither field; whether the message
 * has a body at all depends on the request: see http_response_framing(). */
MUST_CHECK enum http_head_result http_head_parse_response(struct http_head *head, const char *bytes,
                                                          size_t len, size_t *scanned,
                                                          const struct http_sender *sender,
                                                          size_t *consumed_out,
                                                          struct error *error);

/* RFC 9112 section 6.3: what follows this response head when `method` was asked. 1xx, 204, 304 and
 * HEAD have no body. */
enum http_framing http_response_framing(const struct http_head *head, enum http_method method);
/* How a body that comes in `framing` is framed for a client. HTTP/1.0 knows no chunks: there the
 * end of the connection is the end. */
enum http_framing http_client_framing(enum http_framing framing, bool minor_version_0);
/* Whether Content-Length is information only: to HEAD and with 304 no body follows. */
bool http_response_shows_length(const struct http_head *head, enum http_framing framing);
/* Whether the sender's connection ends with this response. */
bool http_response_closes(const struct http_head *head, enum http_framing framing);

/* The first field of that name (compared without case); ptr NULL when there is none. */
struct slice http_head_field(const struct http_head *head, struct slice name);
/* How many fields have that name. */
unsigned http_head_field_count(const struct http_head *head, struct slice name);
/* Whether the message's Connection field names `field` as hop-by-hop. */
bool http_head_connection_names(const struct http_head *head, struct slice field);

