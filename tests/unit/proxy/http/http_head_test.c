/* SPDX-License-Identifier: Apache-2.0
 *
 * Message heads, row by row: everything that two HTTP readers were seen to take differently
 * (the numbers in the names of rows are theirs), and what real clients send. Each row is read whole and byte by byte, and both must end in the same words. */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "tests/unit/proxy/http_head_feed.h"

struct row {
    const char *name;
    const char *bytes;
    size_t len;
    int code; /* 0: accepted; -1: more bytes are awaited */
    const char *reason;
};

#define ROW(name, bytes, code, reason)                                                             \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, code, reason                                               \
    }
#define GET_FIELDS(fields) "GET /x HTTP/1.1\r\nHost: docker\r\n" fields "\r\n"
#define POST_FIELDS(fields) "POST /x HTTP/1.1\r\nHost: docker\r\n" fields "\r\n"
#define GET_TARGET(target) "GET " target " HTTP/1.1\r\nHost: docker\r\n\r\n"
#define GET_HOST(host) "GET /x HTTP/1.1\r\nHost:" host "\r\n\r\n"

static void check_rows(enum side side, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct outcome outcome =
            read_both_ways(row->name, side, slice_of(row->bytes, row->len), &widest);
        if (row->code <= 0) {
            cr_expect_eq(outcome.result, row->code == 0 ? HTTP_HEAD_OK : HTTP_HEAD_MORE,
                         "%s: result %d, %s", row->name, outcome.result,
                         outcome.result == HTTP_HEAD_BAD ? outcome.error.text : "");
            continue;
        }
        cr_expect_eq(outcome.result, HTTP_HEAD_BAD, "%s: result %d", row->name, outcome.result);
        if (outcome.result != HTTP_HEAD_BAD)
            continue;
        cr_expect_eq(outcome.error.status, row->code, "%s: %d %s", row->name, outcome.error.status,
                     outcome.error.text);
        cr_expect_str_eq(outcome.error.reason, row->reason, "%s: %s, %s", row->name,
                         outcome.error.reason, outcome.error.text);
    }
}

