/* SPDX-License-Identifier: Apache-2.0
 *
 * Of a Docker request operation and rules are named, of a destination host, port, address and rules:
 * neither query, path nor the object's name is repeated, so nothing secret can get into a sentence. */
#include "policy/explain/policy_explain.h"

#include <string.h>

#include "policy/explain/left_out.h"
#include "policy/explain/policy_advice.h"
#include "policy/snapshot/policy_data.h"
#include "rules/reason.h"

static void write_client(const struct policy_client *client, struct buffer *out)
{
    buffer_append_literal(out, " on client ");
    policy_advice_write_name(slice_from_text(client->name), out);
}

/* "rule `NAME` (SOURCE)" */
static void write_rule(struct slice rule, struct slice source, struct buffer *out)
{
    buffer_append_literal(out, "rule ");
    policy_advice_write_name(rule, out);
    buffer_append_literal(out, " (");
    buffer_append_slice(out, source);
    buffer_append_byte(out, ')');
}

/* ---- Docker ---- */

static void write_what(const struct docker_request *request, struct buffer *out)
{
    if (request->operation == DOCKER_OPERATION_NONE) {
        buffer_append_literal(out, "a request that is no known operation");
        return;
    }
    buffer_append_text(out, docker_operation_info(request->operation)->name);
}

/* Why no rule allows it: some would if only their path or `where` fitted, or their time was not
 * over. */
static const char *missing_allow(const struct policy *policy,
                                 const struct policy_client_entry *entry,
                                 const struct docker_request *request)
{
    const char *why = "no rule allows it";
    for (size_t i = 0; i < entry->rule_count; i++) {
        const struct docker_rule *rule = &policy->rules[entry->rules[i]].match;
        struct docker_operation_set selected;
        docker_rule_selected(rule, &selected);
        if (!rule->allows || !docker_operation_set_has(&selected, request->operation))
            continue;
        if (rule->expires_us == 0 || request->now_us < rule->expires_us)
            return "the rules that allow it are for other objects or paths";
        why = "the rule that allowed it has expired";
    }
    return why;
}

static void write_advice(const struct policy *policy, const struct policy_client_entry *entry,
                         const struct docker_request *request, struct buffer *out)
{
    const char *advice = policy->operation_advice[request->operation];
    if (advice != NULL) {
        buffer_append_literal(out, ". To permit it, ");
        buffer_append_text(out, advice);
        return;
    }
    if (request->operation == DOCKER_OPERATION_NONE)
        return;
    buffer_append_literal(out, ". To permit it, ");
    policy_advice_docker(policy, &entry->shown, request->operation, true, out);
}

static void explain_reach(const struct policy *policy, const struct policy_client *client,
                          const struct docker_request *request, struct buffer *out)
{
    struct docker_reach_place place;
    if (policy_judge_reach(policy, client, request, DOCKER_OBJECT_UNKNOWN, NULL, &place) ==
        POLICY_REACH_PERMITTED)
        return;
    buffer_append_literal(out, " is denied: the ");
    buffer_append_text(out, place.parameter.ptr == NULL ? "name in the path" : "parameter ");
    buffer_append_slice(out, place.parameter);
    buffer_append_byte(out, ' ');
    buffer_append_text(out, place.why);
    buffer_append_literal(out, ", so a rule must name it. To permit it, add `");
    if (place.parameter.ptr == NULL && !docker_reach_condition(&place, NULL)) {
        policy_advice_reach_path(&place, out);
        buffer_append_byte(out, '`');
        return;
    }
    buffer_append_literal(out, "where: {");
    (void)docker_reach_condition(&place, out);
    buffer_append_literal(out, ": …}` to a rule that allows ");
    buffer_append_text(out, docker_operation_info(request->operation)->name);
}

void policy_explain_denial(const struct policy *policy, const struct policy_client *client,
                           const struct docker_request *request, const struct verdict *verdict,
                           struct buffer *out)
{
    const struct policy_client_entry *entry = &policy->clients[client->index];
    buffer_append_literal(out, "dockreeve: ");
    write_what(request, out);
    write_client(client, out);
    if (strncmp(verdict->reason, "guard.", strlen("guard.")) == 0) {
        explain_reach(policy, client, request, out);
        return;
    }
    buffer_append_literal(out, " is denied by ");
    if (strcmp(verdict->reason, REASON_DEFAULT) != 0) {
        write_rule(slice_from_text(verdict->rule), slice_from_text(verdict->source), out);
        /* A rule of a file is its writer's own; a variable's name does not say what would undo it. */
        if (strncmp(verdict->source, "env ", 4) == 0 &&
            policy->operation_advice[request->operation] != NULL)
            write_advice(policy, entry, request, out);
        AUTO_BUFFER struct buffer remove = BUFFER_EMPTY;
        if (policy_advice_remove(policy, verdict->source, verdict->number, &remove)) {
            buffer_append_literal(out, ". To permit it, ");
            buffer_append_slice(out, buffer_slice(&remove));
        }
        return;
    }
    buffer_append_literal(out, "default: ");
    buffer_append_text(out, missing_allow(policy, entry, request));
    write_advice(policy, entry, request, out);
}

