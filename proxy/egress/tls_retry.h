/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies between a ClientHello and the second one that a server may ask for (RFC 8446 sections
 * 4.1.3 and 4.1.4): in the second a client can name another server, and the server goes by that.
 * So the origin's first records are read, as they pass, far enough to tell whether it asks; and
 * of the client's bytes only those records pass meanwhile that no server reads as a hello. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

enum tls_answer {
    TLS_ANSWER_MORE,  /* not known yet */
    TLS_ANSWER_RETRY, /* a HelloRetryRequest: another ClientHello follows */
    TLS_ANSWER_OTHER, /* a ServerHello, or something that is no TLS: none can follow */
};

enum { TLS_RECORD_HEAD_LEN = 5, TLS_ANSWER_HEAD_LEN = 6, TLS_RANDOM_LEN = 32 };

/* Zeroed before the first byte. */
struct tls_answer_reader {
    unsigned char record[TLS_RECORD_HEAD_LEN]; /* the current record's head, as far as it came */
    uint8_t record_len;
    uint8_t message_len; /* so much of the hello's head and random was read */
    uint16_t left;       /* of the current record */
};

/* Reads what the origin sent next, in pieces of any size. A hello may come in any number of
 * records; alerts and other records in front of it are passed over. After an answer other than
 * MORE it is not to be called again. Keeps nothing of `bytes`; cost is linear in len. */
MUST_CHECK enum tls_answer tls_answer_read(struct tls_answer_reader *reader, const char *bytes,
                                           size_t len);

enum tls_between {
    TLS_BETWEEN_MORE,  /* what is left (less than a record's head) says nothing yet */
    TLS_BETWEEN_HELLO, /* a handshake record begins: to be read by tls_hello_read() */
    TLS_BETWEEN_BAD,   /* a record that has no place there */
};

/* Says how many of the bytes that the client sent behind its hello belong to records that may pass
 * at once: change_cipher_spec (RFC 8446 section D.4), application data (early data, section
 * 4.2.10, which the server skips when it asks for another hello) and alerts. *left is what the
 * last record still has to come, 0 before the first byte; bytes that did not pass have to be shown
 * again, with what comes behind them. */
MUST_CHECK enum tls_between tls_between_read(size_t *left, const char *bytes, size_t len,
                                             size_t *passed_out);

