/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS messages as our own DNS listener needs them (RFC 1035 section 4, RFC 6891): one question in,
 * an answer of our making out. Nothing is ever forwarded, so there is no reader of answers here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/network/host_name.h"

enum { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28, DNS_TYPE_HTTPS = 65, DNS_CLASS_IN = 1 };
enum { DNS_UDP_MAX = 1232, DNS_MESSAGE_MAX = 4096 };

enum dns_code {
    DNS_OK = 0,
    DNS_FORMAT_ERROR = 1,
    DNS_FAILURE = 2,
    DNS_NO_NAME = 3,
    DNS_NOT_DONE = 4,
    DNS_REFUSED = 5,
    DNS_BAD_VERSION = 16, /* of EDNS: RFC 6891 section 6.1.3 */
};

struct dns_question {
    uint16_t id, type, class;
    uint8_t opcode; /* 0 unless the message is refused */
    bool recursion_desired;
    bool has_edns;
    uint16_t udp_size;      /* what the asker takes by UDP: at least 512, at most DNS_UDP_MAX */
    struct host_name name;  /* canonical */
    bool name_bad;          /* not a host name (answered with no such name); `shown` holds it */
    char shown[256];        /* the name with escapes, for the log */
    unsigned char raw[300]; /* the question section as it was asked: case is echoed (0x20) */
    uint16_t raw_len;
};

enum dns_question_result {
    DNS_QUESTION_OK,
    DNS_QUESTION_REFUSE, /* a message to be answered with `code_out` (FORMERR, NOTIMP, BADVERS) */
    DNS_QUESTION_DROP,   /* too short, or an answer itself: never answered */
};

/* Reads a query. Only one question, no compression in it, opcode 0. */
MUST_CHECK enum dns_question_result dns_question_read(const unsigned char *bytes, size_t len,
                                                      struct dns_question *question_out,
                                                      enum dns_code *code_out);

/* Type as text: "A", "AAAA", "TXT", "TYPE1234". `text` has room for 12 bytes. */
const char *dns_type_name(uint16_t type, char text[12]);

/* Writes the answer to `question`: the addresses that fit its type (A: IPv4, AAAA: IPv6; none: an
 * empty answer), cut with TC when it is longer than `limit`. Returns its length. `out` has room for
 * DNS_MESSAGE_MAX. */
size_t dns_answer_write(const struct dns_question *question, enum dns_code code,
                        const struct ip_address *addresses, unsigned count, uint32_t ttl_s,
                        size_t limit, unsigned char *out);
