/* SPDX-License-Identifier: Apache-2.0
 *
 * Spelling of JSON values. json_write_string() is on the path of every log line: runs of plain
 * bytes are copied at once. */
#include "base/json_write.h"

#include <string.h>

#include "base/utf8.h"

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* The high bit of each byte of `word` that is zero, and perhaps of bytes above one that is. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* Whether all eight bytes are plain: not below 0x20, not above 0x7e, no quote, no backslash. */
static bool are_plain(const unsigned char *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    uint64_t odd =
        (word - each * 0x20) | word; /* bytes below 0x20 borrow, those above have it set */
    return (odd & each * 0x80) == 0 && zero_bytes(word ^ each * 0x7f) == 0 &&
           zero_bytes(word ^ each * '"') == 0 && zero_bytes(word ^ each * '\\') == 0;
}

/* How many bytes from the first one on stand for themselves. */
static size_t plain_run(const unsigned char *bytes, size_t len)
{
    size_t run = 0;
    while (len - run >= sizeof(uint64_t) && are_plain(bytes + run))
        run += sizeof(uint64_t);
    if (run > 0 && len - run < sizeof(uint64_t) &&
        are_plain(bytes + len - sizeof(uint64_t))) /* with some that were looked at */
        return len;
    while (run < len && is_plain(bytes[run]))
        run++;
    return run;
}

static void write_escape(struct buffer *buffer, unsigned code)
{
    switch (code) {
    case '"':
        buffer_append_literal(buffer, "\\\"");
        return;
    case '\\':
        buffer_append_literal(buffer, "\\\\");
        return;
    case '\n':
        buffer_append_literal(buffer, "\\n");
        return;
    case '\r':
        buffer_append_literal(buffer, "\\r");
        return;
    case '\t':
        buffer_append_literal(buffer, "\\t");
        return;
    default:
        buffer_printf(buffer, "\\u%04x", code);
        return;
    }
}

void json_write_string(struct buffer *buffer, struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    buffer_append_byte(buffer, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t run = plain_run(bytes + at, text.len - at);
        buffer_append(buffer, text.ptr + at, run);
        at += run;
        if (at == text.len)
            break;
        size_t sequence = bytes[at] < 0x80 ? 1 : utf8_sequence_len(bytes + at, text.len - at);
        if (sequence == 0) {
            buffer_append_literal(buffer, "\\ufffd");
            sequence = 1;
        } else if (sequence == 1) {
            write_escape(buffer, bytes[at]);
        } else if (sequence == 2 && bytes[at] == 0xc2 && bytes[at + 1] < 0xa0) {
            write_escape(buffer, bytes[at + 1]);
        } else {
            buffer_append(buffer, text.ptr + at, sequence);
        }
        at += sequence;
    }
    buffer_append_byte(buffer, '"');
}

void json_write_key(struct buffer *buffer, const char *key)
{
    char last = buffer->len > 0 ? buffer->data[buffer->len - 1] : '{';
    if (last != '{' && last != '[')
        buffer_append_byte(buffer, ',');
    buffer_append_byte(buffer, '"');
    buffer_append_text(buffer, key);
    buffer_append_literal(buffer, "\":");
}

void json_write_key_string(struct buffer *buffer, const char *key, struct slice value)
{
    json_write_key(buffer, key);
    json_write_string(buffer, value);
}

void json_write_key_text(struct buffer *buffer, const char *key, const char *value)
{
    json_write_key_string(buffer, key, slice_from_text(value));
}

void json_write_key_u64(struct buffer *buffer, const char *key, uint64_t value)
{
    json_write_key(buffer, key);
    buffer_append_u64(buffer, value);
}

void json_write_key_bool(struct buffer *buffer, const char *key, bool value)
{
    json_write_key(buffer, key);
    buffer_append_text(buffer, value ? "true" : "false");
}
