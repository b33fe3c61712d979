/* SPDX-License-Identifier: Apache-2.0
 *
 * ClientHellos of real programs, and ones made here to hide or to double what they ask for. Bytes
 * are read from memory of their exact size, so that a read behind them is seen. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proxy/egress/tls_hello.h"

enum { EXTENSION_SNI = 0, EXTENSION_ALPN = 16, EXTENSION_ECH = 0xfe0d };

static enum tls_hello_result read_exact(const char *bytes, size_t len, struct tls_hello *hello,
                                        struct error *error)
{
    char *copy = malloc(len + (len == 0));
    cr_assert_not_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    enum tls_hello_result result = tls_hello_read(copy, len, hello, error);
    free(copy);
    return result;
}

static void require_same(const char *row, const struct tls_hello *a, const struct tls_hello *b)
{
    cr_assert(a->facts.protocol == b->facts.protocol, "%s", row);
    cr_assert(a->facts.has_sni == b->facts.has_sni && a->facts.sni_bad == b->facts.sni_bad, "%s",
              row);
    cr_assert(host_name_equal(&a->facts.sni, &b->facts.sni), "%s", row);
    cr_assert(a->facts.ech == b->facts.ech, "%s", row);
    cr_assert_str_eq(a->alpn, b->alpn, "%s", row);
}

/* Reads all of it, and then every prefix: MORE until the answer is known, and from there on always
 * the same. */
static enum tls_hello_result read_all(const char *row, const char *bytes, size_t len,
                                      struct tls_hello *hello, struct error *error)
{
    struct tls_hello early;
    struct error early_error;
    enum tls_hello_result result = read_exact(bytes, len, hello, error);
    bool known = false;
    for (size_t have = 0; have < len; have++) {
        enum tls_hello_result now = read_exact(bytes, have, &early, &early_error);
        if (!known && now == TLS_HELLO_MORE)
            continue;
        known = true;
        cr_assert_eq(now, result, "%s: after %zu bytes", row, have);
        if (now == TLS_HELLO_BAD)
            cr_assert_str_eq(early_error.text, error->text, "%s: after %zu bytes", row, have);
        else
            require_same(row, &early, hello);
    }
    return result;
}

/* --- making hellos --- */

static void put(struct buffer *out, unsigned size, size_t number)
{
    while (size-- > 0)
        buffer_append_byte(out, (char)(number >> 8 * size));
}

static void put_vector(struct buffer *out, unsigned size, struct slice bytes)
{
    put(out, size, bytes.len);
    buffer_append_slice(out, bytes);
}

static void put_extension(struct buffer *out, unsigned type, struct slice body)
{
    put(out, 2, type);
    put_vector(out, 2, body);
}

/* A server_name extension of one entry. */
static void put_sni(struct buffer *out, struct slice name)
{
    AUTO_BUFFER struct buffer list = BUFFER_EMPTY, body = BUFFER_EMPTY;
    put(&list, 1, 0);
    put_vector(&list, 2, name);
    put_vector(&body, 2, buffer_slice(&list));
    put_extension(out, EXTENSION_SNI, buffer_slice(&body));
}

/* `names` is the content of the list, lengths included. */
static void put_alpn(struct buffer *out, struct slice names)
{
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    put_vector(&body, 2, names);
    put_extension(out, EXTENSION_ALPN, buffer_slice(&body));
}

/* A handshake message; without extensions when their ptr is NULL. */
static void put_message(struct buffer *out, struct slice extensions)
{
    static const char filler[33] = "................................";
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    put(&body, 2, 0x0303);
    buffer_append(&body, filler, 32);
    put_vector(&body, 1, slice_of(filler, 32));
    put_vector(&body, 2, SLICE_LITERAL("\x13\x01\x13\x02"));
    put_vector(&body, 1, SLICE_LITERAL("\0"));
    if (extensions.ptr != NULL)
        put_vector(&body, 2, extensions);
    put(out, 1, 1);
    put_vector(out, 3, buffer_slice(&body));
}

