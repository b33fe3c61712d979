/* SPDX-License-Identifier: Apache-2.0
 *
 * The beginning of answers, and the end of exchanges. */
#include "proxy/http/http_exchange.h"

enum { INFORMATIONAL_MAX = 8 };

void http_exchange_forget(struct http_exchange *exchange, struct pipe_pool *pipes)
{
    splice_flow_close(&exchange->up, pipes);
    splice_flow_close(&exchange->down, pipes);
    *exchange = (struct http_exchange){0};
    http_body_init(&exchange->request_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    http_body_init(&exchange->response_body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
}

enum http_response_result http_exchange_read_response(struct http_response_reader *reader,
                                                      const struct http_sender *sender,
                                                      struct io_pool *blocks, struct io_buffer *in,
                                                      struct http_head *head, size_t *len_out,
                                                      struct error *error)
{
    while (io_buffer_len(in) > 0) {
        switch (http_head_parse_response(head, io_buffer_bytes(in), io_buffer_len(in),
                                         &reader->scanned, sender, len_out, error)) {
        case HTTP_HEAD_MORE:
            return HTTP_RESPONSE_MORE;
        case HTTP_HEAD_BAD:
            return HTTP_RESPONSE_BAD;
        case HTTP_HEAD_OK:
            break;
        }
        reader->scanned = 0;
        if (head->status >= 200 || head->status == 101)
            return HTTP_RESPONSE_HEAD;
        io_buffer_consume(blocks, in, *len_out);
        if (++reader->informational > INFORMATIONAL_MAX)
            return HTTP_RESPONSE_INFORMATIONAL;
    }
    return HTTP_RESPONSE_MORE;
}

enum http_framing http_exchange_begin_body(struct http_exchange *exchange,
                                           const struct http_head *head, enum http_method method)
{
    enum http_framing from = http_response_framing(head, method);
    enum http_framing to = http_client_framing(from, exchange->minor_version_0);
    exchange->response_body_closes = http_response_closes(head, from);
    http_body_init(&exchange->response_body, from, head->content_length, to);
    return to;
}
