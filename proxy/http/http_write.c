/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields, lengths and the heads of refusals. */
#include "proxy/http/http_write.h"

void http_write_field(struct buffer *out, struct slice name, struct slice value)
{
    buffer_append_slice(out, name);
    buffer_append_literal(out, ": ");
    buffer_append_slice(out, value);
    buffer_append_literal(out, "\r\n");
}

void http_write_status(struct buffer *out, unsigned status, struct slice phrase)
{
    buffer_append_literal(out, "HTTP/1.1 ");
    buffer_append_u64(out, status);
    buffer_append_byte(out, ' ');
    buffer_append_slice(out, phrase);
    buffer_append_literal(out, "\r\n");
}

void http_write_length(struct buffer *out, uint64_t length)
{
    buffer_append_literal(out, "Content-Length: ");
    buffer_append_u64(out, length);
    buffer_append_literal(out, "\r\n");
}

static const char *reason_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {400, "Bad Request"},
        {403, "Forbidden"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Error";
}

bool http_refusal_keeps_connection(unsigned status)
{
    switch (status) {
    case 301:
    case 403:
    case 405:
    case 429:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

void http_write_refusal(struct buffer *out, const struct http_refusal *refusal)
{
    unsigned status = refusal->status;
    http_write_status(out, status, slice_from_text(reason_phrase(status)));
    buffer_append_literal(out, "Content-Type: application/json\r\nCache-Control: no-store\r\n");
    if (refusal->proxy_status.ptr != NULL)
        http_write_field(out, SLICE_LITERAL("Proxy-Status"), refusal->proxy_status);
    if (status == 429 || status == 503)
        buffer_append_literal(out, "Retry-After: 1\r\n");
    if (status == 405)
        http_write_field(out, SLICE_LITERAL("Allow"), slice_from_text(refusal->allow));
    http_write_length(out, refusal->body_len);
    if (refusal->close)
        buffer_append_literal(out, "Connection: close\r\n");
    buffer_append_literal(out, "\r\n");
}