/* ---- network ---- */

void network_verdict_write_rule(const struct network_verdict *verdict, struct buffer *out)
{
    if (verdict->label == NULL) {
        buffer_append_literal(out, "default");
        return;
    }
    if (verdict->name != NULL) {
        buffer_append_text(out, verdict->name);
        return;
    }
    buffer_append_text(out, verdict->rule_allows ? "allow " : "deny ");
    buffer_append_slice(out, verdict->pattern);
}

struct slice network_verdict_cname(const struct network_verdict *verdict, struct slice cnames)
{
    struct slice name = {NULL, 0};
    for (unsigned i = 0; i < verdict->cname && cnames.len > 0; i++)
        name = slice_cut(&cnames, '\0');
    return name;
}

void network_verdict_write_source(const struct network_verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, verdict->label == NULL ? "default" : verdict->label);
    if (verdict->label != NULL && verdict->line > 0) {
        buffer_append_byte(out, ':');
        buffer_append_u64(out, verdict->line);
    }
}

/* "host:port"; the host alone where a question is about every port. */
static void write_target(const struct host_name *host, uint16_t port, struct buffer *out)
{
    host_name_write(host, out);
    if (port == 0)
        return;
    buffer_append_byte(out, ':');
    buffer_append_u64(out, port);
}

static void write_rule_and_source(const struct network_verdict *verdict, struct buffer *out)
{
    AUTO_BUFFER struct buffer rule = BUFFER_EMPTY, source = BUFFER_EMPTY;
    network_verdict_write_rule(verdict, &rule);
    network_verdict_write_source(verdict, &source);
    write_rule(buffer_slice(&rule), buffer_slice(&source), out);
}

void policy_explain_network_denial(const struct policy_client *client,
                                   const struct network_request *request,
                                   const struct network_verdict *verdict, struct buffer *out)
{
    buffer_append_literal(out, "dockreeve: ");
    write_target(&request->host, request->port, out);
    if (request->address != NULL && !request->host.is_address) {
        buffer_append_literal(out, " at ");
        ip_address_write(request->address, out);
    }
    write_client(client, out);
    bool denies = verdict->label != NULL && !verdict->rule_allows;
    if (denies) {
        buffer_append_literal(out, " is denied by ");
        write_rule_and_source(verdict, out);
    } else {
        buffer_append_text(out, strcmp(verdict->reason, REASON_DEFAULT) == 0
                                    ? " is denied by default"
                                    : " is denied");
    }
    if (verdict->label != NULL && verdict->rule_allows) {
        buffer_append_literal(out, ": ");
        write_rule_and_source(verdict, out);
        buffer_append_literal(out, " is for this host and does not admit this");
    }
    if (verdict->why != NULL) {
        buffer_append_literal(out, ": ");
        buffer_append_text(out, verdict->why);
    }
    struct slice cname = network_verdict_cname(verdict, request->cnames);
    if (cname.ptr != NULL) {
        buffer_append_literal(out, ": ");
        buffer_append_slice(out, cname); /* canonical: nothing in it to be escaped */
    }
}

/* ---- what would permit a destination ---- */

static const char *protocol_list(const struct network_request *request)
{
    enum network_protocol protocol = NETWORK_PROTOCOL_OTHER;
    if (request->sight == NETWORK_SEEN)
        protocol = NETWORK_PROTOCOL_HTTP;
    else if (request->tunnel != NULL)
        protocol = request->tunnel->protocol;
    switch (protocol) {
    case NETWORK_PROTOCOL_TLS:
        return "[tls]";
    case NETWORK_PROTOCOL_HTTP:
        return "[http]";
    case NETWORK_PROTOCOL_SSH:
        return "[ssh]";
    case NETWORK_PROTOCOL_OTHER:
        break;
    }
    return "[any]";
}

static void add_key(struct buffer *keys, const char *key)
{
    buffer_append_text(keys, keys->len > 0 ? ", " : "");
    buffer_append_text(keys, key);
}

/* A special-purpose address, or one that the rule for this host leaves out, has to be named. */
static bool needs_address(const struct policy *policy, const struct network_request *request,
                          const struct network_verdict *verdict)
{
    if (request->address == NULL || request->host.is_address || host_name_is_local(&request->host))
        return false;
    bool narrowed = verdict->why != NULL && strstr(verdict->why, "`addresses`") != NULL;
    return narrowed ||
           policy_address_class(policy, request->own_host, request->address) != ADDRESS_PUBLIC;
}

/* Where rules for this host speak of methods or paths, whoever wrote them lets no others through; else
 * a host that is permitted is permitted for whatever is asked of it next. */
