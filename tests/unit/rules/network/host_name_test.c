/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/host_name.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
/* 3 labels of 63 and one of 61, with the dots between them: 253 bytes. */
#define NAME_253                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "b234567890123456789012345678901234567890123456789012345678901"

Test(host_name, hosts_have_one_canonical_text)
{
    static const struct {
        const char *what, *text, *canonical;
        bool address;
    } rows[] = {
        {"a name", "allowed.test", "allowed.test", false},
        {"capitals", "ALLOWED.Test", "allowed.test", false},
        {"a trailing dot", "allowed.test.", "allowed.test", false},
        {"one label", "registry", "registry", false},
        {"one label and a dot", "registry.", "registry", false},
        {"underscores", "_service._tcp.Example.com", "_service._tcp.example.com", false},
        {"an underscore alone", "_", "_", false},
        {"a hyphen within", "a-b.test", "a-b.test", false},
        {"two hyphens within", "a--b.test", "a--b.test", false},
        {"an A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", false},
        {"an A-label in capitals", "XN--BCHER-KVA.example", "xn--bcher-kva.example", false},
        {"digits in front", "1.2.3.test", "1.2.3.test", false},
        {"a label of digits and letters last", "foo.1a", "foo.1a", false},
        {"x but no hexadecimal digits", "foo.0xyz", "foo.0xyz", false},
        {"hexadecimal without its prefix", "7f000002.ff", "7f000002.ff", false},
        {"a label of 63", LABEL_63 ".test", LABEL_63 ".test", false},
        {"a name of 253", NAME_253, NAME_253, false},
        {"a name of 253 and a dot", NAME_253 ".", NAME_253, false},
        {"localhost", "LocalHost.", "localhost", false},
        {"IPv4", "127.0.0.2", "127.0.0.2", true},
        {"IPv4 and a dot", "127.0.0.2.", "127.0.0.2", true},
        {"IPv4, all bits", "255.255.255.255", "255.255.255.255", true},
        {"IPv4, no bits", "0.0.0.0", "0.0.0.0", true},
        {"IPv6", "[2001:DB8:0:0:0:0:0:1]", "2001:db8::1", true},
        {"IPv6 unspecified", "[::]", "::", true},
        {"IPv6 loopback", "[::1]", "::1", true},
        {"mapped IPv4", "[::ffff:127.0.0.2]", "127.0.0.2", true},
        {"mapped IPv4 in hexadecimal", "[::ffff:7f00:2]", "127.0.0.2", true},
        {"compatible IPv4 stays IPv6", "[::127.0.0.1]", "::7f00:1", true},
        {"NAT64 stays IPv6", "[64:ff9b::7f00:1]", "64:ff9b::7f00:1", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_name host;
        struct error error = {0};
        cr_assert(host_name_parse(slice_from_text(rows[i].text), &host, &error), "%s: %s",
                  rows[i].what, error.text);
        cr_expect_str_eq(host.text, rows[i].canonical, "%s", rows[i].what);
        cr_expect_eq(host.len, strlen(rows[i].canonical), "%s", rows[i].what);
        cr_expect_eq(host.is_address, rows[i].address, "%s", rows[i].what);
    }
}

Test(host_name, what_has_two_readings_is_refused)
{
    static const struct {
        const char *what, *text;
        size_t len; /* 0 = to the NUL */
    } rows[] = {
        {"nothing", "", 0},
        {"a dot", ".", 0},
        {"two dots", "..", 0},
        {"a leading dot", ".allowed.test", 0},
        {"two dots within", "allowed..test", 0},
        {"two dots behind", "allowed.test..", 0},
        {"a hyphen in front", "-allowed.test", 0},
        {"a hyphen behind", "allowed-.test", 0},
        {"a hyphen behind the last label", "allowed.test-", 0},
        {"a hyphen and a dot behind", "allowed.test-.", 0},
        {"an A-label that decodes to nothing", "xn--.example", 0},
        {"a label of 64", "a" LABEL_63 ".test", 0},
        {"a last label of 64", "test.a" LABEL_63, 0},
        {"a name of 254", NAME_253 "x", 0},
        {"a name of 254 and a dot", NAME_253 "x.", 0},
        {"a name of 255", "a." NAME_253, 0},
        {"a star", "*.allowed.test", 0},
        {"a star alone", "*", 0},
        {"a blank in front", " allowed.test", 0},
        {"a blank behind", "allowed.test ", 0},
        {"a TAB", "allowed\t.test", 0},
        {"a NUL within", "evil.test\0.allowed.test", 23},
        {"a NUL behind", "allowed.test\0", 13},
        {"a line end", "allowed.test\r\n", 0},
        {"DEL", "allowed\x7f.test", 0},
        {"a percent escape", "allowed%2etest", 0},
        {"a percent escape of a letter", "%61llowed.test", 0},
        {"userinfo", "user@allowed.test", 0},
        {"a port", "allowed.test:443", 0},
        {"a path", "allowed.test/", 0},
        {"a backslash", "allowed.test\\evil.test", 0},
        {"a comma", "allowed.test,evil.test", 0},
        {"an exclamation mark", "allowed!test", 0},
        {"Unicode",
         "b\xc3\xbc"
         "cher.example",
         0},
        {"fullwidth letters", "\xef\xbd\x81llowed.test", 0},
        {"an ideographic full stop", "allowed\xe3\x80\x82test", 0},
        {"a fullwidth full stop", "allowed\xef\xbc\x8etest", 0},
        {"a halfwidth full stop", "allowed\xef\xbd\xa1test", 0},
        {"a soft hyphen", "allo\xc2\xadwed.test", 0},
        {"a byte that is no UTF-8", "allowed\xff.test", 0},
        {"IPv4 of two parts", "127.2", 0},
        {"IPv4 of three parts", "127.0.2", 0},
        {"IPv4 of five parts", "1.2.3.4.5", 0},
        {"IPv4 as one number", "2130706434", 0},
        {"IPv4 as one hexadecimal number", "0x7f000002", 0},
        {"IPv4 as one hexadecimal number, capital X", "0X7F000002", 0},
        {"IPv4 with an octal part", "0177.0.0.2", 0},
        {"IPv4 with a leading zero", "127.0.0.02", 0},
        {"IPv4 with a hexadecimal part", "127.0.0.0x2", 0},
        {"IPv4 with hexadecimal in front", "0x7f.0.0.2", 0},
        {"IPv4 with a part of 256", "127.0.0.256", 0},
        {"IPv4 and two dots", "127.0.0.2..", 0},
        {"a hexadecimal last label", "foo.0x1f", 0},
        {"a hexadecimal prefix as last label", "foo.0x", 0},
        {"a number as last label", "foo.1", 0},
        {"a number as last label, and a dot", "foo.1.", 0},
        {"zero", "0", 0},
        {"a name between brackets", "[allowed.test]", 0},
        {"IPv4 between brackets", "[127.0.0.2]", 0},
        {"nothing between brackets", "[]", 0},
        {"one bracket", "[", 0},
        {"an open bracket", "[::1", 0},
        {"a closing bracket", "::1]", 0},
        {"two brackets", "[[::1]]", 0},
        {"IPv6 without brackets", "::1", 0},
        {"IPv6 with a zone", "[fe80::1%1]", 0},
        {"IPv6 with an escaped zone", "[fe80::1%25eth0]", 0},
        {"IPv6 and a dot", "[::1].", 0},
        {"IPv6 with a prefix", "[::1/128]", 0},
        {"IPv6 with two gaps", "[1::2::3]", 0},
        {"IPv6 of nine groups", "[1:2:3:4:5:6:7:8:9]", 0},
        {"IPv6 with a group of five digits", "[::00001]", 0},
        {"IPv6 with an octal IPv4", "[::ffff:0177.0.0.1]", 0},
        {"IPv6 with a NUL", "[::1\0]", 6},
        {"IPv6 with a blank", "[ ::1]", 0},
        {"a future address", "[v1.fe80::a]", 0},
        {"http-parser takes it", "[:::::]", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_name host;
        struct error error = {0};
        size_t len = rows[i].len == 0 ? strlen(rows[i].text) : rows[i].len;
        cr_expect_not(host_name_parse(slice_of(rows[i].text, len), &host, &error), "%s",
                      rows[i].what);
        cr_expect_eq(error.status, 400, "%s", rows[i].what);
        cr_expect(error.reason != NULL && strcmp(error.reason, "malformed.host") == 0, "%s",
                  rows[i].what);
        cr_expect(error.text[0] != '\0' && strchr(error.text, '\n') == NULL, "%s", rows[i].what);
    }
    struct host_name host;
    struct error error = {0};
    cr_expect_not(host_name_parse(slice_of(NULL, 0), &host, &error));
}

Test(host_name, every_byte_that_no_name_has_is_refused)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b'};
        struct host_name host;
        struct error error = {0};
        bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z' && byte < 0x80;
        bool wanted =
            letter || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
        cr_expect_eq(host_name_parse(slice_of(text, 3), &host, &error), wanted, "byte %d", byte);
    }
}

