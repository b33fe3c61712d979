/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/authority.h"

Test(authority, host_and_port_have_one_canonical_text)
{
    static const struct {
        const char *what, *text;
        unsigned default_port;
        const char *canonical;
    } rows[] = {
        {"a name", "allowed.test:9080", 0, "allowed.test:9080"},
        {"capitals and a dot", "ALLOWED.Test.:443", 0, "allowed.test:443"},
        {"the first port", "allowed.test:1", 0, "allowed.test:1"},
        {"the last port", "allowed.test:65535", 0, "allowed.test:65535"},
        {"IPv4", "127.0.0.2:80", 0, "127.0.0.2:80"},
        {"IPv4 and a dot", "127.0.0.2.:80", 0, "127.0.0.2:80"},
        {"IPv6", "[2001:DB8::1]:443", 0, "[2001:db8::1]:443"},
        {"mapped IPv4", "[::ffff:127.0.0.2]:443", 0, "127.0.0.2:443"},
        {"the default port", "allowed.test", 80, "allowed.test:80"},
        {"the default port of IPv6", "[::1]", 80, "[::1]:80"},
        {"the default port, written", "allowed.test:80", 80, "allowed.test:80"},
        {"another than the default", "allowed.test:8080", 80, "allowed.test:8080"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority authority;
        struct error error = {0};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(authority_parse(slice_from_text(rows[i].text), rows[i].default_port, &authority,
                                  &error),
                  "%s: %s", rows[i].what, error.text);
        authority_write(&authority, 0, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i].canonical, "%s", rows[i].what);
    }
}

