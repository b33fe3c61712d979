/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked transfer coding (RFC 9112 section 7.1), decoded by us because http-parser cannot be
 * made strict from outside: it ignores extensions and two bytes after each chunk, which is how a
 * request was hidden from it and shown to the engine. Grammar: 1 to 16 hex
 * digits CRLF data CRLF … 0 CRLF CRLF. No extensions, no trailers, no LF alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

enum http_chunk_state {
    HTTP_CHUNK_SIZE_START, /* first hex digit of a size line */
    HTTP_CHUNK_SIZE,       /* more hex digits, or CR */
    HTTP_CHUNK_SIZE_LF,    /* the LF of a size line */
    HTTP_CHUNK_DATA,       /* `remaining` bytes of data */
    HTTP_CHUNK_DATA_CR,    /* the CR behind the data */
    HTTP_CHUNK_DATA_LF,    /* its LF */
    HTTP_CHUNK_END_CR,     /* last chunk seen: the CR of the empty line */
    HTTP_CHUNK_END_LF,     /* its LF */
    HTTP_CHUNK_EXTENSION,  /* bytes behind a size, up to CR: only where extras are dropped */
    HTTP_CHUNK_TRAILER,    /* a trailer field, up to its CR: only where extras are dropped */
    HTTP_CHUNK_TRAILER_LF, /* its LF */
    HTTP_CHUNK_DONE,       /* nothing more belongs to this body */
    HTTP_CHUNK_BAD,        /* an error was reported; every later call reports it again */
};

struct http_chunk_decoder {
    enum http_chunk_state state;
    unsigned digits;
    uint64_t remaining;
    bool drops_extras; /* extensions and trailers are read over instead of refused */
    uint32_t dropped;  /* bytes of them so far; more than HTTP_CHUNK_EXTRAS_MAX are refused */
};

enum { HTTP_CHUNK_EXTRAS_MAX = 16384 };

/* Starts a body. */
void http_chunk_init(struct http_chunk_decoder *decoder);
/* Starts a body of an origin on the internet: what clients may not send, servers do send, and it
 * may be dropped (RFC 9112 sections 7.1.1 and 7.1.2), since the framing is written anew. */
void http_chunk_init_dropping(struct http_chunk_decoder *decoder);

enum http_chunk_result { HTTP_CHUNK_MORE, HTTP_CHUNK_FINISHED, HTTP_CHUNK_ERROR };

/* Takes bytes[0..len) and squeezes the framing out in place: on return the payload stands at
 * bytes[0..*payload_len_out) and bytes[*consumed_out..len) was not looked at (only when FINISHED:
 * what follows the body). FINISHED, MORE (all was consumed), or ERROR with `error` filled (code
 * 400, reason "malformed.chunk-size", "malformed.chunk-extension", "malformed.chunk-data" or
 * "malformed.trailer"; the caller changes both when the bytes came from the engine). Never
 * allocates. */
MUST_CHECK enum http_chunk_result http_chunk_decode(struct http_chunk_decoder *decoder, char *bytes,
                                                    size_t len, size_t *consumed_out,
                                                    size_t *payload_len_out, struct error *error);

