/* SPDX-License-Identifier: Apache-2.0
 *
 * Scanners for the lines of a message head. Every byte has its place in the grammar or the line is
 * refused at that byte, so that nothing is left that another reader could take for something else:
 * no LF or CR alone, no folding, no blank before a colon, no second blank in the request line, no
 * fragment, no userinfo. Called by proxy/http/http_head.c alone. */
#include "proxy/http/http_line.h"

#include <stdint.h>

#include "proxy/http/foreign_client.h"

/* What a byte may be part of. */
enum {
    TOKEN = 1,     /* tchar of RFC 9110 section 5.6.2 */
    METHOD = 2,    /* a tchar that is no lower-case letter */
    TARGET = 4,    /* visible ASCII that RFC 3986 lets stand in a path or query, `[` and `]` too */
    VALUE = 8,     /* field-vchar, blank or tab: everything but control bytes */
    REG_NAME = 16, /* unreserved, sub-delims and `%` of RFC 3986 section 3.2.2 */
    HEX = 32,
    DIGIT = 64,
    RAW = 128, /* no byte of a URL, yet sent in some as it was typed */
};

enum {
    NAME_PUNCTUATION = TOKEN | METHOD | TARGET | VALUE | REG_NAME,
    UPPER = TOKEN | METHOD | TARGET | VALUE | REG_NAME,
    LOWER = TOKEN | TARGET | VALUE | REG_NAME,
    SUB_DELIM = TARGET | VALUE | REG_NAME, /* those that are no tchar */
    GEN_DELIM = TARGET | VALUE,
};

static const unsigned char byte_class[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = NAME_PUNCTUATION,
    ['"'] = VALUE | RAW,
    ['#'] = TOKEN | METHOD | VALUE,
    ['$' ... '\''] = NAME_PUNCTUATION,
    ['(' ... ')'] = SUB_DELIM,
    ['*' ... '+'] = NAME_PUNCTUATION,
    [','] = SUB_DELIM,
    ['-' ... '.'] = NAME_PUNCTUATION,
    ['/'] = GEN_DELIM,
    ['0' ... '9'] = UPPER | HEX | DIGIT,
    [':'] = GEN_DELIM,
    [';'] = SUB_DELIM,
    ['<'] = VALUE | RAW,
    ['='] = SUB_DELIM,
    ['>'] = VALUE | RAW,
    ['?' ... '@'] = GEN_DELIM,
    ['A' ... 'F'] = UPPER | HEX,
    ['G' ... 'Z'] = UPPER,
    ['['] = GEN_DELIM,
    ['\\'] = VALUE | RAW,
    [']'] = GEN_DELIM,
    ['^'] = TOKEN | METHOD | VALUE | RAW,
    ['_'] = NAME_PUNCTUATION,
    ['`'] = TOKEN | METHOD | VALUE | RAW,
    ['a' ... 'f'] = LOWER | HEX,
    ['g' ... 'z'] = LOWER,
    ['{'] = VALUE | RAW,
    ['|'] = TOKEN | METHOD | VALUE | RAW,
    ['}'] = VALUE | RAW,
    ['~'] = NAME_PUNCTUATION,
    [0x80 ... 0xff] = VALUE | RAW,
};

static inline bool is(char byte, unsigned class)
{
    return (byte_class[(unsigned char)byte] & class) != 0;
}

static inline char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* A CR that was the last byte of an earlier call was let pass on the condition that LF follows:
 * look at it again. */
static const char *resume_at(const struct http_line *line)
{
    return line->from > line->start && line->from[-1] == '\r' ? line->from - 1 : line->from;
}

#define REFUSE(line, error, fault, ...)                                                            \
    (http_fault_set((error), (line)->side, (fault), __VA_ARGS__), HTTP_LINE_BAD)

/* The fault of a byte that stands where no byte of its kind may. */
static enum http_line_result refuse_byte(const struct http_line *line, struct error *error,
                                         enum http_fault fault, const char *where, const char *byte)
{
    char quoted[16];
    error_quote(slice_of(byte, 1), quoted, sizeof(quoted));
    return REFUSE(line, error, fault, "%s may not contain the byte %s", where, quoted);
}

