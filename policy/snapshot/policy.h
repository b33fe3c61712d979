/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled policy: an immutable snapshot, counted by reference, and the one function that
 * decides. The gate, `policy check` and `policy explain` all ask policy_decide_docker(); nothing
 * else grants or refuses by rule. A snapshot is built on the loader thread by policy_load() and may
 * be read from any thread as long as a reference is held. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "rules/network/browser_request.h"
#include "rules/docker/docker_naming.h"
#include "rules/docker/docker_object.h"
#include "rules/docker/docker_reach.h"
#include "rules/docker/docker_request.h"
#include "rules/docker/docker_rule.h"
#include "rules/guard/guard_judge.h"
#include "rules/network/ip_range.h"

struct policy; /* opaque */

/* Thread-safe. unref sets *policy NULL. */
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy **policy);

/* 12 hexadecimal digits over everything that decides (docs/design.md 5, field `policy`). Lives as long as
 * the policy. */
const char *policy_hash(const struct policy *policy);

/* The absolute name of the policy file, which need not be there; NULL = there is none, like where the
 * environment decides. */
const char *policy_config_path(const struct policy *policy);

/* The one file that the command line edits (docs/design.md 4). */
#define POLICY_CLI_NAME "90-cli.yaml"
/* What rules in it are said to come from. */
#define POLICY_CLI_LABEL "policy.d/" POLICY_CLI_NAME

/* Whether a policy.yaml was read. One that is gone at the next load has vanished, which is an error
 * even where none is required: without it the environment or nothing at all would decide. */
bool policy_is_from_file(const struct policy *policy);

/* `cut_on_revoke`: streams that this policy would not let open any more are closed when it comes
 * into force. */
bool policy_cuts_on_revoke(const struct policy *policy);

/* Whether `own_addresses` (or the variable) says which addresses the machine has that a gate in a
 * container cannot see; it may say none. */
bool policy_says_own_addresses(const struct policy *policy);

/* The first moment after `now_us` (Unix time) at which a rule expires, and the policy may decide
 * otherwise than before; INT64_MAX = there is none. */
int64_t policy_next_expiry(const struct policy *policy, int64_t now_us);

/* What is spoken at a listener. */
enum policy_role {
    POLICY_ROLE_DOCKER,
    POLICY_ROLE_EGRESS, /* CONNECT and forward proxy */
    POLICY_ROLE_TLS,    /* transparent: TLS by SNI, port 443 as far as rules are concerned */
    POLICY_ROLE_HTTP,   /* transparent: plain HTTP by Host, port 80 */
    POLICY_ROLE_DNS,    /* UDP and TCP */
};

/* Where a client is listened for. */
enum policy_listen_kind { POLICY_LISTEN_UNIX, POLICY_LISTEN_TCP };
struct policy_listen {
    enum policy_role role;
    enum policy_listen_kind kind; /* POLICY_LISTEN_TCP for DNS, which is served by UDP too */
    const char *text; /* as written: "unix:/run/…", "tcp:0.0.0.0:2375", "tcp:[::]:2375" */
    const char *path; /* unix: absolute path */
    struct ip_address address; /* tcp */
    uint16_t port;             /* tcp */
    unsigned mode;             /* unix: permission bits, 0660 unless set */
    int64_t owner, group;      /* unix: numeric ids, -1 = the gate's own */
    const char *source;        /* file:line or option that asked for it */
};

enum policy_mode { POLICY_ENFORCE, POLICY_REPORT };

/* What a client's DNS listener answers for names that the policy allows. */
enum policy_dns_answer {
    POLICY_DNS_GATE,   /* the gate's own address: the one the question came to */
    POLICY_DNS_LISTED, /* policy_client.dns_addresses */
    POLICY_DNS_REAL,   /* what the resolver says, as far as it may be dialled */
};
enum { POLICY_DNS_ADDRESSES_MAX = 4 };

/* How much of a refusal a client is told. */
enum policy_refusal_detail { POLICY_REFUSAL_FULL, POLICY_REFUSAL_RULE, POLICY_REFUSAL_NONE };
struct policy_refusal {
    enum policy_refusal_detail detail;
    const char *text; /* the operator's own sentence, said first; NULL = none */
};
enum { POLICY_REFUSAL_TEXT_MAX = 300 };

/* One kind of asker: its listeners and who may connect to them. */
struct policy_client {
    const char *name;
    const struct policy_listen *listens;
    size_t listen_count;
    const struct ip_range *from; /* tcp only; empty = anybody who can connect */
    size_t from_count;
    enum policy_mode mode;
    bool strict; /* unknown query parameters are refused; a Host other than CONNECT's target too */
    struct policy_refusal refusal;
    struct guard_set guard;       /* its values belong to the policy */
    struct browser_trust browser; /* which web pages may come over TCP */
    enum policy_dns_answer dns_answer;
    struct ip_address dns_addresses[POLICY_DNS_ADDRESSES_MAX];
    size_t dns_address_count;
    size_t index; /* position in the policy */
};

