/* SPDX-License-Identifier: Apache-2.0
 *
 * The upstream proxy: what its options may say, what is asked of it, what it may answer. */
#include <criterion/criterion.h>

#include <string.h>

#include "proxy/egress/upstream_proxy.h"

#define AUTO_PROXY CLEANUP(upstream_proxy_free)

static struct upstream_proxy *make(const char *url, const char *credentials, const char *exceptions)
{
    struct upstream_proxy_options options = {url, credentials, exceptions};
    struct error error = {0};
    struct upstream_proxy *proxy = upstream_proxy_new(&options, &error);
    cr_assert_not_null(proxy, "%s: %s", url, error.text);
    return proxy;
}

static struct authority target_of(const char *text)
{
    struct authority target;
    struct error error = {0};
    cr_assert(authority_parse(slice_from_text(text), 0, &target, &error), "%s: %s", text,
              error.text);
    return target;
}

static const struct {
    const char *name, *url, *shown;
    unsigned port;
} good_urls[] = {
    {"a name", "http://proxy.example:3128", "http://proxy.example:3128", 3128},
    {"a final slash", "http://proxy.example:3128/", "http://proxy.example:3128", 3128},
    {"capitals", "http://Proxy.EXAMPLE:80", "http://proxy.example:80", 80},
    {"IPv4", "http://192.0.2.1:8080", "http://192.0.2.1:8080", 8080},
    {"IPv6", "http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080", 8080},
};

Test(upstream_proxy, urls_are_a_host_and_a_port)
{
    for (size_t i = 0; i < ARRAY_LEN(good_urls); i++) {
        AUTO_PROXY struct upstream_proxy *proxy = make(good_urls[i].url, NULL, NULL);
        cr_expect_str_eq(upstream_proxy_name(proxy), good_urls[i].shown, "%s", good_urls[i].name);
        cr_expect_eq(upstream_proxy_authority(proxy)->port, good_urls[i].port, "%s",
                     good_urls[i].name);
    }
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    return address;
}

static bool is_at(const struct upstream_proxy *proxy, const char *text, uint16_t port)
{
    struct ip_address address = address_of(text);
    return upstream_proxy_is_at(proxy, &address, port);
}

Test(upstream_proxy, it_is_where_it_was_given_or_found_and_at_its_own_port)
{
    AUTO_PROXY struct upstream_proxy *named = make("http://proxy.example:3128", NULL, NULL);
    AUTO_PROXY struct upstream_proxy *given = make("http://192.0.2.1:3128", NULL, NULL);
    AUTO_PROXY struct upstream_proxy *local = make("http://localhost:3128", NULL, NULL);
    cr_expect_not(is_at(named, "192.0.2.1", 3128), "nothing is known of it");
    for (unsigned i = 1; i <= 200; i++) { /* far more than are kept */
        char text[20];
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        struct ip_address found = address_of(text);
        upstream_proxy_learn(named, &found, 1);
        cr_expect(is_at(named, text, 3128), "%s", text);
        cr_expect_not(is_at(named, text, 3129), "%s", text);
    }
    cr_expect(is_at(named, "192.0.2.199", 3128), "the last ones are kept");
    cr_expect(is_at(named, "64:ff9b::192.0.2.200", 3128));
    cr_expect(is_at(given, "192.0.2.1", 3128));
    cr_expect(is_at(given, "::ffff:192.0.2.1", 3128));
    cr_expect_not(is_at(given, "192.0.2.2", 3128));
    cr_expect_not(is_at(given, "127.0.0.1", 3128));
    static const char *const loopback[] = {"127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"};
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
        cr_expect(is_at(local, loopback[i], 3128), "%s", loopback[i]);
}

