/* SPDX-License-Identifier: Apache-2.0
 *
 * One destination that was asked for, as far as the log's records tell of it (docs/design.md 5). It begins
 * on a client connection and moves into the tunnel, if it becomes one, so it is kept small. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/explain/network_inquiry.h"
#include "proxy/egress/egress.h"
#include "proxy/exchange/exchange.h"
#include "proxy/loop/listener.h"

struct egress_exchange {
    struct exchange common;
    const char *text; /* a sentence for the record; static; NULL = none */
    struct network_verdict verdict;
    struct buffer facts;       /* owned: peer, host, path and a method without a number one behind
                            the other, then the chain of aliases, refused addresses, SNI and ALPN
                            where they came */
    struct ip_address address; /* dialled; with has_address */
    uint64_t bytes_in, bytes_out;
    uint16_t port;
    uint16_t path_len, cnames_at, cnames_len, refused_at, refused_len, hello_at; /* in `facts` */
    uint8_t peer_len, host_len, method_len, refused_count, sni_len, alpn_len;
    uint8_t method;   /* enum http_method */
    uint8_t protocol; /* enum network_protocol, of a tunnel's first bytes; 0 = not known (yet) */
    bool has_address, has_sni, sni_bad, ech, host_mismatch;
    bool transparent; /* `via` */
    bool by_proxy;    /* an upstream proxy resolves the name */
    bool counted;     /* for the rule that decided */
};

/* Names peer, host and path; forgets what came behind. */
void egress_exchange_set_target(struct egress_exchange *exchange, struct slice peer,
                                const struct host_name *host, uint16_t port, struct slice path);
/* Notes how it was asked for, right behind the target. */
void egress_exchange_set_method(struct egress_exchange *exchange, enum http_method method,
                                struct slice name);
/* Notes the aliases that led to the addresses: a name_chain's text. False when memory is out: they
 * could not be held against denies any more. */
MUST_CHECK bool egress_exchange_set_cnames(struct egress_exchange *exchange, struct slice cnames);
/* Borrowed, until something else is noted. */
static inline struct slice egress_exchange_cnames(const struct egress_exchange *exchange)
{
    return exchange->cnames_len == 0
               ? (struct slice){NULL, 0}
               : slice_of(exchange->facts.data + exchange->cnames_at, exchange->cnames_len);
}
/* Notes an address that may not be dialled, and why. All of them come without anything between. */
void egress_exchange_add_refused(struct egress_exchange *exchange, const struct ip_address *address,
                                 const char *reason);
/* Notes what a tunnel's first bytes said; a second ClientHello takes the place of the first. */
void egress_exchange_set_hello(struct egress_exchange *exchange, const struct tunnel_facts *hello,
                               struct slice alpn);
/* What was noted, for asking the policy once more. False when the first bytes are not known. */
MUST_CHECK bool egress_exchange_hello(const struct egress_exchange *exchange,
                                      struct tunnel_facts *hello_out);
/* Takes over a verdict and its policy. */
void egress_exchange_judge(struct egress_exchange *exchange, struct policy *policy,
                           const struct network_verdict *verdict);
/* Begins to ask about a host with what was noted so far: port, address, aliases. */
void egress_exchange_inquire(const struct egress_exchange *exchange, const struct loop *loop,
                             const struct policy_client *client, const struct host_name *host,
                             struct network_inquiry *inquiry);
/* Tells a decision what was asked for in the clear: method, and path, whose canonical text goes to
 * `canonical` and has to last as long as the request. */
void egress_exchange_describe(const struct egress_exchange *exchange, struct buffer *canonical,
                              struct network_request *request);
struct slice egress_exchange_host(const struct egress_exchange *exchange);
/* The host as it was asked for. False when there was none, or memory was out. */
MUST_CHECK bool egress_exchange_target(const struct egress_exchange *exchange,
                                       struct host_name *host_out);
/* Gives memory back that the facts do not need: for an exchange that will be there for long. */
void egress_exchange_shrink(struct egress_exchange *exchange);
/* Back to nothing asked; keeps the memory of `facts`. */
void egress_exchange_clear(struct egress_exchange *exchange, struct loop *loop);
void egress_exchange_free(struct egress_exchange *exchange, struct loop *loop);

/* Counts for the rule that decided, once; a tunnel when nothing is left to be judged. Records do it
 * themselves. */
void egress_log_count_rule(struct egress_exchange *exchange, struct loop *loop);

/* The records (egress_log.c). Each adds one and returns its number; 0 when it was written before.
 */
uint64_t egress_log_open(struct egress_exchange *exchange, struct loop *loop,
                         const struct listener *listener);
/* `close` when an open record was written, else `request`; nothing when nothing was asked. */
uint64_t egress_log_close(struct egress_exchange *exchange, struct loop *loop,
                          const struct listener *listener, const char *reason);

