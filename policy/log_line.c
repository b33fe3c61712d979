/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of one log line. A log may have been cut, mixed with other output or tampered with, so
 * nothing is taken on trust. */
#include "policy/log_line.h"

#include "base/json_token.h"

static const char *const names[LOG_FIELDS] = {
    [LOG_FIELD_TS] = "ts",
    [LOG_FIELD_ID] = "id",
    [LOG_FIELD_SEQ] = "seq",
    [LOG_FIELD_EVENT] = "event",
    [LOG_FIELD_KIND] = "kind",
    [LOG_FIELD_CLIENT] = "client",
    [LOG_FIELD_PEER] = "peer",
    [LOG_FIELD_VIA] = "via",
    [LOG_FIELD_METHOD] = "method",
    [LOG_FIELD_PATH] = "path",
    [LOG_FIELD_OPERATION] = "operation",
    [LOG_FIELD_OBJECT] = "object",
    [LOG_FIELD_HOST] = "host",
    [LOG_FIELD_PORT] = "port",
    [LOG_FIELD_QUESTION] = "question",
    [LOG_FIELD_ADDRESS] = "address",
    [LOG_FIELD_SNI] = "sni",
    [LOG_FIELD_DECISION] = "decision",
    [LOG_FIELD_RULE] = "rule",
    [LOG_FIELD_SOURCE] = "source",
    [LOG_FIELD_REASON] = "reason",
    [LOG_FIELD_DROPPED_QUERY] = "dropped_query",
    [LOG_FIELD_DROPPED_BODY] = "dropped_body",
    [LOG_FIELD_WOULD_DENY] = "would_deny",
    [LOG_FIELD_STATUS] = "status",
    [LOG_FIELD_BYTES_IN] = "bytes_in",
    [LOG_FIELD_BYTES_OUT] = "bytes_out",
    [LOG_FIELD_DURATION_US] = "duration_us",
    [LOG_FIELD_CLOSE] = "close",
    [LOG_FIELD_POLICY] = "policy",
    [LOG_FIELD_TEXT] = "text",
    [LOG_FIELD_COUNT] = "count",
    [LOG_FIELD_EPOCH] = "epoch",
    [LOG_FIELD_CHAIN] = "chain",
    [LOG_FIELD_MAC] = "mac",
};

const char *log_field_name(enum log_field field)
{
    return names[field];
}

/* Where each field stands in the text buffer, which moves while it grows. */
struct places {
    size_t begin[LOG_FIELDS], end[LOG_FIELDS];
    bool present[LOG_FIELDS];
};

/* C0 controls, DEL and, in UTF-8, the C1 controls. */
static bool has_control_bytes(struct slice json)
{
    const unsigned char *bytes = (const unsigned char *)json.ptr;
    for (size_t i = 0; i < json.len; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            return true;
        if (bytes[i] == 0xc2 && i + 1 < json.len && bytes[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool is_scalar(enum json_token_kind kind)
{
    return kind == JSON_STRING || kind == JSON_NUMBER || kind == JSON_TRUE || kind == JSON_FALSE;
}

static void append_scalar(struct json_token token, struct buffer *text)
{
    if (token.kind == JSON_STRING)
        json_unescape(token, text);
    else if (token.kind == JSON_NUMBER)
        buffer_append_slice(text, token.text);
    else
        buffer_append_text(text, token.kind == JSON_TRUE ? "true" : "false");
}

/* Appends the scalars of a list, whose first bracket was read. */
static bool append_list(struct json_reader *reader, struct buffer *text)
{
    size_t begin = text->len;
    for (;;) {
        struct json_token token = json_next(reader);
        if (token.kind == JSON_ARRAY_END)
            return true;
        if (is_scalar(token.kind)) {
            if (text->len > begin)
                buffer_append_byte(text, ',');
            append_scalar(token, text);
        } else if (!json_skip(reader, token)) {
            return false;
        }
    }
}

static bool read_value(struct json_reader *reader, struct log_line *line, struct places *places,
                       struct json_token key)
{
    size_t field = 0;
    while (field < LOG_FIELDS && !json_token_equal(key, slice_from_text(names[field])))
        field++;
    struct json_token value = json_next(reader);
    if (field == LOG_FIELDS)
        return json_skip(reader, value);
    if (places->present[field])
        return false;
    places->begin[field] = line->text.len;
    if (is_scalar(value.kind))
        append_scalar(value, &line->text);
    else if (value.kind == JSON_ARRAY_BEGIN ? !append_list(reader, &line->text)
                                            : !json_skip(reader, value))
        return false;
    places->end[field] = line->text.len;
    places->present[field] = is_scalar(value.kind) || value.kind == JSON_ARRAY_BEGIN;
    return true;
}

bool log_line_parse(struct log_line *line, struct slice json)
{
    struct places places = {0};
    struct json_reader reader;
    buffer_clear(&line->text);
    if (has_control_bytes(json))
        return false;
    json_reader_init(&reader, json);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN)
        return false;
    for (;;) {
        struct json_token key = json_next(&reader);
        if (key.kind == JSON_OBJECT_END)
            break;
        if (key.kind != JSON_KEY || !read_value(&reader, line, &places, key))
            return false;
    }
    if (json_next(&reader).kind != JSON_END)
        return false;
    buffer_append_byte(&line->text,
                       '\0'); /* so that the buffer has an address when every field is empty */
    if (line->text.failed)
        return false;
    for (size_t i = 0; i < LOG_FIELDS; i++)
        line->fields[i] = places.present[i] ? slice_of(line->text.data + places.begin[i],
                                                       places.end[i] - places.begin[i])
                                            : slice_of(NULL, 0);
    return true;
}

void log_line_free(struct log_line *line)
{
    buffer_free(&line->text);
}

bool log_line_denied(const struct log_line *line)
{
    return slice_equal_text(line->fields[LOG_FIELD_DECISION], "deny") ||
           line->fields[LOG_FIELD_WOULD_DENY].ptr != NULL ||
           slice_equal_text(line->fields[LOG_FIELD_EVENT], "suppressed");
}

struct slice log_line_what(const struct log_line *line, struct buffer *room)
{
    struct slice host = line->fields[LOG_FIELD_HOST], port = line->fields[LOG_FIELD_PORT];
    if (host.len == 0)
        return line->fields[LOG_FIELD_OPERATION].len > 0 ? line->fields[LOG_FIELD_OPERATION]
                                                         : line->fields[LOG_FIELD_METHOD];
    if (port.len == 0)
        return host;
    bool brackets = memchr(host.ptr, ':', host.len) != NULL;
    buffer_clear(room);
    if (brackets)
        buffer_append_byte(room, '[');
    buffer_append_slice(room, host);
    buffer_append_text(room, brackets ? "]:" : ":");
    buffer_append_slice(room, port);
    return buffer_slice(room);
}
