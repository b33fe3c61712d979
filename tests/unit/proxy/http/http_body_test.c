/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies between two framings. Every pair of framings is fed whole and in pieces, and what comes
 * out is read back by a small reader of this file, which shares nothing with the code under test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proxy/http/http_body.h"
#include "tests/unit/proxy/io_stream_fixture.h"

/* Reads a chunked body to its end; appends the payload and returns how many bytes it took. */
static size_t read_chunked(struct slice bytes, struct buffer *payload)
{
    size_t at = 0;
    for (;;) {
        char *end;
        size_t size = strtoul(bytes.ptr + at, &end, 16);
        cr_assert(end != bytes.ptr + at && memcmp(end, "\r\n", 2) == 0, "no chunk size at %zu", at);
        at = (size_t)(end - bytes.ptr) + 2;
        cr_assert_leq(at + size + 2, bytes.len);
        buffer_append(payload, bytes.ptr + at, size);
        at += size;
        cr_assert_eq(memcmp(bytes.ptr + at, "\r\n", 2), 0, "no CR LF behind the data");
        at += 2;
        if (size == 0)
            return at;
    }
}

static const char payload_text[] = "{\"Image\":\"busybox\"}\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
static const char behind[] = "NEXT";

/* The payload above, framed as `from`, and what follows it on the connection. */
static void write_source(enum http_framing from, struct buffer *out)
{
    size_t len = strlen(payload_text);
    switch (from) {
    case HTTP_FRAMING_NONE:
        break;
    case HTTP_FRAMING_LENGTH:
    case HTTP_FRAMING_CLOSE:
        buffer_append(out, payload_text, len);
        break;
    case HTTP_FRAMING_CHUNKED:
        buffer_printf(out, "1\r\n%.1s\r\n000A\r\n%.10s\r\n%zX\r\n%s\r\n0\r\n\r\n", payload_text,
                      payload_text + 1, len - 11, payload_text + 11);
        break;
    }
    if (from != HTTP_FRAMING_CLOSE)
        buffer_append_text(out, behind);
}

struct pair {
    const char *name;
    enum http_framing from, to;
};

static const struct pair pairs[] = {
    {"none to none", HTTP_FRAMING_NONE, HTTP_FRAMING_NONE},
    {"length to length", HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH},
    {"length to chunked", HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED},
    {"length to close", HTTP_FRAMING_LENGTH, HTTP_FRAMING_CLOSE},
    {"chunked to chunked", HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED},
    {"chunked to close", HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CLOSE},
    {"close to chunked", HTTP_FRAMING_CLOSE, HTTP_FRAMING_CHUNKED},
    {"close to close", HTTP_FRAMING_CLOSE, HTTP_FRAMING_CLOSE},
};

/* Feeds `piece` bytes at a time, until the body has ended or all was fed; takes what comes out into
 * `out`. */
static void feed(const struct pair *pair, struct io_pool *pool, struct http_body *body,
                 struct slice bytes, size_t piece, struct io_buffer *source, struct buffer *out)
{
    struct io_buffer target = {0};
    struct error error;
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        cr_assert(io_buffer_append(pool, source, bytes.ptr + at, len));
        cr_assert(http_body_move(body, pool, source, &target, &error), "%s: %s", pair->name,
                  error.text);
        if (io_buffer_len(&target) > 0)
            buffer_append(out, io_buffer_bytes(&target), io_buffer_len(&target));
        io_buffer_reset(pool, &target);
    }
    if (pair->from == HTTP_FRAMING_CLOSE) {
        cr_assert_not(body->finished, "%s", pair->name);
        cr_assert(http_body_end_of_stream(body), "%s", pair->name);
        cr_assert(http_body_write_end(body, pool, &target));
        if (io_buffer_len(&target) > 0)
            buffer_append(out, io_buffer_bytes(&target), io_buffer_len(&target));
        io_buffer_reset(pool, &target);
    }
}