/* text, then CRLF at p: text is whole when the CR is there. */
static enum http_line_result scan_line_end(const struct http_line *line, const char *p,
                                           const char *where, struct error *error)
{
    if (p == line->end)
        return HTTP_LINE_MORE;
    if (*p == '\n')
        return REFUSE(line, error, HTTP_FAULT_LINE_END,
                      "%s ends with LF alone; lines end with CR LF", where);
    if (*p != '\r')
        return refuse_byte(line, error, HTTP_FAULT_CONTROL_BYTE, where, p);
    if (p + 1 == line->end)
        return HTTP_LINE_MORE;
    if (p[1] != '\n')
        return REFUSE(line, error, HTTP_FAULT_LINE_END,
                      "%s contains CR alone; a CR may only stand before the LF that ends the line",
                      where);
    return HTTP_LINE_OK;
}

/* method: 1*tchar, upper case, followed by SP. */
static enum http_line_result scan_method(const struct http_line *line, const char **space_out,
                                         struct error *error)
{
    const char *p = line->from;
    while (p < line->end && is(*p, METHOD) && p - line->start < HTTP_METHOD_LEN_MAX)
        p++;
    if (p == line->end)
        return HTTP_LINE_MORE;
    if (*p == ' ' && p > line->start) {
        *space_out = p;
        return HTTP_LINE_OK;
    }
    const char *advice = p > line->start ? NULL : foreign_client_advice(*p, line->addressee);
    if (advice != NULL)
        return REFUSE(line, error, foreign_client_fault(*p), "%s", advice);
    if (p == line->start && (*p == ' ' || *p == '\r' || *p == '\n'))
        return REFUSE(line, error, HTTP_FAULT_START_LINE,
                      "a request begins with its method; nothing may stand before it, not even an "
                      "empty line");
    if (p - line->start == HTTP_METHOD_LEN_MAX)
        return REFUSE(line, error, HTTP_FAULT_METHOD_UNKNOWN,
                      "the method has more than %d letters; no method taken here has",
                      HTTP_METHOD_LEN_MAX);
    if (*p >= 'a' && *p <= 'z')
        return REFUSE(line, error, HTTP_FAULT_METHOD,
                      "method names are case-sensitive and written in capitals, as in GET");
    return refuse_byte(line, error, HTTP_FAULT_METHOD, "a method", p);
}

static bool takes_method(enum http_addressee addressee, enum http_method method)
{
    switch (addressee) {
    case HTTP_TO_ENGINE:
        return method != HTTP_METHOD_UNKNOWN && method < HTTP_METHOD_CORE_COUNT &&
               method != HTTP_METHOD_TRACE && method != HTTP_METHOD_CONNECT;
    case HTTP_TO_ORIGIN:
        return method != HTTP_METHOD_TRACE && method != HTTP_METHOD_CONNECT;
    case HTTP_TO_PROXY:
        return method != HTTP_METHOD_TRACE;
    }
    return false;
}

/* Refuses what no listener of this kind takes as soon as its name is there: the rest of the line
 * may have another grammar. */
static enum http_line_result judge_method(const struct http_line *line,
                                          const struct http_request_line *request,
                                          struct error *error)
{
    /* RFC 9113 section 3.4: PRI is reserved for the preface of HTTP/2, so whoever sends it wants
     * that version. */
    if (request->method == HTTP_METHOD_UNKNOWN && slice_equal_text(request->method_name, "PRI"))
        return REFUSE(line, error, HTTP_FAULT_VERSION_UNSUPPORTED,
                      "HTTP/2 is not spoken here; use HTTP/1.1");
    if (takes_method(line->addressee, request->method))
        return HTTP_LINE_OK;
    char quoted[64];
    error_quote(request->method_name, quoted, sizeof(quoted));
    return REFUSE(line, error, HTTP_FAULT_METHOD_UNKNOWN, "the method %s is not taken here",
                  quoted);
}

static const char scheme[] = "http://";
enum { SCHEME_LEN = sizeof(scheme) - 1 };

/* One byte of an absolute form before its path: `http://` without case, then the authority up to
 * `/`. */
static bool is_absolute_form_byte(size_t index, char byte)
{
    if (index < SCHEME_LEN)
        return lower(byte) == scheme[index];
    return is(byte, REG_NAME) || byte == ':' || byte == '[' || byte == ']';
}

/* Where bytes may stand that RFC 3986 wants escaped: in a query for the engine, which is decoded and
 * written anew, and in path and query for an origin, where rules/network/url_target escapes them. */
static bool takes_raw(const struct http_line *line, bool connect, const char *target, const char *p)
{
    static const char begins_authority[] = "//";
    const size_t len = (size_t)(p - target);
    if (line->addressee == HTTP_TO_ENGINE)
        return memchr(target, '?', len) != NULL;
    if (connect || *target == '/')
        return !connect;
    const char *authority = memmem(target, len, begins_authority, sizeof(begins_authority) - 1);
    const char *from = authority == NULL ? p : authority + sizeof(begins_authority) - 1;
    while (from < p && *from != '/' && *from != '?')
        from++;
    return from < p;
}

