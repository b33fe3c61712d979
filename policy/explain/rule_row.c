/* SPDX-License-Identifier: Apache-2.0
 *
 * One shape for what is kept in several ways. Texts that are not kept anywhere are made in the
 * row's buffers and made anew for the next row. */
#include "policy/explain/rule_row.h"

#include <string.h>

enum { MADE_SOURCE, MADE_RESOURCE, MADE_PORTS, MADE_WHERE, MADE_COUNT };

static void reset(struct rule_row *row, enum rule_origin origin)
{
    struct buffer made[MADE_COUNT];
    memcpy(made, row->made, sizeof(made));
    *row = (struct rule_row){.origin = origin, .rule = {.scope = "*", .always = true}};
    memcpy(row->made, made, sizeof(made));
    for (size_t i = 0; i < MADE_COUNT; i++)
        buffer_clear(&row->made[i]);
}

void rule_row_clear(struct rule_row *row)
{
    for (size_t i = 0; i < MADE_COUNT; i++)
        buffer_free(&row->made[i]);
}

/* Ports have a column of their own. */
static void write_host(const struct policy_listed_rule *rule, struct buffer *out)
{
    struct host_pattern pattern;
    struct error error;
    if (!host_pattern_parse(rule->written, rule->allows, &pattern, &error)) {
        buffer_append_slice(out, rule->written);
        return;
    }
    pattern.has_ports = false;
    host_pattern_write(&pattern, out);
}

static void take_rule(const struct policy *policy, uint32_t number, struct rule_row *row)
{
    struct policy_listed_rule *rule = &row->rule;
    reset(row, RULE_ORIGIN_DOCKER);
    policy_rule_at(policy, number, rule);
    row->origin = rule->docker != NULL ? RULE_ORIGIN_DOCKER : RULE_ORIGIN_NETWORK;
    policy_listed_write_source(rule, &row->made[MADE_SOURCE]);
    row->source = buffer_slice(&row->made[MADE_SOURCE]);
    row->resource = rule->written;
    row->where = slice_from_text(rule->where);
    if (rule->docker != NULL)
        return;
    write_host(rule, &row->made[MADE_RESOURCE]);
    row->resource = buffer_slice(&row->made[MADE_RESOURCE]);
    port_set_write(rule->ports, &row->made[MADE_PORTS]);
    row->ports = buffer_slice(&row->made[MADE_PORTS]);
}

static void take_default(const struct policy *policy, enum rule_origin origin, struct rule_row *row)
{
    const bool docker = origin == RULE_ORIGIN_DEFAULT_DOCKER;
    const char *written =
        docker ? policy_default_source(policy) : policy_default_network_source(policy);
    row->rule.kind = docker ? "docker" : "network";
    row->rule.allows =
        docker ? policy_default_allows(policy) : policy_default_network_allows(policy);
    row->rule.name = "default";
    row->source = SLICE_LITERAL("default");
    row->resource =
        docker ? SLICE_LITERAL("every other operation") : SLICE_LITERAL("every other host");
    row->ports = docker ? SLICE_LITERAL("") : SLICE_LITERAL("*");
    row->rule.key = docker ? RULE_HITS_DEFAULT_DOCKER : RULE_HITS_DEFAULT_NETWORK;
    if (written == NULL)
        return;
    buffer_printf(&row->made[MADE_WHERE], "as written in %s", written);
    row->where = buffer_slice(&row->made[MADE_WHERE]);
}

static bool listens_for(const struct policy_client *client, bool docker)
{
    for (size_t i = 0; i < client->listen_count; i++) {
        if (client->listens[i].kind == POLICY_LISTEN_TCP &&
            (client->listens[i].role == POLICY_ROLE_DOCKER) == docker)
            return true;
    }
    return false;
}

static void take_report(struct rule_row *row)
{
    row->rule.allows = true;
    row->rule.name = "report-mode";
    row->resource = SLICE_LITERAL("what a rule or default refuses, logged as would_deny");
    row->where = SLICE_LITERAL("unless the client has `mode: enforce`");
}

static void take_from(const struct policy_client *client, struct rule_row *row)
{
    struct buffer *where = &row->made[MADE_WHERE];
    row->rule.name = "from";
    row->resource = SLICE_LITERAL("connections from other addresses, over TCP");
    for (size_t i = 0; i < client->from_count; i++) {
        buffer_append_text(where, i == 0 ? "unless from " : ", ");
        ip_range_write(&client->from[i], where);
    }
    row->where = buffer_slice(where);
}

/* Settings of clients that decide, for each kind of request; false when the client has that one
 * not. */
enum { CLIENT_REPORT, CLIENT_FROM, CLIENT_SETTINGS };

