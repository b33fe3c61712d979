/* SPDX-License-Identifier: Apache-2.0
 *
 * Spelling of JSON values. json_write_string() is on the path of every log line: runs of plain
 * bytes are copied at once. */
#include "base/json_write.h"

#include "base/utf8.h"

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
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
        size_t run = at;
        while (run < text.len && is_plain(bytes[run]))
            run++;
        buffer_append(buffer, text.ptr + at, run - at);
        at = run;
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
