/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of one log line. A log may have been cut, mixed with other output or tampered with, so
 * nothing is taken on trust. Logs have millions of lines, nearly all of them texts and numbers in the
 * form in which the gate writes: those are read in one pass, twice as fast as token by token; any
 * other goes through the JSON tokenizer. Both accept the same and find the same. */
#include "policy/log/log_line.h"

#include "base/ascii_run.h"
#include "base/json_token.h"

/* What a field may be; a value of another kind is passed over as if it were not there. */
enum form { TEXT, NUMBER, LIST, SCALAR };

#define ROW(field, name, form) {SLICE_LITERAL(name), form},
static const struct {
    struct slice name;
    enum form form;
} fields[LOG_FIELDS] = {LOG_FIELD_TABLE(ROW)};
#undef ROW

const char *log_field_name(enum log_field field)
{
    return fields[field].name.ptr;
}

/* Bytes that a terminal would obey: C0 controls, DEL and, in UTF-8, the C1 controls. */
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

static bool is_taken(enum form form, enum json_token_kind kind)
{
    return form == SCALAR ? kind != JSON_ARRAY_BEGIN
                          : kind == (form == TEXT     ? JSON_STRING
                                     : form == NUMBER ? JSON_NUMBER
                                                      : JSON_ARRAY_BEGIN);
}

/* --- lines as the gate writes them --- */

/* The field whose name stands at `at`, closed by a quote. The gate writes the fields in their order,
 * so those behind `expected` are tried first. LOG_FIELDS when it is none of them. */
static size_t field_at(const char *at, const char *end, size_t expected)
{
    for (size_t tried = 0; tried < LOG_FIELDS; tried++) {
        size_t field =
            expected + tried < LOG_FIELDS ? expected + tried : expected + tried - LOG_FIELDS;
        struct slice name = fields[field].name;
        if (*at == *name.ptr && (size_t)(end - at) > name.len && at[name.len] == '"' &&
            memcmp(at, name.ptr, name.len) == 0)
            return field;
    }
    return LOG_FIELDS;
}

/* Reads a text or a number; NULL when it is something else, else what stands behind it. */
static const char *read_plain_value(const char *at, const char *end, struct slice *value_out,
                                    enum json_token_kind *kind_out)
{
    const char *begin = at;
    if (*at == '"') {
        at = memchr(begin + 1, '"', (size_t)(end - begin - 1));
        if (at == NULL)
            return NULL;
        *value_out = slice_of(begin + 1, (size_t)(at - begin - 1));
        *kind_out = JSON_STRING;
        return at + 1;
    }
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    *value_out = slice_of(begin, (size_t)(at - begin));
    *kind_out = JSON_NUMBER;
    return at == begin || (*begin == '0' && at - begin > 1) ? NULL : at;
}

/* Reads an object of texts and numbers, printable ASCII, in which nothing stands between the tokens and
 * nothing is escaped. False when it is another; that says nothing about whether it is good. */
static bool parse_plain(struct log_line *line, struct slice json)
{
    const char *at = json.ptr, *end = json.ptr + json.len;
    size_t expected = 0;
    uint64_t seen = 0;
    if (json.len == 0 || *at != '{' || memchr(at, '\\', json.len) != NULL)
        return false;
    do {
        if (end - at < 3 || at[1] != '"')
            return false;
        at += 2;
        size_t field = field_at(at, end, expected);
        const char *quote =
            field < LOG_FIELDS ? at + fields[field].name.len : memchr(at, '"', (size_t)(end - at));
        struct slice value;
        enum json_token_kind kind;
        if (quote == NULL || end - quote < 3 || quote[1] != ':' ||
            (at = read_plain_value(quote + 2, end, &value, &kind)) == NULL)
            return false;
        if (field == LOG_FIELDS)
            continue;
        if ((seen >> field & 1) != 0)
            return false;
        seen |= UINT64_C(1) << field;
        if (is_taken(fields[field].form, kind))
            line->fields[field] = value;
        expected = field + 1;
    } while (at < end && *at == ',');
    return at + 1 == end && *at == '}';
}

/* --- any other line --- */

/* What a scalar means: a piece of the line, or of `text` where it had escapes. False when the token
 * is none. */
static bool read_scalar(struct json_token token, struct buffer *text, struct slice *value_out)
{
    size_t begin = text->len;
    *value_out = token.text;
    if (token.kind == JSON_TRUE || token.kind == JSON_FALSE) {
        *value_out = token.kind == JSON_TRUE ? SLICE_LITERAL("true") : SLICE_LITERAL("false");
    } else if (token.kind == JSON_STRING && token.has_escapes) {
        json_unescape(token, text);
        *value_out = slice_of(text->data + begin, text->len - begin);
    }
    return value_out->ptr != NULL;
}