/* *raw_io: whether such bytes may stand from here on, once that was found out: it is searched for once. */
static bool is_target_byte(const struct http_line *line, bool connect, const char *target,
                           const char *p, bool *raw_io)
{
    if (is(*p, TARGET))
        return true;
    bool raw = is(*p, RAW) || (*p == '#' && line->addressee == HTTP_TO_ENGINE);
    *raw_io = *raw_io || (raw && takes_raw(line, connect, target, p));
    return raw && *raw_io;
}

static enum http_line_result refuse_target_byte(const struct http_line *line, const char *target,
                                                const char *p, struct error *error)
{
    if (*p == '\r' || *p == '\n')
        return REFUSE(
            line, error, HTTP_FAULT_START_LINE,
            "the request line ends without an HTTP version; expected `METHOD target HTTP/1.1`");
    if (p == target && is(*p, TARGET))
        return REFUSE(
            line, error, HTTP_FAULT_TARGET,
            "a request target begins with `/`, or with http:// and the authority of Host");
    if (is(*p, TARGET))
        return REFUSE(line, error, HTTP_FAULT_TARGET,
                      "an absolute request target is http://, the authority of Host without user "
                      "name, and a path");
    return refuse_byte(line, error, HTTP_FAULT_TARGET, "a request target", p);
}

/* What follows the method: the target and its SP. */
static enum http_line_result scan_target(const struct http_line *line, size_t max,
                                         struct http_request_line *request, const char **space_out,
                                         struct error *error)
{
    const char *target = request->method_name.ptr + request->method_name.len + 1;
    const char *p = target, *path = NULL;
    bool proxy = line->addressee == HTTP_TO_PROXY;
    bool connect = request->method == HTTP_METHOD_CONNECT;
    bool raw = false;
    unsigned escape = 0; /* hex digits that must follow */
    if (target < line->end && (*target == '/' || proxy)) {
        path = *target == '/' ? target : NULL;
        if (line->from > target) {
            p = line->from;
            escape = p[-1] == '%' ? 2 : p - target >= 2 && p[-2] == '%' ? 1 : 0;
        }
    }
    for (; p < line->end && *p != ' '; p++) {
        size_t index = (size_t)(p - target);
        if (index >= max)
            return REFUSE(line, error, HTTP_FAULT_TARGET_TOO_LONG,
                          "the request target is longer than %zu bytes; --max-target raises that, "
                          "up to 1020k",
                          max);
        if (!is_target_byte(line, connect, target, p, &raw))
            return refuse_target_byte(line, target, p, error);
        if (escape > 0) {
            if (!is(*p, HEX))
                return REFUSE(line, error, HTTP_FAULT_TARGET,
                              "a `%%` in the request target is not followed by two hex digits");
            escape--;
        } else if (*p == '%') {
            escape = 2;
        }
        if (path == NULL && !proxy) {
            if (*p == '/' && index > SCHEME_LEN)
                path = p;
            else if (!is_absolute_form_byte(index, *p))
                return refuse_target_byte(line, target, p, error);
        }
    }
    if (p == line->end)
        return HTTP_LINE_MORE;
    if (p == target || (!proxy && path == NULL && p - target <= SCHEME_LEN))
        return REFUSE(
            line, error, HTTP_FAULT_TARGET,
            "the request target is missing; expected `METHOD target HTTP/1.1` with single blanks");
    if (escape > 0)
        return REFUSE(line, error, HTTP_FAULT_TARGET,
                      "a `%%` in the request target is not followed by two hex digits");
    request->target = slice_of(target, (size_t)(p - target));
    request->authority = (struct slice){NULL, 0};
    *space_out = p;
    if (proxy) { /* taken apart by rules/network/authority and rules/network/url_target */
        request->origin = request->target;
        return HTTP_LINE_OK;
    }
    request->origin = path == NULL ? SLICE_LITERAL("/") : slice_of(path, (size_t)(p - path));
    if (path != target) {
        const char *authority_end = path == NULL ? p : path;
        request->authority =
            slice_of(target + SCHEME_LEN, (size_t)(authority_end - target) - SCHEME_LEN);
    }
    return HTTP_LINE_OK;
}

