/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of plain HTTP on their way through the proxy: each row is a field that comes in, and
 * whether it goes out. What is written is read again by our own strict reader. */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "proxy/egress/egress_header.h"
#include "tests/unit/proxy/http_head_feed.h"

/* The request as an origin would get it. */
static void write_request(const char *start, const char *fields, struct egress_request_plan plan,
                          struct buffer *out)
{
    static struct http_head head;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY, room = BUFFER_EMPTY;
    struct url_target url;
    struct error error = {0};
    size_t scanned = 0, consumed;
    buffer_printf(&text, "%s HTTP/1.1\r\nHost: claimed.test\r\n%s\r\n", start, fields);
    cr_assert_eq(http_head_parse_proxy_request(&head, text.data, text.len, &scanned, &widest,
                                               &consumed, &error),
                 HTTP_HEAD_OK, "%s: %s", buffer_text(&text), error.text);
    cr_assert(url_target_parse(head.target, &room, &url, &error), "%s", error.text);
    plan.head = &head;
    plan.url = &url;
    egress_header_write_request(&plan, out);
    (void)buffer_text(out);
}

static void expect_request(const char *name, const char *start, const char *fields, bool websocket,
                           const char *expected)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    write_request(start, fields, (struct egress_request_plan){.websocket = websocket}, &out);
    cr_expect_str_eq(buffer_text(&out), expected, "%s: %s", name, buffer_text(&out));
    struct outcome again = read_both_ways(name, REQUEST, buffer_slice(&out), &widest);
    cr_expect_eq(again.result, HTTP_HEAD_OK, "%s: %s", name, again.error.text);
}

static const struct {
    const char *name, *line;
    bool kept;
} field_rows[] = {
    {"Connection", "Connection: keep-alive", false},
    {"Connection in another case", "cOnNeCtIoN: close", false},
    {"Keep-Alive", "Keep-Alive: timeout=5", false},
    {"Proxy-Connection", "Proxy-Connection: keep-alive", false},
    {"Proxy-Authorization", "Proxy-Authorization: Basic c2VjcmV0", false},
    {"Proxy-Authenticate", "Proxy-Authenticate: Basic", false},
    {"Proxy-Authentication-Info", "Proxy-Authentication-Info: x", false},
    {"Proxy-Status", "Proxy-Status: x", false},
    {"a Proxy- field that nobody knows", "pRoXy-Whatever: x", false},
    {"TE", "TE: trailers", false},
    {"Trailer", "Trailer: X-End", false},
    {"Upgrade", "Upgrade: h2c", false},
    {"HTTP2-Settings", "HTTP2-Settings: AAMAAABk", false},
    {"Expect", "Expect: 100-continue", false},
    {"Max-Forwards", "Max-Forwards: 3", false},
    {"named by Connection", "X-Hop: 1", false},
    {"named by Connection, in another case", "x-HOP: 1", false},
    {"Authorization, although named", "Authorization: Bearer t", true},
    {"Cookie, although named", "Cookie: a=b", true},
    {"Content-Type, although named", "Content-Type: text/plain", true},
    {"Proxy without a dash", "Proxy: x", true},
    {"begins like a field of this hop", "Connection-Id: 1", true},
    {"ends like one", "X-Upgrade: 1", true},
    {"an empty value", "X-Empty: ", true},
    {"User-Agent", "User-Agent: test/1", true},
    {"what the client says of itself", "X-Forwarded-For: 192.0.2.1", true},
};

Test(egress_header, what_belongs_to_this_hop_ends_here_the_rest_goes_on)
{
    for (size_t i = 0; i < ARRAY_LEN(field_rows); i++) {
        AUTO_BUFFER struct buffer fields = BUFFER_EMPTY, expected = BUFFER_EMPTY;
        buffer_printf(&fields, "%s\r\nConnection: X-Hop, Authorization, Cookie, Content-Type\r\n",
                      field_rows[i].line);
        buffer_printf(&expected, "GET /a HTTP/1.1\r\nHost: a.test\r\n%s%s\r\n",
                      field_rows[i].kept ? field_rows[i].line : "",
                      field_rows[i].kept ? "\r\n" : "");
        expect_request(field_rows[i].name, "GET http://a.test/a", buffer_text(&fields), false,
                       buffer_text(&expected));
    }
}

