/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Where a record is not what RFC 8446 says, the origin's is taken for no TLS (it
 * is the one that was allowed, and may speak as it likes), the client's is refused. */
#include "proxy/egress/tls_retry.h"

#include <string.h>

enum {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_APPLICATION_DATA = 23,
    RECORD_HEARTBEAT = 24,
    RECORD_LEN_MAX = 16384 + 2048, /* encrypted, RFC 5246 section 6.2.3 */
    HANDSHAKE_SERVER_HELLO = 2,
};

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
static const unsigned char retry_random[TLS_RANDOM_LEN] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static size_t record_len(const unsigned char *head)
{
    return (size_t)head[3] << 8 | head[4];
}

/* Only the first byte that differs is needed to know that it is an ordinary ServerHello. */
static enum tls_answer read_message(struct tls_answer_reader *reader, const unsigned char *bytes,
                                    size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t at = reader->message_len++;
        if (at == 0 && bytes[i] != HANDSHAKE_SERVER_HELLO)
            return TLS_ANSWER_OTHER;
        if (at < TLS_ANSWER_HEAD_LEN) /* its length and version: the random says it all */
            continue;
        if (bytes[i] != retry_random[at - TLS_ANSWER_HEAD_LEN])
            return TLS_ANSWER_OTHER;
        if (at + 1 == TLS_ANSWER_HEAD_LEN + TLS_RANDOM_LEN)
            return TLS_ANSWER_RETRY;
    }
    return TLS_ANSWER_MORE;
}

/* The bytes of a record's head one by one: what cannot be TLS is known by the first that differs.
 */
static enum tls_answer read_head(struct tls_answer_reader *reader, unsigned char byte)
{
    unsigned at = reader->record_len++;
    reader->record[at] = byte;
    if (at == 0 && (byte < RECORD_CHANGE_CIPHER_SPEC || byte > RECORD_HEARTBEAT))
        return TLS_ANSWER_OTHER;
    if (at == 1 && byte != 3)
        return TLS_ANSWER_OTHER;
    if (at + 1 < TLS_RECORD_HEAD_LEN)
        return TLS_ANSWER_MORE;
    size_t len = record_len(reader->record);
    reader->record_len = 0;
    reader->left = (uint16_t)len;
    return len > RECORD_LEN_MAX ? TLS_ANSWER_OTHER : TLS_ANSWER_MORE;
}

enum tls_answer tls_answer_read(struct tls_answer_reader *reader, const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    enum tls_answer answer = TLS_ANSWER_MORE;
    while (len > 0 && answer == TLS_ANSWER_MORE) {
        size_t taken = 1;
        if (reader->left == 0) {
            answer = read_head(reader, *at);
        } else {
            taken = len < reader->left ? len : reader->left;
            if (reader->record[0] == RECORD_HANDSHAKE)
                answer = read_message(reader, at, taken);
            reader->left = (uint16_t)(reader->left - taken);
        }
        at += taken;
        len -= taken;
    }
    return answer;
}

/* Whether servers read a record of this type without taking it for a hello. */
static bool may_pass(unsigned char type)
{
    return type == RECORD_CHANGE_CIPHER_SPEC || type == RECORD_ALERT ||
           type == RECORD_APPLICATION_DATA;
}

enum tls_between tls_between_read(size_t *left, const char *bytes, size_t len, size_t *passed_out)
{
    const unsigned char *at = (const unsigned char *)bytes;
    enum tls_between result = TLS_BETWEEN_MORE;
    size_t passed = 0;
    for (;;) {
        size_t here = *left < len - passed ? *left : len - passed;
        passed += here;
        *left -= here;
        if (*left > 0 || len == passed)
            break;
        const unsigned char *head = at + passed;
        if (head[0] == RECORD_HANDSHAKE) {
            result = TLS_BETWEEN_HELLO;
            break;
        }
        bool whole = len - passed >= TLS_RECORD_HEAD_LEN;
        if (!may_pass(head[0]) || (len - passed > 1 && head[1] != 3) ||
            (whole && record_len(head) > RECORD_LEN_MAX)) {
            result = TLS_BETWEEN_BAD;
            break;
        }
        if (!whole)
            break;
        passed += TLS_RECORD_HEAD_LEN;
        *left = record_len(head);
    }
    *passed_out = passed;
    return result;
}