/* "HTTP/" DIGIT "." DIGIT, as much of it as has arrived. */
static enum http_line_result scan_version(const struct http_line *line, const char *version,
                                          struct error *error)
{
    static const char pattern[] = "HTTP/0.0"; /* 0: any digit */
    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        if (version + i == line->end)
            return HTTP_LINE_MORE;
        if (pattern[i] == '0' ? !is(version[i], DIGIT) : version[i] != pattern[i])
            return REFUSE(
                line, error, HTTP_FAULT_VERSION,
                "expected HTTP/1.1 or HTTP/1.0, in capitals, with single blanks around it");
    }
    return HTTP_LINE_OK;
}

static bool is_known_version(const char *version)
{
    return version[5] == '1' && (version[7] == '0' || version[7] == '1');
}

static enum http_line_result scan_request_version(const struct http_line *line, const char *version,
                                                  struct http_request_line *request,
                                                  struct error *error)
{
    enum http_line_result result = scan_version(line, version, error);
    if (result != HTTP_LINE_OK)
        return result;
    const char *end = version + 8;
    if (end < line->end && *end != '\r' && *end != '\n')
        return REFUSE(line, error, HTTP_FAULT_VERSION,
                      "nothing may stand behind the HTTP version in a request line");
    if (end < line->end && *end == '\r' && !is_known_version(version))
        return REFUSE(line, error, HTTP_FAULT_VERSION_UNSUPPORTED,
                      "HTTP/%c.%c is not spoken here; use HTTP/1.1", version[5], version[7]);
    result = scan_line_end(line, end, "the request line", error);
    if (result != HTTP_LINE_OK)
        return result;
    request->minor_version = version[7] == '1' ? 1 : 0;
    request->next = end + 2;
    return HTTP_LINE_OK;
}

enum http_line_result http_line_scan_request(const struct http_line *line, size_t target_max,
                                             struct http_request_line *request, struct error *error)
{
    enum http_line_result result;
    size_t seen = (size_t)(line->from - line->start);
    const char *space = seen == 0 ? NULL : memchr(line->start, ' ', seen);
    if (space == NULL) {
        result = scan_method(line, &space, error);
        if (result != HTTP_LINE_OK)
            return result;
    }
    request->method_name = slice_of(line->start, (size_t)(space - line->start));
    request->method = http_method_from_name(request->method_name);
    result = judge_method(line, request, error);
    if (result != HTTP_LINE_OK)
        return result;
    const char *target = space + 1;
    space = line->from > target ? memchr(target, ' ', (size_t)(line->from - target)) : NULL;
    if (space == NULL) {
        result = scan_target(line, target_max, request, &space, error);
        if (result != HTTP_LINE_OK)
            return result;
    }
    return scan_request_version(line, space + 1, request, error);
}

/* SP 3DIGIT behind the version of a status line, as much of it as has arrived. */
static enum http_line_result scan_status_code(const struct http_line *line, const char *p,
                                              struct error *error)
{
    for (unsigned i = 0; i < 4; i++) {
        if (p + i == line->end)
            return HTTP_LINE_MORE;
        if (i == 0 ? p[i] != ' ' : !is(p[i], DIGIT))
            return REFUSE(line, error, HTTP_FAULT_START_LINE,
                          "the status line is not `HTTP/1.1`, one blank, three digits");
    }
    if (p[1] < '1' || p[1] > '5')
        return REFUSE(line, error, HTTP_FAULT_START_LINE,
                      "the status %.3s is not within 100 to 599", p + 1);
    return HTTP_LINE_OK;
}

enum http_line_result http_line_scan_status(const struct http_line *line,
                                            struct http_status_line *status, struct error *error)
{
    const char *version = line->start, *code = version + 8;
    enum http_line_result result = scan_version(line, version, error);
    if (result != HTTP_LINE_OK)
        return result;
    if (!is_known_version(version))
        return REFUSE(line, error, HTTP_FAULT_VERSION_UNSUPPORTED,
                      "it is in HTTP/%c.%c, not in HTTP/1.1", version[5], version[7]);
    result = scan_status_code(line, code, error);
    if (result != HTTP_LINE_OK)
        return result;
    const char *behind = code + 4, *reason = behind;
    if (behind < line->end && *behind == ' ')
        reason++;
    else if (behind < line->end && *behind != '\r' && *behind != '\n')
        return REFUSE(line, error, HTTP_FAULT_START_LINE,
                      "the status line is not `HTTP/1.1`, one blank, three digits");
    const char *p = resume_at(line);
    if (p < reason)
        p = reason;
    while (reason > behind && p < line->end && is(*p, VALUE))
        p++;
    result = scan_line_end(line, p, "the status line", error);
    if (result != HTTP_LINE_OK)
        return result;
    status->minor_version = version[7] == '1' ? 1 : 0;
    status->status = (unsigned)(code[1] - '0') * 100 + (unsigned)(code[2] - '0') * 10 +
                     (unsigned)(code[3] - '0');
    status->reason = slice_of(reason, (size_t)(p - reason));
    status->next = p + 2;
    return HTTP_LINE_OK;
}

