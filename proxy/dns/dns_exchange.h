/* SPDX-License-Identifier: Apache-2.0
 *
 * One question at a DNS listener, from its bytes to the answer that may go out: judged as any other
 * aim at a destination, answered by the gate itself, one record in the log. How it came and how
 * the answer goes is dns_server.c's and dns_conn.c's matter.
 *
 * A name that no rule could admit is answered NXDOMAIN: a stub resolver takes REFUSED for a fault
 * of this server and asks the next one, again and again, while NXDOMAIN ends the client's try at
 * once. Types other than A and AAAA of an allowed name have no records. Nothing is forwarded; only
 * where a client is to have real addresses, the resolver is asked, and each address is judged. */
#pragma once

#include <stdint.h>

#include "proxy/resolve/dns_message.h"
#include "proxy/io/endpoint.h"
#include "proxy/loop/loop.h"
#include "proxy/loop/listener.h"
#include "proxy/resolve/resolver.h"

enum { DNS_GATE_TTL_S = 5, DNS_REAL_TTL_MAX_S = 60 };

/* Belongs to whoever asks; the fields above `answered` are the asker's to fill. */
struct dns_exchange {
    struct loop *loop;         /* borrowed */
    struct listener *listener; /* borrowed */
    struct endpoint peer;
    struct share_peer *peer_share; /* borrowed: the asker's use */
    struct ip_address local;       /* the address of ours that was asked */
    struct dns_question question;
    size_t question_len; /* the whole message */
    size_t limit;        /* of the answer */
    /* answer[0..answer_len) may go out. Never called from within dns_exchange_start(). */
    void (*answered)(struct dns_exchange *exchange);

    unsigned char answer[DNS_UDP_MAX];
    size_t answer_len;
    uint64_t id;
    int64_t started_us; /* monotonic */
    bool allowed;
    struct resolver_query query;
    struct log_waiter waiter;
};

/* Judges the question, which was read with `code` as its outcome, and sees to its answer. */
void dns_exchange_start(struct dns_exchange *exchange, enum dns_code code);

/* The asker has gone: nothing is called any more. */
void dns_exchange_cancel(struct dns_exchange *exchange);