static bool take_client(const struct policy_client *client, size_t setting, bool docker,
                        struct rule_row *row)
{
    if (setting == CLIENT_REPORT ? client->mode != POLICY_REPORT
                                 : client->from_count == 0 || !listens_for(client, docker))
        return false;
    reset(row, RULE_ORIGIN_CLIENT);
    row->rule.scope = client->name;
    row->rule.kind = docker ? "docker" : "network";
    row->source = SLICE_LITERAL("built-in");
    if (setting == CLIENT_REPORT)
        take_report(row);
    else
        take_from(client, row);
    uint64_t hash = slice_hash(SLICE_LITERAL("\0client\0"), SLICE_HASH_SEED);
    hash = slice_hash(slice_of(row->rule.name, strlen(row->rule.name) + 1), hash);
    hash = slice_hash(slice_of(row->rule.kind, strlen(row->rule.kind) + 1), hash);
    row->rule.key = slice_hash(slice_from_text(client->name), hash);
    return true;
}

static void take_builtin(const struct policy *policy, size_t index, struct rule_row *row)
{
    struct policy_builtin *builtin = &row->builtin;
    policy_builtin_at(index, builtin);
    row->rule.kind = builtin->kind;
    row->rule.allows = builtin->allows || (builtin->is_guard && policy_guards_only_report(policy));
    row->rule.name = builtin->name;
    row->source = SLICE_LITERAL("built-in");
    row->resource = slice_from_text(builtin->resource);
    row->ports = slice_from_text(builtin->ports);
    row->rule.key = builtin->key;
    row->class = builtin->class;
    if (builtin->is_guard && row->rule.allows) {
        row->where = SLICE_LITERAL("logged as would_deny, unless DOCKREEVE_GUARD=enforce");
    } else if (builtin->unless[0] != '\0') {
        buffer_printf(&row->made[MADE_WHERE], "unless %s", builtin->unless);
        row->where = buffer_slice(&row->made[MADE_WHERE]);
    }
}

/* Behind the rules: the defaults, settings of clients, what is built in. */
static bool take_rest(struct rule_walk *walk, struct rule_row *row)
{
    enum { DEFAULTS = 2, ROWS_OF_CLIENT = 2 * CLIENT_SETTINGS };
    const size_t clients = policy_client_count(walk->policy);
    for (;;) {
        size_t at = walk->rest;
        if (at < DEFAULTS) {
            enum rule_origin origin =
                at == 0 ? RULE_ORIGIN_DEFAULT_DOCKER : RULE_ORIGIN_DEFAULT_NETWORK;
            walk->rest++;
            reset(row, origin);
            take_default(walk->policy, origin, row);
            return true;
        }
        at -= DEFAULTS;
        if (at >= clients * ROWS_OF_CLIENT)
            break;
        walk->rest++;
        if (take_client(policy_client_at(walk->policy, at / ROWS_OF_CLIENT),
                        at % ROWS_OF_CLIENT / 2, at % 2 == 0, row))
            return true;
    }
    size_t builtin = walk->rest - DEFAULTS - clients * ROWS_OF_CLIENT;
    if (builtin >= policy_builtin_count())
        return false;
    walk->rest++;
    reset(row, RULE_ORIGIN_BUILTIN);
    take_builtin(walk->policy, builtin, row);
    return true;
}

bool rule_walk_next(struct rule_walk *walk, struct rule_row *row)
{
    if (POLICY_NUMBER_RULES + walk->rules < policy_number_end(walk->policy))
        take_rule(walk->policy, POLICY_NUMBER_RULES + walk->rules++, row);
    else if (!take_rest(walk, row))
        return false;
    policy_key_id(row->rule.key, row->rule.id);
    return true;
}

void rule_row_write_resource(const struct rule_row *row, struct buffer *out)
{
    if (rule_row_is_rule(row))
        policy_listed_write_resource(&row->rule, out);
    else
        buffer_append_slice(out, row->resource);
}

bool rule_row_is_rule(const struct rule_row *row)
{
    return row->origin == RULE_ORIGIN_DOCKER || row->origin == RULE_ORIGIN_NETWORK;
}

bool rule_row_is_counted(const struct rule_row *row)
{
    return row->origin != RULE_ORIGIN_CLIENT && row->origin != RULE_ORIGIN_BUILTIN;
}

bool rule_row_has_conditions(const struct rule_row *row)
{
    return row->where.len > 0 && rule_row_is_rule(row);
}

bool rule_row_is_shared(const struct rule_row *row)
{
    return strcmp(row->rule.scope, "*") == 0 && !row->rule.always;
}

bool rule_row_concerns(const struct rule_row *row, const struct policy *policy,
                       const struct policy_client *client)
{
    if (strcmp(row->rule.scope, "*") != 0)
        return strcmp(row->rule.scope, client->name) == 0;
    return row->rule.always || policy_client_inherits(policy, client->index);
}

void rule_row_cover(const struct rule_row *row, struct policy_cover_scope *scope, int64_t now_us,
                    struct policy_cover *out)
{
    *out = (struct policy_cover){.kind = POLICY_COVER_NONE};
    if (rule_row_is_rule(row))
        policy_cover(scope, row->rule.number, now_us, out);
}
