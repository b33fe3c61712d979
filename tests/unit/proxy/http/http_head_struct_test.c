/* SPDX-License-Identifier: Apache-2.0
 *
 * What an accepted head says, how limits hold, and how early a bad one is refused. */
#include <criterion/criterion.h>

#include "base/buffer.h"
#include "tests/unit/proxy/http_head_feed.h"

static struct outcome read_text(enum side side, const char *text)
{
    return read_both_ways(text, side, slice_from_text(text), &widest);
}

static void expect_slice(struct slice slice, const char *text, const char *what)
{
    cr_expect(slice.ptr != NULL && slice_equal_text(slice, text), "%s is %.*s, not %s", what,
              (int)slice.len, slice.ptr == NULL ? "" : slice.ptr, text);
}

Test(http_head, a_request_is_told_in_full)
{
    const char *text = "POST /v1.41/containers/x/attach?stream=1 HTTP/1.1\r\nHost: \r\n"
                       "User-Agent: \t docker \t\r\nContent-Length: 42\r\n"
                       "Connection: Keep-Alive, ,X-Secret\r\nConnection: upgrade\r\n"
                       "Upgrade: tcp\r\nExpect: 100-continue\r\n\r\nPOST /next";
    struct outcome outcome = read_text(REQUEST, text);
    const struct http_head *head = &outcome.head;
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.consumed, strlen(text) - strlen("POST /next"));
    cr_expect_eq(head->method, HTTP_METHOD_POST);
    expect_slice(head->method_name, "POST", "method");
    expect_slice(head->target, "/v1.41/containers/x/attach?stream=1", "target");
    expect_slice(head->host, "", "host");
    cr_expect_eq(head->minor_version, 1);
    cr_expect_eq(head->field_count, 7);
    expect_slice(head->fields[1].name, "User-Agent", "name");
    expect_slice(head->fields[1].value, "docker", "value");
    cr_expect_eq(head->framing, HTTP_FRAMING_LENGTH);
    cr_expect_eq(head->content_length, 42);
    cr_expect(head->connection_keep_alive && head->connection_upgrade && !head->connection_close);
    expect_slice(head->upgrade, "tcp", "upgrade");
    cr_expect(head->expect_continue);
    cr_expect(http_head_connection_names(head, SLICE_LITERAL("x-secret")));
    cr_expect_not(http_head_connection_names(head, SLICE_LITERAL("Upgrade-Insecure")));
    cr_expect_eq(http_head_field_count(head, SLICE_LITERAL("connection")), 2);
    expect_slice(http_head_field(head, SLICE_LITERAL("UPGRADE")), "tcp", "field");
    cr_expect_null(http_head_field(head, SLICE_LITERAL("Origin")).ptr);
}

Test(http_head, what_a_request_does_not_say_is_absent)
{
    struct outcome outcome = read_text(REQUEST, "GET /_ping HTTP/1.0\r\nExpect: 100-continue\r\n"
                                                "Proxy-Connection: upgrade, close\r\n\r\n");
    const struct http_head *head = &outcome.head;
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(head->minor_version, 0);
    cr_expect_null(head->host.ptr);
    cr_expect_null(head->upgrade.ptr);
    cr_expect_eq(head->framing, HTTP_FRAMING_NONE);
    cr_expect_not(head->expect_continue, "HTTP/1.0 cannot expect");
    cr_expect_not(head->connection_close || head->connection_upgrade,
                  "Proxy-Connection has no meaning (row 38)");
}

