/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions as stub resolvers ask them, and ones made to be read in two ways; answers byte by byte.
 * Messages are read from memory of their exact size, so that a read behind them is seen. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proxy/resolve/dns_message.h"

/* A header: id 0x1234, one question unless said otherwise. */
#define HEADER(flags, questions, additional) "\x12\x34" flags "\0" questions "\0\0\0\0\0" additional
#define RECURSE "\x01\0"
#define QUERY HEADER(RECURSE, "\x01", "\0")
#define QUERY_OPT HEADER(RECURSE, "\x01", "\x01")
#define EXAMPLE                                                                                    \
    "\x07"                                                                                         \
    "example\x03"                                                                                  \
    "com\0"
#define IN_A "\0\x01\0\x01"
#define IN_AAAA "\0\x1c\0\x01"
#define OPT(size) "\0\0\x29" size "\0\0\0\0\0\0"

static enum dns_question_result read_exact(struct slice bytes, struct dns_question *question,
                                           enum dns_code *code)
{
    unsigned char *copy = malloc(bytes.len + (bytes.len == 0));
    cr_assert_not_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    enum dns_question_result result = dns_question_read(copy, bytes.len, question, code);
    free(copy);
    return result;
}

static struct dns_question must_read(struct slice bytes)
{
    struct dns_question question;
    enum dns_code code;
    cr_assert_eq(read_exact(bytes, &question, &code), DNS_QUESTION_OK);
    return question;
}

static struct ip_address address(const char *text)
{
    struct ip_address parsed;
    cr_assert(ip_address_parse(slice_from_text(text), &parsed));
    return parsed;
}

/* --- questions --- */

Test(dns_message, a_question_is_read)
{
    struct dns_question question =
        must_read(SLICE_LITERAL(QUERY_OPT EXAMPLE IN_AAAA OPT("\x10\0")));
    cr_expect_eq(question.id, 0x1234);
    cr_expect_eq(question.type, DNS_TYPE_AAAA);
    cr_expect_eq(question.class, DNS_CLASS_IN);
    cr_expect(question.recursion_desired && question.has_edns && !question.name_bad);
    cr_expect_str_eq(question.name.text, "example.com");
    cr_expect_str_eq(question.shown, "example.com");
    cr_expect_eq(question.raw_len, 17);
    question = must_read(SLICE_LITERAL(HEADER("\0\0", "\x01", "\0") EXAMPLE IN_A));
    cr_expect(!question.recursion_desired && !question.has_edns);
}

