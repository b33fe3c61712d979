/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of fields that end here, and the heads written without them. */
#include "proxy/egress/egress_header.h"

#include "base/attributes.h"
#include "proxy/http/http_write.h"

/* Fields of one hop (RFC 9110 section 7.6.1), framing, and what we write ourselves. Whatever begins
 * with "Proxy-" is for us, or from us. Whatever Connection names goes too, but for the fields that
 * a message cannot do without: those can stand on no list of one hop. */
static const struct slice hop_fields[] = {
    {"Connection", 10},        {"Keep-Alive", 10},     {"TE", 2},      {"Trailer", 7},
    {"Transfer-Encoding", 17}, {"Content-Length", 14}, {"Upgrade", 7}, {"Expect", 6},
    {"HTTP2-Settings", 14},
};
static const struct slice proxy_prefix = {"Proxy-", 6};
static const struct slice request_fields[] = {{"Host", 4}, {"Max-Forwards", 12}};

/* RFC 9110 section 7.6.1: a sender must not list fields that are meant for all recipients. */
static const struct slice never_hop_fields[] = {
    {"Host", 4},           {"Authorization", 13},    {"Cookie", 6},         {"Content-Type", 12},
    {"Cache-Control", 13}, {"Content-Encoding", 16}, {"Content-Range", 13}, {"Range", 5},
};

static bool is_in(struct slice name, const struct slice *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_nocase(name, table[i]))
            return true;
    }
    return false;
}

static bool ends_here(const struct http_head *head, struct slice name)
{
    bool for_proxies = name.len > 6 && slice_equal_nocase(slice_of(name.ptr, 6), proxy_prefix);
    return for_proxies || is_in(name, hop_fields, ARRAY_LEN(hop_fields)) ||
           (http_head_connection_names(head, name) &&
            !is_in(name, never_hop_fields, ARRAY_LEN(never_hop_fields)));
}

bool egress_header_asks_websocket(const struct http_head *head)
{
    return head->connection_upgrade &&
           slice_equal_nocase(head->upgrade, SLICE_LITERAL("websocket"));
}

void egress_header_write_request(const struct egress_request_plan *plan, struct buffer *out)
{
    const struct http_head *head = plan->head;
    buffer_append_slice(out, head->method_name);
    buffer_append_byte(out, ' ');
    if (plan->whole_url) {
        buffer_append_literal(out, "http://");
        authority_write(&plan->url->authority, 80, out);
    }
    if (plan->url->leading_slash)
        buffer_append_byte(out, '/');
    buffer_append_slice(out, plan->url->origin_form);
    buffer_append_literal(out, " HTTP/1.1\r\nHost: ");
    authority_write(&plan->url->authority, 80, out);
    buffer_append_literal(out, "\r\n");
    for (unsigned i = 0; i < head->field_count; i++) {
        struct slice name = head->fields[i].name;
        if (!ends_here(head, name) && !is_in(name, request_fields, ARRAY_LEN(request_fields)))
            http_write_field(out, name, head->fields[i].value);
    }
    if (plan->proxy_authorization.len > 0)
        http_write_field(out, SLICE_LITERAL("Proxy-Authorization"), plan->proxy_authorization);
    if (head->framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "Transfer-Encoding: chunked\r\n");
    else if (head->framing == HTTP_FRAMING_LENGTH)
        http_write_length(out, head->content_length);
    else if (head->method == HTTP_METHOD_POST || head->method == HTTP_METHOD_PUT ||
             head->method == HTTP_METHOD_PATCH)
        http_write_length(out, 0);
    if (plan->websocket)
        buffer_append_literal(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    buffer_append_literal(out, "\r\n");
}

void egress_header_write_response(const struct egress_answer *answer, struct buffer *out)
{
    const struct http_head *head = answer->head;
    http_write_status(out, head->status, head->reason);
    for (unsigned i = 0; i < head->field_count; i++) {
        if (!ends_here(head, head->fields[i].name))
            http_write_field(out, head->fields[i].name, head->fields[i].value);
    }
    if (answer->plan.framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "Transfer-Encoding: chunked\r\n");
    else if (answer->plan.framing == HTTP_FRAMING_LENGTH || answer->plan.show_length)
        http_write_length(out, answer->plan.content_length);
    if (answer->websocket)
        buffer_append_literal(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    else if (answer->plan.close)
        buffer_append_literal(out, "Connection: close\r\n");
    buffer_append_literal(out, "\r\n");
}
