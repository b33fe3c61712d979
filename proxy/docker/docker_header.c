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
    FIELD_REGISTRY,  /* only where the engine repeats it to a registry; the name is a beginning */
    FIELD_NEVER,     /* the gate's clients do not write into the engine's traces */
};

/* What the engine reads of a request's fields. Everything else stops here, hop-by-hop fields and
 * method overrides included. */
static const struct {
    struct slice name;
    enum field_use use;
} engine_fields[] = {
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
    {{"X-Meta-", 7}, FIELD_REGISTRY},
    {{"Traceparent", 11}, FIELD_NEVER},
    {{"Tracestate", 10}, FIELD_NEVER},
    {{"Baggage", 7}, FIELD_NEVER},
};
_Static_assert(ARRAY_LEN(engine_fields) <= DOCKER_HEADER_DROPPED_MAX,
               "the fields that were dropped are kept as one bit each");

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

static bool asks_registry(enum docker_operation operation)
{
    return operation == DOCKER_IMAGE_CREATE || operation == DOCKER_IMAGE_PUSH ||
           operation == DOCKER_IMAGE_SEARCH || operation == DOCKER_PLUGIN_PULL ||
           operation == DOCKER_PLUGIN_PUSH || operation == DOCKER_PLUGIN_UPGRADE ||
           operation == DOCKER_GET_PLUGIN_PRIVILEGES;
}

/* Whether the engine would read such a field of this request. */
static bool is_read(enum field_use use, const struct docker_forward *forward)
{
    switch (use) {
    case FIELD_ALWAYS:
    case FIELD_NEVER:
        return true;
    case FIELD_BODY:
        return forward->framing != HTTP_FRAMING_NONE;
    case FIELD_SESSION:
        return forward->upgrade == DOCKER_UPGRADE_H2C;
    case FIELD_WEBSOCKET:
        return forward->upgrade == DOCKER_UPGRADE_WEBSOCKET;
    case FIELD_REGISTRY:
        return asks_registry(forward->request->operation);
    }
    return false;
}

/* The row of a field that the engine would read; ARRAY_LEN(engine_fields) = none. */
static size_t find_row(const struct docker_forward *forward, struct slice name)
{
    for (size_t row = 0; row < ARRAY_LEN(engine_fields); row++) {
        struct slice known = engine_fields[row].name, begin = name;
        if (((known.ptr[0] ^ name.ptr[0]) & ~0x20) != 0)
            continue; /* the first letter decides nearly always */
        if (engine_fields[row].use == FIELD_REGISTRY && begin.len > known.len)
            begin.len = known.len;
        if (slice_equal_nocase(begin, known))
            return is_read(engine_fields[row].use, forward) ? row : ARRAY_LEN(engine_fields);
    }
    return ARRAY_LEN(engine_fields);
}

/* JSON is UTF-8 whatever a parameter says, so the type is sent on in its one plain spelling. */
static struct slice canonical_type(const struct docker_forward *forward, struct slice type)
{
    bool json = docker_operation_info(forward->request->operation)->body == DOCKER_BODY_JSON;
    return json ? SLICE_LITERAL("application/json") : type;
}

static uint32_t write_engine_fields(const struct docker_forward *forward, struct buffer *out)
{
    const struct http_head *head = forward->head;
    uint32_t dropped = 0;
    for (unsigned i = 0; i < head->field_count; i++) {
        struct slice name = head->fields[i].name, value = head->fields[i].value;
        size_t row = find_row(forward, name);
        if (row == ARRAY_LEN(engine_fields))
            continue;
        enum field_use use = engine_fields[row].use;
        if (use == FIELD_NEVER || http_head_connection_names(head, name))
            dropped |= UINT32_C(1) << row;
        else if (use == FIELD_BODY)
            http_write_field(out, engine_fields[row].name, canonical_type(forward, value));
        else
            http_write_field(out, use == FIELD_REGISTRY ? name : engine_fields[row].name, value);
    }
    return dropped;
}

unsigned docker_header_dropped_names(uint32_t dropped, struct slice *names)
{
    unsigned count = 0;
    for (size_t row = 0; dropped >> row != 0; row++) {
        if ((dropped >> row & 1) != 0)
            names[count++] = engine_fields[row].name;
    }
    return count;
}

uint32_t docker_header_write_request(const struct docker_forward *forward, struct buffer *out)
{
    enum http_method method = forward->request->method;
    buffer_append_text(out, http_method_name(method));
    buffer_append_byte(out, ' ');
    docker_request_write_target(forward->request, forward->object_name, out);
    buffer_append_literal(out, " HTTP/1.1\r\nHost: docker\r\n");
    uint32_t dropped = write_engine_fields(forward, out);
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
    return dropped;
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
    if (answer->plan.framing == HTTP_FRAMING_LENGTH || answer->plan.show_length)
        http_write_length(out, answer->plan.content_length);
    else if (answer->plan.framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "Transfer-Encoding: chunked\r\n");
    if (answer->upgrade != DOCKER_UPGRADE_NONE) {
        buffer_append_literal(out, "Connection: Upgrade\r\n");
        http_write_field(out, SLICE_LITERAL("Upgrade"), upgrade_token(answer->upgrade));
    } else if (answer->plan.close && !answer->hijack) {
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

void docker_header_write_redirect(struct buffer *out, struct slice path, struct slice target,
                                  bool close)
{
    http_write_status(out, 301, SLICE_LITERAL("Moved Permanently"));
    buffer_append_literal(out, "Location: ");
    docker_request_write_clean(path, target, out);
    buffer_append_literal(out, "\r\n");
    http_write_length(out, 0);
    if (close)
        buffer_append_literal(out, "Connection: close\r\n");
    buffer_append_literal(out, "\r\n");
}
