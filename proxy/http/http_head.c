/* SPDX-License-Identifier: Apache-2.0
 *
 * Message heads: the lines come from proxy/http/http_line.c; here fields get their meaning (which may
 * stand once, how the body is framed, what Connection says), limits hold, and http-parser reads the
 * accepted head a second time. http-parser alone would accept most of what is refused here, so it is never asked whether a head is good, only whether it sees the same one. Called by the
 * connections of both sides. A head that has only partly arrived is judged as far as it goes;
 * reading goes on at the line that was cut, and the whole is read anew only when another line has
 * ended. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memrchr */
#endif
#include "proxy/http/http_head.h"

/* http-parser has an enum of the same name as ours. */
#define http_method http_parser_method
#include <http_parser.h>
#undef http_method

#include "proxy/http/http_fault.h"
#include "proxy/http/http_line.h"

enum { CONTENT_LENGTH_DIGITS_MAX = 18 };

/* Fields that mean something to this file, or that may not be repeated because two readers would
 * pick different ones. */
enum known_field {
    FIELD_HOST,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONNECTION,
    FIELD_UPGRADE,
    FIELD_EXPECT,
    FIELD_CONTENT_TYPE,
    FIELD_CONTENT_ENCODING,
    FIELD_ORIGIN,
    FIELD_AUTHORIZATION,
    FIELD_REGISTRY_AUTH,
    FIELD_REGISTRY_CONFIG,
    FIELD_WEBSOCKET_KEY,
    FIELD_WEBSOCKET_VERSION,
    FIELD_OTHER,
};