Test(http_head, an_absolute_form_leaves_its_path)
{
    struct outcome outcome =
        read_text(REQUEST, "GET http://Docker:80/a?b HTTP/1.1\r\nHost: docker:80\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    expect_slice(outcome.head.target, "/a?b", "target");
    outcome = read_text(REQUEST, "GET http://[::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    expect_slice(outcome.head.target, "/", "target");
}

Test(http_head, options_and_patch_are_left_to_the_docker_layer)
{
    struct outcome outcome = read_text(REQUEST, "OPTIONS / HTTP/1.1\r\nHost: d\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.head.method, HTTP_METHOD_OPTIONS);
    outcome = read_text(REQUEST, "PATCH / HTTP/1.1\r\nHost: d\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.head.method, HTTP_METHOD_PATCH);
}

Test(http_head, bytes_behind_a_head_are_not_touched)
{
    /* Row 37: what follows `Connection: close` is another request or nothing; that is for the
     * connection to know. */
    struct outcome outcome = read_text(REQUEST, "GET /a HTTP/1.1\r\nHost: d\r\nConnection: close"
                                                "\r\n\r\n\n\x01 garbage");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.consumed,
                 strlen("GET /a HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"));
    cr_expect(outcome.head.connection_close);
}

Test(http_head, a_response_is_told_in_full)
{
    struct outcome outcome =
        read_text(RESPONSE, "HTTP/1.1 101 UP GRADED\r\nContent-Type: a/b\r\n"
                            "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n\x01\x00");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.head.status, 101);
    expect_slice(outcome.head.reason, "UP GRADED", "reason");
    cr_expect(outcome.head.connection_upgrade);
    expect_slice(outcome.head.upgrade, "tcp", "upgrade");
    outcome = read_text(RESPONSE, "HTTP/1.0 404\r\nConnection: close\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_OK);
    cr_expect_eq(outcome.head.status, 404);
    cr_expect_eq(outcome.head.minor_version, 0);
    expect_slice(outcome.head.reason, "", "reason");
    cr_expect(outcome.head.connection_close);
}

Test(http_head, the_body_of_a_response_depends_on_the_question)
{
    static const struct {
        const char *name, *text;
        enum http_method method;
        enum http_framing framing;
    } rows[] = {
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_METHOD_GET,
         HTTP_FRAMING_LENGTH},
        {"length, HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_METHOD_HEAD,
         HTTP_FRAMING_NONE},
        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_METHOD_POST,
         HTTP_FRAMING_CHUNKED},
        {"chunked, HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_METHOD_HEAD,
         HTTP_FRAMING_NONE},
        {"neither", "HTTP/1.1 200 OK\r\n\r\n", HTTP_METHOD_GET, HTTP_FRAMING_CLOSE},
        {"neither, HEAD", "HTTP/1.1 200 OK\r\n\r\n", HTTP_METHOD_HEAD, HTTP_FRAMING_NONE},
        {"100", "HTTP/1.1 100 Continue\r\n\r\n", HTTP_METHOD_POST, HTTP_FRAMING_NONE},
        {"101", "HTTP/1.1 101 UPGRADED\r\n\r\n", HTTP_METHOD_POST, HTTP_FRAMING_NONE},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", HTTP_METHOD_DELETE, HTTP_FRAMING_NONE},
        {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", HTTP_METHOD_GET,
         HTTP_FRAMING_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome outcome = read_text(RESPONSE, rows[i].text);
        cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s", rows[i].name);
        cr_expect_eq(http_response_framing(&outcome.head, rows[i].method), rows[i].framing, "%s",
                     rows[i].name);
    }
}

static const struct {
    const char *name;
    enum http_framing comes;
    bool minor_version_0;
    enum http_framing goes;
} client_rows[] = {
    {"no body", HTTP_FRAMING_NONE, false, HTTP_FRAMING_NONE},
    {"a length", HTTP_FRAMING_LENGTH, false, HTTP_FRAMING_LENGTH},
    {"a length, 1.0", HTTP_FRAMING_LENGTH, true, HTTP_FRAMING_LENGTH},
    {"chunks", HTTP_FRAMING_CHUNKED, false, HTTP_FRAMING_CHUNKED},
    {"chunks, 1.0", HTTP_FRAMING_CHUNKED, true, HTTP_FRAMING_CLOSE},
    {"until the end", HTTP_FRAMING_CLOSE, false, HTTP_FRAMING_CHUNKED},
    {"until the end, 1.0", HTTP_FRAMING_CLOSE, true, HTTP_FRAMING_CLOSE},
};

Test(http_head, clients_are_told_where_a_body_ends_as_well_as_their_version_can)
{
    for (size_t i = 0; i < ARRAY_LEN(client_rows); i++)
        cr_expect_eq(http_client_framing(client_rows[i].comes, client_rows[i].minor_version_0),
                     client_rows[i].goes, "%s", client_rows[i].name);
}

static const char *const captured_heads[] = {
#include "tests/unit/proxy/http/captured_heads.inc"
};

Test(http_head, what_real_clients_send_is_accepted)
{
    for (size_t i = 0; i < ARRAY_LEN(captured_heads); i++) {
        const char *text = captured_heads[i];
        struct outcome outcome = read_text(REQUEST, text);
        cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s: %s", text, outcome.error.text);
        cr_expect_eq(outcome.consumed, strlen(text), "%s", text);
        unsigned lines = 0;
        for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
            lines++;
        cr_expect_eq(outcome.head.field_count, lines - 2, "%s", text);
        struct slice rest = slice_from_text(text);
        cr_expect(slice_equal(outcome.head.method_name, slice_cut(&rest, ' ')), "%s", text);
        cr_expect(slice_equal(outcome.head.target, slice_cut(&rest, ' ')), "%s", text);
        cr_expect_eq(outcome.head.framing == HTTP_FRAMING_LENGTH,
                     strstr(text, "Content-Length") != NULL, "%s", text);
        cr_expect_eq(outcome.head.framing == HTTP_FRAMING_CHUNKED,
                     strstr(text, "Transfer-Encoding") != NULL, "%s", text);
    }
}

/* A head with `count` times `piece` between `front` and `back`. */
static struct outcome read_long(const char *front, const char *piece, size_t count,
                                const char *back, const struct http_head_limits *limits)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, front);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&text, piece);
    buffer_append_text(&text, back);
    return read_both_ways(front, REQUEST, buffer_slice(&text), limits);
}

