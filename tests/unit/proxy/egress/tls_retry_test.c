/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server answers to a ClientHello, in every cut, and what of a client may pass meanwhile. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proxy/egress/tls_retry.h"

/* RFC 8446 section 4.1.3. */
#define RETRY_RANDOM                                                                               \
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c" \
    "\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
#define HELLO_HEAD "\x02\0\0\x28\x03\x03"
#define HELLO_TAIL "\0\x13\x01\0"
#define RETRY HELLO_HEAD RETRY_RANDOM HELLO_TAIL
#define ALERT "\x15\x03\x03\0\x02\x01\x70"

static enum tls_answer read_in_steps(const char *bytes, size_t len, size_t step, size_t *at_out)
{
    struct tls_answer_reader reader = {{0}, 0, 0, 0};
    enum tls_answer answer = TLS_ANSWER_MORE;
    *at_out = 0;
    while (*at_out < len && answer == TLS_ANSWER_MORE) {
        size_t here = step < len - *at_out ? step : len - *at_out;
        char *copy = malloc(here);
        cr_assert_not_null(copy);
        memcpy(copy, bytes + *at_out, here);
        answer = tls_answer_read(&reader, copy, here);
        free(copy);
        *at_out += here;
    }
    return answer;
}

static void expect_answer(const char *name, struct slice bytes, enum tls_answer expected)
{
    size_t at;
    for (size_t step = 1; step <= bytes.len; step++)
        cr_expect_eq(read_in_steps(bytes.ptr, bytes.len, step, &at), expected, "%s, by %zu", name,
                     step);
}

/* The message in records of `size` bytes. */
static void put_records(struct buffer *out, struct slice message, size_t size)
{
    for (size_t at = 0; at < message.len; at += size) {
        size_t len = size < message.len - at ? size : message.len - at;
        const char head[] = {22, 3, 3, (char)(len >> 8), (char)len};
        buffer_append(out, head, sizeof(head));
        buffer_append(out, message.ptr + at, len);
    }
}

Test(tls_retry, a_retry_is_found_in_any_number_of_records)
{
    for (size_t size = 1; size <= sizeof(RETRY); size++) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY, behind = BUFFER_EMPTY;
        put_records(&bytes, SLICE_LITERAL(RETRY), size);
        expect_answer("a retry", buffer_slice(&bytes), TLS_ANSWER_RETRY);
        buffer_append_literal(&behind, ALERT);
        buffer_append_slice(&behind, buffer_slice(&bytes));
        expect_answer("behind an alert", buffer_slice(&behind), TLS_ANSWER_RETRY);
    }
}

Test(tls_retry, whatever_differs_in_its_random_is_a_server_hello)
{
    for (size_t i = 0; i < TLS_RANDOM_LEN; i++) {
        AUTO_BUFFER struct buffer message = BUFFER_EMPTY, bytes = BUFFER_EMPTY;
        size_t at;
        buffer_append_slice(&message, SLICE_LITERAL(RETRY));
        message.data[TLS_ANSWER_HEAD_LEN + i] ^= 1;
        put_records(&bytes, buffer_slice(&message), 16384);
        expect_answer("nearly", buffer_slice(&bytes), TLS_ANSWER_OTHER);
        cr_expect_eq(read_in_steps(bytes.data, bytes.len, 1, &at), TLS_ANSWER_OTHER);
        cr_expect_eq(at, TLS_RECORD_HEAD_LEN + TLS_ANSWER_HEAD_LEN + i + 1,
                     "as soon as it is known");
    }
}

Test(tls_retry, other_answers)
{
    static const struct {
        const char *name;
        struct slice bytes;
        enum tls_answer answer;
    } rows[] = {
        {"nothing", SLICE_LITERAL(""), TLS_ANSWER_MORE},
        {"a byte", SLICE_LITERAL("\x16"), TLS_ANSWER_MORE},
        {"a head", SLICE_LITERAL("\x16\x03\x03\0\x2a"), TLS_ANSWER_MORE},
        {"half a random", SLICE_LITERAL("\x16\x03\x03\0\x2a" HELLO_HEAD "\xcf\x21"),
         TLS_ANSWER_MORE},
        {"an empty record", SLICE_LITERAL("\x16\x03\x03\0\0"), TLS_ANSWER_MORE},
        {"an alert", SLICE_LITERAL(ALERT), TLS_ANSWER_MORE},
        {"another message", SLICE_LITERAL("\x16\x03\x03\0\x04\0"), TLS_ANSWER_OTHER},
        {"a client's", SLICE_LITERAL("\x16\x03\x01\0\x04\x01"), TLS_ANSWER_OTHER},
        {"another version", SLICE_LITERAL("\x16\x02"), TLS_ANSWER_OTHER},
        {"text", SLICE_LITERAL("2"), TLS_ANSWER_OTHER},
        {"a type that is none", SLICE_LITERAL("\x13"), TLS_ANSWER_OTHER},
        {"another", SLICE_LITERAL("\x19"), TLS_ANSWER_OTHER},
        {"a record too long", SLICE_LITERAL("\x16\x03\x03\xff\xff"), TLS_ANSWER_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_answer(rows[i].name, rows[i].bytes, rows[i].answer);
}

Test(tls_retry, what_may_pass_between_two_hellos)
{
    static const struct {
        const char *name;
        struct slice bytes;
        size_t passed, left;
        enum tls_between next;
    } rows[] = {
        {"nothing", SLICE_LITERAL(""), 0, 0, TLS_BETWEEN_MORE},
        {"a hello", SLICE_LITERAL("\x16\x03\x01"), 0, 0, TLS_BETWEEN_HELLO},
        {"change_cipher_spec", SLICE_LITERAL("\x14\x03\x03\0\x01\x01"), 6, 0, TLS_BETWEEN_MORE},
        {"and a hello", SLICE_LITERAL("\x14\x03\x03\0\x01\x01\x16"), 6, 0, TLS_BETWEEN_HELLO},
        {"an alert and a hello", SLICE_LITERAL(ALERT "\x16"), 7, 0, TLS_BETWEEN_HELLO},
        {"half of early data", SLICE_LITERAL("\x17\x03\x03\0\x09hello"), 10, 4, TLS_BETWEEN_MORE},
        {"half a head", SLICE_LITERAL("\x17\x03\x03\0"), 0, 0, TLS_BETWEEN_MORE},
        {"an empty record", SLICE_LITERAL("\x17\x03\x03\0\0\x17"), 5, 0, TLS_BETWEEN_MORE},
        {"a heartbeat", SLICE_LITERAL("\x18\x03\x03\0\x03"), 0, 0, TLS_BETWEEN_BAD},
        {"text", SLICE_LITERAL("GET"), 0, 0, TLS_BETWEEN_BAD},
        {"a hello of SSL 2", SLICE_LITERAL("\x80\x2e\x01\x03\x01"), 0, 0, TLS_BETWEEN_BAD},
        {"another version", SLICE_LITERAL("\x17\x02"), 0, 0, TLS_BETWEEN_BAD},
        {"a record too long", SLICE_LITERAL("\x17\x03\x03\xff\xff"), 0, 0, TLS_BETWEEN_BAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t passed, left = 0;
        cr_expect_eq(tls_between_read(&left, rows[i].bytes.ptr, rows[i].bytes.len, &passed),
                     rows[i].next, "%s", rows[i].name);
        cr_expect_eq(passed, rows[i].passed, "%s: %zu", rows[i].name, passed);
        cr_expect_eq(left, rows[i].left, "%s: %zu", rows[i].name, left);
    }
}
