/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule against one request. The conditions are asked in the order in which the gate learns the
 * facts (name and port, address, request, first bytes of the tunnel), so that the reason for a "no"
 * also says how far a request came: whatever stands behind the address was asked of an address that
 * the rule admits. Called by policy/snapshot/policy_network.c for every rule whose hosts match. */
#include "rules/network/network_rule.h"
#include "rules/reason.h"

#include <string.h>

/* An answer with its words; the texts are static. */
struct answer {
    enum network_match match;
    const char *why, *reason;
};

static const struct answer it_matches = {NETWORK_MATCH_YES, "it matches", NULL};

static struct answer no(const char *reason, const char *why)
{
    return (struct answer){NETWORK_MATCH_NO, why, reason};
}

void network_rule_clear(struct network_rule *rule)
{
    for (size_t i = 0; i < rule->path_count; i++)
        pattern_clear(&rule->paths[i]);
    free(rule->paths);
    free(rule->addresses);
    memset(rule, 0, sizeof(*rule));
}

/* An address that is the target itself is a fact from the start. */
static const struct ip_address *known_address(const struct network_request *request)
{
    if (request->address != NULL)
        return request->address;
    return request->host.is_address ? &request->host.address : NULL;
}

/* A question without port is about all of them: an allow of any port answers it, a deny only when
 * no port is left. */
static bool concerns_port(const struct port_set *ports, const struct network_request *request,
                          bool allows)
{
    if (request->sight != NETWORK_ASKED || request->port != 0)
        return port_set_has(ports, request->port);
    if (allows)
        return true;
    const struct port_set every_port = port_set_default(false);
    return port_set_equal(ports, &every_port);
}

/* ---- addresses ---- */

enum address_class network_request_class(const struct network_request *request,
                                         const struct ip_address *address)
{
    struct network_class *class = request->class;
    if (class == NULL)
        return address_class_of(address);
    if (!class->found)
        class->value = class->find(class, address);
    class->found = true;
    return class->value;
}

static struct answer match_class(enum address_class class)
{
    if (class == ADDRESS_OWN_HOST)
        return no(address_class_reason(class),
                  "it names no addresses, and this is one of the gate's own machine");
    if (class != ADDRESS_PUBLIC)
        return no(address_class_reason(class),
                  "it names no special-purpose addresses, and this is one");
    return it_matches;
}

static struct answer match_address(const struct network_rule *rule,
                                   const struct network_match_host *host,
                                   const struct network_request *request)
{
    if (host_name_is_local(&request->host) && host->kind != HOST_PATTERN_EXACT)
        return no(address_class_reason(ADDRESS_LOOPBACK), "it does not name this machine exactly");
    const struct ip_address *address = known_address(request);
    if (address == NULL)
        return it_matches;
    if (rule->address_count > 0) {
        for (size_t i = 0; i < rule->address_count; i++) {
            if (ip_range_contains(&rule->addresses[i], address))
                return it_matches;
        }
        return no("address", "its `addresses` do not hold the address");
    }
    /* A name that stands for this machine names the loopback addresses and no others. */
    if (host->names_special && host->kind == HOST_PATTERN_RANGE)
        return it_matches;
    enum address_class class = network_request_class(request, address);
    if (host->names_special && class == ADDRESS_LOOPBACK)
        return it_matches;
    return match_class(class);
}

/* ---- method and path ---- */

static struct answer match_paths(const struct network_rule *rule,
                                 const struct network_request *request)
{
    if (rule->path_count == 0)
        return it_matches;
    if (request->path_ambiguous)
        return (struct answer){NETWORK_MATCH_MALFORMED,
                               "it has `paths`, and servers read this path in more than one way",
                               REASON_MALFORMED_PATH};
    for (size_t i = 0; i < rule->path_count; i++) {
        enum pattern_result result = pattern_match_path(&rule->paths[i], request->path, 0, 0);
        if (result == PATTERN_YES || (result == PATTERN_LIMIT && !rule->allows))
            return it_matches;
    }
    return no("path", "it is for other paths");
}

static struct answer match_seen(const struct network_rule *rule,
                                const struct network_request *request)
{
    bool asks = rule->methods != 0 || rule->path_count > 0;
    switch (request->sight) {
    case NETWORK_SEEN:
        if (asks && !rule->allows && request->tunnel != NULL)
            return (struct answer){NETWORK_MATCH_YES,
                                   "it matches: what follows an upgrade cannot be seen, so it "
                                   "refuses the upgrade as a whole",
                                   REASON_OPAQUE};
        if (rule->methods != 0 && (rule->methods >> request->method & 1) == 0)
            return no("method", "it is for other methods");
        return match_paths(rule, request);
    case NETWORK_OPAQUE:
        if (asks && rule->allows)
            return no(REASON_OPAQUE, "its methods and paths cannot be seen in a tunnel");
        if (asks)
            return (struct answer){NETWORK_MATCH_YES,
                                   "it matches: what goes through a tunnel cannot be seen, so it "
                                   "refuses the tunnel as a whole",
                                   REASON_OPAQUE};
        return it_matches;
    case NETWORK_ASKED:
        if (asks && !rule->allows)
            return no(REASON_OPAQUE, "it denies some requests to the host, not the host");
        return it_matches;
    }
    return no(REASON_OPAQUE, "its methods and paths cannot be seen");
}