static void check_pair(const struct pair *pair, size_t piece)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY, out = BUFFER_EMPTY, payload = BUFFER_EMPTY;
    struct io_buffer source = {0};
    struct http_body body;
    write_source(pair->from, &bytes);
    http_body_init(&body, pair->from, strlen(payload_text), pair->to);
    feed(pair, pool, &body, buffer_slice(&bytes), piece, &source, &out);

    cr_assert(body.finished, "%s, %zu at a time", pair->name, piece);
    (void)buffer_text(&out);
    if (pair->to == HTTP_FRAMING_CHUNKED)
        cr_assert_eq(read_chunked(buffer_slice(&out), &payload), out.len,
                     "%s: bytes behind the last chunk", pair->name);
    else
        buffer_append_slice(&payload, buffer_slice(&out));
    const char *expected = pair->from == HTTP_FRAMING_NONE ? "" : payload_text;
    cr_assert_str_eq(buffer_text(&payload), expected, "%s, %zu at a time", pair->name, piece);
    cr_assert_eq(body.payload, strlen(expected), "%s", pair->name);
    if (pair->from != HTTP_FRAMING_CLOSE) {
        cr_assert_eq(io_buffer_len(&source), strlen(behind), "%s: what follows stays where it is",
                     pair->name);
        cr_assert_eq(memcmp(io_buffer_bytes(&source), behind, strlen(behind)), 0, "%s", pair->name);
    }
    io_buffer_reset(pool, &source);
}

Test(http_body, every_pair_of_framings_carries_the_same_payload_however_it_arrives)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1000};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (size_t j = 0; j < ARRAY_LEN(pieces); j++)
            check_pair(&pairs[i], pieces[j]);
    }
}

Test(http_body, a_body_without_bytes_is_finished_at_once)
{
    struct http_body body;
    http_body_init(&body, HTTP_FRAMING_NONE, 0, HTTP_FRAMING_NONE);
    cr_assert(body.finished);
    http_body_init(&body, HTTP_FRAMING_LENGTH, 0, HTTP_FRAMING_LENGTH);
    cr_assert(body.finished);
    http_body_init(&body, HTTP_FRAMING_LENGTH, 1, HTTP_FRAMING_LENGTH);
    cr_assert_not(body.finished);
    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
    cr_assert_not(body.finished, "its last chunk is still to come");
}

Test(http_body, an_empty_chunked_body_is_one_last_chunk)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer source = {0}, target = {0};
    struct http_body body;
    struct error error;
    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
    cr_assert(io_buffer_append(pool, &source, "0\r\n\r\nNEXT", 9));
    cr_assert(http_body_move(&body, pool, &source, &target, &error));
    cr_assert(body.finished);
    cr_assert_eq(io_buffer_len(&target), 5);
    cr_assert_eq(memcmp(io_buffer_bytes(&target), "0\r\n\r\n", 5), 0);
    cr_assert_eq(io_buffer_len(&source), 4);
    io_buffer_reset(pool, &source);
    io_buffer_reset(pool, &target);
}