/* 1 to 63 lower-case letters, digits, dots, dashes and underscores; and the sentence that says so. */
bool policy_is_client_name(struct slice name);
extern const char policy_client_name_advice[];

size_t policy_client_count(const struct policy *policy);
const struct policy_client *policy_client_at(const struct policy *policy, size_t index);
/* A walk over the listeners of all clients: `for (struct policy_listen_walk walk = {0};
 * policy_listen_next(policy, &walk);)`. */
struct policy_listen_walk {
    const struct policy_client *client;
    const struct policy_listen *listen;
    size_t client_at, listen_at;
};
bool policy_listen_next(const struct policy *policy, struct policy_listen_walk *walk);
/* Whether somebody listens for the Docker API, or for the internet. */
bool policy_listens_for_docker(const struct policy *policy);
bool policy_listens_for_network(const struct policy *policy);

/* NULL when there is none of that name. */
const struct policy_client *policy_client_find(const struct policy *policy, struct slice name);

/* Numbers of what can decide: the two defaults, then every rule in the order in which policy_list.h
 * lists them, Docker rules first. Of this policy only; a rule's key outlives it. */
enum {
    POLICY_NUMBER_NONE, /* no rule: built-in, or not decided */
    POLICY_NUMBER_DEFAULT_DOCKER,
    POLICY_NUMBER_DEFAULT_NETWORK,
    POLICY_NUMBER_RULES, /* of the first rule */
};

/* One above the highest. */
uint32_t policy_number_end(const struct policy *policy);
/* The key (policy_list.h, rule_hits.h) of a number from POLICY_NUMBER_DEFAULT_DOCKER on. Costs a
 * hash of the rule's text: keep it. */
uint64_t policy_number_key(const struct policy *policy, uint32_t number);

enum verdict_result {
    VERDICT_DENY,
    VERDICT_ALLOW,
    VERDICT_NEEDS_OBJECT, /* rules ask for facts of the named object: resolve it and decide again */
};

struct verdict {
    enum verdict_result result;
    bool would_deny; /* result is ALLOW only because the client is in report mode (or a compat guard
                        only reports) */
    const char *rule;   /* name or text of the deciding rule; "default" */
    const char *source; /* "policy.yaml:14", "preset/traefik:6", "env CONTAINERS=1", "default" */
    const char *reason; /* "rule" or "default" */
    uint32_t number;    /* of the deciding rule or default; POLICY_NUMBER_NONE = built-in */
};
/* The texts live as long as the policy. */

/* A rule that was considered, for `policy explain`. The texts live as long as the call. */
struct policy_considered {
    uint32_t number;
    const char *rule, *source;
    bool allows, matched;
    const char *why;
};
struct policy_observer {
    void (*considered)(void *context, const struct policy_considered *rule);
    void *context;
};

/* Judges one request of one client (docs/design.md 1.3: any matching deny refuses, else any matching allow
 * permits, else the default). `object` may be NULL unless state is DOCKER_OBJECT_KNOWN. `observer`
 * may be NULL; with one, every rule of the client is visited, without one the search ends as soon
 * as the verdict is certain. The verdict is the same either way. Allocates nothing. */
void policy_decide_docker(const struct policy *policy, const struct policy_client *client,
                          const struct docker_request *request, enum docker_object_state state,
                          const struct docker_object *object,
                          const struct policy_observer *observer, struct verdict *verdict_out);

/* The same where the object was asked for: each object that the request names is judged, and the
 * first that is refused decides. `naming` NULL = they could not be had. Never NEEDS_OBJECT. */
void policy_decide_docker_named(const struct policy *policy, const struct policy_client *client,
                                const struct docker_request *request,
                                const struct docker_naming *naming, struct verdict *verdict_out);

/* Holds the body of a request that rules permit against the guards of the client; `c` has the body, the
 * rest is filled in. What they refuse is denied, or in report mode noted; c->finding says what and
 * where. */
void policy_decide_guard(const struct policy *policy, const struct policy_client *client,
                         struct guard_case *c, struct verdict *verdict);

/* What an observer gets as `why` for a rule that asks for facts of an object not asked for. */
extern const char policy_depends_on_object[];

/* Whether what the request reaches (rules/docker/docker_reach.h) is permitted. */
enum policy_reach {
    POLICY_REACH_PERMITTED, /* it reaches nothing, or rules name all of it */
    POLICY_REACH_UNNAMED,   /* *place_out is the first that no rule names */
    POLICY_REACH_DEPENDS,   /* a rule names it, for objects that are not asked for yet */
};
enum policy_reach
policy_judge_reach(const struct policy *policy, const struct policy_client *client,
                   const struct docker_request *request, enum docker_object_state state,
                   const struct docker_object *object, struct docker_reach_place *place_out);
