/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket addresses: every accepted spelling with what it is written back as, and every refusal with
 * its sentence. What is written is read back as the same address. */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <string.h>

#include "proxy/io/endpoint.h"

#define NAME107                                                                                    \
    "/2345678901234567890123456789012345678901234567890"                                           \
    "12345678901234567890123456789012345678901234567890"                                           \
    "1234567"

struct form {
    const char *text, *written;
};

static const struct form forms[] = {
    {"unix:/run/docker.sock", "unix:/run/docker.sock"},
    {"unix:///run/docker.sock", "unix:/run/docker.sock"},
    {"/run/docker.sock", "unix:/run/docker.sock"},
    {"unix@/run/docker.sock", "unix:/run/docker.sock"},
    {"unix:" NAME107, "unix:" NAME107},
    {"unix:@gate", "unix:@gate"},
    {"abns@gate", "unix:@gate"},
    {"abns@//gate", "unix:@//gate"},
    {"tcp:127.0.0.1:2375", "tcp:127.0.0.1:2375"},
    {"tcp://127.0.0.1:2375", "tcp:127.0.0.1:2375"},
    {"127.0.0.1:2375", "tcp:127.0.0.1:2375"},
    {"ipv4@127.0.0.1:2375", "tcp:127.0.0.1:2375"},
    {"localhost:2375", "tcp:127.0.0.1:2375"},
    {"tcp:localhost:2375", "tcp:127.0.0.1:2375"},
    {"tcp:0.0.0.0:65535", "tcp:0.0.0.0:65535"},
    {"tcp:[::1]:2375", "tcp:[::1]:2375"},
    {"tcp:[2001:db8::7]:1", "tcp:[2001:db8::7]:1"},
    {"ipv6@[::]:2375", "tcp:[::]:2375"},
    {"ipv6@:::2375", "tcp:[::]:2375"},
    {"[::ffff:10.0.0.1]:80", "tcp:10.0.0.1:80"},
};

Test(endpoint, every_spelling_is_read_and_written_in_one_form)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct endpoint endpoint, again;
        struct error error;
        AUTO_BUFFER struct buffer written = BUFFER_EMPTY;
        cr_assert(endpoint_parse(&endpoint, slice_from_text(forms[i].text), &error), "%s: %s",
                  forms[i].text, error.text);
        endpoint_write(&endpoint, &written);
        cr_assert_str_eq(buffer_text(&written), forms[i].written, "%s", forms[i].text);
        cr_assert(endpoint_parse(&again, buffer_slice(&written), &error), "%s: %s", forms[i].text,
                  error.text);
        cr_assert_eq(endpoint.len, again.len, "%s", forms[i].text);
        cr_assert_eq(memcmp(&endpoint.address, &again.address, endpoint.len), 0, "%s",
                     forms[i].text);
    }
}

Test(endpoint, every_refusal_says_what_is_wrong)
{
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"", "`` has no port: write tcp:ADDRESS:PORT"},
        {"tcp:", "`` has no port: write tcp:ADDRESS:PORT"},
        {"tcp:127.0.0.1", "`127.0.0.1` has no port: write tcp:ADDRESS:PORT"},
        {"tcp:127.0.0.1:", "`` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1:65536", "`65536` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1:000080", "`000080` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1:http", "`http` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1:-1", "`-1` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1:+1", "`+1` is not a port: use a number up to 65535"},
        {"tcp:127.0.0.1: 1", "` 1` is not a port: use a number up to 65535"},
        {"tcp:example.com:80", "`example.com` is not an IP address (names are not resolved here)"},
        {"tcp::80", "`` is not an IP address (names are not resolved here)"},
        {"tcp:[::1:80", "`[::1` is not an IP address (names are not resolved here)"},
        {"tcp:[]:80", "`` is not an IP address (names are not resolved here)"},
        {"tcp:127.1:80", "`127.1` is not an IP address (names are not resolved here)"},
        {"tcp:0177.0.0.1:80", "`0177.0.0.1` is not an IP address (names are not resolved here)"},
        {"tcp:\x1b[31m:80", "`\\x1b[31m` is not an IP address (names are not resolved here)"},
        {"unix:", "`` is not an absolute path"},
        {"unix:run/docker.sock", "`run/docker.sock` is not an absolute path"},
        {"unix@./x", "`./x` is not an absolute path"},
        {"unix:" NAME107 "8", NULL},
        {"abns@" NAME107 "8901234567890123456789", NULL},
        {"unix:@", "`@` is a name without characters"},
        {"abns@", "`@` is a name without characters"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint endpoint;
        struct error error = {0};
        cr_assert_not(endpoint_parse(&endpoint, slice_from_text(rows[i].text), &error), "%s",
                      rows[i].text);
        cr_assert_eq(error.exit_code, 2, "%s", rows[i].text);
        if (rows[i].sentence != NULL)
            cr_assert_str_eq(error.text, rows[i].sentence, "%s: %s", rows[i].text, error.text);
        else
            cr_assert(strstr(error.text, "is longer than the 107 bytes a socket path may have"),
                      "%s: %s", rows[i].text, error.text);
    }
}

Test(endpoint, a_path_of_108_bytes_is_too_long)
{
    struct endpoint endpoint;
    cr_assert(endpoint_from_path(&endpoint, SLICE_LITERAL(NAME107)));
    cr_assert_str_eq(endpoint.address.un.sun_path, NAME107);
    cr_assert_not(endpoint_from_path(&endpoint, SLICE_LITERAL(NAME107 "8")));
    cr_assert_not(endpoint_from_path(&endpoint, SLICE_LITERAL("")));
}

Test(endpoint, kinds_and_loopback_are_told_apart)
{
    static const struct {
        const char *text;
        bool is_unix, is_loopback;
    } rows[] = {
        {"unix:/run/x", true, false},
        {"unix:@x", true, false},
        {"tcp:127.0.0.1:1", false, true},
        {"tcp:127.255.0.9:1", false, true},
        {"tcp:128.0.0.1:1", false, false},
        {"tcp:0.0.0.0:1", false, false},
        {"tcp:[::1]:1", false, true},
        {"tcp:[::]:1", false, false},
        {"tcp:[::ffff:127.0.0.1]:1", false, true},
        {"tcp:10.0.0.1:1", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint endpoint;
        struct error error;
        cr_assert(endpoint_parse(&endpoint, slice_from_text(rows[i].text), &error), "%s",
                  error.text);
        cr_assert_eq(endpoint_is_unix(&endpoint), rows[i].is_unix, "%s", rows[i].text);
        cr_assert_eq(endpoint_is_loopback(&endpoint), rows[i].is_loopback, "%s", rows[i].text);
    }
}

Test(endpoint, an_address_and_port_make_the_same_endpoint_as_their_text)
{
    struct endpoint parsed, made;
    struct error error;
    cr_assert(endpoint_parse(&parsed, SLICE_LITERAL("tcp:[2001:db8::1]:2375"), &error));
    struct ip_address ip = endpoint_ip(&parsed);
    endpoint_from_ip(&made, &ip, 2375);
    cr_assert_eq(made.len, parsed.len);
    cr_assert_eq(memcmp(&made.address, &parsed.address, made.len), 0);
    cr_assert_eq(ntohs(made.address.in6.sin6_port), 2375);
}