/* Cuts a message into handshake records of `size` bytes. */
static void put_records(struct buffer *out, struct slice message, size_t size)
{
    while (message.len > 0) {
        size_t len = size < message.len ? size : message.len;
        put(out, 3, 0x160301);
        put_vector(out, 2, slice_of(message.ptr, len));
        message.ptr += len;
        message.len -= len;
    }
}

static void put_hello(struct buffer *out, const struct buffer *extensions)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    put_message(&message, buffer_slice(extensions));
    put_records(out, buffer_slice(&message), 16384);
}

/* Reads the hello with these extensions and expects it to be well-formed. */
static void read_extensions(const char *row, const struct buffer *extensions,
                            struct tls_hello *hello)
{
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    struct error error = {0};
    put_hello(&bytes, extensions);
    cr_assert_eq(read_all(row, bytes.data, bytes.len, hello, &error), TLS_HELLO_OK, "%s: %s", row,
                 error.text);
    cr_assert_eq(hello->facts.protocol, NETWORK_PROTOCOL_TLS, "%s", row);
}

static void expect_bad(const char *row, const struct buffer *bytes, const char *reason)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(read_all(row, bytes->data, bytes->len, &hello, &error), TLS_HELLO_BAD, "%s", row);
    cr_assert_str_eq(error.reason, reason, "%s: %s", row, error.text);
}

/* --- real hellos --- */

static const struct captured {
    const char *name, *sni, *alpn;
    bool ech;
    const char *hex;
} captured[] = {
#include "tests/unit/proxy/egress/captured_hellos.inc"
};

static void from_hex(struct buffer *out, const char *hex)
{
    for (; *hex != '\0'; hex += 2)
        put(out, 1, (size_t)(slice_hex_digit(hex[0]) << 4 | slice_hex_digit(hex[1])));
}

static void expect_captured(const struct captured *row, const struct buffer *bytes)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(read_all(row->name, bytes->data, bytes->len, &hello, &error), TLS_HELLO_OK,
                 "%s: %s", row->name, error.text);
    cr_assert_eq(hello.facts.protocol, NETWORK_PROTOCOL_TLS);
    cr_assert_eq(hello.facts.has_sni, row->sni[0] != '\0', "%s", row->name);
    cr_assert_not(hello.facts.sni_bad, "%s", row->name);
    cr_assert_str_eq(hello.facts.sni.text, row->sni, "%s", row->name);
    cr_assert_str_eq(hello.alpn, row->alpn, "%s", row->name);
    cr_assert_eq(hello.facts.ech, row->ech, "%s", row->name);
}

Test(tls_hello, what_real_programs_send_is_read)
{
    for (size_t i = 0; i < ARRAY_LEN(captured); i++) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        from_hex(&bytes, captured[i].hex);
        expect_captured(&captured[i], &bytes);
    }
}

Test(tls_hello, record_boundaries_do_not_matter)
{
    static const size_t sizes[] = {1, 2, 3, 5, 64, 100};
    for (size_t i = 0; i < ARRAY_LEN(captured); i++) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        from_hex(&bytes, captured[i].hex);
        for (size_t j = 0; j < ARRAY_LEN(sizes); j++) {
            AUTO_BUFFER struct buffer cut = BUFFER_EMPTY;
            put_records(&cut, slice_of(bytes.data + 5, bytes.len - 5), sizes[j]);
            expect_captured(&captured[i], &cut);
        }
    }
}

Test(tls_hello, what_follows_the_hello_is_not_looked_at)
{
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    from_hex(&bytes, captured[0].hex);
    buffer_append_literal(&bytes, "\x14\x03\x03\0\x01\x01\x17\x03\x03\xff\xff");
    expect_captured(&captured[0], &bytes);
}

/* --- names --- */

