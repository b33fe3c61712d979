/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of what is read between two ClientHellos. The first input byte chooses the steps.
 * 1. An origin's answer read whole or in steps is the same answer.
 * 2. It is a retry exactly when the handshake records, put together, begin as one.
 * 3. A client's bytes shown whole or in steps pass just as far, and no handshake record is among
 * what passed. */
#include <string.h>

#include "base/buffer.h"
#include "proxy/egress/tls_retry.h"
#include "tests/fuzz/fuzz.h"

static enum tls_answer read_steps(const char *bytes, size_t len, size_t step)
{
    struct tls_answer_reader reader = {{0}, 0, 0, 0};
    enum tls_answer answer = TLS_ANSWER_MORE;
    for (size_t at = 0; at < len && answer == TLS_ANSWER_MORE; at += step)
        answer = tls_answer_read(&reader, bytes + at, step < len - at ? step : len - at);
    return answer;
}

/* The slow way: the records' contents in a row, up to what is no record. */
static bool is_retry(const unsigned char *bytes, size_t len)
{
    static const unsigned char random[TLS_RANDOM_LEN] = {
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
        0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
        0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    while (len >= TLS_RECORD_HEAD_LEN) {
        size_t record = (size_t)(bytes[3] << 8 | bytes[4]);
        if (bytes[0] < 20 || bytes[0] > 24 || bytes[1] != 3 || record > 16384 + 2048)
            break;
        bytes += TLS_RECORD_HEAD_LEN;
        len -= TLS_RECORD_HEAD_LEN;
        size_t here = record < len ? record : len;
        if (bytes[-TLS_RECORD_HEAD_LEN] == 22)
            buffer_append(&message, (const char *)bytes, here);
        bytes += here;
        len -= here;
    }
    return message.len >= TLS_ANSWER_HEAD_LEN + TLS_RANDOM_LEN && message.data[0] == 2 &&
           memcmp(message.data + TLS_ANSWER_HEAD_LEN, random, TLS_RANDOM_LEN) == 0;
}

/* Shows the bytes as they come, and again what did not pass; says how many passed in all. */
static size_t pass_steps(const char *bytes, size_t len, size_t step, enum tls_between *next)
{
    size_t left = 0, passed = 0, have = 0;
    *next = TLS_BETWEEN_MORE;
    while (have < len && *next == TLS_BETWEEN_MORE) {
        size_t now;
        have = step < len - have ? have + step : len;
        *next = tls_between_read(&left, bytes + passed, have - passed, &now);
        require(now <= have - passed);
        passed += now;
    }
    return passed;
}

static void require_no_handshake(const unsigned char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        require(len - at >= TLS_RECORD_HEAD_LEN);
        require(bytes[at] == 20 || bytes[at] == 21 || bytes[at] == 23);
        at += TLS_RECORD_HEAD_LEN + (size_t)(bytes[at + 3] << 8 | bytes[at + 4]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum tls_between next, next_in_steps;
    if (size < 2)
        return 0;
    size_t step = 1 + data[0] % 64, len = size - 1;
    const char *bytes = (const char *)data + 1;
    enum tls_answer answer = read_steps(bytes, len, len);
    require(read_steps(bytes, len, step) == answer);
    require((answer == TLS_ANSWER_RETRY) == is_retry(data + 1, len));
    size_t passed = pass_steps(bytes, len, len, &next);
    require(pass_steps(bytes, len, step, &next_in_steps) == passed && next_in_steps == next);
    require_no_handshake(data + 1, passed);
    return 0;
}