Test(egress_header, a_repeated_field_keeps_its_order)
{
    expect_request("order", "GET http://a.test/", "X-B: 1\r\nX-A: 2\r\nX-B: 3\r\n", false,
                   "GET / HTTP/1.1\r\nHost: a.test\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\n\r\n");
}

static const struct {
    const char *name, *target, *line, *host;
} target_rows[] = {
    {"a path", "http://a.test/b/c", "/b/c", "a.test"},
    {"no path", "http://a.test", "/", "a.test"},
    {"only a query", "http://a.test?q=1", "/?q=1", "a.test"},
    {"a query", "http://a.test/x?y=/z", "/x?y=/z", "a.test"},
    {"escapes as they were spelled", "http://a.test/%7euser/%41", "/%7euser/%41", "a.test"},
    {"the scheme's own port", "http://a.test:80/", "/", "a.test"},
    {"another port", "http://a.test:8080/", "/", "a.test:8080"},
    {"capitals and a final dot", "http://A.Test.:8080/", "/", "a.test:8080"},
    {"IPv4", "http://192.0.2.1/", "/", "192.0.2.1"},
    {"IPv6", "http://[2001:DB8::1]:81/", "/", "[2001:db8::1]:81"},
};

Test(egress_header, host_comes_from_the_target_whatever_the_client_claimed)
{
    for (size_t i = 0; i < ARRAY_LEN(target_rows); i++) {
        char start[80], expected[160];
        snprintf(start, sizeof(start), "GET %s", target_rows[i].target);
        snprintf(expected, sizeof(expected), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                 target_rows[i].line, target_rows[i].host);
        expect_request(target_rows[i].name, start, "", false, expected);
    }
}

Test(egress_header, a_proxy_gets_the_whole_url)
{
    for (size_t i = 0; i < ARRAY_LEN(target_rows); i++) {
        char start[80], expected[240];
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        snprintf(start, sizeof(start), "GET %s", target_rows[i].target);
        snprintf(expected, sizeof(expected),
                 "GET http://%s%s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic eA==\r\n\r\n",
                 target_rows[i].host, target_rows[i].line, target_rows[i].host);
        write_request(start, "Proxy-Authorization: Basic Y2xpZW50\r\n",
                      (struct egress_request_plan){
                          .whole_url = true,
                          .proxy_authorization = SLICE_LITERAL("Basic eA=="),
                      },
                      &out);
        cr_expect_str_eq(buffer_text(&out), expected, "%s", target_rows[i].name);
    }
}

