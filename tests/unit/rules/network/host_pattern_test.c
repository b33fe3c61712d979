/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/host_pattern.h"

#define LABEL_61 "a234567890123456789012345678901234567890123456789012345678901"
#define LABEL_63 LABEL_61 "23"
#define NAME_251                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63                                                             \
             ".b2345678901234567890123456789012345678901234567890123456789"

Test(host_pattern, patterns_have_one_canonical_text)
{
    static const struct {
        const char *what, *text;
        enum host_pattern_kind kind;
        const char *canonical;
    } rows[] = {
        {"a name", "example.com", HOST_PATTERN_EXACT, "example.com"},
        {"capitals and a dot", "EXAMPLE.Com.", HOST_PATTERN_EXACT, "example.com"},
        {"a name and ports", "example.com:443,80", HOST_PATTERN_EXACT, "example.com:80,443"},
        {"a dot and ports", "example.com.:22", HOST_PATTERN_EXACT, "example.com:22"},
        {"every port", "example.com:*", HOST_PATTERN_EXACT, "example.com:*"},
        {"a range of ports", "example.com:8000-8100", HOST_PATTERN_EXACT, "example.com:8000-8100"},
        {"localhost", "localhost:5432", HOST_PATTERN_EXACT, "localhost:5432"},
        {"an A-label", "xn--bcher-kva.example", HOST_PATTERN_EXACT, "xn--bcher-kva.example"},
        {"subdomains", "*.example.com", HOST_PATTERN_SUBDOMAINS, "*.example.com"},
        {"subdomains, two stars", "**.Example.com.", HOST_PATTERN_SUBDOMAINS, "*.example.com"},
        {"subdomains and ports", "*.example.com:22", HOST_PATTERN_SUBDOMAINS, "*.example.com:22"},
        {"subdomains of one label", "*.test", HOST_PATTERN_SUBDOMAINS, "*.test"},
        {"subdomains of 251 bytes", "*." NAME_251, HOST_PATTERN_SUBDOMAINS, "*." NAME_251},
        {"every host", "*", HOST_PATTERN_ANY, "*"},
        {"every host and a port", "*:443", HOST_PATTERN_ANY, "*:443"},
        {"everything", "*:*", HOST_PATTERN_ANY, "*:*"},
        {"IPv4", "192.0.2.1", HOST_PATTERN_RANGE, "192.0.2.1"},
        {"IPv4 and a dot", "192.0.2.1.", HOST_PATTERN_RANGE, "192.0.2.1"},
        {"IPv4 and a port", "192.0.2.1:53", HOST_PATTERN_RANGE, "192.0.2.1:53"},
        {"IPv4 range", "10.0.0.0/8", HOST_PATTERN_RANGE, "10.0.0.0/8"},
        {"IPv4 range of one", "10.0.0.1/32", HOST_PATTERN_RANGE, "10.0.0.1"},
        {"IPv4 range and ports", "10.0.0.0/8:22,80", HOST_PATTERN_RANGE, "10.0.0.0/8:22,80"},
        {"all of IPv4", "0.0.0.0/0", HOST_PATTERN_RANGE, "0.0.0.0/0"},
        {"IPv6", "2001:DB8::1", HOST_PATTERN_RANGE, "2001:db8::1"},
        {"IPv6 range", "2001:db8::/32", HOST_PATTERN_RANGE, "2001:db8::/32"},
        {"all of IPv6", "::/0", HOST_PATTERN_RANGE, "::/0"},
        {"IPv6 between brackets", "[2001:db8::1]", HOST_PATTERN_RANGE, "2001:db8::1"},
        {"IPv6 and a port", "[2001:db8::1]:443", HOST_PATTERN_RANGE, "[2001:db8::1]:443"},
        {"IPv6 range between brackets", "[2001:db8::]/32", HOST_PATTERN_RANGE, "2001:db8::/32"},
        {"IPv6 range and a port", "[2001:db8::]/32:443", HOST_PATTERN_RANGE, "[2001:db8::]/32:443"},
        {"mapped IPv4", "::ffff:10.0.0.1", HOST_PATTERN_RANGE, "10.0.0.1"},
        {"mapped IPv4 range and a port", "[::ffff:10.0.0.0]/104:22", HOST_PATTERN_RANGE,
         "10.0.0.0/8:22"},
        {"an expression", "~(a|b)\\.example\\.com", HOST_PATTERN_REGEX, "~(a|b)\\.example\\.com"},
        {"an expression and ports", "~a.*:443,80", HOST_PATTERN_REGEX, "~a.*:80,443"},
        {"an expression with colons", "~[[:alpha:]]+", HOST_PATTERN_REGEX, "~[[:alpha:]]+"},
        {"an expression with colons and ports", "~(?:a|b):22", HOST_PATTERN_REGEX, "~(?:a|b):22"},
        {"an expression with a colon last", "~fd00[:].*", HOST_PATTERN_REGEX, "~fd00[:].*"},
        {"an expression and every port", "~a.*:*", HOST_PATTERN_REGEX, "~a.*:*"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_pattern pattern;
        struct error error = {0};
        AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
        cr_assert(host_pattern_parse(slice_from_text(rows[i].text), true, &pattern, &error),
                  "%s: %s", rows[i].what, error.text);
        cr_expect_eq(pattern.kind, rows[i].kind, "%s", rows[i].what);
        host_pattern_write(&pattern, &once);
        cr_expect_str_eq(buffer_text(&once), rows[i].canonical, "%s", rows[i].what);
        cr_assert(host_pattern_parse(buffer_slice(&once), true, &pattern, &error), "%s: %s",
                  rows[i].what, error.text);
        host_pattern_write(&pattern, &twice);
        cr_expect_str_eq(buffer_text(&twice), rows[i].canonical, "%s", rows[i].what);
    }
}

Test(host_pattern, a_bad_pattern_is_answered_with_its_mend)
{
    static const struct {
        const char *what, *text, *says;
    } rows[] = {
        {"nothing", "", "missing"},
        {"a dot", ".", "empty"},
        {"ports alone", ":443", "empty"},
        {"Unicode",
         "b\xc3\xbc"
         "cher.example",
         "A-label"},
        {"Unicode below a star",
         "*.b\xc3\xbc"
         "cher.example",
         "A-label"},
        {"a fullwidth dot",
         "example\xef\xbc\x8e"
         "com",
         "A-label"},
        {"Unicode with ports",
         "b\xc3\xbc"
         "cher.example:443",
         "A-label"},
        {"a URL", "http://example.com", "write its host"},
        {"a URL with a path", "https://example.com/x", "`paths`"},
        {"a URL with a port", "https://example.com:8443/x", "`paths`"},
        {"a URL with an IPv6 address", "https://[::1]:8443/x", "write its host"},
        {"a URL with a star", "https://*.example.com/x", "write its host"},
        {"a path", "example.com/debian", "`paths`"},
        {"a slash", "example.com/", "`paths`"},
        {"a path behind ports", "example.com:443/x", "`paths`"},
        {"a path behind a star", "*.example.com/x", "`paths`"},
        {"a path behind every host", "*/x", "`paths`"},
        {"a path behind an address", "10.0.0.1/x", "`paths`"},
        {"userinfo", "git@example.com", "user"},
        {"userinfo and a path", "git@example.com:acme/x", "user"},
        {"a star without dot", "*example.com", "in front of a dot"},
        {"a star behind letters", "foo*.example.com", "in front of a dot"},
        {"a star within", "foo.*.example.com", "in front of a dot"},
        {"a star behind", "example.*", "in front of a dot"},
        {"two stars in labels", "*.*.example.com", "in front of a dot"},
        {"three stars", "***.example.com", "in front of a dot"},
        {"two stars alone", "**", "written `*`"},
        {"two stars and ports", "**:443", "written `*`"},
        {"a star and a dot", "*.", "missing behind"},
        {"two stars and a dot", "**.:80", "missing behind"},
        {"a leading dot", ".example.com", "`*.example.com`"},
        {"a star in front of an address", "*.10.0.0.1", "range"},
        {"a star in front of a number", "*.5", "four decimal parts"},
        {"a star and two dots", "*..example.com", "a dot too many"},
        {"no room below", "*." NAME_251 "x", "never match"},
        {"no ports", "example.com:", "ports are numbers"},
        {"a service name", "example.com:https", "ports are numbers"},
        {"bad ports behind a star", "*.example.com:x", "ports are numbers"},
        {"ports with a blank", "example.com:80, 443", "ports are numbers"},
        {"ports the wrong way round", "example.com:90-80", "`80-90`"},
        {"two colons", "example.com:80:443", "neither an address"},
        {"a blank in front", " example.com", "0x20"},
        {"a percent escape", "example%2ecom", "percent"},
        {"a hyphen in front", "-a.test", "hyphen"},
        {"a label of 64", "a" LABEL_63 ".test", "63"},
        {"a short IPv4", "127.1", "four decimal parts"},
        {"IPv4 as a number", "2130706434", "four decimal parts"},
        {"a number last", "foo.1", "four decimal parts"},
        {"a number last, with ports", "foo.0x1f:80", "four decimal parts"},
        {"bits behind the prefix", "10.1.2.3/8", "`10.0.0.0/8`"},
        {"bits behind the prefix and ports", "10.1.2.3/12:443", "`10.0.0.0/12`"},
        {"bits behind an IPv6 prefix", "2001:db8::1/32", "`2001:db8::/32`"},
        {"bits behind a bracketed prefix", "[2001:db8::1]/32:443", "`2001:db8::/32`"},
        {"bits behind an odd prefix", "10.255.255.255/13", "`10.248.0.0/13`"},
        {"a prefix too long", "10.0.0.0/33", "0 to 32"},
        {"an IPv6 prefix too long", "::/129", "0 to 128"},
        {"a prefix with zeros", "10.0.0.0/08", "0 to 32"},
        {"no prefix", "10.0.0.0/", "0 to 32"},
        {"a mask", "10.0.0.0/255.0.0.0", "0 to 32"},
        {"a short range", "10/8", "neither an address"},
        {"a name between brackets", "[example.com]:443", "only an IPv6"},
        {"IPv4 between brackets", "[10.0.0.1]:443", "only an IPv6"},
        {"a prefix between brackets", "[2001:db8::/32]:443", "behind the bracket"},
        {"a zone", "[fe80::1%eth0]", "zone"},
        {"an open bracket", "[::1", "not closed"},
        {"text behind the bracket", "[::1]x", "behind the bracket"},
        {"no ports behind the bracket", "[::1]:", "ports are numbers"},
        {"no address between brackets", "[1::2::3]", "neither an address"},
        {"far too much between brackets",
         "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
         "no IPv6"},
        {"an empty expression", "~", "no expression"},
        {"an expression in Unicode", "~b\xc3\xbc.*", "A-label"},
        {"an expression and no ports", "~a:", "`[:]`"},
        {"an expression and bad ports", "~a:80,", "`[:]`"},
        {"an expression and ports the wrong way round", "~a:90-80", "`[:]`"},
        {"an expression and port 0", "~a:0", "`[:]`"},
        {"an expression and a star in its ports", "~a:80,*", "`[:]`"},
        {"ports and no expression", "~:443", "no expression"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_pattern pattern;
        struct error error = {0};
        cr_expect_not(host_pattern_parse(slice_from_text(rows[i].text), true, &pattern, &error),
                      "%s", rows[i].what);
        cr_expect(strstr(error.text, rows[i].says) != NULL, "%s: %s", rows[i].what, error.text);
        cr_expect(error.exit_code == 2 && error.reason == NULL, "%s: %d", rows[i].what,
                  error.exit_code);
    }
    struct host_pattern pattern;
    struct error error = {0};
    cr_expect_not(host_pattern_parse(slice_of("a.test\0", 7), true, &pattern, &error));
    cr_expect_not(host_pattern_parse(slice_of(NULL, 0), true, &pattern, &error));
}

Test(host_pattern, no_ports_mean_the_default_of_the_effect)
{
    static const char *const rows[] = {"example.com", "*.example.com", "*",  "10.0.0.0/8",
                                       "2001:db8::1", "[2001:db8::1]", "~a", "~[[:alpha:]]"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int allows = 0; allows < 2; allows++) {
            struct host_pattern pattern;
            struct error error;
            struct port_set ports = port_set_default(allows != 0);
            cr_assert(host_pattern_parse(slice_from_text(rows[i]), allows != 0, &pattern, &error));
            cr_expect_not(pattern.has_ports, "%s", rows[i]);
            cr_expect(port_set_equal(&pattern.ports, &ports), "%s", rows[i]);
        }
    }
}

Test(host_pattern, patterns_match_what_they_say)
{
    static const struct {
        const char *pattern, *host;
        bool matches;
    } rows[] = {
        {"allowed.test", "allowed.test", true},
        {"allowed.test", "ALLOWED.Test.", true},
        {"allowed.test", "allowedxtest", false},
        {"allowed.test", "a.allowed.test", false},
        {"allowed.test", "allowed.test.evil.test", false},
        {"allowed.test", "notallowed.test", false},
        {"*.allowed.test", "a.allowed.test", true},
        {"*.allowed.test", "a.b.allowed.test", true},
        {"*.allowed.test", "allowed.test", false},
        {"*.allowed.test", "notallowed.test", false},
        {"*.allowed.test", "a.allowed.test.evil.test", false},
        {"**.allowed.test", "allowed.test", false},
        {"**.allowed.test", "a.b.allowed.test", true},
        {"*.test", "allowed.test", true},
        {"*", "allowed.test", true},
        {"*", "192.0.2.1", true},
        {"*", "[2001:db8::1]", true},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", true},
        {"xn--bcher-kva.example", "bcher-kva.example", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "[::ffff:10.1.2.3]", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "allowed.test", false},
        {"192.0.2.1", "192.0.2.1.", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"2001:db8::/32", "[2001:db8:ffff::1]", true},
        {"2001:db8::/32", "[2001:db9::1]", false},
        {"~.*", "allowed.test", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_pattern pattern;
        struct host_name host;
        struct error error = {0};
        cr_assert(host_pattern_parse(slice_from_text(rows[i].pattern), true, &pattern, &error));
        cr_assert(host_name_parse(slice_from_text(rows[i].host), &host, &error));
        cr_expect_eq(host_pattern_matches(&pattern, &host), rows[i].matches, "%s %s",
                     rows[i].pattern, rows[i].host);
    }
}

Test(host_pattern, slices_point_into_the_text)
{
    static const char text[] = "~a(?:b):c:443";
    struct host_pattern pattern;
    struct error error;
    cr_assert(host_pattern_parse(SLICE_LITERAL(text), false, &pattern, &error));
    cr_expect_eq(pattern.expression.ptr, text + 1);
    cr_expect(slice_equal_text(pattern.expression, "a(?:b):c"));
    cr_expect(port_set_has(&pattern.ports, 443) && !port_set_has(&pattern.ports, 80));
}
