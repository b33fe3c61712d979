/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence for a denied destination (DESIGN 1.6), and the line that would permit it. Hosts,
 * ports, addresses and rules only: neither path nor query is repeated, so nothing secret can get
 * into it. */
#include <string.h>

#include "policy/policy_internal.h"
#include "policy/policy_network.h"

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

void network_verdict_write_source(const struct network_verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, verdict->label == NULL ? "default" : verdict->label);
    if (verdict->label != NULL && verdict->line > 0) {
        buffer_append_byte(out, ':');
        buffer_append_u64(out, verdict->line);
    }
}

static void write_name(struct slice name, struct buffer *out)
{
    char quoted[256];
    buffer_append_text(out, error_quote(name, quoted, sizeof(quoted)));
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
    AUTO_BUFFER struct buffer rule = BUFFER_EMPTY;
    network_verdict_write_rule(verdict, &rule);
    buffer_append_literal(out, "rule ");
    write_name(buffer_slice(&rule), out);
    buffer_append_literal(out, " (");
    network_verdict_write_source(verdict, out);
    buffer_append_literal(out, ")");
}

void policy_explain_network_denial(const struct policy *policy, const struct policy_client *client,
                                   const struct network_request *request,
                                   const struct network_verdict *verdict, struct buffer *out)
{
    (void)policy;
    buffer_append_literal(out, "dockreeve: ");
    write_target(&request->host, request->port, out);
    if (request->address != NULL && !request->host.is_address) {
        buffer_append_literal(out, " at ");
        ip_address_write(request->address, out);
    }
    buffer_append_literal(out, " on client ");
    write_name(slice_from_text(client->name), out);
    bool denies = verdict->label != NULL && !verdict->rule_allows;
    if (denies) {
        buffer_append_literal(out, " is denied by ");
        write_rule_and_source(verdict, out);
    } else {
        buffer_append_text(out, strcmp(verdict->reason, "default") == 0 ? " is denied by default"
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
}

/* ---- what would permit it ---- */

static void write_place(const struct policy *policy, const struct policy_client *client,
                        struct buffer *out)
{
    buffer_append_literal(out, " under `network:`");
    if (!policy->clients[client->index].inherit) {
        buffer_append_literal(out, " of client ");
        write_name(slice_from_text(client->name), out);
    }
    buffer_append_literal(out, " in ");
    buffer_append_text(out, policy->config_path == NULL ? "the policy" : policy->config_path);
}

/* `- allow: "host:port"`, with one more key when there is `key`. */
static void write_allow(const struct host_name *host, uint16_t port, const char *key,
                        struct slice value, struct buffer *out)
{
    buffer_append_text(out, key == NULL ? "add `- allow: \"" : "add `- {allow: \"");
    write_target(host, port, out);
    buffer_append_byte(out, '"');
    if (key != NULL) {
        buffer_append_literal(out, ", ");
        buffer_append_text(out, key);
        buffer_append_literal(out, ": ");
        buffer_append_slice(out, value);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, '`');
}

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

/* The rule that allows the request's host, with what else it must say. */
static void write_allow_for(const struct network_request *request,
                            const struct network_verdict *verdict, struct buffer *out)
{
    AUTO_BUFFER struct buffer value = BUFFER_EMPTY;
    const char *key = NULL;
    bool special = strncmp(verdict->reason, "address-class.", 14) == 0;
    bool narrowed = verdict->why != NULL && strstr(verdict->why, "`addresses`") != NULL;
    if ((special || narrowed) && request->address != NULL && !request->host.is_address &&
        !host_name_is_local(&request->host)) {
        key = "addresses";
        buffer_append_byte(&value, '[');
        if (ip_address_is_v4(request->address)) {
            ip_address_write(request->address, &value);
        } else {
            buffer_append_byte(&value, '"');
            ip_address_write(request->address, &value);
            buffer_append_byte(&value, '"');
        }
        buffer_append_byte(&value, ']');
    } else if (strcmp(verdict->reason, "protocol") == 0) {
        key = "protocols";
        buffer_append_text(&value, protocol_list(request));
    } else if (strcmp(verdict->reason, "sni-missing") == 0) {
        key = "require_sni";
        buffer_append_literal(&value, "false");
    } else if (request->sight == NETWORK_SEEN && request->method != HTTP_METHOD_UNKNOWN) {
        key = "methods";
        buffer_append_byte(&value, '[');
        buffer_append_text(&value, http_method_name(request->method));
        buffer_append_byte(&value, ']');
    }
    write_allow(&request->host, request->port, key, buffer_slice(&value), out);
}

void policy_explain_network_fix(const struct policy *policy, const struct policy_client *client,
                                const struct network_request *request,
                                const struct network_verdict *verdict, struct buffer *out)
{
    const char *reason = verdict->reason;
    if (verdict->malformed || strcmp(reason, "sni-mismatch") == 0 ||
        strcmp(reason, "sni-malformed") == 0)
        return;
    if (verdict->label != NULL && !verdict->rule_allows) {
        buffer_append_literal(out, "change or remove the deny at ");
        network_verdict_write_source(verdict, out);
        return;
    }
    if (strcmp(reason, "ech") == 0) {
        buffer_append_literal(out, "take `ech: deny` out of the rule at ");
        network_verdict_write_source(verdict, out);
        return;
    }
    if (strcmp(reason, "sni-denied") == 0 && request->tunnel != NULL)
        write_allow(&request->tunnel->sni, request->port, NULL, SLICE_LITERAL(""), out);
    else
        write_allow_for(request, verdict, out);
    write_place(policy, client, out);
}
