/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of one log line. A log may have been cut, mixed with other output or tampered with, so
 * nothing is taken on trust. Logs have millions of lines, nearly all of them in the plain form in
 * which the gate writes: those are read in one pass in place; any other goes through the JSON
 * tokenizer. Both accept the same and find the same. */
#include "policy/log/log_line.h"

#include "base/json_token.h"

/* What a field may be; a value of another kind is passed over as if it were not there. */
enum form { TEXT, NUMBER, LIST, SCALAR };

static const struct {
    struct slice name;
    enum form form;
} fields[LOG_FIELDS] = {
    [LOG_FIELD_TS] = {SLICE_LITERAL("ts"), TEXT},
    [LOG_FIELD_ID] = {SLICE_LITERAL("id"), TEXT},
    [LOG_FIELD_SEQ] = {SLICE_LITERAL("seq"), NUMBER},
    [LOG_FIELD_EVENT] = {SLICE_LITERAL("event"), TEXT},
    [LOG_FIELD_KIND] = {SLICE_LITERAL("kind"), TEXT},
    [LOG_FIELD_CLIENT] = {SLICE_LITERAL("client"), TEXT},
    [LOG_FIELD_PEER] = {SLICE_LITERAL("peer"), TEXT},
    [LOG_FIELD_VIA] = {SLICE_LITERAL("via"), TEXT},
    [LOG_FIELD_METHOD] = {SLICE_LITERAL("method"), TEXT},
    [LOG_FIELD_PATH] = {SLICE_LITERAL("path"), TEXT},
    [LOG_FIELD_OPERATION] = {SLICE_LITERAL("operation"), TEXT},
    [LOG_FIELD_OBJECT] = {SLICE_LITERAL("object"), TEXT},
    [LOG_FIELD_JUDGED] = {SLICE_LITERAL("judged"), LIST},
    [LOG_FIELD_HOST] = {SLICE_LITERAL("host"), TEXT},
    [LOG_FIELD_PORT] = {SLICE_LITERAL("port"), NUMBER},
    [LOG_FIELD_QUESTION] = {SLICE_LITERAL("question"), TEXT},
    [LOG_FIELD_ADDRESS] = {SLICE_LITERAL("address"), TEXT},
    [LOG_FIELD_REFUSED_ADDRESSES] = {SLICE_LITERAL("refused_addresses"), LIST},
    [LOG_FIELD_SNI] = {SLICE_LITERAL("sni"), TEXT},
    [LOG_FIELD_DECISION] = {SLICE_LITERAL("decision"), TEXT},
    [LOG_FIELD_RULE] = {SLICE_LITERAL("rule"), TEXT},
    [LOG_FIELD_SOURCE] = {SLICE_LITERAL("source"), TEXT},
    [LOG_FIELD_REASON] = {SLICE_LITERAL("reason"), TEXT},
    [LOG_FIELD_DROPPED_QUERY] = {SLICE_LITERAL("dropped_query"), LIST},
    [LOG_FIELD_DROPPED_BODY] = {SLICE_LITERAL("dropped_body"), NUMBER},
    [LOG_FIELD_WOULD_DENY] = {SLICE_LITERAL("would_deny"), TEXT},
    [LOG_FIELD_STATUS] = {SLICE_LITERAL("status"), NUMBER},
    [LOG_FIELD_BYTES_IN] = {SLICE_LITERAL("bytes_in"), NUMBER},
    [LOG_FIELD_BYTES_OUT] = {SLICE_LITERAL("bytes_out"), NUMBER},
    [LOG_FIELD_DURATION_US] = {SLICE_LITERAL("duration_us"), NUMBER},
    [LOG_FIELD_CLOSE] = {SLICE_LITERAL("close"), TEXT},
    [LOG_FIELD_POLICY] = {SLICE_LITERAL("policy"), TEXT},
    [LOG_FIELD_TEXT] = {SLICE_LITERAL("text"), TEXT},
    [LOG_FIELD_COUNT] = {SLICE_LITERAL("count"), NUMBER},
    [LOG_FIELD_EPOCH] = {SLICE_LITERAL("epoch"), SCALAR},
    [LOG_FIELD_CHAIN] = {SLICE_LITERAL("chain"), SCALAR},
    [LOG_FIELD_MAC] = {SLICE_LITERAL("mac"), SCALAR},
};

const char *log_field_name(enum log_field field)
{
    return fields[field].name.ptr;
}

/* Where each field stands in the text buffer, which moves while it grows. */
struct places {
    size_t begin[LOG_FIELDS], end[LOG_FIELDS];
    bool present[LOG_FIELDS], taken[LOG_FIELDS];
};

static uint64_t every_byte(unsigned char byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* Not zero when a byte of the word is zero. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - every_byte(0x01)) & ~word & every_byte(0x80);
}

/* Whether the text is ASCII without control bytes, DEL and backslashes, as most lines are. */
static bool is_plain(struct slice json)
{
    uint64_t found = 0, word;
    size_t at = 0;
    for (; at + sizeof(word) <= json.len; at += sizeof(word)) {
        memcpy(&word, json.ptr + at, sizeof(word));
        found |= ((word - every_byte(0x20)) & ~word & every_byte(0x80)) |
                 (word & every_byte(0x80)) | zero_bytes(word ^ every_byte(0x7f)) |
                 zero_bytes(word ^ every_byte('\\'));
    }
    for (; at < json.len; at++) {
        unsigned char byte = (unsigned char)json.ptr[at];
        found |= byte < 0x20 || byte >= 0x7f || byte == '\\';
    }
    return found == 0;
}

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

/* --- lines as the gate writes them --- */

