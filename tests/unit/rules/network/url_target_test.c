/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/url_target.h"

Test(url_target, an_absolute_uri_is_taken_apart)
{
    static const struct {
        const char *what, *text, *authority, *origin_form, *path;
    } rows[] = {
        {"host alone", "http://allowed.test", "allowed.test:80", "/", "/"},
        {"a slash", "http://allowed.test/", "allowed.test:80", "/", "/"},
        {"a path", "http://allowed.test/a/b", "allowed.test:80", "/a/b", "/a/b"},
        {"path and query", "http://allowed.test:8080/a?b=c/d?e", "allowed.test:8080", "/a?b=c/d?e",
         "/a"},
        {"a query without path", "http://allowed.test?q=/x", "allowed.test:80", "/?q=/x", "/"},
        {"an empty query", "http://allowed.test/?", "allowed.test:80", "/?", "/"},
        {"an empty query without path", "http://allowed.test?", "allowed.test:80", "/?", "/"},
        {"capitals", "HTTP://ALLOWED.Test./Path", "allowed.test:80", "/Path", "/Path"},
        {"IPv6", "http://[2001:DB8::1]:81/x", "[2001:db8::1]:81", "/x", "/x"},
        {"mapped IPv4", "http://[::ffff:127.0.0.2]/", "127.0.0.2:80", "/", "/"},
        {"two slashes", "http://allowed.test//evil.test/", "allowed.test:80", "//evil.test/",
         "//evil.test/"},
        {"escapes stay as spelled", "http://allowed.test/%7eu/%2F?%c3%a9", "allowed.test:80",
         "/%7eu/%2F?%c3%a9", "/%7eu/%2F"},
        {"every byte of a path", "http://a.test/-._~!$&'()*+,;=:@[]", "a.test:80",
         "/-._~!$&'()*+,;=:@[]", "/-._~!$&'()*+,;=:@[]"},
        {"a URL in the path", "http://a.test/http://b.test:1/", "a.test:80", "/http://b.test:1/",
         "/http://b.test:1/"},
        {"a WebSocket", "ws://allowed.test/chat?x", "allowed.test:80", "/chat?x", "/chat"},
        {"a bar in the query", "http://a.test/css?family=Open+Sans|Roboto", "a.test:80",
         "/css?family=Open+Sans%7CRoboto", "/css"},
        {"what is typed", "http://a.test/\"<>\\^`{|}?\"<>\\^`{|}", "a.test:80",
         "/%22%3C%3E%5C%5E%60%7B%7C%7D?%22%3C%3E%5C%5E%60%7B%7C%7D",
         "/%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {"UTF-8", "http://a.test/\xc3\xa9/%c3%a9?\xe2\x82\xac\xf0\x9f\x90\x8b", "a.test:80",
         "/%C3%A9/%c3%a9?%E2%82%AC%F0%9F%90%8B", "/%C3%A9/%c3%a9"},
        {"a bar in a query without path", "http://a.test?|", "a.test:80", "/?%7C", "/"},
        {"an at sign in path and query", "http://a.test/u@b.test?c@d", "a.test:80", "/u@b.test?c@d",
         "/u@b.test"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url_target target;
        struct error error = {0};
        AUTO_BUFFER struct buffer authority = BUFFER_EMPTY, form = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
        cr_assert(url_target_parse(slice_from_text(rows[i].text), &room, &target, &error), "%s: %s",
                  rows[i].what, error.text);
        authority_write(&target.authority, 0, &authority);
        cr_expect_str_eq(buffer_text(&authority), rows[i].authority, "%s", rows[i].what);
        if (target.leading_slash)
            buffer_append_byte(&form, '/');
        buffer_append_slice(&form, target.origin_form);
        cr_expect_str_eq(buffer_text(&form), rows[i].origin_form, "%s", rows[i].what);
        cr_expect(slice_equal_text(target.path, rows[i].path), "%s", rows[i].what);
    }
}

Test(url_target, what_is_no_absolute_http_uri_is_refused)
{
    static const struct {
        const char *what, *text, *reason;
        size_t len; /* 0 = to the NUL */
    } rows[] = {
        {"nothing", "", "malformed.target", 0},
        {"origin form", "/path", "malformed.target", 0},
        {"a network path", "//allowed.test/", "malformed.target", 0},
        {"asterisk form", "*", "malformed.target", 0},
        {"authority form", "allowed.test:80", "malformed.target", 0},
        {"one slash", "http:/allowed.test/", "malformed.target", 0},
        {"no slash", "http:allowed.test/", "malformed.target", 0},
        {"backslashes", "http:\\\\allowed.test/", "malformed.target", 0},
        {"https", "https://allowed.test/", "malformed.scheme", 0},
        {"HTTPS", "HTTPS://allowed.test/", "malformed.scheme", 0},
        {"ftp", "ftp://allowed.test/", "malformed.scheme", 0},
        {"wss", "wss://allowed.test/", "malformed.scheme", 0},
        {"a scheme that begins with ws", "wsx://allowed.test/", "malformed.scheme", 0},
        {"no scheme", "://allowed.test/", "malformed.scheme", 0},
        {"a blank in front", " http://allowed.test/", "malformed.scheme", 0},
        {"no host", "http://", "malformed.host", 0},
        {"no host but a path", "http:///path", "malformed.host", 0},
        {"no host but a port", "http://:80/", "malformed.host", 0},
        {"userinfo", "http://user:pw@allowed.test/", "malformed.authority", 0},
        {"a host as userinfo", "http://allowed.test@evil.test/", "malformed.authority", 0},
        {"a backslash and userinfo", "http://allowed.test\\@evil.test/", "malformed.authority", 0},
        {"a backslash for a slash", "http://allowed.test\\evil.test/", "malformed.host", 0},
        {"an escaped slash in the host", "http://allowed.test%2f.evil.test/", "malformed.host", 0},
        {"two colons", "http://allowed.test:80:81/", "malformed.authority", 0},
        {"an empty port", "http://allowed.test:/", "malformed.port", 0},
        {"a port with a plus", "http://allowed.test:+80/", "malformed.port", 0},
        {"a short IPv4", "http://127.1/", "malformed.host", 0},
        {"a fragment", "http://allowed.test/#frag", "malformed.target", 0},
        {"a fragment without path", "http://allowed.test#@evil.test/", "malformed.target", 0},
        {"a fragment behind a query", "http://allowed.test/?q#f", "malformed.target", 0},
        {"a blank", "http://allowed.test/a b", "malformed.target", 0},
        {"a TAB", "http://allowed.test/a\tb", "malformed.target", 0},
        {"a line end", "http://allowed.test/\r\nX: y", "malformed.target", 0},
        {"a NUL", "http://allowed.test/\0", "malformed.target", 21},
        {"DEL", "http://allowed.test/\x7f", "malformed.target", 0},
        {"a byte above 0x7f", "http://allowed.test/\xe9", "malformed.target", 0},
        {"half a character", "http://allowed.test/?\xc3", "malformed.target", 0},
        {"an overlong slash", "http://allowed.test/\xc0\xaf", "malformed.target", 0},
        {"a surrogate", "http://allowed.test/\xed\xa0\x80", "malformed.target", 0},
        {"UTF-8 in the host", "http://x\xc3\xbc.test/", "malformed.host", 0},
        {"a bar in the host", "http://allowed.test|evil.test/", "malformed.host", 0},
        {"a broken escape", "http://allowed.test/%zz", "malformed.target", 0},
        {"half an escape", "http://allowed.test/%4", "malformed.target", 0},
        {"a percent sign behind", "http://allowed.test/%", "malformed.target", 0},
        {"a broken escape in the query", "http://allowed.test/?%g1", "malformed.target", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url_target target;
        struct error error = {0};
        AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
        size_t len = rows[i].len == 0 ? strlen(rows[i].text) : rows[i].len;
        cr_expect_not(url_target_parse(slice_of(rows[i].text, len), &room, &target, &error), "%s",
                      rows[i].what);
        cr_expect_eq(error.status, 400, "%s", rows[i].what);
        cr_expect(error.reason != NULL && strcmp(error.reason, rows[i].reason) == 0, "%s: %s",
                  rows[i].what, error.reason);
        cr_expect(error.text[0] != '\0', "%s", rows[i].what);
    }
}

Test(url_target, https_is_sent_to_connect)
{
    AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
    struct url_target target;
    struct error error = {0};
    cr_expect_not(url_target_parse(SLICE_LITERAL("https://allowed.test/"), &room, &target, &error));
    cr_expect(strstr(error.text, "CONNECT") != NULL, "%s", error.text);
}

Test(url_target, an_origin_form_leaves_the_authority_alone)
{
    static const struct {
        const char *text, *path;
    } rows[] = {
        {"/", "/"},
        {"/a?b", "/a"},
        {"/?", "/"},
        {"//a", "//a"},
        {"/a%20b?c", "/a%20b"},
        {"", NULL},
        {"a", NULL},
        {"?a", NULL},
        {"*", NULL},
        {"/#", NULL},
        {"/a b", NULL},
        {"/%", NULL},
        {"http://a.test/", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url_target target = {.authority = {.port = 7}, .leading_slash = true};
        struct error error = {0};
        struct slice text = slice_from_text(rows[i].text);
        AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
        bool good = url_target_parse_origin(text, &room, &target, &error);
        cr_assert_eq(good, rows[i].path != NULL, "%s", rows[i].text);
        cr_expect_eq(target.authority.port, 7);
        if (!good) {
            cr_expect_str_eq(error.reason, "malformed.target");
            continue;
        }
        cr_expect(slice_equal_text(target.path, rows[i].path), "%s", rows[i].text);
        cr_expect(slice_equal(target.origin_form, text) && !target.leading_slash);
    }
}

Test(url_target, paths_have_one_canonical_form)
{
    static const struct {
        const char *what, *path, *canonical;
        bool one_reading;
    } rows[] = {
        {"the root", "/", "/", true},
        {"plain", "/a/b.tar.gz", "/a/b.tar.gz", true},
        {"a slash at the end", "/a/", "/a/", true},
        {"capitals stay", "/A/b", "/A/b", true},
        {"an unreserved byte", "/%61%7E%2D%5f", "/a~-_", true},
        {"a dot within a name", "/a%2egz", "/a.gz", true},
        {"a subdelimiter", "/libstdc%2b%2b6%21", "/libstdc++6!", true},
        {"an at sign and a colon", "/%40scope/a%3A1", "/@scope/a:1", true},
        {"brackets", "/%5bx%5D", "/[x]", true},
        {"a parameter", "/a;v=1", "/a;v=1", false},
        {"an escaped parameter", "/a%3bv=1", "/a;v=1", false},
        {"a parameter of nothing", "/;x/a", "/;x/a", false},
        {"a parameter last", "/a;", "/a;", false},
        {"digits become capitals", "/%c3%a9%2a%3e%23", "/%C3%A9*%3E%23", true},
        {"a blank", "/a%20b", "/a%20b", true},
        {"an escaped percent sign", "/100%25", "/100%25", true},
        {"an escaped percent sign in front of other text", "/%25zz%254", "/%25zz%254", true},
        {"an escaped percent sign in front of one digit", "/%254z%25z4", "/%254z%25z4", true},
        {"three dots", "/.../a", "/.../a", false},
        {"a dot behind a name", "/a./b", "/a./b", false},
        {"an escaped dot behind the last name", "/a%2e", "/a.", false},
        {"a blank behind a name", "/a%20/b", "/a%20/b", false},
        {"a fullwidth slash", "/a%ef%bc%8fb", "/a%EF%BC%8Fb", false},
        {"a fullwidth dot", "/a/%ef%bc%8e/b", "/a/%EF%BC%8E/b", false},
        {"a fullwidth backslash", "/a%ef%bc%bcb", "/a%EF%BC%BCb", false},
        {"a two dot leader", "/a/%e2%80%a5/b", "/a/%E2%80%A5/b", false},
        {"an upright two dot leader", "/a/%ef%b8%b0/b", "/a/%EF%B8%B0/b", false},
        {"an ellipsis", "/a/%e2%80%a6/b", "/a/%E2%80%A6/b", false},
        {"an upright ellipsis", "/a/%ef%b8%99/b", "/a/%EF%B8%99/b", false},
        {"letters around a slash", "/%e2%84%80b", "/%E2%84%80b", false},
        {"others around a slash", "/%e2%84%86b", "/%E2%84%86b", false},
        {"a sign of yen", "/a%c2%a5b", "/a%C2%A5b", false},
        {"a sign of won", "/a%e2%82%a9b", "/a%E2%82%A9b", false},
        {"a pound sign", "/a%c2%a3b", "/a%C2%A3b", true},
        {"an upright semicolon", "/a%ef%b8%94b", "/a%EF%B8%94b", false},
        {"a blank in front of a name", "/%20a/b", "/%20a/b", false},
        {"a tab in front of the last name", "/a/%09b", "/a/%09b", false},
        {"a line feed behind the last name", "/a/b%0a", "/a/b%0A", false},
        {"a control character behind a name", "/a%1f/b", "/a%1F/b", false},
        {"a segment that is a blank", "/a/%20/b", "/a/%20/b", false},
        {"a tab within a name", "/a%09b", "/a%09b", true},
        {"a Greek question mark", "/a%cd%be/b", "/a%CD%BE/b", false},
        {"other fullwidth text", "/%ef%bc%88a%ef%bc%89", "/%EF%BC%88a%EF%BC%89", true},
        {"a dash", "/a%e2%80%93b", "/a%E2%80%93b", true},
        {"a twice escaped slash of four digits", "/a%25u002fb", "/a%25u002fb", false},
        {"a percent sign and a word", "/100%25unit", "/100%25unit", true},
        {"a name that begins with a dot", "/.git", "/.git", true},
        {"Latin-1", "/%e9t%e9", "/%E9t%E9", true},
        {"three bytes of UTF-8", "/%e0%a4%a9", "/%E0%A4%A9", true},
        {"four bytes of UTF-8", "/%f0%9f%98%80", "/%F0%9F%98%80", true},
        {"a dot segment", "/a/./b", "/a/./b", false},
        {"a double dot segment", "/a/../b", "/a/../b", false},
        {"a dot segment last", "/a/..", "/a/..", false},
        {"an escaped dot segment", "/a/%2e%2E/b", "/a/../b", false},
        {"a half escaped dot segment", "/a/.%2e/b", "/a/../b", false},
        {"a dot segment with parameters", "/a/..;x=y/b", "/a/..;x=y/b", false},
        {"a dot segment with escaped parameters", "/a/.%2e%3bx/b", "/a/..;x/b", false},
        {"an empty segment", "/a//b", "/a//b", false},
        {"an empty segment first", "//b", "//b", false},
        {"two slashes at the end", "/a//", "/a//", false},
        {"an escaped slash", "/a%2fb", "/a%2Fb", false},
        {"a backslash", "/a\\b", "/a\\b", false},
        {"an escaped question mark", "/a%3fb", "/a%3Fb", false},
        {"an escaped backslash", "/a%5cb", "/a%5Cb", false},
        {"an escaped NUL", "/a%00", "/a%00", false},
        {"a twice escaped slash", "/a%252fb", "/a%252fb", false},
        {"a twice escaped letter", "/%2561", "/%2561", false},
        {"an escape put together", "/%25%36%31", "/%2561", false},
        {"an overlong slash", "/a%c0%afb", "/a%C0%AFb", false},
        {"an overlong backslash", "/a%c1%9cb", "/a%C1%9Cb", false},
        {"an overlong dot", "/a/%c0%ae%c0%ae/", "/a/%C0%AE%C0%AE/", false},
        {"an overlong slash of three bytes", "/a%e0%80%af", "/a%E0%80%AF", false},
        {"an overlong slash of four bytes", "/a%f0%80%80%af", "/a%F0%80%80%AF", false},
        {"an overlong dot of five bytes", "/a%f8%80%80%80%ae", "/a%F8%80%80%80%AE", false},
        {"an overlong slash of six bytes", "/a%fc%80%80%80%80%af", "/a%FC%80%80%80%80%AF", false},
        {"Latin-1 again", "/%f8l%fcb", "/%F8l%FCb", true},
        {"a broken escape", "/a%z", "/a%z", false},
        {"no slash in front", "a", "a", false},
        {"nothing", "", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY, again = BUFFER_EMPTY;
        buffer_append_literal(&out, "in front");
        bool one_reading = url_path_canonical(slice_from_text(rows[i].path), &out);
        struct slice path = slice_of(out.data + 8, out.len - 8);
        cr_expect_eq(one_reading, rows[i].one_reading, "%s", rows[i].what);
        cr_expect(slice_equal_text(path, rows[i].canonical), "%s: %s", rows[i].what,
                  buffer_text(&out));
        path = slice_of(out.data + 8, out.len - 8);
        cr_expect_eq(url_path_canonical(path, &again), one_reading, "%s", rows[i].what);
        cr_expect(slice_equal(buffer_slice(&again), path), "%s: %s", rows[i].what,
                  buffer_text(&again));
    }
}

Test(url_target, a_path_that_found_no_memory_has_no_one_reading)
{
    char data[16];
    struct buffer out = {data, 0, sizeof(data), true};
    cr_expect_not(url_path_canonical(SLICE_LITERAL("/a"), &out));
}

Test(url_target, making_a_path_canonical_twice_changes_nothing)
{
    static const char bytes[] = "/a.%%%257c2eEf0;";
    uint32_t state = 20261121;
    unsigned valid = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char text[16] = "/";
        size_t len = 1;
        state = state * 1664525 + 1013904223;
        size_t wanted = 1 + (state >> 16) % sizeof(text);
        for (; len < wanted; len++) {
            state = state * 1664525 + 1013904223;
            text[len] = bytes[(state >> 16) % (sizeof(bytes) - 1)];
        }
        AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
        struct url_target target;
        struct error error;
        if (!url_target_parse_origin(slice_of(text, len), &room, &target, &error))
            continue;
        valid++;
        AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
        bool one_reading = url_path_canonical(target.path, &once);
        cr_assert(url_target_parse_origin(buffer_slice(&once), &room, &target, &error), "%.*s",
                  (int)len, text);
        cr_assert_eq(url_path_canonical(buffer_slice(&once), &twice), one_reading, "%.*s", (int)len,
                     text);
        cr_assert(slice_equal(buffer_slice(&once), buffer_slice(&twice)), "%.*s", (int)len, text);
    }
    cr_expect(valid > 1000, "%u", valid);
}

Test(url_target, a_path_that_would_have_to_be_cut_is_refused)
{
    static const struct {
        const char *what;
        char byte;
        size_t count;
        bool good;
    } rows[] = {
        {"as long as may be", 'a', URL_TARGET_PATH_MAX - 1, true},
        {"one more", 'a', URL_TARGET_PATH_MAX, false},
        {"longer once it is escaped", '|', URL_TARGET_PATH_MAX / 3 + 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY, room = BUFFER_EMPTY;
        struct url_target target;
        struct error error = {0};
        buffer_append_byte(&text, '/');
        for (size_t n = 0; n < rows[i].count; n++)
            buffer_append_byte(&text, rows[i].byte);
        buffer_append_literal(&text, "?a-long-query-does-not-count");
        cr_expect_eq(url_target_parse_origin(buffer_slice(&text), &room, &target, &error),
                     rows[i].good, "%s", rows[i].what);
        if (!rows[i].good)
            cr_expect_eq(error.status, 414, "%s: %d", rows[i].what, error.status);
    }
}