static const struct {
    const char *name, *method, *fields, *expected;
} body_rows[] = {
    {"GET without a body", "GET", "", ""},
    {"DELETE without a body", "DELETE", "", ""},
    {"OPTIONS", "OPTIONS", "", ""},
    {"POST without a body says so", "POST", "", "Content-Length: 0\r\n"},
    {"PUT without a body says so", "PUT", "", "Content-Length: 0\r\n"},
    {"PATCH without a body says so", "PATCH", "", "Content-Length: 0\r\n"},
    {"a length", "POST", "Content-Length: 17\r\n", "Content-Length: 17\r\n"},
    {"a length of a GET", "GET", "Content-Length: 0\r\n", "Content-Length: 0\r\n"},
    {"chunks", "POST", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\n"},
    {"chunks in capitals", "POST", "TRANSFER-ENCODING: CHUNKED\r\n",
     "Transfer-Encoding: chunked\r\n"},
    {"a length that Connection names", "POST",
     "Connection: Content-Length\r\nContent-Length: 5\r\n", "Content-Length: 5\r\n"},
    {"chunks that Connection names", "POST",
     "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
     "Transfer-Encoding: chunked\r\n"},
};

Test(egress_header, framing_is_written_anew)
{
    for (size_t i = 0; i < ARRAY_LEN(body_rows); i++) {
        char start[60], expected[160];
        snprintf(start, sizeof(start), "%s http://a.test/", body_rows[i].method);
        snprintf(expected, sizeof(expected), "%s / HTTP/1.1\r\nHost: a.test\r\n%s\r\n",
                 body_rows[i].method, body_rows[i].expected);
        expect_request(body_rows[i].name, start, body_rows[i].fields, false, expected);
    }
}

Test(egress_header, a_websocket_is_asked_for_in_our_words)
{
    const char *fields = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                         "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n";
    expect_request("permitted", "GET http://a.test/ws", fields, true,
                   "GET /ws HTTP/1.1\r\nHost: a.test\r\nSec-WebSocket-Key: k\r\n"
                   "Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "\r\n");
    expect_request("not permitted", "GET http://a.test/ws", fields, false,
                   "GET /ws HTTP/1.1\r\nHost: a.test\r\nSec-WebSocket-Key: k\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n");
}

static const struct {
    const char *name, *fields;
    bool asks;
} upgrade_rows[] = {
    {"both fields", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
    {"in capitals", "CONNECTION: UPGRADE\r\nUPGRADE: WEBSOCKET\r\n", true},
    {"without Connection", "Upgrade: websocket\r\n", false},
    {"without Upgrade", "Connection: upgrade\r\n", false},
    {"another protocol", "Connection: upgrade\r\nUpgrade: h2c\r\n", false},
    {"a list of protocols", "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", false},
    {"a longer name", "Connection: upgrade\r\nUpgrade: websockets\r\n", false},
};

Test(egress_header, only_the_two_fields_together_ask_for_a_websocket)
{
    for (size_t i = 0; i < ARRAY_LEN(upgrade_rows); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "GET / HTTP/1.1\r\nHost: a.test\r\n%s\r\n", upgrade_rows[i].fields);
        struct outcome outcome =
            read_both_ways(upgrade_rows[i].name, REQUEST, buffer_slice(&text), &widest);
        cr_expect_eq(egress_header_asks_websocket(&outcome.head), upgrade_rows[i].asks, "%s",
                     upgrade_rows[i].name);
    }
}

static const struct {
    const char *name, *answer;
    struct egress_answer plan;
    const char *expected;
} answer_rows[] = {
    {"a length",
     "HTTP/1.1 200 Fine\r\nContent-Length: 7\r\nServer: x\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_LENGTH, .content_length = 7}},
     "HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 7\r\n\r\n"},
    {"chunks, with what servers add to them",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\nKeep-Alive: timeout=5\r\n"
     "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_CHUNKED}},
     "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"until the end, which the client is told as chunks",
     "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_CHUNKED}},
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"until the end",
     "HTTP/1.1 200 OK\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_CLOSE, .close = true}},
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
    {"a length that is only told",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_NONE, .content_length = 9, .show_length = true}},
     "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\n\r\n"},
    {"nothing follows",
     "HTTP/1.1 204 No Content\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_NONE}},
     "HTTP/1.1 204 No Content\r\n\r\n"},
    {"no reason phrase",
     "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_LENGTH}},
     "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
    {"a switch",
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n"
     "Sec-WebSocket-Accept: a\r\n\r\n",
     {.websocket = true},
     "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\n"
     "Upgrade: websocket\r\n\r\n"},
    {"fields between an origin and a proxy",
     "HTTP/1.1 401 No\r\nProxy-Authenticate: Basic\r\nProxy-Status: x\r\nProxy-Any: x\r\n"
     "WWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
     {.plan = {.framing = HTTP_FRAMING_LENGTH}},
     "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"},
};

Test(egress_header, answers_are_written_anew)
{
    for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        struct outcome outcome = read_both_ways(answer_rows[i].name, RESPONSE,
                                                slice_from_text(answer_rows[i].answer), &widest);
        struct egress_answer answer = answer_rows[i].plan;
        cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s: %s", answer_rows[i].name,
                     outcome.error.text);
        answer.head = &outcome.head;
        egress_header_write_response(&answer, &out);
        cr_expect_str_eq(buffer_text(&out), answer_rows[i].expected, "%s: %s", answer_rows[i].name,
                         buffer_text(&out));
    }
}