/* Moves pieces of that size into a target that is only emptied when it takes no more. */
static void check_full_target(enum http_framing from, enum http_framing to, size_t piece_len)
{
    enum { PIECE_MAX = 2000, PIECES = 80 };
    const size_t total = PIECES * piece_len;
    AUTO_POOL struct io_pool *pool = new_pool();
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, payload = BUFFER_EMPTY;
    struct io_buffer source = {0}, target = {0};
    struct http_body body;
    struct error error;
    unsigned full = 0;
    http_body_init(&body, from, total, to);
    for (size_t fed = 0; !body.finished;) {
        char piece[PIECE_MAX + 16];
        bool chunked = from == HTTP_FRAMING_CHUNKED;
        size_t len = fed < total ? piece_len : 0;
        size_t head = chunked ? (size_t)sprintf(piece, "%zx\r\n", len) : 0;
        for (size_t i = 0; i < len; i++)
            piece[head + i] = (char)((fed + i) * 7 % 251);
        memcpy(piece + head + len, "\r\n", 2);
        cr_assert(io_buffer_append(pool, &source, piece, head + len + (chunked ? 2 : 0)));
        fed += len;
        cr_assert(http_body_move(&body, pool, &source, &target, &error), "%s", error.text);
        cr_assert_leq(io_buffer_len(&target), IO_BLOCK_LARGE);
        while (io_buffer_len(&source) > 0) {
            full++;
            buffer_append(&out, io_buffer_bytes(&target), io_buffer_len(&target));
            io_buffer_reset(pool, &target);
            cr_assert(http_body_move(&body, pool, &source, &target, &error), "%s", error.text);
        }
    }
    buffer_append(&out, io_buffer_bytes(&target), io_buffer_len(&target));
    io_buffer_reset(pool, &target);
    (void)buffer_text(&out);
    if (to == HTTP_FRAMING_CHUNKED)
        cr_assert_eq(read_chunked(buffer_slice(&out), &payload), out.len);
    else
        buffer_append_slice(&payload, buffer_slice(&out));
    cr_assert_eq(payload.len, total, "pieces of %zu", piece_len);
    size_t same = 0;
    while (same < total && payload.data[same] == (char)(same * 7 % 251))
        same++;
    cr_assert_eq(same, total, "pieces of %zu: byte %zu", piece_len, same);
    cr_assert_gt(full, 0, "the target must have been full for this to test anything");
}

/* The sizes are many so that the last piece misses the room by every small number of bytes. */
Test(http_body, a_full_target_loses_nothing)
{
    for (size_t piece_len = 900; piece_len < 1030; piece_len++) {
        check_full_target(HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH, piece_len);
        check_full_target(HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED, piece_len);
        check_full_target(HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED, piece_len);
    }
}

Test(http_body, a_target_without_room_is_left_alone)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer source = {0}, target = {0};
    struct http_body body;
    struct error error;
    cr_assert(io_buffer_reserve(pool, &target, IO_BLOCK_LARGE));
    memset(target.data, 'x', IO_BLOCK_LARGE);
    target.end = IO_BLOCK_LARGE - 4;
    cr_assert(io_buffer_append(pool, &source, "5\r\nhello\r\n0\r\n\r\n", 15));
    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
    cr_assert(http_body_move(&body, pool, &source, &target, &error));
    cr_assert_eq(io_buffer_len(&source), 15);
    cr_assert_eq(io_buffer_len(&target), IO_BLOCK_LARGE - 4);
    cr_assert_not(body.finished);
    io_buffer_reset(pool, &source);
    io_buffer_reset(pool, &target);
}

Test(http_body, a_thrown_away_body_is_counted_and_what_follows_stays)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer source = {0};
    struct http_body body;
    struct error error;
    cr_assert(io_buffer_append(pool, &source, "5\r\nhello\r\n0\r\n\r\nNEXT", 19));
    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_NONE);
    cr_assert(http_body_move(&body, pool, &source, NULL, &error));
    cr_assert(body.finished);
    cr_assert_eq(body.payload, 5);
    cr_assert_eq(io_buffer_len(&source), 4);
    io_buffer_reset(pool, &source);
}

Test(http_body, only_a_close_delimited_body_may_end_with_the_connection)
{
    struct http_body body;
    http_body_init(&body, HTTP_FRAMING_LENGTH, 5, HTTP_FRAMING_LENGTH);
    cr_assert_not(http_body_end_of_stream(&body));
    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
    cr_assert_not(http_body_end_of_stream(&body));
    http_body_init(&body, HTTP_FRAMING_CLOSE, 0, HTTP_FRAMING_CHUNKED);
    cr_assert(http_body_end_of_stream(&body));
    cr_assert(body.finished);
}

