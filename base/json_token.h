/* SPDX-License-Identifier: Apache-2.0
 *
 * A strict JSON tokenizer (RFC 8259). It keeps the text of numbers and strings as it stands, so
 * that what is read can be written again digit for digit, and it refuses what other readers let
 * pass: bad UTF-8, lone surrogates, unknown escapes, leading zeros, trailing commas, text behind
 * the value, nesting deeper than JSON_DEPTH_MAX. It sees every key, so a caller can refuse doubles. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum { JSON_DEPTH_MAX = 64 };

enum json_token_kind {
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_END, /* the one value was complete and nothing follows */
    JSON_BAD, /* not JSON at `offset`; every later call says so again */
};

struct json_token {
    enum json_token_kind kind;
    struct slice text; /* strings and keys: what stands between the quotes, escapes and all;
                          numbers: the digits */
    bool has_escapes;  /* strings and keys: json_unescape() is needed to compare */
};

struct json_reader {
    struct slice input;
    size_t offset;
    unsigned depth;
    uint64_t arrays; /* bit n: the container at depth n+1 is an array */
    int state;
};

void json_reader_init(struct json_reader *reader, struct slice input);

/* The next token. Keys arrive as JSON_KEY, followed by their value. */
struct json_token json_next(struct json_reader *reader);

/* Reads past the rest of the value whose first token was `first`. False when it is not JSON. */
MUST_CHECK bool json_skip(struct json_reader *reader, struct json_token first);

/* Appends the text of a string or key token to `out`, escapes replaced by what they mean, in UTF-8. */
void json_unescape(struct json_token token, struct buffer *out);

/* Whether a string or key token means exactly `text`. */
bool json_token_equal(struct json_token token, struct slice text);
