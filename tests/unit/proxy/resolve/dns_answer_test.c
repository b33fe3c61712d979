/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers byte by byte. The message answers a.test, A: an alias in compressed form, then the
 * address. */
#include <criterion/criterion.h>

#include <string.h>

#include "proxy/resolve/dns_answer.h"
#include "proxy/resolve/dns_message.h"

enum { QUESTION_END = 12 + 8 + 4, HEAD_FLAGS = 2, HEAD_QUESTIONS = 5, HEAD_ANSWERS = 7 };

static const unsigned char whole[] = {
    0,    7,   0x81, 0x80, 0,   1,   0,   2, 0, 0,  0, 0,              /* head */
    1,    'a', 4,    't',  'e', 's', 't', 0, 0, 1,  0, 1,              /* a.test A IN */
    0xc0, 12,  0,    5,    0,   1,   0,   0, 0, 60, 0, 4,              /* a.test CNAME */
    1,    'B', 0xc0, 14,                                               /* b.test */
    0xc0, 36,  0,    1,    0,   1,   0,   0, 0, 90, 0, 4, 192, 0, 2, 1 /* b.test A */
};

static struct host_name name(const char *text)
{
    struct host_name host;
    struct error error;
    cr_assert(host_name_parse_dns(slice_from_text(text), &host, &error));
    return host;
}

static enum dns_answer_result read_changed(size_t at, int byte, size_t len,
                                           struct dns_answer *answer)
{
    unsigned char bytes[sizeof(whole)];
    struct host_name asked = name("a.test");
    memcpy(bytes, whole, sizeof(whole));
    if (byte >= 0)
        bytes[at] = (unsigned char)byte;
    return dns_answer_read(bytes, len, &asked, DNS_TYPE_A, answer);
}

Test(dns_answer, an_alias_and_its_address)
{
    struct dns_answer answer;
    cr_assert_eq(read_changed(0, -1, sizeof(whole), &answer), DNS_ANSWER_OK);
    cr_expect_eq(answer.outcome, DNS_FOUND);
    cr_assert_eq(answer.count, 1);
    cr_expect_eq(answer.addresses[0].bytes[15], 1);
    cr_expect_eq(answer.ttl_s, 60);
    cr_expect(slice_equal(name_chain_slice(&answer.chain), slice_of("b.test", 7)));
}

Test(dns_answer, what_is_cut_is_not_used)
{
    struct dns_answer answer;
    for (size_t len = 0; len < sizeof(whole); len++) {
        enum dns_answer_result result = read_changed(0, -1, len, &answer);
        cr_expect_eq(result, len < QUESTION_END ? DNS_ANSWER_FOREIGN : DNS_ANSWER_UNUSABLE, "%zu",
                     len);
    }
}

Test(dns_answer, another_question_is_foreign_and_a_bad_record_unusable)
{
    static const struct {
        const char *what;
        size_t at;
        int byte;
        enum dns_answer_result result;
    } rows[] = {
        {"a question itself", HEAD_FLAGS, 0x01, DNS_ANSWER_FOREIGN},
        {"another opcode", HEAD_FLAGS, 0xa1, DNS_ANSWER_FOREIGN},
        {"no question", HEAD_QUESTIONS, 0, DNS_ANSWER_FOREIGN},
        {"two questions", HEAD_QUESTIONS, 2, DNS_ANSWER_FOREIGN},
        {"another name", 13, 'x', DNS_ANSWER_FOREIGN},
        {"the name in capitals", 13, 'A', DNS_ANSWER_OK},
        {"another type", 21, 28, DNS_ANSWER_FOREIGN},
        {"another class", 23, 3, DNS_ANSWER_FOREIGN},
        {"truncated", HEAD_FLAGS, 0x83, DNS_ANSWER_TRUNCATED},
        {"the server failed", 3, 0x82, DNS_ANSWER_UNUSABLE},
        {"the server refused", 3, 0x85, DNS_ANSWER_UNUSABLE},
        {"more records than there are", HEAD_ANSWERS, 3, DNS_ANSWER_UNUSABLE},
        {"a pointer to itself", 25, 24, DNS_ANSWER_UNUSABLE},
        {"a pointer forward", 25, 36, DNS_ANSWER_UNUSABLE},
        {"an unknown kind of label", 24, 0x80, DNS_ANSWER_UNUSABLE},
        {"a target that ends early", 35, 3, DNS_ANSWER_UNUSABLE},
        {"an address of three bytes", 51, 3, DNS_ANSWER_UNUSABLE},
        {"an address of another class", 45, 3, DNS_ANSWER_OK},
    };
    struct dns_answer answer;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(read_changed(rows[i].at, rows[i].byte, sizeof(whole), &answer), rows[i].result,
                     "%s", rows[i].what);
}

Test(dns_answer, our_own_question_is_read_as_it_was_meant)
{
    static const char *const names[] = {"a.test", "single", "_x.under_score.test"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unsigned char bytes[DNS_ANSWER_ASK_MAX];
        struct host_name host = name(names[i]);
        struct dns_question question;
        enum dns_code code;
        size_t len = dns_answer_ask(0xabcd, &host, DNS_TYPE_AAAA, bytes);
        cr_assert_eq(dns_question_read(bytes, len, &question, &code), DNS_QUESTION_OK);
        cr_expect(host_name_equal(&question.name, &host));
        cr_expect(question.id == 0xabcd && question.type == DNS_TYPE_AAAA);
        cr_expect(question.recursion_desired && question.class == DNS_CLASS_IN);
    }
}

Test(name_chain, keeps_no_more_than_it_has_room_for)
{
    struct name_chain chain = {.len = 0}, copy, more = {.len = 0};
    struct host_name host = name("n.test");
    for (unsigned i = 0; i < NAME_CHAIN_NAMES_MAX; i++) {
        host.text[0] = (char)('a' + i);
        cr_assert(name_chain_add(&chain, &host));
    }
    cr_expect(name_chain_has(&chain, &host));
    cr_assert(name_chain_from_slice(&copy, name_chain_slice(&chain)));
    cr_expect_eq(copy.count, chain.count);
    cr_expect(name_chain_merge(&chain, &copy), "they are there already");
    host.text[0] = 'z';
    cr_expect_not(name_chain_has(&chain, &host));
    cr_expect_not(name_chain_add(&chain, &host));
    cr_assert(name_chain_add(&more, &host));
    cr_expect_not(name_chain_merge(&chain, &more));
}