struct known_field_row {
    struct slice name;
    bool once_in_request, once_in_response;
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
static const struct known_field_row known_fields[FIELD_OTHER] = {
    [FIELD_HOST] = {NAME("Host"), true, false},
    [FIELD_CONTENT_LENGTH] = {NAME("Content-Length"), true, true},
    [FIELD_TRANSFER_ENCODING] = {NAME("Transfer-Encoding"), true, true},
    [FIELD_CONNECTION] = {NAME("Connection"), false, false},
    [FIELD_UPGRADE] = {NAME("Upgrade"), true, true},
    [FIELD_EXPECT] = {NAME("Expect"), true, false},
    [FIELD_CONTENT_TYPE] = {NAME("Content-Type"), true, true},
    [FIELD_CONTENT_ENCODING] = {NAME("Content-Encoding"), true, true},
    [FIELD_ORIGIN] = {NAME("Origin"), true, false},
    [FIELD_AUTHORIZATION] = {NAME("Authorization"), true, false},
    [FIELD_REGISTRY_AUTH] = {NAME("X-Registry-Auth"), true, false},
    [FIELD_REGISTRY_CONFIG] = {NAME("X-Registry-Config"), true, false},
    [FIELD_WEBSOCKET_KEY] = {NAME("Sec-WebSocket-Key"), true, false},
    [FIELD_WEBSOCKET_VERSION] = {NAME("Sec-WebSocket-Version"), true, false},
};

/* One head being read. */
struct reader {
    struct http_head *head;
    const char *bytes, *end; /* what has arrived, at most limits.head_len */
    enum http_side side;
    enum http_addressee addressee;
    struct http_head_limits limits;
    struct error *error;
    struct slice raw_target, authority; /* as they were written */
    unsigned seen;                      /* bit n: known field n was there */
    struct slice repeated;              /* the line of a second Content-Length that says the same */
};

static bool has_seen(const struct reader *reader, enum known_field field)
{
    return (reader->seen & (1U << field)) != 0;
}

#define REFUSE(reader, fault, ...)                                                                 \
    http_fault_set((reader)->error, (reader)->side, (fault), __VA_ARGS__)

static enum known_field known_field_of(struct slice name)
{
    for (unsigned i = 0; i < FIELD_OTHER; i++) {
        /* Length and first letter decide nearly always, without a call. */
        if (known_fields[i].name.len == name.len &&
            ((known_fields[i].name.ptr[0] ^ name.ptr[0]) & ~0x20) == 0 &&
            slice_equal_nocase(known_fields[i].name, name))
            return (enum known_field)i;
    }
    return FIELD_OTHER;
}

/* A comma-separated list as RFC 9110 section 5.6.1 defines it: the next element without blanks, ptr
 * NULL at the end. */
static struct slice next_list_element(struct slice *rest)
{
    while (rest->ptr != NULL) {
        struct slice element = slice_trim_blanks(slice_cut(rest, ','));
        if (element.len > 0)
            return element;
    }
    return (struct slice){NULL, 0};
}

static void read_connection(struct http_head *head, struct slice value)
{
    struct slice rest = value, option;
    while ((option = next_list_element(&rest)).ptr != NULL) {
        if (slice_equal_nocase(option, SLICE_LITERAL("close")))
            head->connection_close = true;
        else if (slice_equal_nocase(option, SLICE_LITERAL("keep-alive")))
            head->connection_keep_alive = true;
        else if (slice_equal_nocase(option, SLICE_LITERAL("upgrade")))
            head->connection_upgrade = true;
    }
}

/* Content-Length and Transfer-Encoding share what makes smuggling: two fields, or one that readers
 * trim differently. http-parser does not take a tab behind these values for a blank, so the head
 * could not be confirmed. */
static bool check_framing_field(struct reader *reader, const struct http_field_line *field)
{
    if (has_seen(reader, FIELD_CONTENT_LENGTH) && has_seen(reader, FIELD_TRANSFER_ENCODING))
        return REFUSE(reader, HTTP_FAULT_FRAMING,
                      "Content-Length and Transfer-Encoding stand together; send one of them");
    struct slice blanks = field->blanks_behind;
    if (blanks.len > 0 && memchr(blanks.ptr, '\t', blanks.len) != NULL)
        return REFUSE(reader, HTTP_FAULT_FRAMING,
                      "a tab stands behind the value of Content-Length or Transfer-Encoding");
    if (reader->side == HTTP_SIDE_UPSTREAM && reader->head->status / 100 == 1)
        return REFUSE(reader, HTTP_FAULT_FRAMING,
                      "an interim response (1xx) has no body, yet it carries Content-Length or "
                      "Transfer-Encoding");
    return true;
}

static bool read_content_length(struct reader *reader, const struct http_field_line *field)
{
    struct slice value = field->value;
    if (!check_framing_field(reader, field))
        return false;
    uint64_t number = 0;
    bool plain = value.len <= CONTENT_LENGTH_DIGITS_MAX && slice_to_u64(value, &number) &&
                 (value.len == 1 || value.ptr[0] != '0');
    if (!plain) {
        char quoted[64];
        error_quote(value, quoted, sizeof(quoted));
        return REFUSE(reader, HTTP_FAULT_CONTENT_LENGTH,
                      "Content-Length is %s; expected 1 to %d digits without leading zeros", quoted,
                      CONTENT_LENGTH_DIGITS_MAX);
    }
    reader->head->framing = HTTP_FRAMING_LENGTH;
    reader->head->content_length = number;
    return true;
}

static bool read_transfer_encoding(struct reader *reader, const struct http_field_line *field)
{
    struct slice value = field->value;
    if (!check_framing_field(reader, field))
        return false;
    if (reader->head->minor_version == 0)
        return REFUSE(reader, HTTP_FAULT_FRAMING,
                      "HTTP/1.0 has no Transfer-Encoding; send Content-Length or speak HTTP/1.1");
    if (value.len == 0)
        return REFUSE(reader, HTTP_FAULT_FRAMING, "Transfer-Encoding is empty; leave it out");
    if (!slice_equal_nocase(value, SLICE_LITERAL("chunked"))) {
        char quoted[64];
        error_quote(value, quoted, sizeof(quoted));
        return REFUSE(reader, HTTP_FAULT_TRANSFER_CODING,
                      "Transfer-Encoding is %s; the only one taken here is `chunked`, alone",
                      quoted);
    }
    reader->head->framing = HTTP_FRAMING_CHUNKED;
    return true;
}

static bool read_host(struct reader *reader, struct slice value)
{
    if (value.len > 0 && !http_line_is_host(value)) {
        char quoted[96];
        error_quote(value, quoted, sizeof(quoted));
        return REFUSE(reader, HTTP_FAULT_HOST,
                      "Host is %s; expected a host and perhaps a port, nothing else", quoted);
    }
    reader->head->host = value;
    return true;
}

/* RFC 9110 section 10.1.1: from HTTP/1.0 the expectation is ignored. */
static bool read_expect(struct reader *reader, struct slice value)
{
    if (reader->head->minor_version == 0)
        return true;
    if (!slice_equal_nocase(value, SLICE_LITERAL("100-continue"))) {
        char quoted[64];
        error_quote(value, quoted, sizeof(quoted));
        return REFUSE(reader, HTTP_FAULT_EXPECT,
                      "Expect is %s; the only expectation met here is `100-continue`", quoted);
    }
    reader->head->expect_continue = true;
    return true;
}

/* Whether it is a second Content-Length that says what the first says, and no third. */
static bool is_same_length(const struct reader *reader, const struct http_field_line *field)
{
    return has_seen(reader, FIELD_CONTENT_LENGTH) && reader->repeated.ptr == NULL &&
           slice_equal(http_head_field(reader->head, known_fields[FIELD_CONTENT_LENGTH].name),
                       field->value);
}

/* Gives a field its meaning; its line begins at `start`. */
static bool read_known_field(struct reader *reader, enum known_field known, const char *start,
                             const struct http_field_line *field)
{
    const struct known_field_row *row = &known_fields[known];
    bool is_request = reader->side == HTTP_SIDE_CLIENT;
    bool once = is_request ? row->once_in_request : row->once_in_response;
    bool framing = known == FIELD_CONTENT_LENGTH || known == FIELD_TRANSFER_ENCODING;
    if (known == FIELD_CONTENT_LENGTH && !is_request && is_same_length(reader, field)) {
        reader->repeated = slice_of(start, (size_t)(field->next - start));
        return true;
    }
    if (once && has_seen(reader, known))
        return REFUSE(reader, framing ? HTTP_FAULT_REPEATED_FRAMING : HTTP_FAULT_REPEATED_FIELD,
                      "the field %s stands there twice; send it once", row->name.ptr);
    reader->seen |= 1U << known;
    if (known == FIELD_CONTENT_LENGTH)
        return read_content_length(reader, field);
    if (known == FIELD_TRANSFER_ENCODING)
        return read_transfer_encoding(reader, field);
    if (known == FIELD_CONNECTION)
        read_connection(reader->head, field->value);
    else if (known == FIELD_UPGRADE)
        reader->head->upgrade = field->value;
    else if (known == FIELD_HOST && is_request)
        return read_host(reader, field->value);
    else if (known == FIELD_EXPECT && is_request)
        return read_expect(reader, field->value);
    return true;
}

/* What can only be said when all fields are there. */
static bool check_request_host(struct reader *reader)
{
    const struct http_head *head = reader->head;
    if (head->host.ptr == NULL && head->minor_version == 1)
        return REFUSE(reader, HTTP_FAULT_HOST, "Host is missing; HTTP/1.1 requires it once");
    if (reader->authority.ptr != NULL && !slice_equal_nocase(reader->authority, head->host))
        return REFUSE(reader, HTTP_FAULT_HOST,
                      "the authority of the request target is not the one of the Host field");
    return true;
}

static enum http_head_result to_head_result(enum http_line_result result)
{
    return result == HTTP_LINE_BAD ? HTTP_HEAD_BAD : HTTP_HEAD_MORE;
}

static struct http_line line_at(const struct reader *reader, const char *start, const char *from)
{
    return (struct http_line){start, from, reader->end, reader->side, reader->addressee};
}

/* The first line; on HTTP_LINE_OK *next_out stands behind it. */
static enum http_line_result read_start_line(struct reader *reader, const char *from,
                                             const char **next_out)
{
    struct http_line line = line_at(reader, reader->bytes, from);
    struct http_head *head = reader->head;
    enum http_line_result result;
    if (reader->side == HTTP_SIDE_UPSTREAM) {
        struct http_status_line status;
        result = http_line_scan_status(&line, &status, reader->error);
        if (result != HTTP_LINE_OK)
            return result;
        head->status = status.status;
        head->reason = status.reason;
        head->minor_version = status.minor_version;
        *next_out = status.next;
        return result;
    }
    struct http_request_line request;
    result = http_line_scan_request(&line, reader->limits.target_len, &request, reader->error);
    if (result != HTTP_LINE_OK)
        return result;
    head->method = request.method;
    head->method_name = request.method_name;
    head->target = request.origin;
    head->minor_version = request.minor_version;
    reader->raw_target = request.target;
    reader->authority = request.authority;
    *next_out = request.next;
    return result;
}

/* In the names of options. */
static const char *of_answers(const struct reader *reader)
{
    return reader->side == HTTP_SIDE_UPSTREAM ? "answer-" : "";
}

/* Field lines from `next` to the empty line; on HTTP_HEAD_OK *next_io stands behind it. */
static enum http_head_result read_fields(struct reader *reader, const char **next_io)
{
    struct http_head *head = reader->head;
    for (const char *start = *next_io;;) {
        struct http_field_line field;
        struct http_line line = line_at(reader, start, start);
        if (start < reader->end && *start != '\r' &&
            head->field_count >= reader->limits.field_count) {
            REFUSE(reader, HTTP_FAULT_TOO_MANY_FIELDS,
                   "the head has more than %zu fields; --max-%sfields raises that, up to %d",
                   reader->limits.field_count, of_answers(reader), HTTP_HEAD_FIELDS_MAX);
            return HTTP_HEAD_BAD;
        }
        enum http_line_result result = http_line_scan_field(&line, &field, reader->error);
        if (result == HTTP_LINE_LAST) {
            *next_io = field.next;
            return HTTP_HEAD_OK;
        }
        if (result != HTTP_LINE_OK)
            return to_head_result(result);
        enum known_field known = known_field_of(field.name);
        if (known != FIELD_OTHER && !read_known_field(reader, known, start, &field))
            return HTTP_HEAD_BAD;
        if (start != reader->repeated.ptr)
            head->fields[head->field_count++] = (struct http_field){field.name, field.value};
        start = field.next;
    }
}

/* What http-parser saw of the same bytes. */
struct second_reading {
    struct slice url;
    bool complete;
    unsigned flags;
    uint64_t content_length;
};

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct second_reading *second = parser->data;
    /* In two pieces it would not be the URL that we saw; a length of zero never is. */
    second->url = second->url.ptr == NULL ? slice_of(at, len) : slice_of(at, 0);
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct second_reading *second = parser->data;
    second->complete = true;
    second->flags = parser->flags;
    second->content_length = parser->content_length;
    return 2; /* no body, and stop exactly behind the head */
}

