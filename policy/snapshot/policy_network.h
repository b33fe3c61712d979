/* SPDX-License-Identifier: Apache-2.0
 *
 * The decision about a destination, the counterpart of policy_decide_docker(). The egress gate, the
 * transparent listeners, DNS, `policy check network` and `policy explain network` all ask
 * policy_decide_network(), in the order of policy/explain/network_inquiry.h; nothing else grants or
 * refuses by rule. */
#pragma once

#include "policy/snapshot/policy.h"
#include "rules/network/network_rule.h"

struct network_verdict {
    enum verdict_result result; /* VERDICT_DENY or VERDICT_ALLOW */
    bool would_deny;            /* ALLOW only because the client is in report mode */
    bool malformed;             /* DENY, and it is the request's fault: 400 */
    bool rule_allows;           /* of the deciding rule, as are those behind `why` */
    const char *reason;   /* "rule", "default", "address-class.loopback", "sni-mismatch", … */
    const char *why;      /* static half sentence for the refusal's text; may be NULL */
    const char *name;     /* as the document names it; NULL = unnamed */
    struct slice pattern; /* "*.npmjs.org", as written */
    const char *label;    /* "policy.yaml", "preset/npm"; NULL = the default decides */
    unsigned line;        /* 0 = none */
    uint32_t number;      /* of the rule or default, as for Docker requests */
    unsigned cname;       /* with "cname-denied": which name of the request's chain, from 1 */
};
/* The texts live as long as the policy. */

/* Judges one destination of one client (docs/design.md 1.3 and 3.2). When several rules of the same effect
 * match, the first in document order decides. Special address classes are refused in report mode
 * too. Flat cost, allocates nothing. `observer` as for Docker requests. */
void policy_decide_network(const struct policy *policy, const struct policy_client *client,
                           const struct network_request *request,
                           const struct policy_observer *observer,
                           struct network_verdict *verdict_out);

/* Whether `own_addresses` holds the address. */
bool policy_lists_own_address(const struct policy *policy, const struct ip_address *address);

/* The class of an address, ADDRESS_OWN_HOST for those of the gate's own machine and for what leads to
 * them: the ones that the policy lists (`own_addresses`), and the ones that `own_host` knows (NULL =
 * nobody does). A loopback address stays one. */
enum address_class policy_address_class(const struct policy *policy,
                                        const struct network_own_host *own_host,
                                        const struct ip_address *address);

/* The very text that an observer gets as `why` for a rule whose hosts do not match, so that it can
 * leave out what a question is not about. */
extern const char policy_network_other_hosts[];
