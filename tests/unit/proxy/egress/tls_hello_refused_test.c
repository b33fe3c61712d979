/* SPDX-License-Identifier: Apache-2.0
 *
 * What is no ClientHello, or none that is read on: lengths that lie, limits, and other protocols. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/proxy/egress/tls_hello_fixture.h"

/* --- lies --- */

Test(tls_hello, a_length_that_lies_is_malformed_wherever_it_stands)
{
    enum { RECORD = 5, SNI_AT = RECORD + 81, ALPN_AT = SNI_AT + 22 };
    static const struct {
        const char *name;
        size_t last; /* offset of the length's last byte */
        bool shorter_is_bad_name, longer_waits;
    } rows[] = {
        {"record", 4, false, true},
        {"message", RECORD + 3, false, true},
        {"session", RECORD + 38, false, false},
        {"cipher suites", RECORD + 72, false, false},
        {"compression methods", RECORD + 77, false, false},
        {"extensions", RECORD + 80, false, false},
        {"server name extension", SNI_AT + 3, false, false},
        {"server name list", SNI_AT + 5, false, false},
        {"server name", SNI_AT + 8, true, false},
        {"ALPN extension", ALPN_AT + 3, false, false},
        {"ALPN list", ALPN_AT + 5, false, false},
        {"ALPN name", ALPN_AT + 6, false, false},
    };
    AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    hello_put_sni(&extensions, SLICE_LITERAL("a.example.com"));
    hello_put_alpn(&extensions, SLICE_LITERAL("\x02h2"));
    hello_put(&bytes, &extensions);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_hello hello;
        struct error error = {0};
        bytes.data[rows[i].last]--;
        enum tls_hello_result shorter =
            hello_read_all(rows[i].name, bytes.data, bytes.len, &hello, &error);
        if (rows[i].shorter_is_bad_name)
            cr_expect(shorter == TLS_HELLO_OK && hello.facts.sni_bad, "%s", rows[i].name);
        else if (rows[i].last == 4) /* one byte of the message is left for another record */
            cr_expect_eq(shorter, TLS_HELLO_MORE, "%s", rows[i].name);
        else
            cr_expect_eq(shorter, TLS_HELLO_BAD, "%s shorter", rows[i].name);
        bytes.data[rows[i].last] = (char)(bytes.data[rows[i].last] + 2);
        enum tls_hello_result longer =
            hello_read_all(rows[i].name, bytes.data, bytes.len, &hello, &error);
        if (rows[i].last == 4)
            cr_expect_eq(longer, TLS_HELLO_BAD, "%s: something behind the message", rows[i].name);
        else
            cr_expect_eq(longer, rows[i].longer_waits ? TLS_HELLO_MORE : TLS_HELLO_BAD, "%s longer",
                         rows[i].name);
        bytes.data[rows[i].last]--;
    }
}

