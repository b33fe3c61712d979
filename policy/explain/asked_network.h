/* SPDX-License-Identifier: Apache-2.0
 *
 * A destination from words, asked as the gate asks it. `policy check`, `policy explain` and `policy test` answer with it. What the words do
 * not say is unknown and never refuses. */
#pragma once

#include "base/error.h"
#include "policy/explain/network_inquiry.h"

enum { ASKED_ADDRESSES_MAX = 32 };

/* Names to addresses, from who knows sockets. */
struct asked_lookup {
    /* Fills at most ASKED_ADDRESSES_MAX addresses in the order in which the gate would dial them,
     * and the aliases that lead to them. False with `error` (reason "dns.…") when there is none. */
    bool (*find)(void *context, const struct host_name *host, struct ip_address *addresses,
                 unsigned *count_out, struct name_chain *chain_out, struct error *error);
    void *context;
};

/* Borrowed; NULL = not said. */
struct asked_network_words {
    const char *target; /* host, host:port, http://…, ws://…, https://… or wss://… */
    const char *method; /* for http:// */
    const char *sni;    /* the ClientHello's server name; "-" = it has none */
    const char *const *addresses;
    size_t address_count;                    /* what the name would resolve to; 0 = not said */
    const struct network_own_host *own_host; /* who knows this machine's addresses; NULL = nobody */
};

struct asked_network {
    struct network_inquiry inquiry;
    struct tunnel_facts tunnel;
    bool has_tunnel;
    struct slice method; /* as it was asked for; GET when none was */
    struct buffer path;  /* owned */
    bool malformed;      /* the gate would refuse it before any rule: `error` */
    bool unresolved;     /* allowed by name, and the name has no address: `error` */
    struct error error;
    struct name_chain chain; /* request.cnames is its text */
    struct ip_address addresses[ASKED_ADDRESSES_MAX];
    struct network_verdict verdicts[ASKED_ADDRESSES_MAX];
    /* what the name leads to, as far as it is known and the name may pass */
    unsigned address_count;
};

/* Reads the words; the rest of *asked is filled, `policy` and `client` are borrowed. False with
 * `error` (code 2) when they are no question; a target that the gate would refuse as malformed is
 * one. */
MUST_CHECK bool asked_network_read(struct asked_network *asked, const struct policy *policy,
                                   const struct policy_client *client,
                                   const struct asked_network_words *words, struct error *error);

/* Decides; a name without addresses of its own is looked up with `lookup` (NULL = it is not). */
void asked_network_decide(struct asked_network *asked, const struct asked_lookup *lookup);

bool asked_network_is_allowed(const struct asked_network *asked);

/* Appends rule and source as the log names them. */
void asked_network_write_rule(const struct asked_network *asked, struct buffer *out);
void asked_network_write_source(const struct asked_network *asked, struct buffer *out);

void asked_network_clear(struct asked_network *asked);