/* The byte behind a field name that is no colon. */
static enum http_line_result refuse_name_byte(const struct http_line *line, const char *p,
                                              struct error *error)
{
    if (p == line->start && (*p == ' ' || *p == '\t'))
        return REFUSE(line, error, HTTP_FAULT_FOLDED_LINE,
                      "a field line begins with a blank: folded lines are not accepted, write the "
                      "field in one line");
    if (p == line->start && *p == ':')
        return REFUSE(line, error, HTTP_FAULT_FIELD_NAME,
                      "a field line begins with its colon; the name is missing");
    if (*p == '\n')
        return REFUSE(line, error, HTTP_FAULT_LINE_END,
                      "a field line ends with LF alone; lines end with CR LF");
    if (*p == '\r')
        return REFUSE(line, error, HTTP_FAULT_FIELD_NAME, "a field line has no colon");
    if (*p == ' ' || *p == '\t')
        return REFUSE(line, error, HTTP_FAULT_FIELD_NAME,
                      "a blank stands in a field name or between it and its colon");
    return refuse_byte(line, error, HTTP_FAULT_FIELD_NAME, "a field name", p);
}

enum http_line_result http_line_scan_field(const struct http_line *line,
                                           struct http_field_line *field, struct error *error)
{
    enum http_line_result result;
    const char *start = line->start, *p = resume_at(line);
    if (start == line->end)
        return HTTP_LINE_MORE;
    if (*start == '\r') {
        result = scan_line_end(line, start, "the empty line behind the fields", error);
        field->next = start + 2;
        return result == HTTP_LINE_OK ? HTTP_LINE_LAST : result;
    }
    const char *colon = p > start ? memchr(start, ':', (size_t)(p - start)) : NULL;
    if (colon == NULL) {
        while (p < line->end && is(*p, TOKEN))
            p++;
        if (p == line->end)
            return HTTP_LINE_MORE;
        if (*p != ':' || p == start)
            return refuse_name_byte(line, p, error);
        colon = p++;
    }
    while (p < line->end && is(*p, VALUE))
        p++;
    result = scan_line_end(line, p, "a field value", error);
    if (result != HTTP_LINE_OK)
        return result;
    field->name = slice_of(start, (size_t)(colon - start));
    field->value = slice_trim_blanks(slice_of(colon + 1, (size_t)(p - colon - 1)));
    const char *value_end = field->value.ptr + field->value.len;
    field->blanks_behind = slice_of(value_end, (size_t)(p - value_end));
    field->next = p + 2;
    return HTTP_LINE_OK;
}

static bool is_port(struct slice port)
{
    uint64_t number = 0;
    return port.len == 0 || (port.len <= 5 && slice_to_u64(port, &number) && number <= 65535);
}

static bool is_bracketed_address(struct slice address)
{
    if (address.len < 4) /* [::] */
        return false;
    for (size_t i = 1; i + 1 < address.len; i++) {
        if (!is(address.ptr[i], HEX) && address.ptr[i] != ':' && address.ptr[i] != '.')
            return false;
    }
    return address.ptr[0] == '[' && address.ptr[address.len - 1] == ']';
}

static bool is_reg_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is(name.ptr[i], REG_NAME))
            return false;
        if (name.ptr[i] == '%' &&
            (i + 2 >= name.len || !is(name.ptr[i + 1], HEX) || !is(name.ptr[i + 2], HEX)))
            return false;
    }
    return name.len > 0;
}

bool http_line_is_host(struct slice host)
{
    struct slice rest = host, name;
    const char *bracket =
        host.len == 0 || host.ptr[0] != '[' ? NULL : memchr(host.ptr, ']', host.len);
    if (bracket == NULL) {
        name = slice_cut(&rest, ':');
        return is_reg_name(name) && is_port(rest);
    }
    name = slice_of(host.ptr, (size_t)(bracket + 1 - host.ptr));
    rest = slice_of(bracket + 1, host.len - name.len);
    if (!is_bracketed_address(name) || (rest.len > 0 && rest.ptr[0] != ':'))
        return false;
    return rest.len == 0 || is_port(slice_of(rest.ptr + 1, rest.len - 1));
}
