/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of the chunk decoder. The first input byte chooses where the rest is cut.
 * 1. Decoded whole, in two pieces or byte by byte: the same payload, the same end, the same reason.
 * 2. It accepts exactly what a naive reader of the grammar, written here from RFC 9112 without
 * extensions and trailers, accepts, with the same payload and the same end.
 * 3. The payload, encoded anew in other chunks, decodes to itself.
 * 4. Where extras are dropped: however it is cut, the same; what the strict decoder accepts is
 * accepted alike; and a body to which extensions and trailers are added has the payload that it has
 * without them. */
#include <string.h>

#include "base/buffer.h"
#include "proxy/http/http_chunk.h"
#include "tests/fuzz/fuzz.h"

struct decoded {
    enum http_chunk_result result;
    size_t consumed;
    struct buffer payload;
    struct error error;
};

static struct decoded decode_with(struct http_chunk_decoder decoder, const char *bytes, size_t len,
                                  size_t first, size_t pace)
{
    struct decoded decoded = {HTTP_CHUNK_MORE, 0, BUFFER_EMPTY, {0}};
    for (size_t at = 0, piece = first; at < len && decoded.result == HTTP_CHUNK_MORE;
         piece = pace) {
        if (piece == 0 || piece > len - at)
            piece = piece == 0 ? 1 : len - at;
        char *copy = malloc(piece); /* the exact size: a read behind it is seen */
        size_t consumed, payload_len;
        require(copy != NULL);
        memcpy(copy, bytes + at, piece);
        decoded.result =
            http_chunk_decode(&decoder, copy, piece, &consumed, &payload_len, &decoded.error);
        require(payload_len <= consumed && consumed <= piece);
        require(decoded.result != HTTP_CHUNK_MORE || consumed == piece);
        buffer_append(&decoded.payload, copy, payload_len);
        decoded.consumed += consumed;
        at += piece;
        free(copy);
    }
    return decoded;
}

static struct decoded decode(const char *bytes, size_t len, size_t first, size_t pace)
{
    struct http_chunk_decoder decoder;
    http_chunk_init(&decoder);
    return decode_with(decoder, bytes, len, first, pace);
}

static struct decoded drop(const char *bytes, size_t len, size_t first, size_t pace)
{
    struct http_chunk_decoder decoder;
    http_chunk_init_dropping(&decoder);
    return decode_with(decoder, bytes, len, first, pace);
}

static void require_same(const struct decoded *a, const struct decoded *b)
{
    require(a->result == b->result && a->consumed == b->consumed);
    require(slice_equal(buffer_slice(&a->payload), buffer_slice(&b->payload)));
    if (a->result == HTTP_CHUNK_ERROR)
        require(strcmp(a->error.reason, b->error.reason) == 0);
}

/* The naive reader: the whole body is there, and it is looked at chunk by chunk with the C library. */
static bool naive_accepts(const char *bytes, size_t len, struct buffer *payload, size_t *end_out)
{
    size_t at = 0;
    for (;;) {
        char digits[17] = "";
        size_t count = 0;
        while (at + count < len && count < 17 &&
               strchr("0123456789abcdefABCDEF", bytes[at + count]) != NULL && bytes[at + count])
            count++;
        if (count == 0 || count == 17 || len - at - count < 2 ||
            memcmp(bytes + at + count, "\r\n", 2) != 0)
            return false;
        memcpy(digits, bytes + at, count);
        unsigned long long size = strtoull(digits, NULL, 16);
        at += count + 2;
        if (size > len - at || len - at - (size_t)size < 2 ||
            memcmp(bytes + at + size, "\r\n", 2) != 0)
            return false;
        buffer_append(payload, bytes + at, (size_t)size);
        at += (size_t)size + 2;
        if (size == 0) {
            *end_out = at;
            return true;
        }
    }
}

static void encode_anew(struct slice payload, size_t chunk, struct buffer *out)
{
    while (payload.len > 0) {
        size_t size = chunk < payload.len ? chunk : payload.len;
        buffer_append_hex(out, size);
        buffer_append_literal(out, "\r\n");
        buffer_append(out, payload.ptr, size);
        buffer_append_literal(out, "\r\n");
        payload.ptr += size;
        payload.len -= size;
    }
    buffer_append_literal(out, "0\r\n\r\n");
}

