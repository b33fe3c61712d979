/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A command is named only where it reaches what this policy was read from: not
 * beside the variables of our image, whose policy is mounted and mostly read-only, and not where
 * its path would have to be quoted for a shell. Names of clients never have to be. */
#include "policy/explain/policy_advice.h"

#include <string.h>

#include "policy/snapshot/policy_data.h"
#include "policy/snapshot/policy_list.h"

void policy_advice_write_name(struct slice name, struct buffer *out)
{
    buffer_append_text(out, quote(name).text);
}

/* The end of a command: which policy. */
static void write_config(const struct policy *policy, struct buffer *out)
{
    if (!policy->config_is_usual) {
        buffer_append_literal(out, " --config ");
        buffer_append_text(out, policy->advised_path);
    }
    buffer_append_byte(out, '`');
}

/* Which client, and which policy. Where others would inherit the rule, the
 * client's own is enough. */
static void write_scope(const struct policy *policy, const struct policy_client *client,
                        struct buffer *out)
{
    bool inherits = policy->clients[client->index].inherit;
    if (!inherits || policy->client_count > 1 || strcmp(client->name, "default") != 0) {
        buffer_append_literal(out, " --client ");
        buffer_append_text(out, client->name);
    }
    write_config(policy, out);
}

/* " under `docker:` of client `ci` in FILE". */
void policy_advice_place(const struct policy *policy, const struct policy_client *client,
                         const char *list, struct buffer *out)
{
    buffer_append_literal(out, " under `");
    buffer_append_text(out, list);
    buffer_append_literal(out, ":`");
    if (!policy->clients[client->index].inherit) {
        buffer_append_literal(out, " of client ");
        policy_advice_write_name(slice_from_text(client->name), out);
    }
    buffer_append_literal(out, " in ");
    buffer_append_text(out, policy->advised_path == NULL ? "the policy" : policy->advised_path);
}

void policy_advice_docker(const struct policy *policy, const struct policy_client *client,
                          enum docker_operation operation, bool allows, struct buffer *out)
{
    const char *verb = allows ? "allow" : "deny";
    const char *name = docker_operation_info(operation)->name;
    if (operation == DOCKER_LIBPOD) {
        buffer_printf(out, "add `- %s: {path: \"/libpod/**\"}`", verb);
    } else if (policy->commands_reach_it) {
        buffer_printf(out, "run `dockreeve policy %s docker %s", verb, name);
        write_scope(policy, client, out);
        return;
    } else {
        buffer_printf(out, "add `- %s: %s`", verb, name);
    }
    policy_advice_place(policy, client, "docker", out);
}

/* The conditions as keys of a rule: ", addresses: [10.0.0.1], methods: [GET]". */
static void write_keys(const struct policy_advice_conditions *conditions, struct buffer *out)
{
    if (conditions->address != NULL) {
        const char *quote = ip_address_is_v4(conditions->address) ? "" : "\"";
        buffer_printf(out, ", addresses: [%s", quote);
        ip_address_write(conditions->address, out);
        buffer_printf(out, "%s]", quote);
    }
    if (conditions->keys.len > 0) {
        buffer_append_literal(out, ", ");
        buffer_append_slice(out, conditions->keys);
    }
    if (conditions->method != NULL)
        buffer_printf(out, ", methods: [%s]", conditions->method);
}

void policy_advice_network(const struct policy *policy, const struct policy_client *client,
                           struct slice target, bool allows,
                           const struct policy_advice_conditions *conditions, struct buffer *out)
{
    const char *verb = allows ? "allow" : "deny";
    if (conditions->keys.len == 0 && policy->commands_reach_it) {
        buffer_printf(out, "run `dockreeve policy %s network \"", verb);
        buffer_append_slice(out, target);
        buffer_append_byte(out, '"');
        if (conditions->address != NULL) {
            buffer_append_literal(out, " --address ");
            ip_address_write(conditions->address, out);
        }
        if (conditions->method != NULL)
            buffer_printf(out, " --method %s", conditions->method);
        write_scope(policy, client, out);
        return;
    }
    AUTO_BUFFER struct buffer keys = BUFFER_EMPTY;
    write_keys(conditions, &keys);
    buffer_printf(out, "add `- %s%s: \"", keys.len > 0 ? "{" : "", verb);
    buffer_append_slice(out, target);
    buffer_append_byte(out, '"');
    buffer_append_slice(out, buffer_slice(&keys));
    buffer_append_text(out, keys.len > 0 ? "}`" : "`");
    policy_advice_place(policy, client, "network", out);
}

/* Whether it is "policy.d/90-cli.yaml", with or without a line behind it. */
static bool is_of_commands(const char *source)
{
    const size_t len = sizeof(POLICY_CLI_LABEL) - 1;
    return strncmp(source, POLICY_CLI_LABEL, len) == 0 &&
           (source[len] == '\0' || source[len] == ':');
}

bool policy_advice_remove(const struct policy *policy, const char *source, uint32_t number,
                          struct buffer *out)
{
    char id[9];
    if (!policy->commands_reach_it || number < POLICY_NUMBER_RULES || !is_of_commands(source))
        return false;
    policy_key_id(policy_number_key(policy, number), id);
    buffer_printf(out, "run `dockreeve policy rm %s", id);
    write_config(policy, out);
    return true;
}

void policy_advice_reach_path(const struct docker_reach_place *place, struct buffer *out)
{
    const struct docker_operation_info *info = docker_operation_info(place->operation);
    buffer_printf(out, "- allow: {method: %s, path: \"%.*sREGISTRY/**\"}",
                  http_method_name(info->method), (int)strcspn(info->path, "{"), info->path);
}