static const http_parser_settings second_reader = {
    .on_url = on_url,
    .on_headers_complete = on_headers_complete,
};

/* Lets http-parser read the head, but for a line that was passed over. It knows some methods only:
 * what is not in the core list is read as if it were a POST, since a method in capitals with a blank
 * behind it has one reading. Returns how far it came. */
static size_t second_read(http_parser *parser, const struct reader *reader, size_t head_len)
{
    static const char stand_in[] = "POST";
    const struct http_head *head = reader->head;
    bool core = reader->side == HTTP_SIDE_UPSTREAM ||
                (head->method != HTTP_METHOD_UNKNOWN && head->method < HTTP_METHOD_CORE_COUNT);
    size_t at = core ? 0 : head->method_name.len;
    http_parser_set_max_header_size(HTTP_HEAD_LEN_MAX);
    if (!core && http_parser_execute(parser, &second_reader, stand_in, sizeof(stand_in) - 1) == 0)
        return 0;
    struct slice repeated = reader->repeated;
    size_t until = repeated.ptr == NULL ? head_len : (size_t)(repeated.ptr - reader->bytes);
    at += http_parser_execute(parser, &second_reader, reader->bytes + at, until - at);
    if (at != until || until == head_len)
        return at;
    at += repeated.len;
    return at + http_parser_execute(parser, &second_reader, reader->bytes + at, head_len - at);
}

