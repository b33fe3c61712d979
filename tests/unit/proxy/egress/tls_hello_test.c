/* SPDX-License-Identifier: Apache-2.0
 *
 * What a ClientHello asks for: hellos of real programs, and names, protocols and hidden hellos in every form. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/proxy/egress/tls_hello_fixture.h"

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
        hello_put_number(out, 1, (size_t)(slice_hex_digit(hex[0]) << 4 | slice_hex_digit(hex[1])));
}

static void expect_captured(const struct captured *row, const struct buffer *bytes)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(hello_read_all(row->name, bytes->data, bytes->len, &hello, &error), TLS_HELLO_OK,
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
            hello_put_records(&cut, slice_of(bytes.data + 5, bytes.len - 5), sizes[j]);
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
        hello_put_sni(&extensions, rows[i].sni);
        hello_read_extensions(rows[i].name, &extensions, &hello);
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
        hello_put_sni(&extensions, buffer_slice(&name));
        hello_read_extensions("long name", &extensions, &hello);
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
            hello_put_sni(&extensions, SLICE_LITERAL("a.example.com"));
            hello_put_extension(&extensions, 43, SLICE_LITERAL("\x02\x03\x04"));
        }
        hello_put_extension(&extensions, EXTENSION_SNI, rows[i].body);
        hello_read_extensions(rows[i].name, &extensions, &hello);
        cr_expect(hello.facts.has_sni && hello.facts.sni_bad, "%s", rows[i].name);
        cr_expect_eq(hello.facts.sni.len, 0, "%s", rows[i].name);
    }
}

Test(tls_hello, a_hello_without_extensions_has_no_name)
{
    AUTO_BUFFER struct buffer empty = BUFFER_EMPTY, message = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    struct tls_hello hello;
    struct error error = {0};
    hello_put_message(&message, slice_of(NULL, 0));
    hello_put_records(&bytes, buffer_slice(&message), 16384);
    cr_assert_eq(hello_read_all("none", bytes.data, bytes.len, &hello, &error), TLS_HELLO_OK, "%s",
                 error.text);
    cr_expect(!hello.facts.has_sni && !hello.facts.sni_bad && !hello.facts.ech);
    hello_put_extension(&empty, 23, slice_of(NULL, 0));
    hello_read_extensions("no name among them", &empty, &hello);
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
        hello_put_sni(&extensions, SLICE_LITERAL("a.example.com"));
        hello_put_extension(&extensions, rows[i].type, SLICE_LITERAL("\0\0\x01\0\x01\x2a\0\0\0\0"));
        hello_read_extensions(rows[i].name, &extensions, &hello);
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
    hello_put_number(&body, 1, 0); /* outer */
    hello_put_number(&body, 4, 0x00010001);
    hello_put_number(&body, 1, 0x5c);
    hello_put_vector(&body, 2, slice_of(junk, 32));
    hello_put_vector(&body, 2, slice_of(junk, sizeof(junk)));
    hello_put_extension(&extensions, EXTENSION_ECH, buffer_slice(&body));
    hello_put_sni(&extensions, SLICE_LITERAL("a.example.com"));
    hello_read_extensions("GREASE", &extensions, &hello);
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
        hello_put_alpn(&extensions, rows[i].names);
        hello_read_extensions(rows[i].name, &extensions, &hello);
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
        hello_put_extension(&extensions, EXTENSION_ALPN, rows[i].body);
        hello_put(&bytes, &extensions);
        hello_expect_bad(rows[i].name, &bytes, "malformed.client-hello");
    }
    AUTO_BUFFER struct buffer twice = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
    hello_put_alpn(&twice, SLICE_LITERAL("\x02h2"));
    hello_put_alpn(&twice, SLICE_LITERAL("\x02h2"));
    hello_put(&bytes, &twice);
    hello_expect_bad("twice", &bytes, "malformed.client-hello");
}
