/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A command is named only where it reaches what this policy was read from: not
 * beside the variables of our image, whose policy is mounted and mostly read-only, and not where
 * its path would have to be quoted for a shell. Names of clients never have to be. */
#include "policy/policy_advice.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_internal.h"
#include "policy/policy_list.h"

static void write_name(const char *text, struct buffer *out)
{
    char quoted[256];
    buffer_append_text(out, error_quote(slice_from_text(text), quoted, sizeof(quoted)));
}

/* The end of a command: which client, which policy. Where others would inherit the rule, the
 * client's own is enough. */
static void write_scope(const struct policy *policy, const struct policy_client *client,
                        struct buffer *out)
{
    bool inherits = policy->clients[client->index].inherit;
    if (!inherits || policy->client_count > 1 || strcmp(client->name, "default") != 0) {
        buffer_append_literal(out, " --client ");
        buffer_append_text(out, client->name);
    }
    if (!policy->config_is_usual) {
        buffer_append_literal(out, " --config ");
        buffer_append_text(out, policy->advised_path);
    }
    buffer_append_byte(out, '`');
}

/* " under `docker:` of client `ci` in FILE". */
static void write_place(const struct policy *policy, const struct policy_client *client,
                        const char *list, struct buffer *out)
{
    buffer_append_literal(out, " under `");
    buffer_append_text(out, list);
    buffer_append_literal(out, ":`");
    if (!policy->clients[client->index].inherit) {
        buffer_append_literal(out, " of client ");
        write_name(client->name, out);
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
    write_place(policy, client, "docker", out);
}

void policy_advice_network(const struct policy *policy, const struct policy_client *client,
                           struct slice target, bool allows, const char *method, struct slice keys,
                           struct buffer *out)
{
    const char *verb = allows ? "allow" : "deny";
    bool more = keys.len > 0 || method != NULL;
    if (keys.len == 0 && policy->commands_reach_it) {
        buffer_printf(out, "run `dockreeve policy %s network \"", verb);
        buffer_append_slice(out, target);
        buffer_append_byte(out, '"');
        if (method != NULL)
            buffer_printf(out, " --method %s", method);
        write_scope(policy, client, out);
        return;
    }
    buffer_printf(out, "add `- %s%s: \"", more ? "{" : "", verb);
    buffer_append_slice(out, target);
    buffer_append_byte(out, '"');
    if (keys.len > 0) {
        buffer_append_literal(out, ", ");
        buffer_append_slice(out, keys);
    }
    if (method != NULL)
        buffer_printf(out, ", methods: [%s]", method);
    buffer_append_text(out, more ? "}`" : "`");
    write_place(policy, client, "network", out);
}

/* ---- taking a rule away ---- */

static void write_remove(const struct policy *policy, const char *id, struct buffer *out)
{
    buffer_printf(out, "run `dockreeve policy rm %s", id);
    if (!policy->config_is_usual) {
        buffer_append_literal(out, " --config ");
        buffer_append_text(out, policy->advised_path);
    }
    buffer_append_byte(out, '`');
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
    write_remove(policy, id, out);
    return true;
}

/* ---- all that stands in the way ---- */

/* The rules that match, as an observer sees them. */
struct obstacles {
    const struct policy *policy;
    bool network;
    bool allowed;    /* some allow matches */
    bool maybe_deny; /* some deny depends on the object, which was not asked for */
    unsigned denies;
    struct buffer advice; /* owned: what takes the denies away */
    struct buffer seen;   /* owned: its steps, NUL behind each */
};

static void obstacles_clear(struct obstacles *obstacles)
{
    buffer_free(&obstacles->advice);
    buffer_free(&obstacles->seen);
}

static bool named_already(const struct obstacles *obstacles, const char *step)
{
    struct slice rest = buffer_slice(&obstacles->seen);
    while (rest.len > 0) {
        if (slice_equal_text(slice_cut(&rest, '\0'), step))
            return true;
    }
    return false;
}

/* Of a Docker rule that an observer was told of. */
static bool remove_seen_docker(const struct policy *policy, const char *source, struct buffer *out)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (strcmp(policy->rules[i].source, source) == 0)
            return policy_advice_remove(policy, source, POLICY_NUMBER_RULES + (uint32_t)i, out);
    }
    return false;
}