static void expect_refused(const struct outcome *outcome, int code, const char *reason)
{
    cr_assert_eq(outcome->result, HTTP_HEAD_BAD);
    cr_expect_eq(outcome->error.status, code, "%d %s", outcome->error.status, outcome->error.text);
    cr_expect_str_eq(outcome->error.reason, reason);
}

Test(http_head, limits_hold_to_the_byte)
{
    const char *front = "GET /x HTTP/1.1\r\nHost: d\r\n", *end = "\r\n";
    struct outcome outcome = read_long(front, "X: y\r\n", HTTP_HEAD_FIELDS_MAX - 1, end, &widest);
    cr_expect_eq(outcome.result, HTTP_HEAD_OK, "as many fields as there may be");
    outcome = read_long(front, "X: y\r\n", HTTP_HEAD_FIELDS_MAX, end, &widest); /* row 19 */
    expect_refused(&outcome, 431, "limit.too-many-fields");

    struct http_head_limits limits = {64, 16, 3};
    outcome = read_long("GET /x HTTP/1.1\r\nHost: d\r\nX: ", "y", 31, "\r\n\r\n", &limits);
    cr_expect_eq(outcome.result, HTTP_HEAD_OK, "64 bytes");
    cr_expect_eq(outcome.consumed, 64);
    outcome = read_long("GET /x HTTP/1.1\r\nHost: d\r\nX: ", "y", 32, "\r\n\r\n", &limits);
    expect_refused(&outcome, 431, "limit.head-too-large");
    outcome = read_long("GET /", "x", 15, " HTTP/1.1\r\nHost: d\r\n\r\n", &limits);
    cr_expect_eq(outcome.result, HTTP_HEAD_OK, "target of 16 bytes");
    outcome = read_long("GET /", "x", 16, " HTTP/1.1\r\nHost: d\r\n\r\n", &limits);
    expect_refused(&outcome, 414, "limit.target-too-long");
    outcome = read_long(front, "X: y\r\n", 2, end, &limits);
    cr_expect_eq(outcome.result, HTTP_HEAD_OK, "3 fields");
    outcome = read_long(front, "X: y\r\n", 3, end, &limits);
    expect_refused(&outcome, 431, "limit.too-many-fields");
}

/* A head of that length, read at once and in pieces of a block: a byte at a time would take hours. */
static void read_huge(const char *front, size_t len, const char *back, int code, const char *reason)
{
    static const struct http_head_limits boundless = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct outcome outcome = {.result = HTTP_HEAD_MORE};
    size_t scanned = 0;
    buffer_append_text(&text, front);
    for (size_t i = 0; i < len; i++)
        buffer_append_byte(&text, 'y');
    buffer_append_text(&text, back);
    for (size_t at = 0; at < text.len && outcome.result == HTTP_HEAD_MORE;) {
        at = at + 16384 < text.len ? at + 16384 : text.len;
        outcome.result =
            read_once(REQUEST, slice_of(text.data, at), &scanned, &boundless, &outcome);
    }
    if (code == 0)
        cr_expect_eq(outcome.result, HTTP_HEAD_OK, "%s: %s", front, outcome.error.text);
    else
        expect_refused(&outcome, code, reason);
}