Test(tls_hello, a_server_name_is_canonical_or_bad)
{
    static const struct {
        const char *name;
        struct slice sni;
        const char *canonical; /* NULL = bad */
    } rows[] = {
        {"plain", SLICE_LITERAL("a.example.com"), "a.example.com"},
        {"upper case", SLICE_LITERAL("A.Example.COM"), "a.example.com"},
        {"one dot behind it", SLICE_LITERAL("a.example.com."), "a.example.com"},
        {"A-label", SLICE_LITERAL("xn--bcher-kva.example.com"), "xn--bcher-kva.example.com"},
        {"two dots behind it", SLICE_LITERAL("a.example.com.."), NULL},
        {"dot before it", SLICE_LITERAL(".example.com"), NULL},
        {"dots within", SLICE_LITERAL("a..example.com"), NULL},
        {"only a dot", SLICE_LITERAL("."), NULL},
        {"empty", SLICE_LITERAL(""), NULL},
        {"NUL within", SLICE_LITERAL("a.example.com\0.example.org"), NULL},
        {"NUL behind it", SLICE_LITERAL("a.example.com\0"), NULL},
        {"blank", SLICE_LITERAL("a.example.com "), NULL},
        {"line end", SLICE_LITERAL("a.example.com\r\n"), NULL},
        {"port", SLICE_LITERAL("a.example.com:443"), NULL},
        {"star", SLICE_LITERAL("*.example.com"), NULL},
        {"UTF-8",
         SLICE_LITERAL("b\xc3\xbc"
                       "cher.example.com"),
         NULL},
        {"IPv4", SLICE_LITERAL("192.0.2.1"), NULL},
        {"IPv4 in other words", SLICE_LITERAL("0x7f.1"), NULL},
        {"number", SLICE_LITERAL("2130706433"), NULL},
        {"IPv6", SLICE_LITERAL("2001:db8::1"), NULL},
        {"IPv6 in brackets", SLICE_LITERAL("[2001:db8::1]"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY;
        struct tls_hello hello;
        put_sni(&extensions, rows[i].sni);
        read_extensions(rows[i].name, &extensions, &hello);
        cr_expect(hello.facts.has_sni, "%s", rows[i].name);
        cr_expect_eq(hello.facts.sni_bad, rows[i].canonical == NULL, "%s", rows[i].name);
        cr_expect_str_eq(hello.facts.sni.text, rows[i].canonical == NULL ? "" : rows[i].canonical,
                         "%s", rows[i].name);
    }
}

Test(tls_hello, a_name_of_253_bytes_fits_and_a_longer_one_is_bad)
{
    for (size_t extra = 0; extra < 2; extra++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY, extensions = BUFFER_EMPTY;
        struct tls_hello hello;
        for (int i = 0; i < 126; i++)
            buffer_append_literal(&name, "a.");
        buffer_append(&name, "aa", 1 + extra);
        put_sni(&extensions, buffer_slice(&name));
        read_extensions("long name", &extensions, &hello);
        cr_expect_eq(hello.facts.sni_bad, extra == 1);
    }
}

Test(tls_hello, two_server_names_are_bad_however_they_come)
{
    static const struct {
        const char *name;
        struct slice body; /* of the only server_name extension; or of the second one */
        bool second;
    } rows[] = {
        {"two entries",
         SLICE_LITERAL("\0\x0a\0\0\x02"
                       "ab\0\0\x02"
                       "cd"),
         false},
        {"twice the same",
         SLICE_LITERAL("\0\x0a\0\0\x02"
                       "ab\0\0\x02"
                       "ab"),
         false},
        {"another kind first",
         SLICE_LITERAL("\0\x0a\x01\0\x02"
                       "ab\0\0\x02"
                       "cd"),
         false},
        {"another kind second",
         SLICE_LITERAL("\0\x0a\0\0\x02"
                       "ab\x01\0\x02"
                       "cd"),
         false},
        {"another kind alone",
         SLICE_LITERAL("\0\x05\x01\0\x02"
                       "ab"),
         false},
        {"a byte behind the name",
         SLICE_LITERAL("\0\x06\0\0\x02"
                       "ab\0"),
         false},
        {"an empty list", SLICE_LITERAL("\0\0"), false},
        {"two extensions",
         SLICE_LITERAL("\0\x05\0\0\x02"
                       "cd"),
         true},
        {"two extensions, the second empty", SLICE_LITERAL("\0\0"), true},
        {"two extensions, alike",
         SLICE_LITERAL("\0\x10\0\0\x0d"
                       "a.example.com"),
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY;
        struct tls_hello hello;
        if (rows[i].second) {
            put_sni(&extensions, SLICE_LITERAL("a.example.com"));
            put_extension(&extensions, 43, SLICE_LITERAL("\x02\x03\x04"));
        }
        put_extension(&extensions, EXTENSION_SNI, rows[i].body);
        read_extensions(rows[i].name, &extensions, &hello);
        cr_expect(hello.facts.has_sni && hello.facts.sni_bad, "%s", rows[i].name);
        cr_expect_eq(hello.facts.sni.len, 0, "%s", rows[i].name);
    }
}

Test(tls_hello, a_hello_without_extensions_has_no_name)
{
    AUTO_BUFFER struct buffer empty = BUFFER_EMPTY, message = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    struct tls_hello hello;
    struct error error = {0};
    put_message(&message, slice_of(NULL, 0));
    put_records(&bytes, buffer_slice(&message), 16384);
    cr_assert_eq(read_all("none", bytes.data, bytes.len, &hello, &error), TLS_HELLO_OK, "%s",
                 error.text);
    cr_expect(!hello.facts.has_sni && !hello.facts.sni_bad && !hello.facts.ech);
    put_extension(&empty, 23, slice_of(NULL, 0));
    read_extensions("no name among them", &empty, &hello);
    cr_expect(!hello.facts.has_sni && !hello.facts.sni_bad && !hello.facts.ech);
    cr_expect_str_empty(hello.alpn);
}

/* --- ECH and ALPN --- */

Test(tls_hello, every_form_of_a_hidden_hello_is_seen)
{
    static const struct {
        const char *name;
        unsigned type;
        bool ech;
    } rows[] = {
        {"encrypted_client_hello", 0xfe0d, true},
        {"its draft 10", 0xfe0a, true},
        {"its draft 8", 0xfe08, true},
        {"encrypted_server_name", 0xffce, true},
        {"the number before", 0xfe07, false},
        {"the number behind", 0xfe0e, false},
        {"outer extensions", 0xfd00, false},
        {"a GREASE extension", 0x3a3a, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY;
        struct tls_hello hello;
        put_sni(&extensions, SLICE_LITERAL("a.example.com"));
        put_extension(&extensions, rows[i].type, SLICE_LITERAL("\0\0\x01\0\x01\x2a\0\0\0\0"));
        read_extensions(rows[i].name, &extensions, &hello);
        cr_expect_eq(hello.facts.ech, rows[i].ech, "%s", rows[i].name);
        cr_expect_str_eq(hello.facts.sni.text, "a.example.com", "%s", rows[i].name);
    }
}

/* draft-ietf-tls-esni section 6.2: random bytes in the form of the outer extension. */
Test(tls_hello, a_grease_ech_passes_like_a_real_one)
{
    AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY, body = BUFFER_EMPTY;
    struct tls_hello hello;
    char junk[176];
    memset(junk, 0xa5, sizeof(junk));
    put(&body, 1, 0); /* outer */
    put(&body, 4, 0x00010001);
    put(&body, 1, 0x5c);
    put_vector(&body, 2, slice_of(junk, 32));
    put_vector(&body, 2, slice_of(junk, sizeof(junk)));
    put_extension(&extensions, EXTENSION_ECH, buffer_slice(&body));
    put_sni(&extensions, SLICE_LITERAL("a.example.com"));
    read_extensions("GREASE", &extensions, &hello);
    cr_expect(hello.facts.ech && hello.facts.has_sni && !hello.facts.sni_bad);
}

Test(tls_hello, protocol_names_are_shown_as_printable_text)
{
    static const struct {
        const char *name;
        struct slice names;
        const char *shown;
    } rows[] = {
        {"one", SLICE_LITERAL("\x02h2"), "h2"},
        {"two", SLICE_LITERAL("\x02h2\x08http/1.1"), "h2,http/1.1"},
        {"GREASE", SLICE_LITERAL("\x02\x0a\x0a\x02h2"), "%0A%0A,h2"},
        {"binary", SLICE_LITERAL("\x04\0\xff\"\\"), "%00%FF\"\\"},
        {"comma, blank and percent",
         SLICE_LITERAL("\x06"
                       "a,b %c"),
         "a%2Cb%20%25c"},
        {"63 bytes fit",
         SLICE_LITERAL("\x3f"
                       "012345678901234567890123456789012345678901234567890123456"
                       "789012"),
         "012345678901234567890123456789012345678901234567890123456789012"},
        {"64 bytes do not",
         SLICE_LITERAL("\x40"
                       "01234567890123456789012345678901234567890123456789012345"
                       "67890123\x02h2"),
         ""},
        {"cut at a comma",
         SLICE_LITERAL("\x3a"
                       "0123456789012345678901234567890123456789012345678901234"
                       "567\x08http/1.1\x02h2"),
         "0123456789012345678901234567890123456789012345678901234567"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY;
        struct tls_hello hello;
        put_alpn(&extensions, rows[i].names);
        read_extensions(rows[i].name, &extensions, &hello);
        cr_expect_str_eq(hello.alpn, rows[i].shown, "%s", rows[i].name);
    }
}

Test(tls_hello, protocol_names_that_cannot_be_read_are_malformed)
{
    static const struct {
        const char *name;
        struct slice body;
    } rows[] = {
        {"nothing", SLICE_LITERAL("")},
        {"an empty list", SLICE_LITERAL("\0\0")},
        {"an empty name", SLICE_LITERAL("\0\x01\0")},
        {"a name too long", SLICE_LITERAL("\0\x03\x03h2")},
        {"a list too long", SLICE_LITERAL("\0\x04\x02h2")},
        {"a list too short", SLICE_LITERAL("\0\x03\x02h2x")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer extensions = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
        put_extension(&extensions, EXTENSION_ALPN, rows[i].body);
        put_hello(&bytes, &extensions);
        expect_bad(rows[i].name, &bytes, "malformed.client-hello");
    }
    AUTO_BUFFER struct buffer twice = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    put_alpn(&twice, SLICE_LITERAL("\x02h2"));
    put_alpn(&twice, SLICE_LITERAL("\x02h2"));
    put_hello(&bytes, &twice);
    expect_bad("twice", &bytes, "malformed.client-hello");
}

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
    put_sni(&extensions, SLICE_LITERAL("a.example.com"));
    put_alpn(&extensions, SLICE_LITERAL("\x02h2"));
    put_hello(&bytes, &extensions);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_hello hello;
        struct error error = {0};
        bytes.data[rows[i].last]--;
        enum tls_hello_result shorter =
            read_all(rows[i].name, bytes.data, bytes.len, &hello, &error);
        if (rows[i].shorter_is_bad_name)
            cr_expect(shorter == TLS_HELLO_OK && hello.facts.sni_bad, "%s", rows[i].name);
        else if (rows[i].last == 4) /* one byte of the message is left for another record */
            cr_expect_eq(shorter, TLS_HELLO_MORE, "%s", rows[i].name);
        else
            cr_expect_eq(shorter, TLS_HELLO_BAD, "%s shorter", rows[i].name);
        bytes.data[rows[i].last] = (char)(bytes.data[rows[i].last] + 2);
        enum tls_hello_result longer =
            read_all(rows[i].name, bytes.data, bytes.len, &hello, &error);
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
        put_sni(&extensions, SLICE_LITERAL("a.example.com"));
        put_hello(&bytes, &extensions);
        bytes.data[rows[i].at] = (char)rows[i].byte;
        expect_bad(rows[i].name, &bytes, "malformed.client-hello");
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
        put_message(&message, slice_of(NULL, 0));
        size_t before = rows[i].first ? 0 : 20;
        put_records(&bytes, slice_of(message.data, before), 10);
        buffer_append_slice(&bytes, rows[i].record);
        put_records(&bytes, slice_of(message.data + before, message.len - before), 10);
        expect_bad(rows[i].name, &bytes, "malformed.client-hello");
    }
}

Test(tls_hello, a_second_message_in_the_record_is_malformed)
{
    AUTO_BUFFER struct buffer messages = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    put_message(&messages, slice_of(NULL, 0));
    put_message(&messages, slice_of(NULL, 0));
    put_records(&bytes, buffer_slice(&messages), 16384);
    expect_bad("two messages", &bytes, "malformed.client-hello");
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
    put_extension(&extensions, 21, buffer_slice(&padding));
    put_message(&message, buffer_slice(&extensions));
    put_records(out, buffer_slice(&message), record_size);
}

static void expect_limit(const char *row, const struct buffer *bytes)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(read_exact(bytes->data, bytes->len, &hello, &error), TLS_HELLO_BAD, "%s", row);
    cr_assert_str_eq(error.reason, "limit.client-hello", "%s", row);
}

Test(tls_hello, a_hello_may_have_16_kilobytes_and_not_one_more)
{
    struct tls_hello hello;
    struct error error = {0};
    AUTO_BUFFER struct buffer longest = BUFFER_EMPTY, longer = BUFFER_EMPTY;
    put_long_hello(&longest, 0, 16384);
    cr_assert_eq(longest.len, TLS_HELLO_LEN_MAX);
    cr_assert_eq(read_exact(longest.data, longest.len, &hello, &error), TLS_HELLO_OK, "%s",
                 error.text);
    cr_assert_eq(read_exact(longest.data, longest.len - 1, &hello, &error), TLS_HELLO_MORE);
    put_long_hello(&longer, 1, 16384);
    expect_limit("one byte more", &longer);
    longer.len = 9; /* known as soon as the message says how long it is */
    expect_limit("one byte more, from its head", &longer);
    longer.len = 8;
    cr_assert_eq(read_exact(longer.data, longer.len, &hello, &error), TLS_HELLO_MORE);
}

Test(tls_hello, records_that_do_not_end_are_a_limit)
{
    struct tls_hello hello;
    struct error error = {0};
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    put_long_hello(&bytes, 0, 1); /* six bytes for one */
    cr_assert_eq(read_exact(bytes.data, TLS_HELLO_LEN_MAX - 1, &hello, &error), TLS_HELLO_MORE);
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
        cr_assert_eq(read_all(rows[i].name, rows[i].bytes.ptr, rows[i].bytes.len, &hello, &error),
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
        cr_assert_eq(read_all(rows[i].name, rows[i].bytes.ptr, rows[i].bytes.len, &hello, &error),
                     TLS_HELLO_BAD, "%s", rows[i].name);
        cr_expect_str_eq(error.reason, "malformed.client-hello", "%s", rows[i].name);
    }
}

Test(tls_hello, it_says_where_the_hello_ends)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    put_message(&message, slice_of(NULL, 0));
    for (size_t size = 1; size <= 64; size *= 4) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        struct tls_hello hello;
        struct error error = {0};
        put_records(&bytes, buffer_slice(&message), size);
        size_t len = bytes.len;
        buffer_append_literal(&bytes, "\x14\x03\x03");
        cr_assert_eq(read_exact(bytes.data, bytes.len, &hello, &error), TLS_HELLO_OK);
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
        cr_expect_eq(read_exact(rows[i].ptr, rows[i].len, &hello, &error), TLS_HELLO_MORE, "%.*s",
                     (int)rows[i].len, rows[i].ptr);
    }
}

Test(tls_hello, an_alert_is_fatal_and_seven_bytes_long)
{
    unsigned char alert[TLS_ALERT_LEN];
    cr_assert_eq(tls_hello_write_alert(TLS_ALERT_ACCESS_DENIED, alert), 7);
    cr_expect_arr_eq(alert, "\x15\x03\x03\0\x02\x02\x31", 7);
    cr_assert_eq(tls_hello_write_alert(TLS_ALERT_UNRECOGNIZED_NAME, alert), 7);
    cr_expect_arr_eq(alert, "\x15\x03\x03\0\x02\x02\x70", 7);
}
