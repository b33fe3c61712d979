/* SPDX-License-Identifier: Apache-2.0
 *
 * The conditions of a network rule beside its hosts, and one request for a destination as far as it
 * is known: first the name, then an address it resolved to, then what the tunnel carries. Facts not
 * known yet never make a rule fail; the request is asked again when they are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/network/address_class.h"
#include "rules/network/authority.h"
#include "rules/network/host_pattern.h"
#include "rules/http_method.h"
#include "rules/network/name_chain.h"
#include "rules/pattern.h"

/* Bits of `protocols`. */
enum network_protocol {
    NETWORK_PROTOCOL_TLS = 1,
    NETWORK_PROTOCOL_HTTP = 2,
    NETWORK_PROTOCOL_SSH = 4,
    NETWORK_PROTOCOL_OTHER = 8, /* nothing we know; only `any` admits it */
};
enum { NETWORK_PROTOCOLS_ANY = 15 };

/* Where an allow that says nothing else admits TLS with a server name only (docs/design.md 3.2). */
enum { NETWORK_PORT_TLS = 443 };

/* What the first bytes of a tunnel said. */
struct tunnel_facts {
    enum network_protocol protocol;
    bool has_sni;
    bool sni_bad; /* there is one, and it is no host name, or there are two */
    struct host_name sni;
    bool ech; /* an encrypted_client_hello extension; GREASE looks the same */
};

enum network_sight {
    NETWORK_OPAQUE, /* a tunnel: method and path cannot be seen */
    NETWORK_SEEN,   /* plain HTTP: method and path are facts */
    NETWORK_ASKED,  /* a DNS question: only whether any rule could admit the name */
};

/* Who knows the addresses of the machine that the gate runs on. */
struct network_own_host {
    bool (*holds)(void *context, const struct ip_address *address);
    void *context;
};

/* The class of a request's address, ADDRESS_OWN_HOST among them, from who knows it. */
struct network_class {
    enum address_class (*find)(const struct network_class *class, const struct ip_address *address);
    const void *policy;                      /* of find() */
    const struct network_own_host *own_host; /* of find() */
    bool found;
    enum address_class value;
};

struct network_request {
    struct host_name host;
    uint16_t port; /* NETWORK_ASKED: 0 = any */
    enum network_sight sight;
    enum http_method method;          /* NETWORK_SEEN */
    struct slice path;                /* NETWORK_SEEN: canonical, without query */
    bool path_ambiguous;              /* NETWORK_SEEN: see url_path_canonical() */
    int64_t now_us;                   /* for `expires`; Unix time */
    const struct ip_address *address; /* the address to be dialled; NULL = not known yet */
    struct slice cnames; /* the names that led to it: a name_chain's text; len 0 = none,
                                          or not known yet. Held against denies only */
    const struct tunnel_facts *tunnel; /* NULL = not known yet, or no tunnel; NETWORK_SEEN: the
                                          protocol that an upgrade would switch to */
    const struct network_own_host *own_host; /* borrowed; NULL = nobody knows */
    struct network_class *class; /* borrowed: what policy_decide_network() has found out; NULL = the
                                    address tells its class by itself */
};

/* The class of the request's address; found when it is asked for, and once for all rules. */
enum address_class network_request_class(const struct network_request *request,
                                         const struct ip_address *address);

enum network_choice { NETWORK_UNSET, NETWORK_NO, NETWORK_YES };

/* Conditions of one rule of the document; shared by all hosts of its list. */
struct network_rule {
    bool allows;
    uint32_t methods; /* bit 1 << enum http_method; 0 = every method */
    struct pattern *paths;
    size_t path_count; /* owned; 0 = every path */
    struct ip_range *addresses;
    size_t address_count;                 /* owned; 0 = any public address */
    enum network_choice require_sni, ech; /* unset: the defaults of docs/design.md 3.2 */
    unsigned protocols;                   /* 0 = unset */
    int64_t expires_us;                   /* 0 = never */
};
void network_rule_clear(struct network_rule *rule);

/* What a rule's hosts are, as far as the match depends on it. */
struct network_match_host {
    enum host_pattern_kind kind;
    bool names_special; /* the pattern is an address, a range, or names localhost: special-purpose
                           addresses are reachable through it */
    const struct port_set *ports;
};

enum network_match {
    NETWORK_MATCH_NO,
    NETWORK_MATCH_YES,
    NETWORK_MATCH_MALFORMED, /* the rule has `paths`, and the path has two readings: 400 */
};

/* Holds a request against a rule whose host pattern matches already. A question (NETWORK_ASKED)
 * without port is about all of them: an allow matches it whatever its ports, methods, paths and
 * protocols, a deny only when it is for every port and every request. `why` (static text, for
 * `policy explain`) and `reason` (stable code: "opaque", "address-class.loopback", "sni-mismatch",
 * "sni-missing", "sni-malformed", "ech", "protocol", "expired", "port", "method", "path",
 * "address") may be NULL; they are filled when the answer is NO, `why` also for YES ("it matches";
 * a deny that matches a tunnel or an upgrade only because it cannot look into it says so, reason
 * "opaque").
 * Allocates nothing. */
enum network_match network_rule_match(const struct network_rule *rule,
                                      const struct network_match_host *host,
                                      const struct network_request *request, const char **why,
                                      const char **reason);

/* The same conditions for what only the default allows: public addresses, SNI rules of docs/design.md 3.2. */
enum network_match network_default_match(const struct network_request *request, const char **why,
                                         const char **reason);
