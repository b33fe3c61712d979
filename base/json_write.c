/* SPDX-License-Identifier: Apache-2.0
 *
 * Spelling of JSON. json_write_quoted() is on the path of every log line: runs of plain bytes are
 * copied at once. */
#include "base/json_write.h"

#include <string.h>

#include "base/ascii_run.h"
#include "base/timestamp.h"
#include "base/utf8.h"

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

/* The comma before a key or value, unless it is the first in its container, has its key before it
 * or begins the text. What a value ends with is none of these bytes. */
static void separate(struct buffer *buffer)
{
    static const bool opens[256] = {
        ['{'] = true, ['['] = true, [':'] = true, [','] = true, [' '] = true, ['\n'] = true};
    if (buffer->len > 0 && !opens[(unsigned char)buffer->data[buffer->len - 1]])
        buffer_append_byte(buffer, ',');
}

static void write_opening(struct buffer *buffer, char byte)
{
    separate(buffer);
    buffer_append_byte(buffer, byte);
}

void json_write_object_begin(struct buffer *buffer)
{
    write_opening(buffer, '{');
}

void json_write_object_end(struct buffer *buffer)
{
    buffer_append_byte(buffer, '}');
}

void json_write_line_end(struct buffer *buffer)
{
    buffer_append_literal(buffer, "}\n");
}

void json_write_next_line(struct buffer *buffer)
{
    buffer_append_literal(buffer, ",\n");
}

void json_write_array_begin(struct buffer *buffer)
{
    write_opening(buffer, '[');
}

void json_write_array_end(struct buffer *buffer)
{
    buffer_append_byte(buffer, ']');
}

void json_write_quoted(struct buffer *buffer, struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    buffer_append_byte(buffer, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t run = ascii_run_plain(text.ptr + at, text.len - at);
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

void json_write_string(struct buffer *buffer, struct slice text)
{
    separate(buffer);
    json_write_quoted(buffer, text);
}

void json_write_raw(struct buffer *buffer, struct slice json)
{
    separate(buffer);
    buffer_append_slice(buffer, json);
}

void json_write_key(struct buffer *buffer, const char *key)
{
    write_opening(buffer, '"');
    buffer_append_text(buffer, key);
    buffer_append_literal(buffer, "\":");
}

void json_write_foreign_key(struct buffer *buffer, struct slice key)
{
    json_write_string(buffer, key);
    buffer_append_byte(buffer, ':');
}

void json_write_key_object(struct buffer *buffer, const char *key)
{
    json_write_key(buffer, key);
    buffer_append_byte(buffer, '{');
}

void json_write_key_array(struct buffer *buffer, const char *key)
{
    json_write_key(buffer, key);
    buffer_append_byte(buffer, '[');
}

void json_write_key_raw(struct buffer *buffer, const char *key, struct slice json)
{
    json_write_key(buffer, key);
    buffer_append_slice(buffer, json);
}

void json_write_key_string(struct buffer *buffer, const char *key, struct slice value)
{
    json_write_key(buffer, key);
    json_write_quoted(buffer, value);
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
    json_write_key_raw(buffer, key, value ? SLICE_LITERAL("true") : SLICE_LITERAL("false"));
}

void json_write_key_time(struct buffer *buffer, const char *key, int64_t time_us)
{
    struct timestamp_cache cache = {0};
    json_write_key_string(buffer, key, timestamp_format(&cache, time_us));
}

void json_write_key_list(struct buffer *buffer, const char *key, struct slice list, char separator)
{
    json_write_key_array(buffer, key);
    while (list.len > 0)
        json_write_string(buffer, slice_cut(&list, separator));
    json_write_array_end(buffer);
}
