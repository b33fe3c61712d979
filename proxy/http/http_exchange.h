/* SPDX-License-Identifier: Apache-2.0
 *
 * What one exchange on a client's connection, a request and its answer, is made of in both gates:
 * its two bodies, how far its heads were read, and what was found out on the way. All of it ends
 * with the exchange: http_exchange_forget(). */
#pragma once

#include "proxy/http/http_body.h"
#include "proxy/io/splice_flow.h"

/* How far the answer's heads were read; zero at first. */
struct http_response_reader {
    size_t scanned;         /* see http_head_parse_response() */
    unsigned informational; /* 1xx answers seen */
};

struct http_exchange {
    struct http_body request_body, response_body;
    struct splice_flow up, down;
    size_t head_scanned; /* of the request: see http_head_parse_request() */
    struct http_response_reader response;
    char foreign;              /* the first byte, when it began as another protocol: see
                                  foreign_client.h; '\0' = HTTP */
    bool wants_upgrade;        /* the client asked for a protocol that it may be switched to */
    bool may_stream;           /* the request could begin a stream */
    bool is_read;              /* asking twice changes nothing */
    bool minor_version_0;      /* HTTP/1.0: answered close-delimited */
    bool expects_continue;     /* 100 is owed once the request is let through */
    bool forwarded;            /* the head is in the other side's buffer or beyond */
    bool response_body_closes; /* the other side's connection ends with its answer */
    bool retried;              /* sent a second time, since a kept connection had gone stale */
    bool own_response;         /* what is to be sent to the client is an answer of ours */
    bool hold;                 /* and waits for the log */
    bool switched;             /* the answer switches to a stream */
    bool up_ended, down_ended; /* of a stream: that direction has carried its end */
    bool client_full, upstream_full; /* that side takes no more bytes now */
};

/* What the client is told of an answer's framing. */
struct http_answer_plan {
    enum http_framing framing;
    uint64_t content_length; /* with HTTP_FRAMING_LENGTH */
    bool show_length;        /* no body follows (HEAD, 304), yet Content-Length is information */
    bool close;              /* the connection ends with this answer */
};

/* Back to nothing: also how one begins. */
void http_exchange_forget(struct http_exchange *exchange, struct pipe_pool *pipes);

enum http_response_result {
    HTTP_RESPONSE_MORE,          /* no final head yet */
    HTTP_RESPONSE_BAD,           /* `error` is filled, 502 */
    HTTP_RESPONSE_INFORMATIONAL, /* too many of 1xx */
    HTTP_RESPONSE_HEAD,          /* a final head, or 101: *len_out bytes in front of `in` */
};

/* Reads the head of the answer in `in`, past those that are informational (RFC 9110 section 15.2),
 * which are taken off. */
MUST_CHECK enum http_response_result
http_exchange_read_response(struct http_response_reader *reader, const struct http_sender *sender,
                            struct io_pool *blocks, struct io_buffer *in, struct http_head *head,
                            size_t *len_out, struct error *error);

/* Begins the answer's body, and returns how it is framed for the client. With HTTP_FRAMING_CLOSE the
 * client's connection ends with it. */
MUST_CHECK enum http_framing http_exchange_begin_body(struct http_exchange *exchange,
                                                      const struct http_head *head,
                                                      enum http_method method);

