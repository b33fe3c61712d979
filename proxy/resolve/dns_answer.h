/* SPDX-License-Identifier: Apache-2.0
 *
 * What a name server said to one of our questions (RFC 1035 section 4, RFC 2181): the addresses, and
 * the chain of CNAME records by which they belong to the name that was asked for. Records of other
 * names are as if they were not there. A chain that cannot be followed to its end makes no answer:
 * what was not followed could not be judged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/network/host_name.h"
#include "rules/network/name_chain.h"

enum { DNS_ANSWER_ADDRESSES_MAX = 16, DNS_ANSWER_ASK_MAX = 12 + 255 + 4 };

/* What the question for a name came to. */
enum dns_outcome {
    DNS_FOUND,
    DNS_NOT_FOUND,  /* the name does not exist */
    DNS_NO_ADDRESS, /* it exists, without an address */
    DNS_FAILED,     /* a server could not or would not say, or cannot be reached */
    DNS_TIMED_OUT,
    DNS_BAD_CHAIN, /* its CNAME records lead in a circle, too far, or to what is no host name */
    DNS_FORGED,    /* too much came that answered another question than ours */
};

struct dns_answer {
    enum dns_outcome outcome;
    struct ip_address addresses[DNS_ANSWER_ADDRESSES_MAX]; /* the first of them, in their order */
    unsigned count;
    uint32_t ttl_s;          /* DNS_FOUND: of the shortest-lived record, aliases included */
    struct name_chain chain; /* DNS_FOUND, DNS_NOT_FOUND, DNS_NO_ADDRESS: the aliases */
};

enum dns_answer_result {
    DNS_ANSWER_OK,        /* *answer_out is filled */
    DNS_ANSWER_FOREIGN,   /* no answer to this question */
    DNS_ANSWER_TRUNCATED, /* it is to be asked again over TCP (RFC 2181 section 9) */
    DNS_ANSWER_UNUSABLE,  /* it answers the question, and cannot be read, or the server failed */
};

/* Reads the answer to the question for the addresses of `type` (DNS_TYPE_A or DNS_TYPE_AAAA) of
 * `name`. Whether the id is that of the question is the caller's to know. */
MUST_CHECK enum dns_answer_result dns_answer_read(const unsigned char *bytes, size_t len,
                                                  const struct host_name *name, uint16_t type,
                                                  struct dns_answer *answer_out);

/* Writes that question into out[0..DNS_ANSWER_ASK_MAX); returns its length. */
size_t dns_answer_ask(uint16_t id, const struct host_name *name, uint16_t type, unsigned char *out);