Test(upstream_proxy, the_longest_host_has_room_in_the_name)
{
    char url[300] = "http://";
    for (int i = 0; i < 4; i++) /* labels of 63, 63, 63 and 61 with three dots are 253 */
        snprintf(url + strlen(url), sizeof(url) - strlen(url), "%s%.*s", i == 0 ? "" : ".",
                 i == 3 ? 61 : 63,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    strcat(url, ":65535");
    AUTO_PROXY struct upstream_proxy *proxy = make(url, NULL, NULL);
    cr_expect_str_eq(upstream_proxy_name(proxy), url);
}

static const struct {
    const char *name, *url, *exceptions, *says;
} bad_options[] = {
    {"no scheme", "proxy.example:3128", NULL, "takes http://HOST:PORT"},
    {"another scheme", "https://proxy.example:3128", NULL, "takes http://HOST:PORT"},
    {"SOCKS", "socks5://proxy.example:1080", NULL, "takes http://HOST:PORT"},
    {"nothing", "", NULL, "takes http://HOST:PORT"},
    {"only a scheme", "http://", NULL, "takes http://HOST:PORT"},
    {"no port", "http://proxy.example", NULL, "takes http://HOST:PORT"},
    {"port 0", "http://proxy.example:0", NULL, "takes http://HOST:PORT"},
    {"port 65536", "http://proxy.example:65536", NULL, "takes http://HOST:PORT"},
    {"a path", "http://proxy.example:3128/x", NULL, "takes http://HOST:PORT"},
    {"credentials", "http://user:secret@proxy.example:3128", NULL, "--upstream-proxy-auth"},
    {"an expression as exception", "http://proxy.example:3128", "~.*", "expressions"},
    {"an exception that is no pattern", "http://proxy.example:3128", "a.test,*.*", "--no-proxy"},
};

Test(upstream_proxy, other_options_are_refused_with_a_sentence)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_options); i++) {
        struct upstream_proxy_options options = {bad_options[i].url, NULL,
                                                 bad_options[i].exceptions};
        struct error error = {0};
        AUTO_PROXY struct upstream_proxy *proxy = upstream_proxy_new(&options, &error);
        cr_expect_null(proxy, "%s", bad_options[i].name);
        cr_expect_eq(error.exit_code, 2, "%s", bad_options[i].name);
        cr_expect_not_null(strstr(error.text, bad_options[i].says), "%s: %s", bad_options[i].name,
                           error.text);
        cr_expect_null(strstr(error.text, "secret"), "%s: %s", bad_options[i].name, error.text);
    }
}

/* RFC 4648 section 10, and RFC 7617 section 2. */
static const struct {
    const char *credentials, *encoded;
} vectors[] = {
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"test:123\xc2\xa3", "dGVzdDoxMjPCow=="},
    {"\xff\xfe\xfd", "//79"},
    {"\xfb\xef\xbe", "++++"},
};

Test(upstream_proxy, credentials_are_sent_encoded_and_never_shown)
{
    struct authority target = target_of("a.test:443");
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        AUTO_PROXY struct upstream_proxy *proxy =
            make("http://proxy.example:3128", vectors[i].credentials, NULL);
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY, expected = BUFFER_EMPTY;
        buffer_printf(&expected,
                      "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
                      "Proxy-Authorization: Basic %s\r\n\r\n",
                      vectors[i].encoded);
        upstream_proxy_write_connect(proxy, &target, &out);
        cr_expect_str_eq(buffer_text(&out), buffer_text(&expected));
        cr_expect_str_eq(upstream_proxy_name(proxy), "http://proxy.example:3128");
    }
}

Test(upstream_proxy, the_port_always_stands_in_the_connect)
{
    AUTO_PROXY struct upstream_proxy *proxy = make("http://proxy.example:3128", NULL, NULL);
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct authority target = target_of("[2001:db8::1]:80");
    upstream_proxy_write_connect(proxy, &target, &out);
    cr_expect_str_eq(buffer_text(&out), "CONNECT [2001:db8::1]:80 HTTP/1.1\r\n"
                                        "Host: [2001:db8::1]:80\r\n\r\n");
}

static const struct {
    const char *name, *exceptions, *target;
    bool by_proxy;
} exception_rows[] = {
    {"none", NULL, "a.test:443", true},
    {"an empty list", "", "a.test:443", true},
    {"only commas and blanks", " , ,", "a.test:443", true},
    {"that host", "a.test", "a.test:443", false},
    {"that host at any port", "a.test", "a.test:9999", false},
    {"that host in capitals", "A.TEST", "a.test:1", false},
    {"not its subdomains", "a.test", "x.a.test:443", true},
    {"subdomains by a star", "*.a.test", "x.y.a.test:443", false},
    {"a star is not the apex", "*.a.test", "a.test:443", true},
    {"a port", "a.test:443", "a.test:443", false},
    {"another port", "a.test:443", "a.test:80", true},
    {"the last of a list", "b.test, c.test ,a.test", "a.test:443", false},
    {"a name that ends alike", "a.test", "ba.test:443", true},
    {"an address", "192.0.2.1", "192.0.2.1:443", false},
    {"a range", "192.0.2.0/24", "192.0.2.200:443", false},
    {"outside a range", "192.0.2.0/24", "198.51.100.1:443", true},
    {"every host", "*", "a.test:443", false},
};

