/* SPDX-License-Identifier: Apache-2.0
 *
 * Chunked bodies, row by row. Every row is decoded whole, byte by byte and in two pieces at every place; all must give the same
 * payload and the same end. */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "proxy/http/http_chunk.h"

struct decoded {
    enum http_chunk_result result;
    size_t consumed; /* of all pieces together */
    struct buffer payload;
    struct error error;
};

static struct decoded decode_with(struct http_chunk_decoder decoder, struct slice bytes, size_t cut,
                                  size_t step)
{
    struct decoded decoded = {HTTP_CHUNK_MORE, 0, BUFFER_EMPTY, {0}};
    for (size_t at = 0, end = cut; at < bytes.len && decoded.result == HTTP_CHUNK_MORE;
         at = end, end += step) {
        if (end > bytes.len || end < at)
            end = bytes.len;
        char *piece = malloc(end - at + 1); /* its own block: reads behind the end are seen */
        size_t consumed, payload_len;
        memcpy(piece, bytes.ptr + at, end - at);
        decoded.result =
            http_chunk_decode(&decoder, piece, end - at, &consumed, &payload_len, &decoded.error);
        cr_assert(payload_len <= consumed && consumed <= end - at);
        cr_assert(decoded.result != HTTP_CHUNK_MORE || consumed == end - at);
        buffer_append(&decoded.payload, piece, payload_len);
        decoded.consumed += consumed;
        free(piece);
    }
    return decoded;
}

/* Decodes bytes[0..len) in pieces that end at `cut` and then every `step` bytes. */
static struct decoded decode(struct slice bytes, size_t cut, size_t step)
{
    struct http_chunk_decoder decoder;
    http_chunk_init(&decoder);
    return decode_with(decoder, bytes, cut, step);
}

static struct decoded decode_dropping(struct slice bytes, size_t cut, size_t step)
{
    struct http_chunk_decoder decoder;
    http_chunk_init_dropping(&decoder);
    return decode_with(decoder, bytes, cut, step);
}

static void expect_same(const char *name, size_t cut, const struct decoded *a,
                        const struct decoded *b)
{
    cr_expect_eq(a->result, b->result, "%s, cut at %zu", name, cut);
    cr_expect_eq(a->consumed, b->consumed, "%s, cut at %zu", name, cut);
    cr_expect(slice_equal(buffer_slice(&a->payload), buffer_slice(&b->payload)), "%s, cut at %zu",
              name, cut);
    if (a->result == HTTP_CHUNK_ERROR && b->result == HTTP_CHUNK_ERROR)
        cr_expect_str_eq(a->error.reason, b->error.reason, "%s, cut at %zu", name, cut);
}

static struct decoded decode_every_way(const char *name, struct slice bytes)
{
    struct decoded whole = decode(bytes, bytes.len, bytes.len);
    for (size_t cut = 1; cut < bytes.len; cut++) {
        struct decoded pieces = decode(bytes, cut, bytes.len);
        expect_same(name, cut, &whole, &pieces);
        buffer_free(&pieces.payload);
    }
    struct decoded bytewise = decode(bytes, 1, 1);
    expect_same(name, 0, &whole, &bytewise);
    buffer_free(&bytewise.payload);
    return whole;
}

struct row {
    const char *name;
    const char *bytes;
    size_t len;
    const char *result; /* the payload when it is well-formed, else the reason */
    size_t left;        /* bytes behind the body */
};

#define GOOD(name, bytes, payload, left)                                                           \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, payload, left                                              \
    }
#define BAD(name, bytes, reason)                                                                   \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, reason, 0                                                  \
    }

static const struct row good[] = {
    GOOD("nothing", "0\r\n\r\n", "", 0),
    GOOD("one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("two chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", 0),
    GOOD("both cases of hex", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
         "01234567890123456789a", 0),
    GOOD("leading zeros", "0000000000000003\r\nabc\r\n0000\r\n\r\n", "abc", 0),
    GOOD("framing as data", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0),
    GOOD("a request follows", "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "x", 16),
    GOOD("a chunk follows the end", "0\r\n\r\n1\r\nx\r\n", "", 6),
};

Test(http_chunk, payload_is_squeezed_out_however_it_arrives)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct decoded decoded =
            decode_every_way(good[i].name, slice_of(good[i].bytes, good[i].len));
        cr_expect_eq(decoded.result, HTTP_CHUNK_FINISHED, "%s", good[i].name);
        cr_expect(slice_equal_text(buffer_slice(&decoded.payload), good[i].result), "%s",
                  good[i].name);
        cr_expect_eq(decoded.consumed, good[i].len - good[i].left, "%s", good[i].name);
        buffer_free(&decoded.payload);
    }
}