/* NULL when http-parser read the same head, else what it saw differently. */
static const char *find_difference(const struct reader *reader, size_t head_len)
{
    const struct http_head *head = reader->head;
    bool is_request = reader->side == HTTP_SIDE_CLIENT;
    struct second_reading second = {{NULL, 0}, false, 0, 0};
    http_parser parser = {0};
    parser.data = &second;
    http_parser_init(&parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE);
    size_t parsed = second_read(&parser, reader, head_len);
    if (HTTP_PARSER_ERRNO(&parser) != HPE_OK)
        return http_errno_name(HTTP_PARSER_ERRNO(&parser));
    if (!second.complete || parsed != head_len)
        return "the end of the head";
    if (parser.http_major != 1 || parser.http_minor != head->minor_version)
        return "the version";
    if (!is_request && parser.status_code != head->status)
        return "the status";
    if (is_request) {
        const char *method = http_method_str((enum http_parser_method)parser.method);
        if (head->method < HTTP_METHOD_CORE_COUNT && head->method != HTTP_METHOD_UNKNOWN &&
            !slice_equal_text(head->method_name, method))
            return "the method";
        if (second.url.ptr != reader->raw_target.ptr || second.url.len != reader->raw_target.len)
            return "the target";
    }
    if (((second.flags & F_CHUNKED) != 0) != (head->framing == HTTP_FRAMING_CHUNKED))
        return "the transfer coding";
    bool has_length = head->framing == HTTP_FRAMING_LENGTH;
    if (second.content_length != (has_length ? head->content_length : UINT64_MAX))
        return "the length of the body";
    return NULL;
}

