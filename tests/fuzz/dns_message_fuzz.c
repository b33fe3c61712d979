/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of DNS messages. The first three input bytes choose the answer's code, number of
 * addresses and limit; the rest is a message that somebody sent.
 * 1. Whatever is not dropped gets an answer that a naive reader, written here from RFC 1035, reads
 * to its last byte: same id, the question's bytes as they were asked, only addresses of the type
 * asked for, none left out unless TC says so, never longer than the limit.
 * 2. A canonical name, asked for anew, is read as itself. Nothing is read outside. */
#include <string.h>

#include "proxy/resolve/dns_message.h"
#include "tests/fuzz/fuzz.h"

enum { ADDRESSES = 64 };

/* From memory of the exact size, so that a read behind it is seen. */
static enum dns_question_result read_exact(const uint8_t *bytes, size_t len,
                                           struct dns_question *question, enum dns_code *code)
{
    uint8_t *copy = malloc(len + (len == 0));
    require(copy != NULL);
    memcpy(copy, bytes, len);
    enum dns_question_result result = dns_question_read(copy, len, question, code);
    free(copy);
    return result;
}

static unsigned u16_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* The naive reader of answers: one question, address records that point to it, one OPT. Returns the
 * number of addresses. */
static unsigned read_answer(const struct dns_question *question, unsigned code, const uint8_t *out,
                            size_t len)
{
    require(len >= 12 && u16_at(out) == question->id);
    require((out[2] & 0x80) != 0 && (out[2] & 1) == question->recursion_desired);
    require((out[3] & 15u) == (code & 15));
    bool truncated = (out[2] & 2) != 0;
    unsigned questions = u16_at(out + 4), answers = u16_at(out + 6), additional = u16_at(out + 10);
    require(u16_at(out + 8) == 0);
    size_t at = 12;
    require(questions == (question->raw_len > 0) || (truncated && questions == 0));
    if (questions == 1) {
        require(len - at >= question->raw_len);
        require(memcmp(out + at, question->raw, question->raw_len) == 0);
        at += question->raw_len;
    }
    require(answers == 0 || questions == 1);
    for (unsigned i = 0; i < answers; i++) {
        size_t size = question->type == DNS_TYPE_A ? 4 : 16;
        require(question->type == DNS_TYPE_A || question->type == DNS_TYPE_AAAA);
        require(len - at >= 12 + size && u16_at(out + at) == 0xc00c);
        require(u16_at(out + at + 2) == question->type && u16_at(out + at + 4) == DNS_CLASS_IN);
        require(u16_at(out + at + 10) == size);
        at += 12 + size;
    }
    require(additional == question->has_edns || (truncated && additional == 0));
    if (additional == 1) {
        require(len - at == 11 && out[at] == 0 && u16_at(out + at + 1) == 41);
        require((unsigned)out[at + 5] == code >> 4 && u16_at(out + at + 9) == 0);
        at += 11;
    }
    require(at == len);
    return answers;
}

static void require_answer(const struct dns_question *question, unsigned code, unsigned count,
                           size_t limit)
{
    struct ip_address addresses[ADDRESSES];
    unsigned expected = 0;
    for (unsigned i = 0; i < count; i++) {
        bool v4 = i % 3 == 0;
        memset(addresses[i].bytes, v4 ? 0 : 0x20, 16);
        if (v4)
            memset(addresses[i].bytes + 10, 0xff, 2);
        addresses[i].bytes[15] = (uint8_t)i;
        expected += code == DNS_OK && question->class == DNS_CLASS_IN &&
                    question->type == (v4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
    }
    uint8_t *out = malloc(limit + 1);
    require(out != NULL);
    size_t len =
        dns_answer_write(question, (enum dns_code)code, addresses, count, UINT32_MAX, limit, out);
    require(len <= limit);
    if (limit >= 12) {
        unsigned answers = read_answer(question, code, out, len);
        require(answers == expected || (answers < expected && (out[2] & 2) != 0));
    } else {
        require(len == 0);
    }
    free(out);
}

static void require_canonical(const struct dns_question *question)
{
    uint8_t message[512] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    size_t at = 12;
    struct slice rest = host_name_slice(&question->name);
    while (rest.ptr != NULL) {
        struct slice label = slice_cut(&rest, '.');
        message[at++] = (uint8_t)label.len;
        memcpy(message + at, label.ptr, label.len);
        at += label.len;
    }
    at += 1;
    memcpy(message + at, question->raw + question->raw_len - 4, 4);
    struct dns_question again;
    enum dns_code code;
    require(read_exact(message, at + 4, &again, &code) == DNS_QUESTION_OK);
    require(!again.name_bad && host_name_equal(&again.name, &question->name));
    require(strcmp(again.shown, question->name.text) == 0);
    require(again.type == question->type && again.class == question->class);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_question question;
    enum dns_code code;
    if (size < 3)
        return 0;
    size_t limit = (size_t)data[2] * 4;
    enum dns_question_result result = read_exact(data + 3, size - 3, &question, &code);
    if (result == DNS_QUESTION_DROP)
        return 0;
    require((result == DNS_QUESTION_OK) == (code == DNS_OK));
    require(question.raw_len <= sizeof(question.raw) && strlen(question.shown) < 256);
    require(question.udp_size >= 512 && question.udp_size <= DNS_UDP_MAX);
    if (result == DNS_QUESTION_OK)
        code = data[0] % 6;
    require_answer(&question, code, data[1] % ADDRESSES, limit);
    if (result == DNS_QUESTION_OK && !question.name_bad)
        require_canonical(&question);
    return 0;
}