static bool needs_method(const struct network_request *request,
                         const struct network_verdict *verdict)
{
    return request->sight == NETWORK_SEEN && request->method != HTTP_METHOD_UNKNOWN &&
           verdict->why != NULL &&
           (strstr(verdict->why, "other methods") != NULL ||
            strstr(verdict->why, "other paths") != NULL);
}

/* On 443 a rule that says nothing admits TLS with a server name. */
static bool needs_protocol(const struct network_request *request,
                           const struct network_verdict *verdict)
{
    if (strcmp(verdict->reason, REASON_PROTOCOL) == 0)
        return true;
    if (request->port != NETWORK_PORT_TLS)
        return false;
    return request->sight == NETWORK_SEEN ||
           (request->tunnel != NULL && request->tunnel->protocol != NETWORK_PROTOCOL_TLS);
}

static bool needs_no_server_name(const struct network_request *request)
{
    return request->sight == NETWORK_OPAQUE && request->tunnel != NULL &&
           request->tunnel->protocol == NETWORK_PROTOCOL_TLS && !request->tunnel->has_sni &&
           request->port == NETWORK_PORT_TLS;
}

/* A name that is denied is not looked up. Of some it is likely all the same that they lead to a private
 * address: single labels, and the domains that networks of offices, homes and clusters use for
 * themselves (internal by ICANN's reservation, home.arpa by RFC 8375, local by RFC 6762). */
static bool is_likely_private(const struct network_request *request)
{
    static const char *const domains[] = {".internal", ".home.arpa", ".local",   ".lan",
                                          ".intranet", ".corp",      ".private", ".localdomain"};
    struct slice name = host_name_slice(&request->host);
    if (request->address != NULL || request->host.is_address || host_name_is_local(&request->host))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        if (slice_ends_with(name, slice_from_text(domains[i])))
            return true;
    }
    return memchr(name.ptr, '.', name.len) == NULL;
}

/* The rule that allows the request's host, with what else it must say. */
static void write_allow_for(const struct policy *policy, const struct policy_client *client,
                            const struct network_request *request,
                            const struct network_verdict *verdict, struct buffer *out)
{
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer keys = BUFFER_EMPTY;
    if (needs_protocol(request, verdict)) {
        add_key(&keys, "protocols: ");
        buffer_append_text(&keys, protocol_list(request));
    }
    if (needs_no_server_name(request))
        add_key(&keys, "require_sni: false");
    const struct policy_advice_conditions conditions = {
        .address = needs_address(policy, request, verdict) ? request->address : NULL,
        .method = needs_method(request, verdict) ? http_method_name(request->method) : NULL,
        .keys = buffer_slice(&keys),
    };
    write_target(&request->host, request->port, &target);
    policy_advice_network(policy, client, buffer_slice(&target), true, &conditions, out);
    if (is_likely_private(request))
        buffer_append_literal(out, "; where the name leads to a private address, that has to be "
                                   "named too (--address ADDRESS, in a file `addresses`)");
    const char *left_out = left_out_reason(&request->host);
    if (left_out != NULL)
        buffer_printf(out,
                      "; the presets leave this host out, because anybody can put data there (%s)",
                      left_out);
}

/* No rule admits a server name that is not the target's. */
static bool has_wrong_server_name(const struct network_request *request)
{
    const struct tunnel_facts *tunnel = request->tunnel;
    if (request->sight != NETWORK_OPAQUE || tunnel == NULL ||
        tunnel->protocol != NETWORK_PROTOCOL_TLS)
        return false;
    return tunnel->sni_bad || (tunnel->has_sni && !request->host.is_address &&
                               !host_name_equal(&tunnel->sni, &request->host));
}

void policy_explain_network_fix(const struct policy *policy, const struct policy_client *client,
                                const struct network_request *request,
                                const struct network_verdict *verdict, struct buffer *out)
{
    const char *reason = verdict->reason;
    if (verdict->malformed || has_wrong_server_name(request))
        return;
    if (verdict->label != NULL && !verdict->rule_allows) {
        if (policy_advice_remove(policy, verdict->label, verdict->number, out))
            return;
        buffer_append_literal(out, "change or remove the deny at ");
        network_verdict_write_source(verdict, out);
        return;
    }
    if (strcmp(reason, REASON_ECH) == 0) {
        buffer_append_literal(out, "take `ech: deny` out of the rule at ");
        network_verdict_write_source(verdict, out);
        return;
    }
    if (strcmp(reason, REASON_SNI_DENIED) == 0 && request->tunnel != NULL) {
        AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
        write_target(&request->tunnel->sni, request->port, &target);
        policy_advice_network(policy, client, buffer_slice(&target), true,
                              &(struct policy_advice_conditions){.address = NULL}, out);
        return;
    }
    write_allow_for(policy, client, request, verdict, out);
}