/* Everything from the first byte on. */
static enum http_head_result read_whole(struct reader *reader, size_t *consumed_out)
{
    struct http_head *head = reader->head;
    head->field_count = 0;
    head->framing = reader->side == HTTP_SIDE_UPSTREAM ? HTTP_FRAMING_CLOSE : HTTP_FRAMING_NONE;
    head->content_length = 0;
    head->method = HTTP_METHOD_UNKNOWN;
    head->status = 0;
    head->method_name = head->target = head->host = head->reason = head->upgrade =
        (struct slice){NULL, 0};
    head->connection_close = head->connection_keep_alive = head->connection_upgrade = false;
    head->expect_continue = false;

    const char *next = reader->bytes;
    enum http_line_result first = read_start_line(reader, reader->bytes, &next);
    if (first != HTTP_LINE_OK)
        return to_head_result(first);
    enum http_head_result result = read_fields(reader, &next);
    if (result != HTTP_HEAD_OK)
        return result;
    if (reader->side == HTTP_SIDE_CLIENT && !check_request_host(reader))
        return HTTP_HEAD_BAD;
    size_t head_len = (size_t)(next - reader->bytes);
    const char *difference = find_difference(reader, head_len);
    if (difference != NULL) {
        REFUSE(reader, HTTP_FAULT_PARSERS_DISAGREE,
               "two parsers read this head differently (%s), so others may too", difference);
        return HTTP_HEAD_BAD;
    }
    *consumed_out = head_len;
    return HTTP_HEAD_OK;
}

/* Whether nothing but the middle of one line has come since `scanned`. */
static bool is_within_line(const struct reader *reader, size_t scanned)
{
    size_t len = (size_t)(reader->end - reader->bytes);
    return scanned > 0 && scanned <= len && reader->bytes[scanned - 1] != '\n' &&
           memchr(reader->bytes + scanned, '\n', len - scanned) == NULL;
}

/* Only the new bytes of the line that is still open. */
static enum http_head_result read_within_line(struct reader *reader, size_t scanned)
{
    const char *from = reader->bytes + scanned, *next;
    const char *line_end = memrchr(reader->bytes, '\n', scanned);
    if (line_end == NULL)
        return to_head_result(read_start_line(reader, from, &next));
    struct http_field_line field;
    struct http_line line = line_at(reader, line_end + 1, from);
    return to_head_result(http_line_scan_field(&line, &field, reader->error));
}

static enum http_head_result parse(struct reader *reader, size_t len, size_t *scanned,
                                   size_t *consumed_out)
{
    size_t usable = len < reader->limits.head_len ? len : reader->limits.head_len;
    reader->end = reader->bytes + usable;
    enum http_head_result result = is_within_line(reader, *scanned)
                                       ? read_within_line(reader, *scanned)
                                       : read_whole(reader, consumed_out);
    if (result != HTTP_HEAD_MORE)
        return result;
    *scanned = usable;
    if (len < reader->limits.head_len)
        return HTTP_HEAD_MORE;
    REFUSE(reader, HTTP_FAULT_HEAD_TOO_LARGE,
           "the head is longer than %zu bytes; --max-%shead raises that, up to 1m",
           reader->limits.head_len, of_answers(reader));
    return HTTP_HEAD_BAD;
}

static size_t at_most(size_t value, size_t max)
{
    return value > 0 && value < max ? value : max;
}

