/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of header fields and media types, and the heads written from them. */
#include "proxy/docker/docker_header.h"

#include <string.h>

#include "proxy/http/http_write.h"

enum field_use {
    FIELD_ALWAYS,
    FIELD_BODY,      /* only when a body goes along */
    FIELD_SESSION,   /* only with an h2c upgrade */
    FIELD_WEBSOCKET, /* only with a websocket upgrade */
};

/* What the engine reads of a request's fields. Everything else stops here, hop-by-hop fields and
 * method overrides included. */
static const struct {
    struct slice name;
    enum field_use use;
} forwarded_fields[] = {
    {{"User-Agent", 10}, FIELD_ALWAYS},
    {{"Accept", 6}, FIELD_ALWAYS},
    {{"Content-Type", 12}, FIELD_BODY},
    {{"X-Registry-Auth", 15}, FIELD_ALWAYS},
    {{"X-Registry-Config", 17}, FIELD_ALWAYS},
    {{"X-Docker-Expose-Session-Uuid", 28}, FIELD_SESSION},
    {{"X-Docker-Expose-Session-Name", 28}, FIELD_SESSION},
    {{"X-Docker-Expose-Session-Sharedkey", 33}, FIELD_SESSION},
    {{"X-Docker-Expose-Session-Grpc-Method", 35}, FIELD_SESSION}, /* many times */
    {{"Sec-WebSocket-Key", 17}, FIELD_WEBSOCKET},
    {{"Sec-WebSocket-Version", 21}, FIELD_WEBSOCKET},
    {{"Sec-WebSocket-Protocol", 22}, FIELD_WEBSOCKET},
    {{"Sec-WebSocket-Extensions", 24}, FIELD_WEBSOCKET},
};

/* Fields of an answer that end at this hop (RFC 9110 section 7.6.1), or that we write ourselves. */
static const struct slice dropped_fields[] = {
    {"Connection", 10},         {"Content-Length", 14},   {"Transfer-Encoding", 17},
    {"Keep-Alive", 10},         {"Upgrade", 7},           {"Trailer", 7},
    {"Proxy-Authenticate", 18}, {"Proxy-Connection", 16}, {"TE", 2},
};

static const struct {
    enum docker_upgrade upgrade;
    struct slice token;
} upgrades[] = {
    {DOCKER_UPGRADE_TCP, {"tcp", 3}},
    {DOCKER_UPGRADE_H2C, {"h2c", 3}},
    {DOCKER_UPGRADE_WEBSOCKET, {"websocket", 9}},
};

static struct slice upgrade_token(enum docker_upgrade upgrade)
{
    for (size_t i = 0; i < ARRAY_LEN(upgrades); i++) {
        if (upgrades[i].upgrade == upgrade)
            return upgrades[i].token;
    }
    return (struct slice){NULL, 0};
}

bool docker_header_asks_upgrade(const struct http_head *head, enum docker_upgrade upgrade)
{
    struct slice token = upgrade_token(upgrade);
    return token.ptr != NULL && head->connection_upgrade &&
           slice_equal_nocase(head->upgrade, token);
}

static bool is_wanted(enum field_use use, const struct docker_forward *forward)
{
    switch (use) {
    case FIELD_ALWAYS:
        return true;
    case FIELD_BODY:
        return forward->framing != HTTP_FRAMING_NONE;
    case FIELD_SESSION:
        return forward->upgrade == DOCKER_UPGRADE_H2C;
    case FIELD_WEBSOCKET:
        return forward->upgrade == DOCKER_UPGRADE_WEBSOCKET;
    }
    return false;
}

/* JSON is UTF-8 whatever a parameter says, so the type is sent on in its one plain spelling. */
static struct slice canonical_type(const struct docker_forward *forward, struct slice type)
{
    bool json = docker_operation_info(forward->request->operation)->body == DOCKER_BODY_JSON;
    return json ? SLICE_LITERAL("application/json") : type;
}