Test(upstream_proxy, exceptions_are_dialled_directly)
{
    for (size_t i = 0; i < ARRAY_LEN(exception_rows); i++) {
        AUTO_PROXY struct upstream_proxy *proxy =
            make("http://proxy.example:3128", NULL, exception_rows[i].exceptions);
        struct authority target = target_of(exception_rows[i].target);
        cr_expect_eq(upstream_proxy_takes(proxy, &target), exception_rows[i].by_proxy, "%s",
                     exception_rows[i].name);
    }
}

static const struct {
    const char *name, *bytes;
    enum upstream_proxy_answer answer;
    const char *reason; /* with REFUSED */
    const char *behind; /* with OPEN */
} answers[] = {
    {"nothing yet", "", UPSTREAM_PROXY_MORE, NULL, NULL},
    {"half a head", "HTTP/1.1 200 OK\r\nVia: x\r\n", UPSTREAM_PROXY_MORE, NULL, NULL},
    {"200", "HTTP/1.1 200 Connection established\r\n\r\n", UPSTREAM_PROXY_OPEN, NULL, ""},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", UPSTREAM_PROXY_OPEN, NULL, ""},
    {"another 2xx", "HTTP/1.1 204 Open\r\n\r\n", UPSTREAM_PROXY_OPEN, NULL, ""},
    {"fields", "HTTP/1.1 200 OK\r\nProxy-Agent: x\r\n\r\n", UPSTREAM_PROXY_OPEN, NULL, ""},
    {"a length, which means nothing here", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
     UPSTREAM_PROXY_OPEN, NULL, "abc"},
    {"bytes behind it", "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n", UPSTREAM_PROXY_OPEN, NULL,
     "SSH-2.0-x\r\n"},
    {"407", "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", UPSTREAM_PROXY_REFUSED,
     "upstream-proxy.credentials", NULL},
    {"403", "HTTP/1.1 403 No\r\n\r\n", UPSTREAM_PROXY_REFUSED, "upstream-proxy.refused", NULL},
    {"302", "HTTP/1.1 302 There\r\nLocation: x\r\n\r\n", UPSTREAM_PROXY_REFUSED,
     "upstream-proxy.refused", NULL},
    {"100", "HTTP/1.1 100 Continue\r\n\r\n", UPSTREAM_PROXY_REFUSED, "upstream-proxy.refused",
     NULL},
    {"garbage", "SSH-2.0-OpenSSH\r\n\r\n", UPSTREAM_PROXY_REFUSED, "upstream-proxy.malformed",
     NULL},
    {"LF alone", "HTTP/1.1 200 OK\n\n", UPSTREAM_PROXY_REFUSED, "upstream-proxy.malformed", NULL},
    {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", UPSTREAM_PROXY_REFUSED, "upstream-proxy.malformed", NULL},
};

Test(upstream_proxy, its_answer_opens_the_way_or_does_not)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        size_t len = strlen(answers[i].bytes), consumed = 0;
        struct error error = {0};
        enum upstream_proxy_answer answer =
            upstream_proxy_read(answers[i].bytes, len, &consumed, &error);
        cr_expect_eq(answer, answers[i].answer, "%s", answers[i].name);
        if (answer == UPSTREAM_PROXY_OPEN && answers[i].behind != NULL)
            cr_expect_str_eq(answers[i].bytes + consumed, answers[i].behind, "%s", answers[i].name);
        if (answer == UPSTREAM_PROXY_REFUSED && answers[i].reason != NULL) {
            cr_expect_str_eq(error.reason, answers[i].reason, "%s", answers[i].name);
            cr_expect_eq(error.status, 502, "%s", answers[i].name);
        }
    }
}