Test(tls_hello, what_the_standard_forbids_is_malformed)
{
    static const struct {
        const char *name;
        size_t at;
        unsigned char byte;
    } rows[] = {
        {"another handshake message", 5, 2},     {"a message of version 2", 9, 2},
        {"a session of 33 bytes", 43, 33},       {"no cipher suites", 77, 0},
        {"an odd list of cipher suites", 77, 3}, {"no compression method", 82, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
        hello_put_sni(&extensions, SLICE_LITERAL("a.example.com"));
        hello_put(&bytes, &extensions);
        bytes.data[rows[i].at] = (char)rows[i].byte;
        hello_expect_bad(rows[i].name, &bytes, "malformed.client-hello");
    }
}

Test(tls_hello, records_that_do_not_belong_to_a_hello_are_malformed)
{
    static const struct {
        const char *name;
        struct slice record; /* stands between two records of the hello, or before them */
        bool first;
    } rows[] = {
        {"alert between", SLICE_LITERAL("\x15\x03\x03\0\x02\x01\0"), false},
        {"change cipher spec between", SLICE_LITERAL("\x14\x03\x03\0\x01\x01"), false},
        {"application data between", SLICE_LITERAL("\x17\x03\x03\0\x01x"), false},
        {"heartbeat between", SLICE_LITERAL("\x18\x03\x03\0\x03\x01\0\0"), false},
        {"empty record between", SLICE_LITERAL("\x16\x03\x03\0\0"), false},
        {"empty record before", SLICE_LITERAL("\x16\x03\x03\0\0"), true},
        {"record of version 2", SLICE_LITERAL("\x16\x02\x03\0\x01x"), false},
        {"record of 16385 bytes", SLICE_LITERAL("\x16\x03\x03\x40\x01xxxx"), false},
        {"record of 65535 bytes first", SLICE_LITERAL("\x16\x03\x03\xff\xff\x01\0\0\x80"), true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer message = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
        hello_put_message(&message, slice_of(NULL, 0));
        size_t before = rows[i].first ? 0 : 20;
        hello_put_records(&bytes, slice_of(message.data, before), 10);
        buffer_append_slice(&bytes, rows[i].record);
        hello_put_records(&bytes, slice_of(message.data + before, message.len - before), 10);
        hello_expect_bad(rows[i].name, &bytes, "malformed.client-hello");
    }
}

Test(tls_hello, a_second_message_in_the_record_is_malformed)
{
    AUTO_BUFFER struct buffer messages = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    hello_put_message(&messages, slice_of(NULL, 0));
    hello_put_message(&messages, slice_of(NULL, 0));
    hello_put_records(&bytes, buffer_slice(&messages), 16384);
    hello_expect_bad("two messages", &bytes, "malformed.client-hello");
}

/* --- limits --- */

/* The longest message that fits in one record within the limit, and `extra` bytes more. */
static void put_long_hello(struct buffer *out, size_t extra, size_t record_size)
{
    AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY, padding = BUFFER_EMPTY,
                              message = BUFFER_EMPTY;
    enum { BESIDES = 5 + 81 + 4 };
    for (size_t i = 0; i < TLS_HELLO_LEN_MAX - BESIDES + extra; i++)
        buffer_append_byte(&padding, '\0');
    hello_put_extension(&extensions, 21, buffer_slice(&padding));
    hello_put_message(&message, buffer_slice(&extensions));
    hello_put_records(out, buffer_slice(&message), record_size);
}

static void expect_limit(const char *row, const struct buffer *bytes)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(hello_read_exact(bytes->data, bytes->len, &hello, &error), TLS_HELLO_BAD, "%s",
                 row);
    cr_assert_str_eq(error.reason, "limit.client-hello", "%s", row);
}

Test(tls_hello, a_hello_may_have_16_kilobytes_and_not_one_more)
{
    struct tls_hello hello;
    struct error error = {0};
    AUTO_BUFFER struct buffer longest = BUFFER_EMPTY, longer = BUFFER_EMPTY;
    put_long_hello(&longest, 0, 16384);
    cr_assert_eq(longest.len, TLS_HELLO_LEN_MAX);
    cr_assert_eq(hello_read_exact(longest.data, longest.len, &hello, &error), TLS_HELLO_OK, "%s",
                 error.text);
    cr_assert_eq(hello_read_exact(longest.data, longest.len - 1, &hello, &error), TLS_HELLO_MORE);
    put_long_hello(&longer, 1, 16384);
    expect_limit("one byte more", &longer);
    longer.len = 9; /* known as soon as the message says how long it is */
    expect_limit("one byte more, from its head", &longer);
    longer.len = 8;
    cr_assert_eq(hello_read_exact(longer.data, longer.len, &hello, &error), TLS_HELLO_MORE);
}

Test(tls_hello, records_that_do_not_end_are_a_limit)
{
    struct tls_hello hello;
    struct error error = {0};
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    put_long_hello(&bytes, 0, 1); /* six bytes for one */
    cr_assert_eq(hello_read_exact(bytes.data, TLS_HELLO_LEN_MAX - 1, &hello, &error),
                 TLS_HELLO_MORE);
    expect_limit("whole", &bytes);
    bytes.len = TLS_HELLO_LEN_MAX;
    expect_limit("up to the limit", &bytes);
}

/* --- what is no TLS --- */

Test(tls_hello, other_protocols_are_told_by_their_first_bytes)
{
    static const struct {
        const char *name;
        struct slice bytes;
        enum network_protocol protocol;
    } rows[] = {
        {"SSH", SLICE_LITERAL("SSH-2.0-OpenSSH_9.2\r\n"), NETWORK_PROTOCOL_SSH},
        {"SSH in lower case", SLICE_LITERAL("ssh-2.0"), NETWORK_PROTOCOL_OTHER},
        {"GET", SLICE_LITERAL("GET / HTTP/1.1\r\n"), NETWORK_PROTOCOL_HTTP},
        {"HTTP/2 preface", SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
         NETWORK_PROTOCOL_HTTP},
        {"REPORT", SLICE_LITERAL("REPORT /svn HTTP/1.1\r\n"), NETWORK_PROTOCOL_HTTP},
        {"SEARCH begins as SSH does", SLICE_LITERAL("SEARCH / HTTP/1.1\r\n"),
         NETWORK_PROTOCOL_HTTP},
        {"method in lower case", SLICE_LITERAL("get / HTTP/1.1\r\n"), NETWORK_PROTOCOL_OTHER},
        {"method without a blank", SLICE_LITERAL("GETTING"), NETWORK_PROTOCOL_OTHER},
        {"SMTP", SLICE_LITERAL("EHLO a.example.com\r\n"), NETWORK_PROTOCOL_OTHER},
        {"a length of 23", SLICE_LITERAL("\x17\0\0\0\x01\0"), NETWORK_PROTOCOL_OTHER},
        {"a length of 22 and no hello", SLICE_LITERAL("\x16\0\xfb\x05\x0bserver"),
         NETWORK_PROTOCOL_OTHER},
        {"a length of 21 and no alert", SLICE_LITERAL("\x15\0\0\0\x02\0"), NETWORK_PROTOCOL_OTHER},
        {"telnet", SLICE_LITERAL("\xff\xfd\x01"), NETWORK_PROTOCOL_OTHER},
        {"a high byte", SLICE_LITERAL("\x80\x2e\x02"), NETWORK_PROTOCOL_OTHER},
        {"a high byte and a version of nothing", SLICE_LITERAL("\x80\x2e\x01\x04\0"),
         NETWORK_PROTOCOL_OTHER},
        {"handshake of DTLS", SLICE_LITERAL("\x16\xfe\xfd\0\0"), NETWORK_PROTOCOL_OTHER},
        {"a byte of zero", SLICE_LITERAL("\0"), NETWORK_PROTOCOL_OTHER},
        {"line end", SLICE_LITERAL("\r\nGET / HTTP/1.1"), NETWORK_PROTOCOL_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_hello hello;
        struct error error = {0};
        cr_assert_eq(
            hello_read_all(rows[i].name, rows[i].bytes.ptr, rows[i].bytes.len, &hello, &error),
            TLS_HELLO_OK, "%s", rows[i].name);
        cr_expect(hello.facts.protocol == rows[i].protocol, "%s", rows[i].name);
        cr_expect_not(hello.facts.has_sni, "%s", rows[i].name);
    }
}

Test(tls_hello, what_servers_read_over_or_read_as_a_hello_is_malformed)
{
    static const struct {
        const char *name;
        struct slice bytes;
    } rows[] = {
        {"change_cipher_spec", SLICE_LITERAL("\x14\x03\x03\0\x01\x01")},
        {"alert", SLICE_LITERAL("\x15\x03\x03\0\x02\x01\x70")},
        {"application data", SLICE_LITERAL("\x17\x03\x03\0\x01x")},
        {"heartbeat", SLICE_LITERAL("\x18\x03\x03\0\x03\x01\0\0")},
        {"alert of another version", SLICE_LITERAL("\x15\x0f\x01\0\x02\x01\x70")},
        {"hello in a record of another version", SLICE_LITERAL("\x16\x02\0\0\x40\x01")},
        {"hello of SSL 2 for TLS 1.0", SLICE_LITERAL("\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10")},
        {"hello of SSL 2", SLICE_LITERAL("\xbf\xff\x01\0\x02\0\x15\0\0\0\x10")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_hello hello;
        struct error error = {0};
        cr_assert_eq(
            hello_read_all(rows[i].name, rows[i].bytes.ptr, rows[i].bytes.len, &hello, &error),
            TLS_HELLO_BAD, "%s", rows[i].name);
        cr_expect_str_eq(error.reason, "malformed.client-hello", "%s", rows[i].name);
    }
}

Test(tls_hello, it_says_where_the_hello_ends)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    hello_put_message(&message, slice_of(NULL, 0));
    for (size_t size = 1; size <= 64; size *= 4) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        struct tls_hello hello;
        struct error error = {0};
        hello_put_records(&bytes, buffer_slice(&message), size);
        size_t len = bytes.len;
        buffer_append_literal(&bytes, "\x14\x03\x03");
        cr_assert_eq(hello_read_exact(bytes.data, bytes.len, &hello, &error), TLS_HELLO_OK);
        cr_expect_eq(hello.len, len, "records of %zu", size);
    }
}

Test(tls_hello, a_beginning_that_may_become_anything_waits)
{
    static const struct slice rows[] = {
        SLICE_LITERAL(""),  SLICE_LITERAL("S"),    SLICE_LITERAL("SSH"),  SLICE_LITERAL("GET"),
        SLICE_LITERAL("P"), SLICE_LITERAL("PROP"), SLICE_LITERAL("\x16"), SLICE_LITERAL("\x16\x03"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_hello hello;
        struct error error;
        cr_expect_eq(hello_read_exact(rows[i].ptr, rows[i].len, &hello, &error), TLS_HELLO_MORE,
                     "%.*s", (int)rows[i].len, rows[i].ptr);
    }
}