Test(http_body, bad_framing_is_an_error_with_its_reason)
{
    static const struct {
        const char *name, *bytes, *reason;
    } rows[] = {
        {"no size", "x\r\n", "malformed.chunk-size"},
        {"extension", "5;a=b\r\nhello\r\n", "malformed.chunk-extension"},
        {"data too long", "5\r\nhello!\r\n", "malformed.chunk-data"},
        {"trailer", "0\r\nA: b\r\n\r\n", "malformed.trailer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_POOL struct io_pool *pool = new_pool();
        struct io_buffer source = {0}, target = {0};
        struct http_body body;
        struct error error = {0};
        http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
        cr_assert(io_buffer_append(pool, &source, rows[i].bytes, strlen(rows[i].bytes)));
        cr_assert_not(http_body_move(&body, pool, &source, &target, &error), "%s", rows[i].name);
        cr_assert_eq(error.status, 400, "%s", rows[i].name);
        cr_assert_str_eq(error.reason, rows[i].reason, "%s", rows[i].name);
        cr_assert_not(body.finished);
        io_buffer_reset(pool, &source);
        io_buffer_reset(pool, &target);
    }
}

Test(http_body, what_is_long_is_worth_a_pipe)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    struct io_buffer source = {0}, target = {0};
    struct http_body body;
    struct error error;
    http_body_init(&body, HTTP_FRAMING_LENGTH, HTTP_BODY_SPLICE_MIN - 1, HTTP_FRAMING_LENGTH);
    cr_assert_eq(http_body_window(&body), 0);
    http_body_init(&body, HTTP_FRAMING_LENGTH, HTTP_BODY_SPLICE_MIN, HTTP_FRAMING_NONE);
    cr_assert_eq(http_body_window(&body), 0, "it is thrown away");
    http_body_init(&body, HTTP_FRAMING_LENGTH, HTTP_BODY_SPLICE_MIN, HTTP_FRAMING_LENGTH);
    cr_assert_eq(http_body_window(&body), HTTP_BODY_SPLICE_MIN);
    cr_assert(http_body_open_window(&body, pool, &target));
    cr_assert(http_body_spliced(&body, pool, &target, 1));
    cr_assert_eq(http_body_window(&body), HTTP_BODY_SPLICE_MIN - 1,
                 "an open window stays open to its end");
    cr_assert(http_body_spliced(&body, pool, &target, HTTP_BODY_SPLICE_MIN - 1));
    cr_assert(body.finished);
    cr_assert_eq(body.payload, HTTP_BODY_SPLICE_MIN);
    cr_assert_eq(io_buffer_len(&target), 0);

    http_body_init(&body, HTTP_FRAMING_CHUNKED, 0, HTTP_FRAMING_CHUNKED);
    cr_assert_eq(http_body_window(&body), 0, "nobody knows yet");
    cr_assert(io_buffer_append(pool, &source, "4000\r\n", 6));
    cr_assert(http_body_move(&body, pool, &source, &target, &error));
    cr_assert_eq(http_body_window(&body), HTTP_BODY_SPLICE_CHUNK_MIN);
    cr_assert(http_body_open_window(&body, pool, &target));
    cr_assert(http_body_open_window(&body, pool, &target), "opened once");
    cr_assert(http_body_spliced(&body, pool, &target, HTTP_BODY_SPLICE_CHUNK_MIN));
    cr_assert_eq(http_body_window(&body), 0);
    cr_assert_not(body.finished, "its last chunk is still to come");
    cr_assert_eq(io_buffer_len(&target), 8);
    cr_assert_eq(memcmp(io_buffer_bytes(&target), "4000\r\n\r\n", 8), 0);
    io_buffer_reset(pool, &target);
}