/* Joins the scalars of a list, whose first bracket was read, in `text`. */
static bool read_list(struct json_reader *reader, struct buffer *text, struct slice *value_out)
{
    size_t begin = text->len;
    struct json_token token;
    while ((token = json_next(reader)).kind != JSON_ARRAY_END) {
        struct slice value;
        size_t before = text->len;
        if (before > begin)
            buffer_append_byte(text, ',');
        if (read_scalar(token, text, &value)) {
            if (token.kind != JSON_STRING || !token.has_escapes) /* else it stands there already */
                buffer_append_slice(text, value);
        } else {
            text->len = before;
            if (!json_skip(reader, token))
                return false;
        }
    }
    *value_out = slice_of(text->data + begin, text->len - begin);
    return true;
}

/* Reads the value of a field; *value_out stays as it is when the field is not of that form. */
static bool read_value(struct json_reader *reader, enum form form, struct buffer *text,
                       struct slice *value_out)
{
    struct json_token token = json_next(reader);
    struct slice value;
    if (token.kind == JSON_ARRAY_BEGIN ? !read_list(reader, text, &value)
                                       : !read_scalar(token, text, &value))
        return json_skip(reader, token);
    if (is_taken(form, token.kind))
        *value_out = value;
    return true;
}

static bool parse_any(struct log_line *line, struct slice json)
{
    struct json_reader reader;
    struct json_token key;
    uint64_t seen = 0;
    /* What is unescaped or joined takes no more room than it took, so the buffer does not move. */
    if (!buffer_reserve(&line->text, json.len + 1))
        return false;
    json_reader_init(&reader, json);
    if (json_next(&reader).kind != JSON_OBJECT_BEGIN)
        return false;
    while ((key = json_next(&reader)).kind == JSON_KEY) {
        size_t field = 0;
        while (field < LOG_FIELDS && !json_token_equal(key, fields[field].name))
            field++;
        if (field == LOG_FIELDS) {
            if (!json_skip(&reader, json_next(&reader)))
                return false;
        } else if ((seen >> field & 1) != 0 ||
                   !read_value(&reader, fields[field].form, &line->text, &line->fields[field])) {
            return false;
        }
        seen |= field < LOG_FIELDS ? UINT64_C(1) << field : 0;
    }
    return key.kind == JSON_OBJECT_END && json_next(&reader).kind == JSON_END;
}

bool log_line_parse(struct log_line *line, struct slice json)
{
    bool printable = ascii_run_is_printable(json);
    buffer_clear(&line->text);
    memset(line->fields, 0, sizeof(line->fields));
    if (printable && parse_plain(line, json))
        return true;
    memset(line->fields, 0, sizeof(line->fields));
    return (printable || !has_control_bytes(json)) && parse_any(line, json);
}

struct slice log_line_record(struct slice text)
{
    static const struct slice begin = SLICE_LITERAL("{\"ts\":\"");
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (text.len == 0 || text.ptr[0] == '{')
        return text;
    /* In a record a quote is escaped: this can be nothing but the beginning of one. */
    const char *at = memmem(text.ptr, text.len, begin.ptr, begin.len);
    return at == NULL ? text : slice_of(at, (size_t)(text.ptr + text.len - at));
}

void log_line_free(struct log_line *line)
{
    buffer_free(&line->text);
}

enum log_decision log_line_decision(const struct log_line *line)
{
    if (slice_equal_text(line->fields[LOG_FIELD_DECISION], "deny") ||
        slice_equal_text(line->fields[LOG_FIELD_EVENT], "suppressed"))
        return LOG_DENIED;
    return line->fields[LOG_FIELD_WOULD_DENY].ptr != NULL ? LOG_WOULD_DENY : LOG_ALLOWED;
}

const char *log_decision_name(enum log_decision decision)
{
    static const char *const names[] = {
        [LOG_DENIED] = "deny", [LOG_WOULD_DENY] = "would-deny", [LOG_ALLOWED] = "allow"};
    return names[decision];
}

bool log_line_is_request(const struct log_line *line)
{
    static const char *const events[] = {"start", "stop", "policy", "lost", "seal"};
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (slice_equal_text(line->fields[LOG_FIELD_EVENT], events[i]))
            return false;
    }
    return true;
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