/* Extras of bytes[0..len), as far as they may stand in one. */
static void append_extra(struct buffer *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && i < 40; i++) {
        if (bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
            buffer_append_byte(out, bytes[i]);
    }
}

/* The payload in chunks of `chunk` bytes, with something of bytes[0..len) at every place for it. */
static void encode_with_extras(struct slice payload, size_t chunk, const char *bytes, size_t len,
                               struct buffer *out)
{
    while (payload.len > 0) {
        size_t size = chunk < payload.len ? chunk : payload.len;
        buffer_append_hex(out, size);
        buffer_append_literal(out, ";");
        append_extra(out, bytes, len);
        buffer_append_literal(out, "\r\n");
        buffer_append(out, payload.ptr, size);
        buffer_append_literal(out, "\r\n");
        payload.ptr += size;
        payload.len -= size;
    }
    buffer_append_literal(out, "0 \r\nX: ");
    append_extra(out, bytes, len);
    buffer_append_literal(out, "\r\n\r\n");
}

static void check_dropping(const char *bytes, size_t len, size_t cut, const struct decoded *strict)
{
    struct decoded whole = drop(bytes, len, len, len);
    struct decoded halves = drop(bytes, len, cut % len, len);
    struct decoded bytewise = drop(bytes, len, 1, 1);
    require_same(&whole, &halves);
    require_same(&whole, &bytewise);
    if (strict->result == HTTP_CHUNK_FINISHED)
        require_same(&whole, strict);
    if (whole.result == HTTP_CHUNK_FINISHED) {
        AUTO_BUFFER struct buffer plain = BUFFER_EMPTY, extras = BUFFER_EMPTY;
        encode_anew(buffer_slice(&whole.payload), 64 + cut, &plain);
        encode_with_extras(buffer_slice(&whole.payload), 64 + cut, bytes, len, &extras);
        struct decoded a = decode(plain.data, plain.len, plain.len, 1);
        struct decoded b = drop(extras.data, extras.len, extras.len, 1);
        require(a.result == HTTP_CHUNK_FINISHED);
        bool bounded = extras.len - plain.len <= HTTP_CHUNK_EXTRAS_MAX;
        require(!bounded || b.result == HTTP_CHUNK_FINISHED);
        require(!bounded || slice_equal(buffer_slice(&a.payload), buffer_slice(&b.payload)));
        buffer_free(&a.payload);
        buffer_free(&b.payload);
    }
    buffer_free(&whole.payload);
    buffer_free(&halves.payload);
    buffer_free(&bytewise.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t len = size - 1, end = 0;
    struct decoded whole = decode(bytes, len, len, len);
    struct decoded halves = decode(bytes, len, data[0] % len, len);
    struct decoded bytewise = decode(bytes, len, 1, 1);
    require_same(&whole, &halves);
    require_same(&whole, &bytewise);

    AUTO_BUFFER struct buffer expected = BUFFER_EMPTY, anew = BUFFER_EMPTY;
    require(naive_accepts(bytes, len, &expected, &end) == (whole.result == HTTP_CHUNK_FINISHED));
    if (whole.result == HTTP_CHUNK_FINISHED) {
        require(end == whole.consumed);
        require(slice_equal(buffer_slice(&expected), buffer_slice(&whole.payload)));
        encode_anew(buffer_slice(&whole.payload), 1 + data[0], &anew);
        struct decoded again = decode(anew.data, anew.len, anew.len, 1);
        require(again.result == HTTP_CHUNK_FINISHED && again.consumed == anew.len);
        require(slice_equal(buffer_slice(&again.payload), buffer_slice(&whole.payload)));
        buffer_free(&again.payload);
    }
    check_dropping(bytes, len, data[0], &whole);
    buffer_free(&whole.payload);
    buffer_free(&halves.payload);
    buffer_free(&bytewise.payload);
    return 0;
}