/* Of a network rule that an observer was told of. */
static bool remove_seen_network(const struct policy *policy, const char *rule, const char *source,
                                struct buffer *out)
{
    struct policy_network_cursor cursor = {0};
    struct policy_listed_network listed;
    size_t rule_len = strlen(rule);
    if (!policy->commands_reach_it || !is_of_commands(source))
        return false;
    unsigned line = (unsigned)strtoul(source + sizeof(POLICY_CLI_LABEL), NULL, 10);
    while (policy_network_next(policy, &cursor, &listed)) {
        size_t tail = listed.name == NULL ? 0 : 1; /* "NAME (PATTERN)" */
        if (listed.line != line || listed.allows || strcmp(listed.label, POLICY_CLI_LABEL) != 0 ||
            listed.pattern.len + tail > rule_len ||
            memcmp(rule + rule_len - tail - listed.pattern.len, listed.pattern.ptr,
                   listed.pattern.len) != 0)
            continue;
        write_remove(policy, listed.id, out);
        return true;
    }
    return false;
}

static void join(struct buffer *out)
{
    buffer_append_text(out, out->len > 0 ? ", and " : "");
}

static void note(void *context, const char *rule, const char *source, bool allows, bool matched,
                 const char *why)
{
    struct obstacles *obstacles = context;
    if (!matched) {
        obstacles->maybe_deny |= !allows && strcmp(why, policy_depends_on_object) == 0;
        return;
    }
    if (allows) {
        obstacles->allowed = true;
        return;
    }
    AUTO_BUFFER struct buffer step = BUFFER_EMPTY;
    bool removed = obstacles->network ? remove_seen_network(obstacles->policy, rule, source, &step)
                                      : remove_seen_docker(obstacles->policy, source, &step);
    if (!removed) {
        buffer_append_text(&step, obstacles->network ? "change or remove the deny at "
                                                     : "change or remove the rule at ");
        buffer_append_text(&step, source);
    }
    obstacles->denies++;
    if (named_already(obstacles, buffer_text(&step))) /* two rules on one line, or twice the same */
        return;
    join(&obstacles->advice);
    buffer_append_slice(&obstacles->advice, buffer_slice(&step));
    buffer_append_slice(&obstacles->seen, buffer_slice(&step));
    buffer_append_byte(&obstacles->seen, '\0');
}

bool policy_advice_reach_condition(const struct docker_reach_place *place, struct buffer *out)
{
    const struct docker_operation_info *info = docker_operation_info(place->operation);
    AUTO_BUFFER struct buffer unwanted = BUFFER_EMPTY;
    if (out == NULL)
        out = &unwanted;
    if (place->parameter.ptr == NULL && info->object == DOCKER_OBJECT_NONE)
        return false;
    if (place->parameter.ptr == NULL) {
        buffer_append_text(out, info->object == DOCKER_OBJECT_IMAGE ? "image" : "name");
        return true;
    }
    buffer_append_literal(out, "query.");
    buffer_append_slice(out, place->parameter);
    return true;
}

void policy_advice_reach_path(const struct docker_reach_place *place, struct buffer *out)
{
    const struct docker_operation_info *info = docker_operation_info(place->operation);
    buffer_printf(out, "- allow: {method: %s, path: \"%.*sREGISTRY/**\"}",
                  http_method_name(info->method), (int)strcspn(info->path, "{"), info->path);
}