/* ---- what the tunnel carries ---- */

static struct answer match_tls(enum network_choice require_sni, enum network_choice ech,
                               const struct network_request *request)
{
    const struct tunnel_facts *tunnel = request->tunnel;
    bool required = require_sni == NETWORK_YES ||
                    (require_sni == NETWORK_UNSET && request->port == NETWORK_PORT_TLS);
    if (tunnel->sni_bad)
        return no(REASON_SNI_MALFORMED, "the ClientHello's server name is no host name");
    if (!tunnel->has_sni && required)
        return no(REASON_SNI_MISSING, "the ClientHello carries no server name");
    if (tunnel->has_sni && !request->host.is_address &&
        !host_name_equal(&tunnel->sni, &request->host))
        return no(REASON_SNI_MISMATCH, "the ClientHello names another host than the target");
    if (tunnel->ech && ech == NETWORK_NO)
        return no(REASON_ECH,
                  "the ClientHello carries an encrypted one, which `ech: deny` refuses");
    return it_matches;
}

static unsigned admitted_protocols(const struct network_rule *rule, uint16_t port)
{
    if (rule->protocols != 0)
        return rule->protocols;
    return port == NETWORK_PORT_TLS ? NETWORK_PROTOCOL_TLS : NETWORK_PROTOCOLS_ANY;
}

/* Plain HTTP, and what it may be left for. Behind an upgrade nothing can be seen any more, so a
 * rule that looks at requests has to say that it admits any protocol. */
static struct answer match_plain(const struct network_rule *rule,
                                 const struct network_request *request)
{
    unsigned admitted = admitted_protocols(rule, request->port);
    bool looks = rule->methods != 0 || rule->path_count > 0;
    if ((admitted & NETWORK_PROTOCOL_HTTP) == 0)
        return no(REASON_PROTOCOL, rule->protocols == 0
                                       ? "on port 443 it admits TLS only"
                                       : "its `protocols` do not admit plain HTTP");
    if (request->tunnel == NULL)
        return it_matches;
    if (rule->protocols == 0 && looks)
        return no(REASON_PROTOCOL,
                  "what follows an upgrade cannot be seen: it needs `protocols: [any]`");
    if ((admitted & request->tunnel->protocol) == 0)
        return no(REASON_PROTOCOL, "its `protocols` do not admit an upgrade");
    return it_matches;
}

static struct answer match_tunnel(const struct network_rule *rule,
                                  const struct network_request *request)
{
    if (request->sight == NETWORK_SEEN)
        return match_plain(rule, request);
    if (request->tunnel == NULL)
        return it_matches;
    unsigned protocols = rule->protocols;
    enum network_choice require_sni = rule->require_sni, ech = rule->ech;
    enum network_protocol protocol = request->tunnel->protocol;
    if ((admitted_protocols(rule, request->port) & protocol) == 0)
        return no(REASON_PROTOCOL, protocols == 0 ? "on port 443 it admits TLS only"
                                                  : "its `protocols` do not admit what is spoken");
    if (protocol == NETWORK_PROTOCOL_TLS)
        return match_tls(require_sni, ech, request);
    /* Who asks for a server name and does not say which protocols go without asks for TLS. */
    if (require_sni == NETWORK_YES && protocols == 0)
        return no(REASON_SNI_MISSING, "it requires a server name, and this is not TLS");
    return it_matches;
}

static struct answer match_allow(const struct network_rule *rule,
                                 const struct network_match_host *host,
                                 const struct network_request *request)
{
    struct answer answer = match_address(rule, host, request);
    if (answer.match == NETWORK_MATCH_YES)
        answer = match_seen(rule, request);
    if (answer.match == NETWORK_MATCH_YES)
        answer = match_tunnel(rule, request);
    return answer;
}

static enum network_match give(struct answer answer, const char **why, const char **reason)
{
    if (why != NULL)
        *why = answer.why;
    if (reason != NULL)
        *reason = answer.reason;
    return answer.match;
}

enum network_match network_rule_match(const struct network_rule *rule,
                                      const struct network_match_host *host,
                                      const struct network_request *request, const char **why,
                                      const char **reason)
{
    if (rule->expires_us != 0 && request->now_us >= rule->expires_us)
        return give(no("expired", "it has expired"), why, reason);
    if (!concerns_port(host->ports, request, rule->allows))
        return give(no("port", "it is for other ports"), why, reason);
    return give(rule->allows ? match_allow(rule, host, request) : match_seen(rule, request), why,
                reason);
}

enum network_match network_default_match(const struct network_request *request, const char **why,
                                         const char **reason)
{
    static const struct network_rule unset = {.allows = true};
    const struct ip_address *address = known_address(request);
    struct answer answer = it_matches;
    if (host_name_is_local(&request->host))
        answer = no(address_class_reason(ADDRESS_LOOPBACK), "only a rule can name this machine");
    else if (address != NULL)
        answer = match_class(network_request_class(request, address));
    if (answer.match == NETWORK_MATCH_YES)
        answer = match_tunnel(&unset, request);
    return give(answer, why, reason);
}