Test(host_name, errors_say_what_to_do)
{
    static const char *const rows[][2] = {
        {"b\xc3\xbc"
         "cher.example",
         "A-label"},
        {"fe80::1", "between brackets"},
        {"[allowed.test]", "only an IPv6"},
        {"127.1", "four decimal parts"},
        {"*.allowed.test", "star"},
        {"[fe80::1%eth0]", "zone"},
        {"a\tb", "0x09"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_name host;
        struct error error = {0};
        cr_assert_not(host_name_parse(slice_from_text(rows[i][0]), &host, &error));
        cr_expect(strstr(error.text, rows[i][1]) != NULL, "%s: %s", rows[i][0], error.text);
    }
}

Test(host_name, an_address_is_no_dns_name)
{
    static const struct {
        const char *text;
        bool name;
    } rows[] = {
        {"allowed.test", true}, {"Allowed.Test.", true}, {"127.0.0.2", false},
        {"127.0.0.2.", false},  {"[::1]", false},        {"2130706434", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_name host;
        struct error error = {0};
        cr_expect_eq(host_name_parse_dns(slice_from_text(rows[i].text), &host, &error),
                     rows[i].name, "%s", rows[i].text);
        cr_expect(rows[i].name || error.status == 400, "%s", rows[i].text);
    }
}

Test(host_name, an_address_is_the_same_host_however_it_was_found)
{
    static const char *const rows[][3] = {
        {"127.0.0.2", "127.0.0.2", "127.0.0.2"},
        {"::ffff:127.0.0.2", "127.0.0.2.", "127.0.0.2"},
        {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]"},
        {"::", "[0:0:0:0:0:0:0:0]", "[::]"},
        {"ff00:1111:2222:3333:4444:5555:6666:7777", "[ff00:1111:2222:3333:4444:5555:6666:7777]",
         "[ff00:1111:2222:3333:4444:5555:6666:7777]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_address address;
        struct host_name made, read;
        struct error error;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(ip_address_parse(slice_from_text(rows[i][0]), &address), "%s", rows[i][0]);
        host_name_from_address(&made, &address);
        cr_assert(host_name_parse(slice_from_text(rows[i][1]), &read, &error), "%s", rows[i][1]);
        cr_expect(host_name_equal(&made, &read), "%s", rows[i][0]);
        cr_expect_eq(memcmp(&made.address, &read.address, sizeof(made.address)), 0);
        cr_expect_eq(made.text[made.len], '\0');
        host_name_write(&made, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i][2]);
    }
}

Test(host_name, local_names_are_known)
{
    static const struct {
        const char *text;
        bool local;
    } rows[] = {
        {"localhost", true},
        {"LOCALHOST.", true},
        {"x.localhost", true},
        {"a.b.localhost", true},
        {"ip6-localhost", true},
        {"ip6-loopback", true},
        {"notlocalhost", false},
        {"localhost.test", false},
        {"a.ip6-localhost", false},
        {"127.0.0.1", false},
        {"localhost.localdomain", false},
        {"host.docker.internal", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct host_name host;
        struct error error;
        cr_assert(host_name_parse(slice_from_text(rows[i].text), &host, &error));
        cr_expect_eq(host_name_is_local(&host), rows[i].local, "%s", rows[i].text);
    }
}

/* Random texts are made of the bytes
 * that names, numbers and addresses are made of, so that a good part of them is accepted. */
Test(host_name, making_a_host_canonical_twice_changes_nothing)
{
    static const char bytes[] = "aAzZ09x..-_:[]f";
    uint32_t state = 20261121;
    unsigned accepted = 0, addresses = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char text[24];
        size_t len = 0;
        state = state * 1664525 + 1013904223;
        size_t wanted = 1 + (state >> 16) % sizeof(text);
        bool numeric = (state >> 8 & 1) != 0;
        while (len < wanted) {
            state = state * 1664525 + 1013904223;
            unsigned pick = state >> 16;
            text[len++] = numeric ? "0123456789...."[pick % 14] : bytes[pick % (sizeof(bytes) - 1)];
        }
        struct host_name once, twice;
        struct error error;
        if (!host_name_parse(slice_of(text, len), &once, &error))
            continue;
        accepted++;
        addresses += once.is_address;
        AUTO_BUFFER struct buffer written = BUFFER_EMPTY;
        host_name_write(&once, &written);
        cr_assert(host_name_parse(buffer_slice(&written), &twice, &error), "%.*s", (int)len, text);
        cr_assert(host_name_equal(&once, &twice) && once.is_address == twice.is_address, "%.*s",
                  (int)len, text);
        cr_assert_eq(memcmp(&once.address, &twice.address, sizeof(once.address)), 0);
    }
    cr_expect(accepted > 1000 && addresses > 10, "%u accepted, %u addresses", accepted, addresses);
}