static void write_forwarded_fields(const struct docker_forward *forward, struct buffer *out)
{
    const struct http_head *head = forward->head;
    for (unsigned i = 0; i < head->field_count; i++) {
        for (size_t row = 0; row < ARRAY_LEN(forwarded_fields); row++) {
            if (!slice_equal_nocase(head->fields[i].name, forwarded_fields[row].name))
                continue;
            struct slice value = head->fields[i].value;
            if (forwarded_fields[row].use == FIELD_BODY)
                value = canonical_type(forward, value);
            if (is_wanted(forwarded_fields[row].use, forward) &&
                !http_head_connection_names(head, forwarded_fields[row].name))
                http_write_field(out, forwarded_fields[row].name, value);
            break;
        }
    }
}

void docker_header_write_request(const struct docker_forward *forward, struct buffer *out)
{
    enum http_method method = forward->request->method;
    buffer_append_text(out, http_method_name(method));
    buffer_append_byte(out, ' ');
    docker_request_write_target(forward->request, forward->object_name, out);
    buffer_append_literal(out, " HTTP/1.1\r\nHost: docker\r\n");
    write_forwarded_fields(forward, out);
    if (forward->framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "Transfer-Encoding: chunked\r\n");
    else if (forward->framing == HTTP_FRAMING_LENGTH)
        http_write_length(out, forward->content_length);
    else if (method == HTTP_METHOD_POST || method == HTTP_METHOD_PUT)
        http_write_length(out, 0);
    if (forward->upgrade != DOCKER_UPGRADE_NONE) {
        buffer_append_literal(out, "Connection: Upgrade\r\n");
        http_write_field(out, SLICE_LITERAL("Upgrade"), upgrade_token(forward->upgrade));
    }
    buffer_append_literal(out, "\r\n");
}

static bool is_dropped(const struct http_head *head, struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(dropped_fields); i++) {
        if (slice_equal_nocase(name, dropped_fields[i]))
            return true;
    }
    return http_head_connection_names(head, name);
}

/* DOCKER_API_NEWEST as text. */
#define VERSION_TEXT(minor) VERSION_TEXT_OF(minor)
#define VERSION_TEXT_OF(minor) "1." #minor
static const struct slice newest_version = {VERSION_TEXT(DOCKER_API_NEWEST_NUMBER),
                                            sizeof(VERSION_TEXT(DOCKER_API_NEWEST_NUMBER)) - 1};

void docker_header_write_response(const struct docker_response *answer, struct buffer *out)
{
    const struct http_head *head = answer->head;
    http_write_status(out, head->status, head->reason);
    for (unsigned i = 0; i < head->field_count; i++) {
        struct slice name = head->fields[i].name, value = head->fields[i].value;
        if (answer->lower_version && slice_equal_nocase(name, SLICE_LITERAL("api-version")))
            value = newest_version;
        if (!is_dropped(head, name))
            http_write_field(out, name, value);
    }
    if (answer->framing == HTTP_FRAMING_LENGTH || answer->show_length)
        http_write_length(out, answer->content_length);
    else if (answer->framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "Transfer-Encoding: chunked\r\n");
    if (answer->upgrade != DOCKER_UPGRADE_NONE) {
        buffer_append_literal(out, "Connection: Upgrade\r\n");
        http_write_field(out, SLICE_LITERAL("Upgrade"), upgrade_token(answer->upgrade));
    } else if (answer->close && !answer->hijack) {
        buffer_append_literal(out, "Connection: close\r\n");
    }
    buffer_append_literal(out, "\r\n");
}

void docker_header_write_refusal(struct buffer *out, unsigned status, size_t body_len, bool close)
{
    struct http_refusal refusal = {.status = status,
                                   .allow = "GET, HEAD, POST, PUT, DELETE",
                                   .body_len = body_len,
                                   .close = close};
    http_write_refusal(out, &refusal);
}