Test(dns_message, what_the_asker_takes_is_between_512_and_1232_bytes)
{
    static const struct {
        const char *name;
        struct slice bytes;
        unsigned size;
    } rows[] = {
        {"without EDNS", SLICE_LITERAL(QUERY EXAMPLE IN_A), 512},
        {"0", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\0\0")), 512},
        {"511", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\x01\xff")), 512},
        {"1000", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\x03\xe8")), 1000},
        {"1232", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\x04\xd0")), 1232},
        {"65535", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\xff\xff")), 1232},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(must_read(rows[i].bytes).udp_size, rows[i].size, "%s", rows[i].name);
}

Test(dns_message, a_name_is_canonical_or_no_host_name)
{
    static const struct {
        const char *name;
        struct slice wire;
        const char *canonical; /* NULL = bad */
        const char *shown;
    } rows[] = {
        {"mixed case",
         SLICE_LITERAL("\x07"
                       "eXaMpLe\x03"
                       "CoM\0"),
         "example.com", "eXaMpLe.CoM"},
        {"underscore",
         SLICE_LITERAL("\x05"
                       "_http\x01"
                       "a\0"),
         "_http.a", "_http.a"},
        {"one label",
         SLICE_LITERAL("\x09"
                       "localhost\0"),
         "localhost", "localhost"},
        {"the root", SLICE_LITERAL("\0"), NULL, "."},
        {"dot in a label",
         SLICE_LITERAL("\x0b"
                       "example.com\0"),
         NULL, "example\\046com"},
        {"dot alone",
         SLICE_LITERAL("\x01.\x03"
                       "com\0"),
         NULL, "\\046.com"},
        {"NUL in a label",
         SLICE_LITERAL("\x03"
                       "a\0b\0"),
         NULL, "a\\000b"},
        {"backslash",
         SLICE_LITERAL("\x03"
                       "a\\b\0"),
         NULL, "a\\092b"},
        {"star",
         SLICE_LITERAL("\x01*\x03"
                       "com\0"),
         NULL, "*.com"},
        {"blank", SLICE_LITERAL("\x01 \0"), NULL, "\\032"},
        {"UTF-8", SLICE_LITERAL("\x02\xc3\xbc\0"), NULL, "\\195\\188"},
        {"hyphen first", SLICE_LITERAL("\x02-a\0"), NULL, "-a"},
        {"an address",
         SLICE_LITERAL("\x03"
                       "127\x01"
                       "0\x01"
                       "0\x01"
                       "1\0"),
         NULL, "127.0.0.1"},
        {"a number",
         SLICE_LITERAL("\x0a"
                       "2130706433\0"),
         NULL, "2130706433"},
        {"a number last",
         SLICE_LITERAL("\x01"
                       "a\x01"
                       "1\0"),
         NULL, "a.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        buffer_append_literal(&bytes, QUERY);
        buffer_append_slice(&bytes, rows[i].wire);
        buffer_append_literal(&bytes, IN_A);
        struct dns_question question = must_read(buffer_slice(&bytes));
        cr_expect_eq(question.name_bad, rows[i].canonical == NULL, "%s", rows[i].name);
        cr_expect_str_eq(question.name.text, rows[i].canonical == NULL ? "" : rows[i].canonical,
                         "%s", rows[i].name);
        cr_expect_str_eq(question.shown, rows[i].shown, "%s", rows[i].name);
    }
}

/* Three labels of 63 bytes and one of `last`: 253 bytes of text, 255 on the wire with 61. */
static void put_long(struct buffer *out, char byte, size_t last)
{
    char label[64];
    memset(label, byte, sizeof(label));
    buffer_append_literal(out, QUERY);
    for (int i = 0; i < 4; i++) {
        size_t len = i < 3 ? 63 : last;
        buffer_append_byte(out, (char)len);
        buffer_append(out, label, len);
    }
    buffer_append_literal(out, "\0" IN_A);
}

Test(dns_message, the_longest_name_is_whole_in_both_forms)
{
    AUTO_BUFFER struct buffer longest = BUFFER_EMPTY, longer = BUFFER_EMPTY, ugly = BUFFER_EMPTY;
    struct dns_question question;
    enum dns_code code;
    put_long(&longest, 'a', 61);
    question = must_read(buffer_slice(&longest));
    cr_expect_not(question.name_bad);
    cr_expect_eq(question.name.len, 253);
    cr_expect_eq(strlen(question.shown), 253);
    cr_expect_eq(question.raw_len, 259);
    put_long(&longer, 'a', 62);
    cr_expect_eq(read_exact(buffer_slice(&longer), &question, &code), DNS_QUESTION_REFUSE);
    cr_expect_eq(code, DNS_FORMAT_ERROR);
    put_long(&ugly, '\1', 61);
    question = must_read(buffer_slice(&ugly));
    cr_expect(question.name_bad);
    cr_expect_eq(strlen(question.shown), 255);
    cr_expect_str_eq(question.shown + 248, "\\001...");
}

Test(dns_message, every_cut_message_is_a_format_error_or_dropped)
{
    static const struct slice whole = SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\x10\0"));
    for (size_t len = 0; len < whole.len; len++) {
        struct dns_question question;
        enum dns_code code;
        enum dns_question_result result = read_exact(slice_of(whole.ptr, len), &question, &code);
        cr_expect_eq(result, len < 12 ? DNS_QUESTION_DROP : DNS_QUESTION_REFUSE, "%zu bytes", len);
        cr_expect(len < 12 || code == DNS_FORMAT_ERROR, "%zu bytes", len);
    }
}

Test(dns_message, what_is_no_plain_question_is_refused_with_its_code)
{
    static const struct {
        const char *name;
        struct slice bytes;
        enum dns_code code;
    } rows[] = {
        {"no question", SLICE_LITERAL(HEADER(RECURSE, "\0", "\0")), DNS_FORMAT_ERROR},
        {"two questions", SLICE_LITERAL(HEADER(RECURSE, "\x02", "\0") EXAMPLE IN_A EXAMPLE IN_A),
         DNS_FORMAT_ERROR},
        {"an answer in it",
         SLICE_LITERAL("\x12\x34\x01\0\0\x01\0\x01\0\0\0\0" EXAMPLE IN_A EXAMPLE IN_A
                       "\0\0\0\0\0\x04\x7f\0\0\x01"),
         DNS_FORMAT_ERROR},
        {"truncated", SLICE_LITERAL(HEADER("\x03\0", "\x01", "\0") EXAMPLE IN_A), DNS_FORMAT_ERROR},
        {"a pointer as name", SLICE_LITERAL(QUERY "\xc0\x0c" IN_A), DNS_FORMAT_ERROR},
        {"a pointer in the name",
         SLICE_LITERAL(QUERY "\x01"
                             "a\xc0\x0c" IN_A),
         DNS_FORMAT_ERROR},
        {"a label of 64 bytes",
         SLICE_LITERAL(QUERY "\x40"
                             "0123456789012345678901234567890123456789012345678901234567890123"
                             "\0" IN_A),
         DNS_FORMAT_ERROR},
        {"a label of kind 0x80",
         SLICE_LITERAL(QUERY "\x81"
                             "a\0" IN_A),
         DNS_FORMAT_ERROR},
        {"bytes behind it", SLICE_LITERAL(QUERY EXAMPLE IN_A "x"), DNS_FORMAT_ERROR},
        {"an additional record that is not there", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A),
         DNS_FORMAT_ERROR},
        {"two OPT",
         SLICE_LITERAL(HEADER(RECURSE, "\x01", "\x02") EXAMPLE IN_A OPT("\x10\0") OPT("\x10\0")),
         DNS_FORMAT_ERROR},
        {"an OPT with a name",
         SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A EXAMPLE "\0\x29\x10\0\0\0\0\0\0\0"),
         DNS_FORMAT_ERROR},
        {"too many additional records", SLICE_LITERAL(HEADER(RECURSE, "\x01", "\x05") EXAMPLE IN_A),
         DNS_FORMAT_ERROR},
        {"EDNS version 1", SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A "\0\0\x29\x10\0\0\x01\0\0\0\0"),
         DNS_BAD_VERSION},
        {"inverse query", SLICE_LITERAL(HEADER("\x09\0", "\x01", "\0") EXAMPLE IN_A), DNS_NOT_DONE},
        {"notify", SLICE_LITERAL(HEADER("\x20\0", "\x01", "\0") EXAMPLE IN_A), DNS_NOT_DONE},
        {"update", SLICE_LITERAL(HEADER("\x28\0", "\x01", "\0") EXAMPLE IN_A), DNS_NOT_DONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dns_question question;
        enum dns_code code;
        cr_expect_eq(read_exact(rows[i].bytes, &question, &code), DNS_QUESTION_REFUSE, "%s",
                     rows[i].name);
        cr_expect_eq(code, rows[i].code, "%s", rows[i].name);
        cr_expect_eq(question.id, 0x1234, "%s", rows[i].name);
    }
}

Test(dns_message, an_answer_is_never_answered)
{
    struct dns_question question;
    enum dns_code code;
    cr_expect_eq(
        read_exact(SLICE_LITERAL(HEADER("\x81\x80", "\x01", "\0") EXAMPLE IN_A), &question, &code),
        DNS_QUESTION_DROP);
    cr_expect_eq(read_exact(SLICE_LITERAL(HEADER("\xa8\x04", "\0", "\0")), &question, &code),
                 DNS_QUESTION_DROP);
}

Test(dns_message, options_and_other_additional_records_are_passed_over)
{
    struct dns_question question = must_read(SLICE_LITERAL(
        HEADER(RECURSE, "\x01", "\x02") EXAMPLE IN_A "\0\0\x29\x10\0\0\0\x80\0\0\x0c\0\x0a\0\x08"
                                                     "cookie12"
                                                     "\x01"
                                                     "k\0\0\xfa\0\xff\0\0\0\0\0\x02"
                                                     "ab"));
    cr_expect(question.has_edns);
    cr_expect_eq(question.udp_size, 1232);
}

Test(dns_message, types_have_their_names)
{
    char text[12];
    cr_expect_str_eq(dns_type_name(DNS_TYPE_A, text), "A");
    cr_expect_str_eq(dns_type_name(DNS_TYPE_AAAA, text), "AAAA");
    cr_expect_str_eq(dns_type_name(DNS_TYPE_HTTPS, text), "HTTPS");
    cr_expect_str_eq(dns_type_name(16, text), "TXT");
    cr_expect_str_eq(dns_type_name(0, text), "TYPE0");
    cr_expect_str_eq(dns_type_name(65535, text), "TYPE65535");
}

/* --- answers --- */

static void expect_answer(const char *row, const struct dns_question *question, enum dns_code code,
                          const char *const *texts, unsigned count, size_t limit,
                          struct slice expected)
{
    struct ip_address addresses[8];
    for (unsigned i = 0; i < count; i++)
        addresses[i] = address(texts[i]);
    unsigned char *out = malloc(limit + 1);
    cr_assert_not_null(out);
    size_t len = dns_answer_write(question, code, addresses, count, 5, limit, out);
    cr_expect_leq(len, limit, "%s", row);
    cr_expect_eq(len, expected.len, "%s: %zu bytes", row, len);
    cr_expect(slice_equal(slice_of((const char *)out, len), expected), "%s", row);
    free(out);
}

Test(dns_message, an_answer_has_the_addresses_of_its_type)
{
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2"};
    struct dns_question question = must_read(SLICE_LITERAL(QUERY EXAMPLE IN_A));
    expect_answer("A", &question, DNS_OK, texts, 3, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0" EXAMPLE IN_A "\xc0\x0c" IN_A
                                "\0\0\0\x05\0\x04\xc0\0\x02\x01"
                                "\xc0\x0c" IN_A "\0\0\0\x05\0\x04\xc0\0\x02\x02"));
    question = must_read(SLICE_LITERAL(QUERY EXAMPLE IN_AAAA));
    expect_answer("AAAA", &question, DNS_OK, texts, 3, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0" EXAMPLE IN_AAAA
                                "\xc0\x0c" IN_AAAA "\0\0\0\x05\0\x10"
                                "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"));
    expect_answer("AAAA without any", &question, DNS_OK, texts, 1, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\0\0\0\0\0" EXAMPLE IN_AAAA));
}

Test(dns_message, other_types_and_other_codes_have_no_addresses)
{
    static const char *const texts[] = {"192.0.2.1"};
    struct dns_question question = must_read(SLICE_LITERAL(QUERY EXAMPLE "\0\x41\0\x01"));
    expect_answer("HTTPS", &question, DNS_OK, texts, 1, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\0\0\0\0\0" EXAMPLE "\0\x41\0\x01"));
    question = must_read(SLICE_LITERAL(QUERY EXAMPLE "\0\x01\0\x03"));
    expect_answer("class CHAOS", &question, DNS_OK, texts, 1, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\0\0\0\0\0" EXAMPLE "\0\x01\0\x03"));
    question = must_read(SLICE_LITERAL(QUERY EXAMPLE IN_A));
    expect_answer("no such name", &question, DNS_NO_NAME, texts, 1, 512,
                  SLICE_LITERAL("\x12\x34\x81\x83\0\x01\0\0\0\0\0\0" EXAMPLE IN_A));
}

Test(dns_message, the_question_is_echoed_byte_for_byte)
{
    struct dns_question question =
        must_read(SLICE_LITERAL(HEADER("\0\0", "\x01", "\0") "\x07"
                                                             "eXaMpLe\x03"
                                                             "CoM\0" IN_A));
    expect_answer("case, no recursion", &question, DNS_REFUSED, NULL, 0, 512,
                  SLICE_LITERAL("\x12\x34\x80\x85\0\x01\0\0\0\0\0\0\x07"
                                "eXaMpLe\x03"
                                "CoM\0" IN_A));
}

Test(dns_message, a_refused_message_is_answered_as_far_as_it_was_read)
{
    struct dns_question question;
    enum dns_code code;
    cr_assert_eq(
        read_exact(SLICE_LITERAL(HEADER("\x28\0", "\x01", "\0") EXAMPLE IN_A), &question, &code),
        DNS_QUESTION_REFUSE);
    expect_answer("update", &question, code, NULL, 0, 512,
                  SLICE_LITERAL("\x12\x34\xa8\x84\0\0\0\0\0\0\0\0"));
    cr_assert_eq(read_exact(SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A "\0\0\x29\x10\0\0\x01\0\0\0\0"),
                            &question, &code),
                 DNS_QUESTION_REFUSE);
    expect_answer("EDNS version 1: BADVERS is 16, its upper bits in the OPT record", &question,
                  code, NULL, 0, 512,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\0\0\0\0\x01" EXAMPLE IN_A
                                "\0\0\x29\x04\xd0\x01\0\0\0\0\0"));
}

Test(dns_message, what_does_not_fit_is_cut_and_says_so)
{
    static const char *const texts[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    struct dns_question question = must_read(SLICE_LITERAL(QUERY_OPT EXAMPLE IN_A OPT("\x10\0")));
    /* 12 + 17 + 2 * 16 + 11 = 72 */
    expect_answer("two of three", &question, DNS_OK, texts, 3, 72,
                  SLICE_LITERAL("\x12\x34\x83\x80\0\x01\0\x02\0\0\0\x01" EXAMPLE IN_A
                                "\xc0\x0c" IN_A "\0\0\0\x05\0\x04\xc0\0\x02\x01"
                                "\xc0\x0c" IN_A "\0\0\0\x05\0\x04\xc0\0\x02\x02"
                                "\0\0\x29\x04\xd0\0\0\0\0\0\0"));
    expect_answer("two of two", &question, DNS_OK, texts, 2, 72,
                  SLICE_LITERAL("\x12\x34\x81\x80\0\x01\0\x02\0\0\0\x01" EXAMPLE IN_A
                                "\xc0\x0c" IN_A "\0\0\0\x05\0\x04\xc0\0\x02\x01"
                                "\xc0\x0c" IN_A "\0\0\0\x05\0\x04\xc0\0\x02\x02"
                                "\0\0\x29\x04\xd0\0\0\0\0\0\0"));
    expect_answer("not even the question", &question, DNS_OK, texts, 3, 39,
                  SLICE_LITERAL("\x12\x34\x83\x80\0\0\0\0\0\0\0\0"));
    expect_answer("no room for anything", &question, DNS_OK, texts, 3, 11, SLICE_LITERAL(""));
}