/* A rule that names everything that needs a permission of its own. */
static void advise_reach(const struct policy *policy, const struct policy_client *client,
                         const struct docker_request *request, struct buffer *out)
{
    const char *separator = "";
    struct docker_reach_place place;
    AUTO_BUFFER struct buffer where = BUFFER_EMPTY;
    for (unsigned next = 0; docker_reach_next(request, &next, &place);) {
        buffer_append_text(&where, separator);
        if (policy_advice_reach_condition(&place, &where))
            buffer_append_literal(&where, ": \"**\"");
        separator = ", ";
    }
    buffer_append_literal(out, "add `");
    if (where.len > 0)
        buffer_printf(out, "- {allow: %s, where: {%s}}",
                      docker_operation_info(request->operation)->name, buffer_text(&where));
    else
        policy_advice_reach_path(&place, out);
    buffer_append_byte(out, '`');
    write_place(policy, client, "docker", out);
}

void policy_advise_docker(const struct policy *policy, const struct policy_client *client,
                          const struct docker_request *request, enum docker_object_state state,
                          const struct docker_object *object, const struct verdict *verdict,
                          struct buffer *out)
{
    CLEANUP(obstacles_clear) struct obstacles obstacles = {.policy = policy};
    const struct policy_observer observer = {note, &obstacles};
    struct verdict again;
    if (verdict->result == VERDICT_ALLOW && !verdict->would_deny) {
        buffer_append_literal(out, "to deny it, ");
        policy_advice_docker(policy, client, request->operation, false, out);
        return;
    }
    policy_decide_docker(policy, client, request, state, object, &observer, &again);
    const char *variable = policy->operation_advice[request->operation];
    struct buffer *advice = &obstacles.advice;
    struct docker_reach_place place;
    bool unnamed = policy_judge_reach(policy, client, request, state, object, &place) ==
                   POLICY_REACH_UNNAMED;
    if (variable != NULL && !unnamed) {
        buffer_clear(advice);
        buffer_append_text(advice, variable);
    } else if (unnamed) {
        join(advice);
        advise_reach(policy, client, request, advice);
    } else if (!obstacles.allowed && (obstacles.denies == 0 || !policy->default_allow)) {
        join(advice);
        policy_advice_docker(policy, client, request->operation, true, advice);
    }
    buffer_append_literal(out, "to permit it, ");
    buffer_append_slice(out, buffer_slice(advice));
    if (obstacles.maybe_deny)
        buffer_append_literal(out, "; whether a deny then matches depends on the object");
}

void policy_advise_network(const struct policy *policy, const struct policy_client *client,
                           const struct network_request *request,
                           const struct network_verdict *verdict, struct buffer *out)
{
    CLEANUP(obstacles_clear) struct obstacles obstacles = {.policy = policy, .network = true};
    const struct policy_observer observer = {note, &obstacles};
    struct network_verdict again;
    struct buffer *advice = &obstacles.advice;
    if (verdict->result == VERDICT_ALLOW && !verdict->would_deny) {
        AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
        host_name_write(&request->host, &target);
        buffer_printf(&target, ":%u", request->port);
        buffer_append_literal(out, "to deny it, ");
        policy_advice_network(policy, client, buffer_slice(&target), false, NULL, SLICE_LITERAL(""),
                              out);
        return;
    }
    bool of_server_name = strcmp(verdict->reason, "sni-denied") == 0;
    if (!of_server_name)
        policy_decide_network(policy, client, request, &observer, &again);
    struct network_verdict bare = *verdict; /* as if the denies were gone */
    if (obstacles.denies > 0) {
        bare.label = NULL;
        bare.reason = "default";
        bare.why = NULL;
    }
    const char *why, *reason;
    bool by_default = obstacles.denies > 0 && policy->default_network_allow &&
                      network_default_match(request, &why, &reason) == NETWORK_MATCH_YES;
    if (obstacles.denies == 0 || (!obstacles.allowed && !by_default)) {
        join(advice);
        size_t before = advice->len;
        policy_explain_network_fix(policy, client, request, &bare, advice);
        if (advice->len == before) /* no rule could */
            return;
    }
    if (advice->len > 0)
        buffer_append_literal(out, "to permit it, ");
    buffer_append_slice(out, buffer_slice(advice));
}