/* The field whose name stands at `at`, closed by a quote and a colon. The gate writes the fields in
 * their order, so those behind `expected` are tried first. LOG_FIELDS when it is none of them. */
static size_t field_at(const char *at, const char *end, size_t expected)
{
    for (size_t tried = 0; tried < LOG_FIELDS; tried++) {
        size_t field =
            expected + tried < LOG_FIELDS ? expected + tried : expected + tried - LOG_FIELDS;
        struct slice name = fields[field].name;
        if (*at == *name.ptr && (size_t)(end - at) > name.len + 1 && at[name.len] == '"' &&
            memcmp(at, name.ptr, name.len) == 0)
            return field;
    }
    return LOG_FIELDS;
}

/* Reads a list of strings from its bracket on and joins them by commas in place. Returns what
 * stands behind the list; NULL when it is another. */
static char *read_plain_list(char *at, const char *end, struct slice *value_out)
{
    char *joined = at, *out = at;
    do {
        if (end - at < 3 || at[1] != '"')
            return NULL;
        char *text = at + 2, *quote = memchr(text, '"', (size_t)(end - text));
        if (quote == NULL)
            return NULL;
        if (out != joined)
            *out++ = ',';
        memmove(out, text, (size_t)(quote - text));
        out += quote - text;
        at = quote + 1;
    } while (at < end && *at == ',');
    *value_out = slice_of(joined, (size_t)(out - joined));
    return at < end && *at == ']' ? at + 1 : NULL;
}

/* Reads one value; *kind_out is what it is. Returns what stands behind it; NULL when it is another
 * than the gate writes. The text has a NUL at `end`. */
static char *read_plain_value(char *at, const char *end, struct slice *value_out,
                              enum form *kind_out)
{
    char *begin = at;
    switch (*at) {
    case '"':
        at = memchr(begin + 1, '"', (size_t)(end - begin - 1));
        *kind_out = TEXT;
        if (at != NULL)
            *value_out = slice_of(begin + 1, (size_t)(at - begin - 1));
        return at == NULL ? NULL : at + 1;
    case '[':
        *kind_out = LIST;
        return read_plain_list(at, end, value_out);
    case 't':
        *kind_out = SCALAR;
        *value_out = slice_of(begin, 4);
        return end - at > 4 && memcmp(at, "true", 4) == 0 ? at + 4 : NULL;
    default:
        while (*at >= '0' && *at <= '9')
            at++;
        *kind_out = NUMBER;
        *value_out = slice_of(begin, (size_t)(at - begin));
        return at == begin || (*begin == '0' && at - begin > 1) ? NULL : at;
    }
}

static bool is_taken(size_t field, enum form kind)
{
    return fields[field].form == kind || (fields[field].form == SCALAR && kind != LIST);
}

/* Reads a plain line in which nothing stands between the tokens, in line->text, where the fields
 * then point. False when it is another; that says nothing about whether it is good. */
static bool parse_plain(struct log_line *line)
{
    char *at = line->text.data, *end = at + line->text.len - 1;
    size_t expected = 0;
    uint64_t seen = 0;
    memset(line->fields, 0, sizeof(line->fields));
    if (*at != '{')
        return false;
    do {
        if (end - at < 4 || at[1] != '"')
            return false;
        at += 2;
        size_t field = field_at(at, end, expected);
        char *quote =
            field < LOG_FIELDS ? at + fields[field].name.len : memchr(at, '"', (size_t)(end - at));
        struct slice value = {NULL, 0};
        enum form kind = TEXT;
        if (quote == NULL || quote[1] != ':' ||
            (at = read_plain_value(quote + 2, end, &value, &kind)) == NULL)
            return false;
        if (field == LOG_FIELDS)
            continue;
        if ((seen >> field & 1) != 0)
            return false;
        seen |= UINT64_C(1) << field;
        if (is_taken(field, kind))
            line->fields[field] = value;
        expected = field + 1;
    } while (*at == ',');
    return *at == '}' && at + 1 == end;
}

/* --- any other line --- */

static bool is_scalar(enum json_token_kind kind)
{
    return kind == JSON_STRING || kind == JSON_NUMBER || kind == JSON_TRUE || kind == JSON_FALSE;
}

static bool is_token_taken(size_t field, enum json_token_kind kind)
{
    if (kind == JSON_STRING)
        return is_taken(field, TEXT);
    if (kind == JSON_NUMBER)
        return is_taken(field, NUMBER);
    return is_taken(field, kind == JSON_ARRAY_BEGIN ? LIST : SCALAR);
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
    while (field < LOG_FIELDS && !json_token_equal(key, fields[field].name))
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
    places->present[field] = true;
    places->taken[field] = (is_scalar(value.kind) || value.kind == JSON_ARRAY_BEGIN) &&
                           is_token_taken(field, value.kind);
    return true;
}

static bool parse_any(struct log_line *line, struct slice json)
{
    struct places places = {0};
    struct json_reader reader;
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
        line->fields[i] = places.taken[i] ? slice_of(line->text.data + places.begin[i],
                                                     places.end[i] - places.begin[i])
                                          : slice_of(NULL, 0);
    return true;
}

bool log_line_parse(struct log_line *line, struct slice json)
{
    buffer_clear(&line->text);
    if (is_plain(json)) {
        buffer_append_slice(&line->text, json);
        buffer_append_byte(&line->text, '\0');
        if (line->text.failed)
            return false;
        if (parse_plain(line))
            return true;
        buffer_clear(&line->text);
    } else if (has_control_bytes(json)) {
        return false;
    }
    return parse_any(line, json);
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