Test(http_head, limits_cannot_be_set_above_what_the_engine_takes)
{
    static const struct http_head_limits boundless = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    const char *front = "GET /x HTTP/1.1\r\nHost: d\r\n";
    struct outcome outcome = read_long(front, "X: y\r\n", HTTP_HEAD_FIELDS_MAX, "\r\n", &boundless);
    expect_refused(&outcome, 431, "limit.too-many-fields");
    outcome = read_long("", "\n", 10000, front, &boundless); /* row 8 */
    expect_refused(&outcome, 400, "malformed.request-line");
    read_huge("GET /x?", HTTP_HEAD_TARGET_MAX - 3, " HTTP/1.1\r\nHost: d\r\n\r\n", 0, NULL);
    read_huge("GET /x?", HTTP_HEAD_TARGET_MAX, " HTTP/1.1\r\n", 414, "limit.target-too-long");
    read_huge("GET /x HTTP/1.1\r\nHost: d\r\nX: ", HTTP_HEAD_LEN_MAX - 100, "\r\n\r\n", 0, NULL);
    read_huge("GET /x HTTP/1.1\r\nHost: d\r\nX: ", HTTP_HEAD_LEN_MAX, "\r\n\r\n", 431,
              "limit.head-too-large"); /* row 19, H26 */
}

Test(http_head, a_limit_speaks_as_soon_as_it_is_passed)
{
    /* One byte less waits for more; nothing that could follow would help. */
    static const struct {
        const char *name, *text;
        int code;
    } rows[] = {
        {"first byte of a field too many", "GET / HTTP/1.1\r\nHost: d\r\nA: b\r\nC: d\r\nE", 431},
        {"last byte of 48 without an end", "GET / HTTP/1.1\r\nHost: 01234567890123456789012345",
         431},
        {"17th byte of a target", "GET /2345678901234567", 414},
    };
    const struct http_head_limits limits = {48, 16, 3};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice text = slice_from_text(rows[i].text);
        struct outcome outcome = read_both_ways(rows[i].name, REQUEST, text, &limits);
        cr_assert_eq(outcome.result, HTTP_HEAD_BAD, "%s", rows[i].name);
        cr_expect_eq(outcome.error.status, rows[i].code, "%s", rows[i].name);
        text.len--;
        outcome = read_both_ways(rows[i].name, REQUEST, text, &limits);
        cr_expect_eq(outcome.result, HTTP_HEAD_MORE, "%s, one byte earlier", rows[i].name);
    }
}

Test(http_head, a_response_has_limits_too)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_literal(&text, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i <= HTTP_HEAD_FIELDS_MAX; i++)
        buffer_append_literal(&text, "X: y\r\n");
    struct outcome outcome = read_both_ways("fields", RESPONSE, buffer_slice(&text), &widest);
    expect_refused(&outcome, 502, "upstream.head-too-large");
    buffer_clear(&text);
    buffer_append_literal(&text, "HTTP/1.1 200 OK\r\nX: ");
    for (unsigned i = 0; i < HTTP_HEAD_LEN_MAX; i++)
        buffer_append_byte(&text, 'y');
    outcome = read_both_ways("bytes", RESPONSE, buffer_slice(&text), &widest);
    expect_refused(&outcome, 502, "upstream.head-too-large");
}

Test(http_head, a_bad_byte_is_refused_before_the_head_is_complete)
{
    static const char *const hopeless[] = {
        "\r",
        " ",
        "g",
        "GET x",
        "GET /\x01",
        "GET /%z",
        "GET / X",
        "GET / HTTP/1.1\rX",
        "GET / HTTP/1.1\n",
        "GET / HTTP/3.0\r",
        "TRACE ",
        "PRI ",
        "GET / HTTP/1.1\r\n ",
        "GET / HTTP/1.1\r\n:",
        "GET / HTTP/1.1\r\nA ",
        "GET / HTTP/1.1\r\nA: \x01",
        "GET / HTTP/1.1\r\nA: b\rc",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\rx",
    };
    for (size_t i = 0; i < ARRAY_LEN(hopeless); i++) {
        struct outcome outcome = read_text(REQUEST, hopeless[i]);
        cr_expect_eq(outcome.result, HTTP_HEAD_BAD, "%s", hopeless[i]);
        struct slice before = slice_of(hopeless[i], strlen(hopeless[i]) - 1);
        outcome = read_both_ways(hopeless[i], REQUEST, before, &widest);
        cr_expect_eq(outcome.result, HTTP_HEAD_MORE, "%s, one byte earlier", hopeless[i]);
    }
}

Test(http_head, foreign_bytes_are_quoted_in_errors)
{
    struct outcome outcome =
        read_text(REQUEST, "POST / HTTP/1.1\r\nHost: d\r\nContent-Length: \xc3\xa9\t1\r\n\r\n");
    cr_assert_eq(outcome.result, HTTP_HEAD_BAD);
    cr_expect_not_null(strstr(outcome.error.text, "\\xc3\\xa9\\x091"), "%s", outcome.error.text);
}
