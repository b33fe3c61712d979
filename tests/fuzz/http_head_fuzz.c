/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of message heads. The first input byte chooses response, request, request to a proxy or
 * to an origin; the rest is read.
 * 1. Read whole or in two pieces or byte by byte: the same outcome, to the last word of the error.
 * 2. An accepted head, written anew from the struct, is read as the same struct.
 * 3. The two parsers never disagree: whatever http-parser refuses is refused by our own rules
 * first, so that nobody is ever told of a disagreement, and no valid head is lost to a quirk of
 * http-parser. */
#include <string.h>

#include "base/buffer.h"
#include "proxy/http/http_head.h"
#include "tests/fuzz/fuzz.h"

static const struct http_head_limits limits = {32768, 256, 20};
static const struct http_sender sender = {"the origin", {32768, 256, 20}};

struct outcome {
    enum http_head_result result;
    size_t consumed;
    struct http_head head;
    struct error error;
};

enum side { RESPONSE, REQUEST, PROXY_REQUEST, ORIGIN_REQUEST };

static void step(enum side side, const char *bytes, size_t len, size_t *scanned,
                 struct outcome *outcome)
{
    switch (side) {
    case REQUEST:
        outcome->result = http_head_parse_request(&outcome->head, bytes, len, scanned, &limits,
                                                  &outcome->consumed, &outcome->error);
        return;
    case ORIGIN_REQUEST:
        outcome->result = http_head_parse_origin_request(
            &outcome->head, bytes, len, scanned, &limits, &outcome->consumed, &outcome->error);
        return;
    case PROXY_REQUEST:
        outcome->result = http_head_parse_proxy_request(
            &outcome->head, bytes, len, scanned, &limits, &outcome->consumed, &outcome->error);
        return;
    case RESPONSE:
        outcome->result = http_head_parse_response(&outcome->head, bytes, len, scanned, &sender,
                                                   &outcome->consumed, &outcome->error);
        return;
    }
}

/* Reads the first `first` bytes, then `pace` more at a time. */
static void read_in_pieces(enum side side, const char *bytes, size_t len, size_t first, size_t pace,
                           struct outcome *outcome)
{
    size_t scanned = 0, have = first;
    step(side, bytes, have, &scanned, outcome);
    while (outcome->result == HTTP_HEAD_MORE && have < len) {
        have = pace < len - have ? have + pace : len;
        step(side, bytes, have, &scanned, outcome);
    }
}

/* Slices of two readings that may have been made of different bytes. */
static void require_same_slice(struct slice a, struct slice b)
{
    require((a.ptr == NULL) == (b.ptr == NULL));
    require(slice_equal(a, b));
}

static void require_same_head(const struct http_head *a, const struct http_head *b)
{
    require(a->method == b->method && a->status == b->status);
    require_same_slice(a->method_name, b->method_name);
    require_same_slice(a->target, b->target);
    require_same_slice(a->host, b->host);
    require_same_slice(a->reason, b->reason);
    require_same_slice(a->upgrade, b->upgrade);
    require(a->minor_version == b->minor_version && a->framing == b->framing);
    require(a->content_length == b->content_length && a->expect_continue == b->expect_continue);
    require(a->connection_close == b->connection_close);
    require(a->connection_keep_alive == b->connection_keep_alive);
    require(a->connection_upgrade == b->connection_upgrade);
    require(a->field_count == b->field_count);
    for (unsigned i = 0; i < a->field_count; i++) {
        require_same_slice(a->fields[i].name, b->fields[i].name);
        require_same_slice(a->fields[i].value, b->fields[i].value);
    }
}

static void require_same_outcome(const struct outcome *a, const struct outcome *b)
{
    require(a->result == b->result);
    if (a->result == HTTP_HEAD_BAD) {
        require(a->error.status == b->error.status);
        require(strcmp(a->error.reason, b->error.reason) == 0);
        require(strcmp(a->error.text, b->error.text) == 0);
    } else if (a->result == HTTP_HEAD_OK) {
        require(a->consumed == b->consumed);
        require_same_head(&a->head, &b->head);
    }
}

static void write_anew(enum side side, const struct http_head *head, struct buffer *out)
{
    if (side != RESPONSE) {
        buffer_append_slice(out, head->method_name);
        buffer_append_literal(out, " ");
        buffer_append_slice(out, head->target);
        buffer_printf(out, " HTTP/1.%u\r\n", head->minor_version);
    } else {
        buffer_printf(out, "HTTP/1.%u %u ", head->minor_version, head->status);
        buffer_append_slice(out, head->reason);
        buffer_append_literal(out, "\r\n");
    }
    for (unsigned i = 0; i < head->field_count; i++) {
        buffer_append_slice(out, head->fields[i].name);
        buffer_append_literal(out, ": ");
        buffer_append_slice(out, head->fields[i].value);
        buffer_append_literal(out, "\r\n");
    }
    buffer_append_literal(out, "\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, pieces;
    if (size < 2)
        return 0;
    enum side side = (data[0] & 1) == 0   ? RESPONSE
                     : (data[0] & 2) == 0 ? REQUEST
                     : (data[0] & 4) == 0 ? PROXY_REQUEST
                                          : ORIGIN_REQUEST;
    size_t cut = data[1] % size, len = size - 2;
    const char *bytes = (const char *)data + 2;
    if (cut > len)
        cut = len;

    read_in_pieces(side, bytes, len, len, 1, &whole);
    read_in_pieces(side, bytes, len, cut, len, &pieces);
    require_same_outcome(&whole, &pieces);
    read_in_pieces(side, bytes, len, 0, 1, &pieces);
    require_same_outcome(&whole, &pieces);
    /* A proxy's target is taken apart by others; http-parser has a grammar of its own for it. */
    if (whole.result == HTTP_HEAD_BAD && side != PROXY_REQUEST)
        require(strstr(whole.error.reason, "parsers-disagree") == NULL);
    if (whole.result != HTTP_HEAD_OK)
        return 0;

    require(whole.consumed <= len);
    AUTO_BUFFER struct buffer anew = BUFFER_EMPTY;
    write_anew(side, &whole.head, &anew);
    /* `name: value` may be longer than `name:value`, up to the limit. */
    if (anew.len > limits.head_len)
        return 0;
    read_in_pieces(side, anew.data, anew.len, anew.len, 1, &pieces);
    require(pieces.result == HTTP_HEAD_OK && pieces.consumed == anew.len);
    require_same_head(&whole.head, &pieces.head);
    return 0;
}