/* A generator of our own, so that a failure can be seen again: the seed is in the message. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* A body of random pieces, short and long, framed as `from`; the payload alone goes to `payload`. */
static void write_random_source(enum http_framing from, uint64_t *seed, struct buffer *payload,
                                struct buffer *out)
{
    static const size_t sizes[] = {
        1, 5, 40, 4000, HTTP_BODY_SPLICE_CHUNK_MIN - 1, HTTP_BODY_SPLICE_CHUNK_MIN, 40000, 150000};
    unsigned count = (unsigned)next_random(seed) % 12;
    for (unsigned i = 0; i < count; i++) {
        size_t len = sizes[next_random(seed) % ARRAY_LEN(sizes)], start = payload->len;
        for (size_t j = 0; j < len; j++)
            buffer_append_byte(payload, (char)next_random(seed));
        if (from == HTTP_FRAMING_CHUNKED)
            buffer_printf(out, "%zx\r\n", len);
        buffer_append(out, payload->data + start, len);
        if (from == HTTP_FRAMING_CHUNKED)
            buffer_append_literal(out, "\r\n");
    }
    if (from == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(out, "0\r\n\r\n");
    buffer_append_text(out, behind);
}

/* Carries a body as the gate does: what is long goes past the buffers, the rest through them. */
static void check_spliced(enum http_framing from, enum http_framing to, uint64_t seed)
{
    AUTO_POOL struct io_pool *pool = new_pool();
    AUTO_BUFFER struct buffer payload = BUFFER_EMPTY, bytes = BUFFER_EMPTY, out = BUFFER_EMPTY,
                              seen = BUFFER_EMPTY;
    struct io_buffer source = {0}, target = {0};
    struct http_body body;
    struct error error;
    uint64_t state = seed;
    write_random_source(from, &state, &payload, &bytes);
    http_body_init(&body, from, payload.len, to);
    size_t at = 0;
    while (!body.finished) {
        uint64_t window = http_body_window(&body);
        if (window > 0 && io_buffer_len(&source) == 0) {
            size_t moved = 1 + (size_t)next_random(&state) % (size_t)window;
            cr_assert(http_body_open_window(&body, pool, &target));
            buffer_append(&out, io_buffer_bytes(&target), io_buffer_len(&target));
            io_buffer_reset(pool, &target);
            buffer_append(&out, bytes.data + at, moved);
            at += moved;
            cr_assert(http_body_spliced(&body, pool, &target, moved));
        } else {
            size_t len = 1 + (size_t)next_random(&state) % http_body_read_size(&body);
            len = len < bytes.len - at ? len : bytes.len - at;
            cr_assert(len > 0 || io_buffer_len(&source) > 0, "seed %llu: no end",
                      (unsigned long long)seed);
            if (io_buffer_append(pool, &source, bytes.data + at, len))
                at += len;
            cr_assert(http_body_move(&body, pool, &source, &target, &error), "%s", error.text);
        }
        buffer_append(&out, io_buffer_bytes(&target), io_buffer_len(&target));
        io_buffer_reset(pool, &target);
    }
    (void)buffer_text(&out);
    if (to == HTTP_FRAMING_CHUNKED && (from == HTTP_FRAMING_CHUNKED || payload.len > 0))
        cr_assert_eq(read_chunked(buffer_slice(&out), &seen), out.len, "seed %llu",
                     (unsigned long long)seed);
    else
        buffer_append_slice(&seen, buffer_slice(&out));
    cr_assert_eq(body.payload, payload.len, "seed %llu", (unsigned long long)seed);
    cr_assert(slice_equal(buffer_slice(&seen), buffer_slice(&payload)), "seed %llu",
              (unsigned long long)seed);
    size_t left = io_buffer_len(&source) + bytes.len - at;
    cr_assert_eq(left, strlen(behind), "seed %llu: what follows stays", (unsigned long long)seed);
    io_buffer_reset(pool, &source);
}

Test(http_body, a_body_that_is_partly_spliced_arrives_as_it_was_sent)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        check_spliced(HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH, seed);
        check_spliced(HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED, seed);
        check_spliced(HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED, seed);
        check_spliced(HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CLOSE, seed);
    }
}