Test(authority, what_may_be_split_in_two_ways_is_refused)
{
    static const struct {
        const char *what, *text, *reason;
        size_t len; /* 0 = to the NUL */
    } rows[] = {
        {"nothing", "", "malformed.host", 0},
        {"no port", "allowed.test", "malformed.port", 0},
        {"no port behind an address", "[::1]", "malformed.port", 0},
        {"an empty port", "allowed.test:", "malformed.port", 0},
        {"an empty host", ":443", "malformed.host", 0},
        {"a colon", ":", "malformed.host", 0},
        {"port 0", "allowed.test:0", "malformed.port", 0},
        {"port 65536", "allowed.test:65536", "malformed.port", 0},
        {"a port that wraps to 9080", "allowed.test:74616", "malformed.port", 0},
        {"a port that wraps in 64 bits", "allowed.test:18446744073709551696", "malformed.port", 0},
        {"a plus", "allowed.test:+9080", "malformed.port", 0},
        {"a minus", "allowed.test:-1", "malformed.port", 0},
        {"letters behind", "allowed.test:9080abc", "malformed.port", 0},
        {"hexadecimal", "allowed.test:0x2378", "malformed.port", 0},
        {"a leading zero", "allowed.test:074", "malformed.port", 0},
        {"leading zeros", "allowed.test:00443", "malformed.port", 0},
        {"a blank in front of the port", "allowed.test: 443", "malformed.port", 0},
        {"a blank behind the port", "allowed.test:443 ", "malformed.port", 0},
        {"a NUL behind the port", "allowed.test:443\0", "malformed.port", 17},
        {"a service name", "allowed.test:https", "malformed.port", 0},
        {"digits of another script", "allowed.test:\xd9\xa4\xd9\xa4\xd9\xa3", "malformed.port", 0},
        {"two colons", "allowed.test:9080:443", "malformed.authority", 0},
        {"two colons together", "allowed.test::443", "malformed.authority", 0},
        {"a colon behind the port", "allowed.test:443:", "malformed.authority", 0},
        {"IPv6 without brackets", "::1:443", "malformed.authority", 0},
        {"IPv6 and two ports", "[::1]:80:443", "malformed.authority", 0},
        {"userinfo", "user@evil.test:9080", "malformed.authority", 0},
        {"a host as userinfo", "evil.test@allowed.test:9080", "malformed.authority", 0},
        {"host and port as userinfo", "allowed.test:80@evil.test:9080", "malformed.authority", 0},
        {"empty userinfo", "@allowed.test:443", "malformed.authority", 0},
        {"userinfo behind", "allowed.test:443@", "malformed.authority", 0},
        {"an absolute URI", "http://allowed.test:443", "malformed.authority", 0},
        {"a path", "allowed.test:443/x", "malformed.authority", 0},
        {"a slash", "allowed.test:443/", "malformed.authority", 0},
        {"a query", "allowed.test:443?x", "malformed.authority", 0},
        {"a fragment", "allowed.test:443#x", "malformed.authority", 0},
        {"a backslash", "allowed.test:443\\evil.test", "malformed.port", 0},
        {"a name between brackets", "[allowed.test]:9080", "malformed.host", 0},
        {"IPv4 between brackets", "[127.0.0.2]:9080", "malformed.host", 0},
        {"text behind the bracket", "[::1]x:443", "malformed.host", 0},
        {"a dot behind the bracket", "[::1].:443", "malformed.host", 0},
        {"a zone", "[fe80::1%25eth0]:443", "malformed.host", 0},
        {"an open bracket", "[::1:443", "malformed.authority", 0},
        {"a bracket behind", "allowed.test]:443", "malformed.host", 0},
        {"a star", "*.allowed.test:443", "malformed.host", 0},
        {"a percent escape", "ex%41mple.com:443", "malformed.host", 0},
        {"an escaped colon", "allowed.test%3a80:443", "malformed.host", 0},
        {"dots", "..:443", "malformed.host", 0},
        {"a short IPv4", "127.2:443", "malformed.host", 0},
        {"IPv4 as a number", "2130706434:443", "malformed.host", 0},
        {"a NUL in the host", "evil.test\0.allowed.test:443", "malformed.host", 27},
        {"a TAB in the host", "allowed\t.test:443", "malformed.host", 0},
        {"a fullwidth colon",
         "allowed.test\xef\xbc\x9a"
         "80:443",
         "malformed.host", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority authority;
        struct error error = {0};
        size_t len = rows[i].len == 0 ? strlen(rows[i].text) : rows[i].len;
        cr_expect_not(authority_parse(slice_of(rows[i].text, len), 0, &authority, &error), "%s",
                      rows[i].what);
        cr_expect_eq(error.status, 400, "%s", rows[i].what);
        cr_expect(error.reason != NULL && strcmp(error.reason, rows[i].reason) == 0, "%s: %s",
                  rows[i].what, error.reason);
        cr_expect(error.text[0] != '\0', "%s", rows[i].what);
    }
    struct authority authority;
    struct error error = {0};
    cr_expect_not(authority_parse(slice_of(NULL, 0), 80, &authority, &error));
    cr_expect_not(authority_parse(SLICE_LITERAL("allowed.test:"), 80, &authority, &error),
                  "a default port does not stand for an empty one");
}

Test(authority, the_default_port_is_left_out_where_that_is_wanted)
{
    struct authority web, other;
    struct error error;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert(authority_parse(SLICE_LITERAL("[::1]:80"), 0, &web, &error));
    cr_assert(authority_parse(SLICE_LITERAL("[::1]:8080"), 0, &other, &error));
    authority_write(&web, 80, &out);
    buffer_append_byte(&out, ' ');
    authority_write(&other, 80, &out);
    buffer_append_byte(&out, ' ');
    authority_write(&web, 443, &out);
    cr_expect_str_eq(buffer_text(&out), "[::1] [::1]:8080 [::1]:80");
}

Test(authority, two_are_equal_when_host_and_port_are)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"allowed.test:80", "ALLOWED.test.:80", true},
        {"allowed.test:80", "allowed.test:81", false},
        {"allowed.test:80", "allowed.tesu:80", false},
        {"127.0.0.2:80", "[::ffff:127.0.0.2]:80", true},
        {"[::1]:80", "[0::1]:80", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority a, b;
        struct error error;
        cr_assert(authority_parse(slice_from_text(rows[i].a), 0, &a, &error));
        cr_assert(authority_parse(slice_from_text(rows[i].b), 0, &b, &error));
        cr_expect_eq(authority_equal(&a, &b), rows[i].equal, "%s %s", rows[i].a, rows[i].b);
    }
}