static struct http_head_limits at_most_max(const struct http_head_limits *limits)
{
    return (struct http_head_limits){at_most(limits->head_len, HTTP_HEAD_LEN_MAX),
                                     at_most(limits->target_len, HTTP_HEAD_TARGET_MAX),
                                     at_most(limits->field_count, HTTP_HEAD_FIELDS_MAX)};
}

static enum http_head_result parse_request(struct http_head *head, enum http_addressee addressee,
                                           const char *bytes, size_t len, size_t *scanned,
                                           const struct http_head_limits *limits,
                                           size_t *consumed_out, struct error *error)
{
    struct reader reader = {
        .head = head,
        .bytes = bytes,
        .side = HTTP_SIDE_CLIENT,
        .addressee = addressee,
        .limits = at_most_max(limits),
        .error = error,
    };
    return parse(&reader, len, scanned, consumed_out);
}

enum http_head_result http_head_parse_request(struct http_head *head, const char *bytes, size_t len,
                                              size_t *scanned,
                                              const struct http_head_limits *limits,
                                              size_t *consumed_out, struct error *error)
{
    return parse_request(head, HTTP_TO_ENGINE, bytes, len, scanned, limits, consumed_out, error);
}

enum http_head_result http_head_parse_origin_request(struct http_head *head, const char *bytes,
                                                     size_t len, size_t *scanned,
                                                     const struct http_head_limits *limits,
                                                     size_t *consumed_out, struct error *error)
{
    return parse_request(head, HTTP_TO_ORIGIN, bytes, len, scanned, limits, consumed_out, error);
}

enum http_head_result http_head_parse_proxy_request(struct http_head *head, const char *bytes,
                                                    size_t len, size_t *scanned,
                                                    const struct http_head_limits *limits,
                                                    size_t *consumed_out, struct error *error)
{
    return parse_request(head, HTTP_TO_PROXY, bytes, len, scanned, limits, consumed_out, error);
}

enum http_head_result http_head_parse_response(struct http_head *head, const char *bytes,
                                               size_t len, size_t *scanned,
                                               const struct http_sender *sender,
                                               size_t *consumed_out, struct error *error)
{
    struct reader reader = {
        .head = head,
        .bytes = bytes,
        .side = HTTP_SIDE_UPSTREAM,
        .limits = at_most_max(&sender->limits),
        .error = error,
    };
    enum http_head_result result = parse(&reader, len, scanned, consumed_out);
    if (result == HTTP_HEAD_BAD) {
        char text[sizeof(error->text)];
        memcpy(text, error->text, sizeof(text));
        error_set_reason(error, error->status, error->reason,
                         "the answer of %s cannot be trusted: %.400s", sender->name, text);
    }
    return result;
}

enum http_framing http_response_framing(const struct http_head *head, enum http_method method)
{
    if (head->status / 100 == 1 || head->status == 204 || head->status == 304 ||
        method == HTTP_METHOD_HEAD)
        return HTTP_FRAMING_NONE;
    return head->framing;
}

enum http_framing http_client_framing(enum http_framing framing, bool minor_version_0)
{
    if (framing == HTTP_FRAMING_CHUNKED && minor_version_0)
        return HTTP_FRAMING_CLOSE;
    if (framing == HTTP_FRAMING_CLOSE && !minor_version_0)
        return HTTP_FRAMING_CHUNKED;
    return framing;
}

bool http_response_shows_length(const struct http_head *head, enum http_framing framing)
{
    return framing == HTTP_FRAMING_NONE && head->framing == HTTP_FRAMING_LENGTH &&
           head->status != 204;
}

bool http_response_closes(const struct http_head *head, enum http_framing framing)
{
    return framing == HTTP_FRAMING_CLOSE || head->connection_close || head->minor_version == 0;
}

struct slice http_head_field(const struct http_head *head, struct slice name)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        if (slice_equal_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    }
    return (struct slice){NULL, 0};
}

unsigned http_head_field_count(const struct http_head *head, struct slice name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < head->field_count; i++)
        count += slice_equal_nocase(head->fields[i].name, name) ? 1 : 0;
    return count;
}

bool http_head_connection_names(const struct http_head *head, struct slice field)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        if (!slice_equal_nocase(head->fields[i].name, SLICE_LITERAL("Connection")))
            continue;
        struct slice rest = head->fields[i].value, option;
        while ((option = next_list_element(&rest)).ptr != NULL) {
            if (slice_equal_nocase(option, field))
                return true;
        }
    }
    return false;
}