Test(http_chunk, every_beginning_of_a_good_body_waits_for_more)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        for (size_t len = 0; len < good[i].len - good[i].left; len++) {
            struct decoded decoded = decode(slice_of(good[i].bytes, len), len, len);
            cr_expect_eq(decoded.result, HTTP_CHUNK_MORE, "%s, %zu bytes", good[i].name, len);
            buffer_free(&decoded.payload);
        }
    }
}

static const struct row bad[] = {
    BAD("29 XX behind the data", "3\r\nabcXX0\r\n\r\n", "malformed.chunk-data"),
    BAD("29 CR X behind the data", "3\r\nabc\rX0\r\n\r\n", "malformed.chunk-data"),
    BAD("29 LF behind the data", "3\r\nabc\n0\r\n\r\n", "malformed.chunk-data"),
    BAD("29 more data than the size says", "3\r\nabcd\r\n0\r\n\r\n", "malformed.chunk-data"),
    BAD("29 less data than the size says", "3\r\nab\r\n0\r\n\r\n", "malformed.chunk-data"),
    BAD("29 size line 3 CR X", "3\rXabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("29 size line 3 CR CR LF", "3\r\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("30 size line ended by LF", "3\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("30 last size line ended by LF", "3\r\nabc\r\n0\n\r\n", "malformed.chunk-size"),
    BAD("30 LF everywhere", "3\nabc\n0\n\n", "malformed.chunk-size"),
    BAD("31 LF inside an extension", "3;\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("31 extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("31 extension, quoted", "3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("31 empty extension", "3;\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("31 extension of the last chunk", "0;a\r\n\r\n", "malformed.chunk-extension"),
    BAD("32 3 zzz", "3 zzz\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("32 blank behind the size", "3 \r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("32 tab behind the size", "3\t\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("32 NUL in an extension", "3;\0\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("32 NUL behind the size", "3\0\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 0x3", "0x3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 +3", "+3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 -3", "-3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 blank before the size", " 3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 17 digits", "00000000000000003\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 17 digits, overflow", "10000000000000003\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("33 2^64-1", "ffffffffffffffff\r\nabc", "malformed.chunk-size"),
    BAD("33 2^63", "8000000000000000\r\nabc", "malformed.chunk-size"),
    BAD("H10 letter", "g\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 quoted", "\"3\"\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 decimal point", "3.0\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 comma", "3,3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 underscore", "1_0\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 high byte", "\xb3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("H10 at sign", "@\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("no size", "\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("empty line between chunks", "3\r\nabc\r\n\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("35 trailer Content-Length", "3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n",
        "malformed.trailer"),
    BAD("35 trailer Host", "0\r\nHost: evil\r\n\r\n", "malformed.trailer"),
    BAD("35 blank in place of a trailer", "0\r\n \r\n\r\n", "malformed.trailer"),
    BAD("35 LF in place of the empty line", "0\r\n\n", "malformed.trailer"),
    BAD("36 last chunk, then CR X", "3\r\nabc\r\n0\r\n\rX", "malformed.trailer"),
    BAD("36 last chunk, then CR CR LF", "0\r\n\r\r\n", "malformed.trailer"),
    BAD("6.3 the smuggled request",
        "8;\nzz\r\nXXXX\r\n0;\r\n2b;a: x\r\n\r\nGET /version HTTP/1.1\r\nHost: smuggled\r\n\r\n\r\n"
        "0\r\n\r\n",
        "malformed.chunk-extension"),
};

Test(http_chunk, what_is_not_in_the_grammar_is_refused_however_it_arrives)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct decoded decoded = decode_every_way(bad[i].name, slice_of(bad[i].bytes, bad[i].len));
        cr_expect_eq(decoded.result, HTTP_CHUNK_ERROR, "%s", bad[i].name);
        if (decoded.result == HTTP_CHUNK_ERROR) {
            cr_expect_eq(decoded.error.status, 400, "%s", bad[i].name);
            cr_expect_str_eq(decoded.error.reason, bad[i].result, "%s", bad[i].name);
        }
        buffer_free(&decoded.payload);
    }
}

Test(http_chunk, endless_extensions_end_at_their_first_byte)
{
    /* Row 34: 60 kB of extension for one byte of body. */
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_literal(&text, "1;");
    for (int i = 0; i < 60000; i++)
        buffer_append_byte(&text, 'x');
    struct decoded decoded = decode(buffer_slice(&text), text.len, text.len);
    cr_expect_eq(decoded.result, HTTP_CHUNK_ERROR);
    cr_expect_eq(decoded.consumed, 2);
    buffer_free(&decoded.payload);
}

Test(http_chunk, the_largest_size_is_below_two_to_the_63)
{
    char bytes[] = "7fffffffffffffff\r\nabc";
    struct http_chunk_decoder decoder;
    struct error error;
    size_t consumed, payload_len;
    http_chunk_init(&decoder);
    cr_assert_eq(
        http_chunk_decode(&decoder, bytes, sizeof(bytes) - 1, &consumed, &payload_len, &error),
        HTTP_CHUNK_MORE);
    cr_expect_eq(payload_len, 3);
    cr_expect_eq(decoder.remaining, UINT64_C(0x7ffffffffffffffc));
}

Test(http_chunk, an_error_is_reported_again_by_every_later_call)
{
    char bytes[] = "3;x", later[] = "\r\nabc\r\n0\r\n\r\n";
    struct http_chunk_decoder decoder;
    struct error error;
    size_t consumed, payload_len;
    http_chunk_init(&decoder);
    cr_assert_eq(http_chunk_decode(&decoder, bytes, 3, &consumed, &payload_len, &error),
                 HTTP_CHUNK_ERROR);
    error.reason = NULL;
    cr_assert_eq(
        http_chunk_decode(&decoder, later, sizeof(later) - 1, &consumed, &payload_len, &error),
        HTTP_CHUNK_ERROR);
    cr_expect_str_eq(error.reason, "malformed.chunk-extension");
    cr_expect_eq(payload_len, 0);
}

Test(http_chunk, nothing_is_taken_behind_the_end)
{
    char bytes[] = "0\r\n\r\n", later[] = "abc";
    struct http_chunk_decoder decoder;
    struct error error;
    size_t consumed, payload_len;
    http_chunk_init(&decoder);
    cr_assert_eq(http_chunk_decode(&decoder, bytes, 5, &consumed, &payload_len, &error),
                 HTTP_CHUNK_FINISHED);
    cr_assert_eq(http_chunk_decode(&decoder, later, 3, &consumed, &payload_len, &error),
                 HTTP_CHUNK_FINISHED);
    cr_expect_eq(consumed, 0);
    cr_expect_eq(payload_len, 0);
}

/* ---- what an origin may send: extras are read over ---- */

static const struct row dropping_good[] = {
    GOOD("no extras", "3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("an extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("an empty extension", "3;\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("a quoted extension", "3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("blanks behind the size", "3 \t\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("an extension of the last chunk", "1\r\nx\r\n0;a\r\n\r\n", "x", 0),
    GOOD("an extension that looks like a size", "1;ff\r\nx\r\n0\r\n\r\n", "x", 0),
    GOOD("a trailer", "1\r\nx\r\n0\r\nX-A: b\r\n\r\n", "x", 0),
    GOOD("trailers that frame", "1\r\nx\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n", "x", 0),
    GOOD("a trailer of one byte", "0\r\nX\r\n\r\n", "", 0),
    GOOD("an answer follows", "0\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n", "", 17),
};

static struct decoded drop_every_way(const char *name, struct slice bytes)
{
    struct decoded whole = decode_dropping(bytes, bytes.len, bytes.len);
    for (size_t cut = 1; cut < bytes.len; cut++) {
        struct decoded pieces = decode_dropping(bytes, cut, bytes.len);
        expect_same(name, cut, &whole, &pieces);
        buffer_free(&pieces.payload);
    }
    struct decoded bytewise = decode_dropping(bytes, 1, 1);
    expect_same(name, 0, &whole, &bytewise);
    buffer_free(&bytewise.payload);
    return whole;
}

Test(http_chunk, extras_are_dropped_where_that_is_asked_for)
{
    for (size_t i = 0; i < ARRAY_LEN(dropping_good); i++) {
        const struct row *row = &dropping_good[i];
        struct decoded decoded = drop_every_way(row->name, slice_of(row->bytes, row->len));
        cr_expect_eq(decoded.result, HTTP_CHUNK_FINISHED, "%s", row->name);
        cr_expect(slice_equal_text(buffer_slice(&decoded.payload), row->result), "%s", row->name);
        cr_expect_eq(decoded.consumed, row->len - row->left, "%s", row->name);
        buffer_free(&decoded.payload);
    }
}

static const struct row dropping_bad[] = {
    BAD("LF in an extension", "3;a\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("LF behind a blank", "3 \nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("NUL in an extension", "3;\0\r\nabc\r\n0\r\n\r\n", "malformed.chunk-extension"),
    BAD("CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("LF behind the size", "3\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("an extension without a size", ";a\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("other bytes behind the size", "3x\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("0x3", "0x3\r\nabc\r\n0\r\n\r\n", "malformed.chunk-size"),
    BAD("17 digits", "00000000000000003\r\nabc", "malformed.chunk-size"),
    BAD("XX behind the data", "3\r\nabcXX0\r\n\r\n", "malformed.chunk-data"),
    BAD("LF in a trailer", "0\r\nX: y\n\r\n", "malformed.trailer"),
    BAD("NUL in a trailer", "0\r\nX: \0\r\n\r\n", "malformed.trailer"),
    BAD("CR in a trailer", "0\r\nX: a\rb\r\n\r\n", "malformed.trailer"),
    BAD("LF in place of the empty line", "0\r\n\n", "malformed.trailer"),
    BAD("the empty line is CR X", "0\r\nX: y\r\n\rX", "malformed.trailer"),
};

Test(http_chunk, what_two_readers_would_part_over_is_refused_with_extras_too)
{
    for (size_t i = 0; i < ARRAY_LEN(dropping_bad); i++) {
        const struct row *row = &dropping_bad[i];
        struct decoded decoded = drop_every_way(row->name, slice_of(row->bytes, row->len));
        cr_expect_eq(decoded.result, HTTP_CHUNK_ERROR, "%s", row->name);
        if (decoded.result == HTTP_CHUNK_ERROR)
            cr_expect_str_eq(decoded.error.reason, row->result, "%s: %s", row->name,
                             decoded.error.reason);
        buffer_free(&decoded.payload);
    }
}

/* `count` bytes of extras in extensions of one byte of data each, or in trailers. */
static void write_extras(size_t count, bool trailers, struct buffer *out)
{
    if (trailers)
        buffer_append_literal(out, "0\r\n");
    while (count > 0) {
        size_t piece = count < 4000 ? count : 4000;
        if (!trailers)
            buffer_append_literal(out, "1;");
        for (size_t i = 0; i < piece; i++)
            buffer_append_byte(out, 'x');
        buffer_append_text(out, trailers ? "\r\n" : "\r\nd\r\n");
        count -= piece;
    }
    buffer_append_text(out, trailers ? "\r\n" : "0\r\n\r\n");
}

Test(http_chunk, extras_of_one_body_are_bounded_together)
{
    for (int trailers = 0; trailers < 2; trailers++) {
        for (int over = 0; over < 2; over++) {
            AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
            write_extras(HTTP_CHUNK_EXTRAS_MAX + (size_t)over, trailers, &text);
            struct decoded decoded = decode_dropping(buffer_slice(&text), text.len, text.len);
            cr_expect_eq(decoded.result, over ? HTTP_CHUNK_ERROR : HTTP_CHUNK_FINISHED,
                         "trailers %d, over %d", trailers, over);
            buffer_free(&decoded.payload);
        }
    }
}
