/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which a destination is asked about. The egress gate, the name server and `policy
 * check` find out facts each in its own way, one by sockets, another from its options; what is
 * asked next follows from the facts alone and is said here for all of them. So nothing has to be
 * remembered while a gate waits for a resolver or a peer: it asks again with what is known by then,
 * under the policy that is in force by then. No sockets, no clock. */
/* clang-format off */
/*
 * what is known                    what is judged                        when allowed, what is wanted next
 * the name                         the name: denied, it is not resolved  ADDRESSES
 * that it leads nowhere            the name and its aliases              nothing: NOWHERE
 * what it leads to                 each address by itself                FIRST_BYTES of a tunnel; else nothing: OPEN
 * what a tunnel's first bytes say  all of it at once                     nothing: OPEN; a second ClientHello takes the first one's place
 */
/* clang-format on */
#pragma once

#include "policy/snapshot/policy_network.h"

enum network_step {
    NETWORK_STEP_DENIED,
    NETWORK_STEP_ADDRESSES,   /* find them, and call network_inquiry_lead() */
    NETWORK_STEP_NOWHERE,     /* it may pass, and there is nothing to dial */
    NETWORK_STEP_FIRST_BYTES, /* set request.tunnel and ask again */
    NETWORK_STEP_OPEN,
};

/* Where the name leads, as long as request.address does not say it. */
enum network_way {
    NETWORK_WAY_UNKNOWN, /* somebody can find out */
    NETWORK_WAY_NOWHERE, /* somebody tried to */
    NETWORK_WAY_HIDDEN, /* nobody will here: an upstream proxy resolves it, or `check` was not told */
};

struct network_inquiry {
    const struct policy *policy; /* borrowed, and the client in it */
    const struct policy_client *client;
    struct network_request request; /* what is known; NETWORK_OPAQUE = it is to be a tunnel */
    enum network_way way;
    struct network_verdict verdict; /* on `request`, as it was asked last */
};

/* Judges what is known. A fact more never turns a denial into a permission, so the first denial ends
 * it. (One exception: in report mode a path that a rule calls malformed is refused, and a fact that
 * takes that rule out of play leaves a denial that is only reported. So the name is asked first.) */
enum network_step network_inquiry_ask(struct network_inquiry *inquiry);

/* Judges addresses[0..count), each by itself, into verdicts[0..count); 1 <= count <= 32. Those of
 * `own` (bit i for the i-th) are the gate's own and are not dialled whatever the rules say. The
 * question is then about the first that may be dialled, or, when none may, about the first. */
enum network_step network_inquiry_lead(struct network_inquiry *inquiry,
                                       const struct ip_address *addresses, unsigned count,
                                       uint32_t own, struct network_verdict *verdicts);

/* What is wanted next by what is known, if that is allowed. */
enum network_step network_inquiry_next(const struct network_inquiry *inquiry);

/* The addresses that a host stands for by itself: an address, and a name of this machine. NULL = it
 * has to be resolved. */
const struct ip_address *network_inquiry_stands_for(const struct host_name *host,
                                                    unsigned *count_out);