static const struct row start_line_rows[] = {
    ROW("1 HXYZ:1.1 as version", "GET /x HXYZ:1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("1 HTTP: with a colon", "GET /x HTTP:1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("2 HTTP/9.9", "GET /x HTTP/9.9\r\nHost: d\r\n\r\n", 505, "malformed.version"),
    ROW("2 HTTP/2.0", "GET /x HTTP/2.0\r\nHost: d\r\n\r\n", 505, "malformed.version"),
    ROW("2 no version", "GET /x\r\n\r\n", 400, "malformed.request-line"),
    ROW("2 no version, one line", "GET /x\r\n", 400, "malformed.request-line"),
    ROW("H13 HTTP/0.9", "GET /x HTTP/0.9\r\n\r\n", 505, "malformed.version"),
    ROW("H13 HTTP/1.2", "GET /x HTTP/1.2\r\nHost: d\r\n\r\n", 505, "malformed.version"),
    ROW("H13 HTTP/3.0", "GET /x HTTP/3.0\r\nHost: d\r\n\r\n", 505, "malformed.version"),
    ROW("H13 lower-case version", "GET /x http/1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 mixed-case version", "GET /x HTTp/1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 HTTP/1", "GET /x HTTP/1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 HTTP/1.", "GET /x HTTP/1.\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 HTTP/1.10", "GET /x HTTP/1.10\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 HTTP/01.1", "GET /x HTTP/01.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("H13 HTTPS/1.1", "GET /x HTTPS/1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "malformed.version"),
    ROW("TLS hello", "\x16\x03\x01\x02", 400, "malformed.tls"),
    ROW("SOCKS 5", "\x05\x01\0", 400, "malformed.socks"),
    ROW("SOCKS 4, its first byte", "\x04", 400, "malformed.socks"),
    ROW("another control byte", "\x06\x01", 400, "malformed.method"),
    ROW("a TLS byte that is not the first", "G\x16T /x HTTP/1.1\r\n", 400, "malformed.method"),
    ROW("3 two blanks before the target", "GET  /x HTTP/1.1\r\nHost: d\r\n\r\n", 400,
        "malformed.target"),
    ROW("3 two blanks behind the target", "GET /x  HTTP/1.1\r\nHost: d\r\n\r\n", 400,
        "malformed.version"),
    ROW("3 tab before the target", "GET\t/x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("3 tab behind the target", "GET /x\tHTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.target"),
    ROW("3 blank behind the version", "GET /x HTTP/1.1 \r\nHost: d\r\n\r\n", 400,
        "malformed.version"),
    ROW("3 a fourth word", "GET /x y HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.version"),
    ROW("3 no target", "GET HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.target"),
    ROW("6 lower-case method", "get /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("6 mixed-case method", "Get /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("method that is no token", "G(T /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("method with NUL", "GE\0T /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("method with high byte", "GET\xe9 /x HTTP/1.1\r\n", 400, "malformed.method"),
    ROW("unknown method", "PURGE /x HTTP/1.1\r\nHost: d\r\n\r\n", 405, "unknown.method"),
    ROW("WebDAV", "PROPFIND /x HTTP/1.1\r\nHost: d\r\n\r\n", 405, "unknown.method"),
    ROW("unknown method, WebDAV", "M-SEARCH * HTTP/1.1\r\nHost: d\r\n\r\n", 405, "unknown.method"),
    ROW("unknown method, longer than GET", "GETX /x HTTP/1.1\r\nHost: d\r\n\r\n", 405,
        "unknown.method"),
    ROW("endless method", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 405, "unknown.method"),
    ROW("TRACE", "TRACE /x HTTP/1.1\r\nHost: d\r\n\r\n", 405, "unknown.method"),
    ROW("39 CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 405, "unknown.method"),
    ROW("39 CONNECT without port", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", 405, "unknown.method"),
    ROW("40 CONNECT with Content-Length",
        "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 3\r\n\r\nabc", 405,
        "unknown.method"),
    ROW("7 LF behind the request line", "GET /x HTTP/1.1\nHost: d\r\n\r\n", 400,
        "malformed.line-end"),
    ROW("7 LF only", "GET /x HTTP/1.1\nHost: d\n\n", 400, "malformed.line-end"),
    ROW("7 CR only", "GET /x HTTP/1.1\rHost: d\r\r", 400, "malformed.line-end"),
    ROW("7 LF without version", "GET /x\n\n", 400, "malformed.request-line"),
    ROW("8 leading CRLF", "\r\nGET /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.request-line"),
    ROW("8 leading LF", "\nGET /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.request-line"),
    ROW("8 leading blank", " GET /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.request-line"),
    ROW("8 leading tab", "\tGET /x HTTP/1.1\r\nHost: d\r\n\r\n", 400, "malformed.method"),
    ROW("8 one LF is enough", "\n", 400, "malformed.request-line"),
    ROW("a response", "HTTP/1.1 200 OK\r\n\r\n", 400, "malformed.method"),
    ROW("OPTIONS of the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: d\r\n\r\n", 400,
        "malformed.target"),
    ROW("only a method", "GET", -1, NULL),
    ROW("nothing", "", -1, NULL),
};

Test(http_head, start_lines_have_one_spelling)
{
    check_rows(REQUEST, start_line_rows, ARRAY_LEN(start_line_rows));
}

static const struct row target_rows[] = {
    ROW("4 tab in target", GET_TARGET("/a\tb"), 400, "malformed.target"),
    ROW("4 form feed in target", GET_TARGET("/a\fb"), 400, "malformed.target"),
    ROW("4 byte 0xe9 in target", GET_TARGET("/a\xe9"), 400, "malformed.target"),
    ROW("4 UTF-8 in target", GET_TARGET("/a\xc3\xa9"), 400, "malformed.target"),
    ROW("4 DEL in target", GET_TARGET("/a\x7f"), 400, "malformed.target"),
    ROW("5 fragment", GET_TARGET("/a#frag"), 400, "malformed.target"),
    ROW("5 quote in query", GET_TARGET("/a?b=\"c"), 0, NULL),
    ROW("5 less-than in query", GET_TARGET("/a?b=<c"), 0, NULL),
    ROW("5 greater-than in query", GET_TARGET("/a?b=>c"), 0, NULL),
    ROW("5 %zz", GET_TARGET("/a%zz"), 400, "malformed.target"),
    ROW("5 %2 at the end", GET_TARGET("/a%2"), 400, "malformed.target"),
    ROW("5 % at the end", GET_TARGET("/a%"), 400, "malformed.target"),
    ROW("5 %%2f", GET_TARGET("/a%%2f"), 400, "malformed.target"),
    ROW("5 %2g in query", GET_TARGET("/a?b=%2g"), 400, "malformed.target"),
    ROW("5 %u0041", GET_TARGET("/a%u0041"), 400, "malformed.target"),
    ROW("6 NUL in target", GET_TARGET("/a\0b"), 400, "malformed.target"),
    ROW("backslash", GET_TARGET("/a\\b"), 400, "malformed.target"),
    ROW("caret", GET_TARGET("/a^b"), 400, "malformed.target"),
    ROW("braces in query", GET_TARGET("/a?filters={}"), 0, NULL),
    ROW("braces in path", GET_TARGET("/a{}?b"), 400, "malformed.target"),
    ROW("UTF-8 in query", GET_TARGET("/a?b=\xc3\xa9"), 0, NULL),
    ROW("hash in query", GET_TARGET("/a?b=c#d?e#"), 0, NULL),
    ROW("absolute form, braces in query", GET_TARGET("http://docker/a?b={}"), 0, NULL),
    ROW("absolute form, braces in path", GET_TARGET("http://docker/{}?b"), 400, "malformed.target"),
    ROW("bar", GET_TARGET("/a|b"), 400, "malformed.target"),
    ROW("back quote", GET_TARGET("/a`b"), 400, "malformed.target"),
    ROW("CR in target", "GET /a\rb HTTP/1.1\r\nHost: docker\r\n\r\n", 400,
        "malformed.request-line"),
    ROW("no slash in front", GET_TARGET("x"), 400, "malformed.target"),
    ROW("question mark in front", GET_TARGET("?x"), 400, "malformed.target"),
    ROW("asterisk", GET_TARGET("*"), 400, "malformed.target"),
    ROW("every good byte", GET_TARGET("/aZ09-._~!$&'()*+,;=:@/%2F[]?/?%41"), 0, NULL),
    ROW("9 absolute form, other host", GET_TARGET("http://other/x"), 400, "malformed.host"),
    ROW("9 absolute form, with user", GET_TARGET("http://u@docker/x"), 400, "malformed.target"),
    ROW("9 absolute form, user and password", GET_TARGET("http://u:p@docker/x"), 400,
        "malformed.target"),
    ROW("9 absolute form, other port", GET_TARGET("http://docker:80/x"), 400, "malformed.host"),
    ROW("9 absolute form, same host", GET_TARGET("http://docker/x"), 0, NULL),
    ROW("9 absolute form, same host in capitals", GET_TARGET("HTTP://DOCKER/x"), 0, NULL),
    ROW("9 absolute form, no path", GET_TARGET("http://docker"), 0, NULL),
    ROW("9 absolute form, query without path", GET_TARGET("http://docker?x"), 400,
        "malformed.target"),
    ROW("9 absolute form, fragment", GET_TARGET("http://docker#/x"), 400, "malformed.target"),
    ROW("9 absolute form, bad escape in host", GET_TARGET("http://doc%ker/x"), 400,
        "malformed.target"),
    ROW("9 absolute form, backslash", GET_TARGET("http:\\\\docker\\x"), 400, "malformed.target"),
    ROW("9 absolute form, no authority", GET_TARGET("http:///x"), 400, "malformed.target"),
    ROW("9 absolute form, scheme only", GET_TARGET("http://"), 400, "malformed.target"),
    ROW("9 absolute form, one slash", GET_TARGET("http:/x"), 400, "malformed.target"),
    ROW("9 absolute form, https", GET_TARGET("https://docker/x"), 400, "malformed.target"),
    ROW("9 absolute form, unix", GET_TARGET("unix:///x"), 400, "malformed.target"),
    ROW("9 absolute form, empty Host", "GET http://docker/x HTTP/1.1\r\nHost: \r\n\r\n", 400,
        "malformed.host"),
    ROW("9 absolute form, HTTP/1.0 without Host", "GET http://docker/x HTTP/1.0\r\n\r\n", 400,
        "malformed.host"),
    ROW("9 absolute form, two hosts agreeing with neither",
        "GET http://c/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed.repeated-field"),
};

Test(http_head, targets_are_visible_ascii_with_whole_escapes_but_for_queries)
{
    check_rows(REQUEST, target_rows, ARRAY_LEN(target_rows));
}

/* net/http takes every byte but these in a request line, and net/url decodes what it takes. */
Test(http_head, a_query_has_any_byte_but_blanks_and_control_bytes)
{
    for (unsigned byte = 0; byte <= 0xff; byte++) {
        char bytes[] = GET_TARGET("/a?b=c?ff");
        char name[16];
        bool escape = byte == '%';
        bool taken = byte > ' ' && byte != 0x7f;
        bytes[strcspn(bytes, "c")] = (char)byte;
        snprintf(name, sizeof(name), "0x%02x", byte);
        struct slice head = slice_of(bytes, sizeof(bytes) - 1);
        struct outcome outcome = read_both_ways(name, REQUEST, head, &widest);
        cr_expect_eq(outcome.result, taken && !escape ? HTTP_HEAD_OK : HTTP_HEAD_BAD, "%s: %d",
                     name, outcome.result);
        if (outcome.result == HTTP_HEAD_OK)
            cr_expect_eq(outcome.head.target.len, sizeof("/a?b=c?ff") - 1, "%s", name);
    }
}

static const struct row field_rows[] = {
    ROW("10 blank before the colon of Host", "GET /x HTTP/1.1\r\nHost : d\r\n\r\n", 400,
        "malformed.field-name"),
    ROW("10 blank within a name", GET_FIELDS("X Y: 1\r\n"), 400, "malformed.field-name"),
    ROW("10 first line begins with a blank", "GET /x HTTP/1.1\r\n Host: d\r\n\r\n", 400,
        "malformed.folded-line"),
    ROW("10 first line begins with a tab", "GET /x HTTP/1.1\r\n\tHost: d\r\n\r\n", 400,
        "malformed.folded-line"),
    ROW("11 tab before the colon", GET_FIELDS("X-A\t: 1\r\n"), 400, "malformed.field-name"),
    ROW("11 line without colon", GET_FIELDS("X-A\r\n"), 400, "malformed.field-name"),
    ROW("11 line without colon, LF", GET_FIELDS("X-A\n"), 400, "malformed.line-end"),
    ROW("11 NUL in a value", GET_FIELDS("X-A: a\0b\r\n"), 400, "malformed.control-byte"),
    ROW("11 0x01 in a value", GET_FIELDS("X-A: a\x01\r\n"), 400, "malformed.control-byte"),
    ROW("11 DEL in a value", GET_FIELDS("X-A: a\x7f\r\n"), 400, "malformed.control-byte"),
    ROW("11 escape in a value", GET_FIELDS("User-Agent: \x1b[2J\r\n"), 400,
        "malformed.control-byte"),
    ROW("11 vertical tab before a value", GET_FIELDS("Content-Length:\v3\r\n"), 400,
        "malformed.control-byte"),
    ROW("11 NUL in a name", GET_FIELDS("X\0A: a\r\n"), 400, "malformed.field-name"),
    ROW("11 high byte in a name", GET_FIELDS("X\xe9: a\r\n"), 400, "malformed.field-name"),
    ROW("11 separators in a name", GET_FIELDS("X(A): a\r\n"), 400, "malformed.field-name"),
    ROW("11 quote in a name", GET_FIELDS("\"X\": a\r\n"), 400, "malformed.field-name"),
    ROW("12 empty name", GET_FIELDS(": x\r\n"), 400, "malformed.field-name"),
    ROW("12 only a colon", GET_FIELDS(":\r\n"), 400, "malformed.field-name"),
    ROW("13 folded with a blank", GET_FIELDS("X-A: a\r\n b\r\n"), 400, "malformed.folded-line"),
    ROW("13 folded with a tab", GET_FIELDS("X-A: a\r\n\tb\r\n"), 400, "malformed.folded-line"),
    ROW("13 folded, nothing but a blank", GET_FIELDS("X-A: a\r\n \r\n"), 400,
        "malformed.folded-line"),
    ROW("14 CR inside a value", GET_FIELDS("X-A: a\rb\r\n"), 400, "malformed.line-end"),
    ROW("14 CR CR LF", GET_FIELDS("X-A: a\r\r\n"), 400, "malformed.line-end"),
    ROW("14 LF inside a value", GET_FIELDS("X-A: a\nX-B: b\r\n"), 400, "malformed.line-end"),
    ROW("15 CR starts a new field", GET_FIELDS("X-A:\rZX-B: 1\r\n"), 400, "malformed.line-end"),
    ROW("16 CR starts Transfer-Encoding", POST_FIELDS("X-A:\rZTransfer-Encoding: chunked\r\n"), 400,
        "malformed.line-end"),
    ROW("16 blank, CR, Transfer-Encoding", POST_FIELDS("X-A: \rxTransfer-Encoding: chunked\r\n"),
        400, "malformed.line-end"),
    ROW("17 end written CR LF CR Z", "GET /x HTTP/1.1\r\nHost: d\r\n\rZ", 400,
        "malformed.line-end"),
    ROW("17 end written CR LF LF", "GET /x HTTP/1.1\r\nHost: d\r\n\n", 400, "malformed.line-end"),
    ROW("17 end not there yet", "GET /x HTTP/1.1\r\nHost: d\r\n\r", -1, NULL),
    ROW("high bytes in a value", GET_FIELDS("X-A: \xc3\xa9\xff\r\n"), 0, NULL),
    ROW("empty value", GET_FIELDS("X-A:\r\nX-B: \t \r\n"), 0, NULL),
    ROW("tab within a value", GET_FIELDS("X-A: a\tb\r\n"), 0, NULL),
    ROW("every token byte in a name", GET_FIELDS("!#$%&'*+-.^_`|~09azAZ: 1\r\n"), 0, NULL),
    ROW("no field but Host", GET_FIELDS(""), 0, NULL),
};

Test(http_head, field_lines_are_a_token_a_colon_and_a_value)
{
    check_rows(REQUEST, field_rows, ARRAY_LEN(field_rows));
}

static const struct row host_rows[] = {
    ROW("18 no Host", "GET /x HTTP/1.1\r\n\r\n", 400, "malformed.host"),
    ROW("18 no Host but others", "GET /x HTTP/1.1\r\nX-Host: d\r\n\r\n", 400, "malformed.host"),
    ROW("18 two Hosts", GET_FIELDS("Host: other\r\n"), 400, "malformed.repeated-field"),
    ROW("18 two equal Hosts, other case", GET_FIELDS("hOST: docker\r\n"), 400,
        "malformed.repeated-field"),
    ROW("18 two Hosts on HTTP/1.0", "GET /x HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400,
        "malformed.repeated-field"),
    ROW("18 empty Host twice", "GET /x HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n", 400,
        "malformed.repeated-field"),
    ROW("18 user and path", GET_HOST(" u@d/x"), 400, "malformed.host"),
    ROW("18 user", GET_HOST(" u@d"), 400, "malformed.host"),
    ROW("18 path", GET_HOST(" d/x"), 400, "malformed.host"),
    ROW("blank within", GET_HOST(" a b"), 400, "malformed.host"),
    ROW("list", GET_HOST(" a, b"), 400, "malformed.host"),
    ROW("scheme", GET_HOST(" http://d"), 400, "malformed.host"),
    ROW("port that is no number", GET_HOST(" d:x"), 400, "malformed.host"),
    ROW("port too large", GET_HOST(" d:65536"), 400, "malformed.host"),
    ROW("port of six digits", GET_HOST(" d:000080"), 400, "malformed.host"),
    ROW("two ports", GET_HOST(" d:80:80"), 400, "malformed.host"),
    ROW("port alone", GET_HOST(" :80"), 400, "malformed.host"),
    ROW("query", GET_HOST(" d?x"), 400, "malformed.host"),
    ROW("fragment", GET_HOST(" d#x"), 400, "malformed.host"),
    ROW("backslash", GET_HOST(" d\\x"), 400, "malformed.host"),
    ROW("high byte", GET_HOST(" d\xe9"), 400, "malformed.host"),
    ROW("bad escape", GET_HOST(" %zz"), 400, "malformed.host"),
    ROW("cut escape", GET_HOST(" d%2"), 400, "malformed.host"),
    ROW("bracket not closed", GET_HOST(" [::1"), 400, "malformed.host"),
    ROW("nothing in brackets", GET_HOST(" []"), 400, "malformed.host"),
    ROW("name in brackets", GET_HOST(" [docker]"), 400, "malformed.host"),
    ROW("text behind brackets", GET_HOST(" [::1]x"), 400, "malformed.host"),
    ROW("zone", GET_HOST(" [fe80::1%25eth0]"), 400, "malformed.host"),
    ROW("plain", GET_HOST(" docker"), 0, NULL),
    ROW("no blank", GET_HOST("docker"), 0, NULL),
    ROW("empty", GET_HOST(" "), 0, NULL),
    ROW("empty without blank", GET_HOST(""), 0, NULL),
    ROW("with port", GET_HOST(" localhost:2375"), 0, NULL),
    ROW("address", GET_HOST(" 127.0.0.1:2375"), 0, NULL),
    ROW("IPv6", GET_HOST(" [::1]"), 0, NULL),
    ROW("IPv6 with port", GET_HOST(" [2001:db8::1]:2375"), 0, NULL),
    ROW("socket path, escaped", GET_HOST(" %2Fvar%2Frun%2Fdocker.sock"), 0, NULL),
    ROW("dotted name", GET_HOST(" api.moby.localhost"), 0, NULL),
    ROW("underscore", GET_HOST(" docker_proxy:2375"), 0, NULL),
    ROW("HTTP/1.0 without Host", "GET /x HTTP/1.0\r\n\r\n", 0, NULL),
    ROW("HTTP/1.0 with Host", "GET /x HTTP/1.0\r\nHost: d\r\n\r\n", 0, NULL),
};

Test(http_head, host_stands_once_and_is_a_host)
{
    check_rows(REQUEST, host_rows, ARRAY_LEN(host_rows));
}

static const struct row framing_rows[] = {
    ROW("20 H01 length, then coding",
        POST_FIELDS("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400,
        "malformed.framing"),
    ROW("20 H01 coding, then length",
        POST_FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400,
        "malformed.framing"),
    ROW("20 H01 length 0 and coding",
        POST_FIELDS("Content-Length: 0\r\nX: y\r\nTRANSFER-ENCODING: CHUNKED\r\n"), 400,
        "malformed.framing"),
    ROW("21 H02 two equal", POST_FIELDS("Content-Length: 3\r\nContent-Length: 3\r\n"), 400,
        "malformed.repeated-field"),
    ROW("21 H02 two different", POST_FIELDS("Content-Length: 3\r\nX: y\r\ncontent-length: 4\r\n"),
        400, "malformed.repeated-field"),
    ROW("21 H03 3, 3", POST_FIELDS("Content-Length: 3, 3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 3,3", POST_FIELDS("Content-Length: 3,3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 +3", POST_FIELDS("Content-Length: +3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 -3", POST_FIELDS("Content-Length: -3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 0x3", POST_FIELDS("Content-Length: 0x3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 3 3", POST_FIELDS("Content-Length: 3 3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 2^64", POST_FIELDS("Content-Length: 18446744073709551616\r\n"), 400,
        "malformed.content-length"),
    ROW("21 H03 2^64+3", POST_FIELDS("Content-Length: 18446744073709551619\r\n"), 400,
        "malformed.content-length"),
    ROW("21 H03 19 digits", POST_FIELDS("Content-Length: 1000000000000000000\r\n"), 400,
        "malformed.content-length"),
    ROW("21 H03 leading zero", POST_FIELDS("Content-Length: 03\r\n"), 400,
        "malformed.content-length"),
    ROW("21 H03 00", POST_FIELDS("Content-Length: 00\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 3.0", POST_FIELDS("Content-Length: 3.0\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 1e3", POST_FIELDS("Content-Length: 1e3\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 3;", POST_FIELDS("Content-Length: 3;\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 quoted", POST_FIELDS("Content-Length: \"3\"\r\n"), 400, "malformed.content-length"),
    ROW("21 H03 tab within", POST_FIELDS("Content-Length: 3\t3\r\n"), 400,
        "malformed.content-length"),
    ROW("21 H03 high byte", POST_FIELDS("Content-Length: \xb3\r\n"), 400,
        "malformed.content-length"),
    ROW("22 H03 empty", POST_FIELDS("Content-Length:\r\n"), 400, "malformed.content-length"),
    ROW("22 H03 blank", POST_FIELDS("Content-Length: \r\n"), 400, "malformed.content-length"),
    ROW("22 on a folded line", POST_FIELDS("Content-Length:\r\n 3\r\n"), 400,
        "malformed.content-length"),
    ROW("23 blank before the colon of the length", POST_FIELDS("Content-Length : 3\r\n"), 400,
        "malformed.field-name"),
    ROW("23 blank before the colon of the coding", POST_FIELDS("Transfer-Encoding : chunked\r\n"),
        400, "malformed.field-name"),
    ROW("23 tab before the colon of the coding", POST_FIELDS("Transfer-Encoding\t: chunked\r\n"),
        400, "malformed.field-name"),
    ROW("24 gzip, chunked", POST_FIELDS("Transfer-Encoding: gzip, chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("24 identity, chunked", POST_FIELDS("Transfer-Encoding: identity, chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("24 x;a=\", chunked", POST_FIELDS("Transfer-Encoding: x;a=\", chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("24 identity", POST_FIELDS("Transfer-Encoding: identity\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("24 gzip", POST_FIELDS("Transfer-Encoding: gzip\r\n"), 501, "malformed.transfer-encoding"),
    ROW("24 comma, chunked", POST_FIELDS("Transfer-Encoding: , chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("25 identity, then chunked in a second field",
        POST_FIELDS("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("25 chunked, then identity in a second field",
        POST_FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400,
        "malformed.repeated-field"),
    ROW("25 chunked in two fields",
        POST_FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
        "malformed.repeated-field"),
    ROW("26 chunked, identity", POST_FIELDS("Transfer-Encoding: chunked, identity\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 xchunked", POST_FIELDS("Transfer-Encoding: xchunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 chunkedx", POST_FIELDS("Transfer-Encoding: chunkedx\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 chunked;q=1", POST_FIELDS("Transfer-Encoding: chunked;q=1\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 quoted", POST_FIELDS("Transfer-Encoding: \"chunked\"\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 chunked, chunked", POST_FIELDS("Transfer-Encoding: chunked, chunked\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 chunked,", POST_FIELDS("Transfer-Encoding: chunked,\r\n"), 501,
        "malformed.transfer-encoding"),
    ROW("26 vertical tab", POST_FIELDS("Transfer-Encoding: \vchunked\r\n"), 400,
        "malformed.control-byte"),
    ROW("26 no-break space",
        POST_FIELDS("Transfer-Encoding: \xa0"
                    "chunked\r\n"),
        501, "malformed.transfer-encoding"),
    ROW("27 H05 coding on a folded line", POST_FIELDS("Transfer-Encoding:\r\n chunked\r\n"), 400,
        "malformed.framing"),
    ROW("27 H05 coding folded behind a value", POST_FIELDS("Transfer-Encoding: chunked\r\n ,x\r\n"),
        400, "malformed.folded-line"),
    ROW("27 H13 coding on HTTP/1.0",
        "POST /x HTTP/1.0\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
        "malformed.framing"),
    ROW("27 other coding on HTTP/1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", 400,
        "malformed.framing"),
    ROW("28 empty coding, then length", POST_FIELDS("Transfer-Encoding:\r\nContent-Length: 3\r\n"),
        400, "malformed.framing"),
    ROW("28 length, then empty coding", POST_FIELDS("Content-Length: 3\r\nTransfer-Encoding:\r\n"),
        400, "malformed.framing"),
    ROW("tab behind the length", POST_FIELDS("Content-Length: 3\t\r\n"), 400, "malformed.framing"),
    ROW("tab behind the coding", POST_FIELDS("Transfer-Encoding: chunked\t \r\n"), 400,
        "malformed.framing"),
    ROW("length 0", POST_FIELDS("Content-Length: 0\r\n"), 0, NULL),
    ROW("length of 18 digits", POST_FIELDS("Content-Length: 999999999999999999\r\n"), 0, NULL),
    ROW("length among blanks", POST_FIELDS("Content-Length: \t 3  \r\n"), 0, NULL),
    ROW("chunked", POST_FIELDS("Transfer-Encoding: chunked\r\n"), 0, NULL),
    ROW("chunked without case, among blanks", POST_FIELDS("transfer-encoding:  Chunked \r\n"), 0,
        NULL),
    ROW("chunked without blank", POST_FIELDS("Transfer-Encoding:chunked\r\n"), 0, NULL),
};

Test(http_head, a_body_has_one_framing)
{
    check_rows(REQUEST, framing_rows, ARRAY_LEN(framing_rows));
}

static const struct row once_rows[] = {
    ROW("H21 Content-Type", POST_FIELDS("Content-Type: a/b\r\nContent-Type: a/b\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Content-Encoding", POST_FIELDS("Content-Encoding: gzip\r\ncontent-encoding: gzip\r\n"),
        400, "malformed.repeated-field"),
    ROW("Expect", POST_FIELDS("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Upgrade", POST_FIELDS("Upgrade: tcp\r\nUpgrade: h2c\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Origin", POST_FIELDS("Origin: a\r\nOrigin: b\r\n"), 400, "malformed.repeated-field"),
    ROW("X-Registry-Auth", POST_FIELDS("X-Registry-Auth: a\r\nX-Registry-Auth: b\r\n"), 400,
        "malformed.repeated-field"),
    ROW("X-Registry-Config", POST_FIELDS("X-Registry-Config: a\r\nX-Registry-Config: b\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Authorization", POST_FIELDS("Authorization: a\r\nAuthorization: b\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Sec-WebSocket-Key", GET_FIELDS("Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n"), 400,
        "malformed.repeated-field"),
    ROW("Sec-WebSocket-Version",
        GET_FIELDS("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"), 400,
        "malformed.repeated-field"),
    ROW("H25 unknown expectation", POST_FIELDS("Expect: 200-ok\r\n"), 417, "malformed.expect"),
    ROW("H25 two expectations", POST_FIELDS("Expect: 100-continue, x\r\n"), 417,
        "malformed.expect"),
    ROW("H25 empty expectation", POST_FIELDS("Expect:\r\n"), 417, "malformed.expect"),
    ROW("H25 100-continue", POST_FIELDS("Expect: 100-Continue\r\n"), 0, NULL),
    ROW("H25 HTTP/1.0 expects in vain", "POST /x HTTP/1.0\r\nExpect: x\r\n\r\n", 0, NULL),
    ROW("Connection may be repeated", GET_FIELDS("Connection: a\r\nConnection: b\r\n"), 0, NULL),
    ROW("session methods are repeated",
        GET_FIELDS("X-Docker-Expose-Session-Grpc-Method: /a\r\n"
                   "X-Docker-Expose-Session-Grpc-Method: /b\r\n"),
        0, NULL),
};

Test(http_head, fields_that_readers_pick_differently_stand_once)
{
    check_rows(REQUEST, once_rows, ARRAY_LEN(once_rows));
}

static const struct row response_rows[] = {
    ROW("H33 length and coding",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
        "upstream.framing"),
    ROW("H33 coding and length",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 502,
        "upstream.framing"),
    ROW("three equal lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        502, "upstream.framing"),
    ROW("equal but for a zero",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 03\r\n\r\n", 502,
        "upstream.framing"),
    ROW("length list", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", 502, "upstream.framing"),
    ROW("other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 502,
        "upstream.framing"),
    ROW("coding twice",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
        "upstream.framing"),
    ROW("coding on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
        "upstream.framing"),
    ROW("H33 interim with length", "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n", 502,
        "upstream.framing"),
    ROW("H33 101 with coding", "HTTP/1.1 101 UPGRADED\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
        "upstream.framing"),
    ROW("two media types", "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 502,
        "upstream.malformed"),
    ROW("folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", 502, "upstream.malformed"),
    ROW("blank before colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", 502, "upstream.malformed"),
    ROW("LF only", "HTTP/1.1 200 OK\n\n", 502, "upstream.malformed"),
    ROW("CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", 502, "upstream.malformed"),
    ROW("NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", 502, "upstream.malformed"),
    ROW("status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("status 099", "HTTP/1.1 099 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("status 600", "HTTP/1.1 600 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("two blanks", "HTTP/1.1  200 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("no status", "HTTP/1.1\r\n\r\n", 502, "upstream.malformed"),
    ROW("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("lower case", "http/1.1 200 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("leading CRLF", "\r\nHTTP/1.1 200 OK\r\n\r\n", 502, "upstream.malformed"),
    ROW("SSH banner", "SSH-2.0-x\r\n", 502, "upstream.malformed"),
    ROW("plain", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0, NULL),
    ROW("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, NULL),
    ROW("no reason", "HTTP/1.1 204 \r\n\r\n", 0, NULL),
    ROW("no reason and no blank", "HTTP/1.1 204\r\n\r\n", 0, NULL),
    ROW("UTF-8 in the reason", "HTTP/1.1 500 \xc3\xa9 two  blanks\r\n\r\n", 0, NULL),
    ROW("until the end, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", 0, NULL),
    ROW("upgrade", "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", 0, NULL),
    ROW("repeated fields of no meaning here", "HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n\r\n", 0,
        NULL),
};

Test(http_head, responses_are_held_to_the_same_grammar)
{
    check_rows(RESPONSE, response_rows, ARRAY_LEN(response_rows));
}

/* ---- requests to a proxy: the target is whatever stands there, for others to take apart ---- */

static const struct row proxy_rows[] = {
    ROW("CONNECT", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 0, ""),
    ROW("CONNECT to IPv6", "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n", 0, ""),
    ROW("CONNECT, HTTP/1.0, no Host", "CONNECT a.test:443 HTTP/1.0\r\n\r\n", 0, ""),
    ROW("CONNECT, Host of another", "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n", 0, ""),
    ROW("CONNECT without a port", "CONNECT a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("absolute form", "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("absolute form, Host of another", "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n", 0,
        ""),
    ROW("origin form", "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("PATCH", "PATCH http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("39 CONNECT without Host", "CONNECT a.test:443 HTTP/1.1\r\n\r\n", 400, "malformed.host"),
    ROW("40 CONNECT with length and chunks",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        400, "malformed.framing"),
    ROW("TRACE", "TRACE http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 405, "unknown.method"),
    ROW("a method of WebDAV", "PROPFIND http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("one that http-parser does not know",
        "QUERY http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("an unknown method", "BREW http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("an unknown method with a body",
        "M-SEARCH http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc", 0, ""),
    ROW("an unknown method with two framings",
        "BREW http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        400, "malformed.framing"),
    ROW("an unknown method in small letters",
        "brew http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, "malformed.method"),
    ROW("a method too long", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA http://a.test/ HTTP/1.1\r\n", 405,
        "unknown.method"),
    ROW("a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "malformed.version"),
    ROW("a WebSocket", "GET ws://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("what is typed into URLs",
        "GET http://a.test/\"<>\\^`{|}\xc3\xa9?\"<>\\^`{|}\xc3\xa9 HTTP/1.1\r\nHost: "
        "a.test\r\n\r\n",
        0, ""),
    ROW("what is typed into URLs, without a path",
        "GET http://a.test?a=|b/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("such bytes in the authority", "GET http://a|b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400,
        "malformed.target"),
    ROW("such bytes without an authority", "GET http:|/x HTTP/1.1\r\nHost: a\r\n\r\n", 400,
        "malformed.target"),
    ROW("a fragment", "GET http://a.test/x#y HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.target"),
    ROW("CONNECT with an empty body",
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nContent-Length: 0\r\n\r\n", 0, ""),
    ROW("TLS hello", "\x16\x03\x01\x02", 400, "malformed.tls"),
    ROW("connect in small letters", "connect a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.method"),
    ROW("two blanks", "CONNECT  a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.target"),
    ROW("no target", "CONNECT HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, "malformed.request-line"),
    ROW("a tab", "CONNECT\ta.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, "malformed.method"),
    ROW("NUL in the target", "CONNECT a\0b:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.target"),
    ROW("a high byte in the authority", "CONNECT a\xe9.test:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400,
        "malformed.target"),
    ROW("a broken escape", "GET http://a.test/%zz HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.target"),
    ROW("an escape that is cut", "GET http://a.test/% HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
        "malformed.target"),
    ROW("LF alone", "CONNECT a.test:443 HTTP/1.1\nHost: a.test\n\n", 400, "malformed.line-end"),
    ROW("HTTP/2", "CONNECT a.test:443 HTTP/2.0\r\nHost: a.test\r\n\r\n", 505, "malformed.version"),
    ROW("half of it", "CONNECT a.test:443 HT", -1, ""),
};

Test(http_head, requests_to_a_proxy)
{
    check_rows(PROXY_REQUEST, proxy_rows, ARRAY_LEN(proxy_rows));
}

/* ---- requests on their way to an origin, without a proxy's forms ---- */

static const struct row origin_rows[] = {
    ROW("origin form", "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("a method of WebDAV", "REPORT /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("an unknown method", "BREW /x HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("what is typed into URLs",
        "GET /css?family=Open+Sans|Roboto HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, ""),
    ROW("CONNECT", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 405,
        "unknown.method"),
    ROW("TRACE", "TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n", 405, "unknown.method"),
    ROW("an authority that is not Host's", "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
        400, "malformed.host"),
    ROW("raw bytes in the authority", "GET http://a|b/ HTTP/1.1\r\nHost: a|b\r\n\r\n", 400,
        "malformed.target"),
};

Test(http_head, requests_on_their_way_to_an_origin)
{
    check_rows(ORIGIN_REQUEST, origin_rows, ARRAY_LEN(origin_rows));
}

Test(http_head, a_proxy_gets_the_target_as_it_was_written)
{
    static const char *const targets[] = {"a.test:443",         "[::1]:1",      "http://a.test/x?y",
                                          "http://a.test",      "/x",           "http://a.test?q",
                                          "HTTP://A.TEST:80/x", "http://u@h/x", "a:b:c"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "%s %s HTTP/1.1\r\nHost: h\r\n\r\n",
                      strstr(targets[i], "/") == NULL ? "CONNECT" : "GET", targets[i]);
        struct outcome outcome =
            read_both_ways(targets[i], PROXY_REQUEST, buffer_slice(&text), &widest);
        if (outcome.result == HTTP_HEAD_OK)
            cr_expect(slice_equal_text(outcome.head.target, targets[i]), "%s", targets[i]);
        else /* two parsers must agree, and http-parser looks into some */
            cr_expect_eq(outcome.error.status, 400, "%s: %s", targets[i], outcome.error.text);
    }
}

Test(http_head, only_a_proxy_takes_connect)
{
    static const struct row rows[] = {
        ROW("CONNECT", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 405,
            "unknown.method"),
    };
    check_rows(REQUEST, rows, ARRAY_LEN(rows));
}
